# SPDX-License-Identifier: Apache-2.0
"""pyarrow's own S3 file system: one dataset of each type, opened once. usage: pyarrow_tables.py BUCKET PREFIX"""
import os
import sys

import job
import pyarrow.dataset
import pyarrow.fs
import summary

bucket, prefix = sys.argv[1:]
s3 = pyarrow.fs.S3FileSystem(region="us-east-1", endpoint_override=os.environ["INTEROP_ENDPOINT"])


def table(kind: str):
    return pyarrow.dataset.dataset(f"{bucket}/{prefix}type={kind}/", filesystem=s3, format="parquet").to_table().to_pandas()


job.for_hours(lambda: summary.of_frames(table("decisions"), table("events")))
