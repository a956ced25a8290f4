# SPDX-License-Identifier: Apache-2.0
"""pandas through s3fs, which must be named: by itself pandas takes pyarrow's file system, which knows no profile's
endpoint_url. usage: pandas_tables.py BUCKET PREFIX"""
import sys

import job
import pandas
import s3fs
import summary

bucket, prefix = sys.argv[1:]
s3 = s3fs.S3FileSystem()


def table(kind: str):
    return pandas.read_parquet(f"{bucket}/{prefix}type={kind}/", filesystem=s3, partitioning=None)


job.for_hours(lambda: summary.of_frames(table("decisions"), table("events")))
