# SPDX-License-Identifier: Apache-2.0
"""A job of two and a half hours with boto3 as anybody writes it: one client, credentials from the environment.
usage: long_job.py ENDPOINT BUCKET PREFIX OFFSET_FILE (moves the clock itself, a minute a step)"""
import os
import pathlib
import sys

import boto3
import botocore.config


def main() -> None:
    endpoint, bucket, prefix, offset = sys.argv[1:]
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1",
                          config=botocore.config.Config(retries={"max_attempts": 1}))
    calls = 0
    start = int(pathlib.Path(offset).read_text())
    for minute in range(151):
        fresh = pathlib.Path(offset + ".new")
        fresh.write_text(f"+{start + minute * 60}\n")
        os.replace(fresh, offset)
        for item in client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=2)["Contents"]:
            client.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
            calls += 1
    print(calls)


main()
