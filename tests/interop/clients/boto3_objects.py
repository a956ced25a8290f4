# SPDX-License-Identifier: Apache-2.0
"""boto3 without any argument of ours: endpoint and credentials come from the environment or the profile.
usage: boto3_objects.py BUCKET PREFIX"""
import hashlib
import sys

import boto3
import job

bucket, prefix = sys.argv[1:]
s3 = boto3.client("s3")


def read() -> dict:
    found = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": 4}):
        for item in page.get("Contents", []):
            body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
            head = s3.head_object(Bucket=bucket, Key=item["Key"], ChecksumMode="ENABLED")
            assert head["ContentLength"] == len(body) == item["Size"], item["Key"]
            found[item["Key"].removeprefix(prefix)] = hashlib.sha256(body).hexdigest()
    return found


job.for_hours(read)
