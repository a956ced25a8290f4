# SPDX-License-Identifier: Apache-2.0
"""Polars: scan_parquet with its provider of AWS credentials. usage: polars_tables.py BUCKET PREFIX"""
import os
import sys

import job
import polars
import summary

bucket, prefix = sys.argv[1:]
provider = polars.CredentialProviderAWS()
options = {"aws_endpoint_url": os.environ["INTEROP_ENDPOINT"], "aws_region": "us-east-1", "aws_allow_http": "true"}


def table(kind: str):
    return polars.scan_parquet(f"s3://{bucket}/{prefix}type={kind}/*/*/*.parquet", hive_partitioning=False,
                               credential_provider=provider, storage_options=options).collect().to_pandas()


job.for_hours(lambda: summary.of_frames(table("decisions"), table("events")))
