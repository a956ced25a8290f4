# SPDX-License-Identifier: Apache-2.0
"""A reader that takes its time: lists a prefix in pages, downloads what it was shown, and goes on with the token.
usage: paging_reader.py ENDPOINT BUCKET PREFIX FOLDER PAGE. Says how many keys each page had, and waits for a line on
standard input before the next one."""
import pathlib
import sys

import boto3
import botocore.config


def main() -> None:
    endpoint, bucket, prefix, folder, page = sys.argv[1:]
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1",
                          config=botocore.config.Config(retries={"max_attempts": 1}))
    more = {}
    while True:
        answer = client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=int(page), **more)
        for item in answer.get("Contents", []):
            path = pathlib.Path(folder, item["Key"].removeprefix(prefix))
            if path.exists():
                raise SystemExit(f"{item['Key']} was listed twice")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(client.get_object(Bucket=bucket, Key=item["Key"])["Body"].read())
        print(len(answer.get("Contents", [])), flush=True)
        if not answer["IsTruncated"]:
            return
        more = {"ContinuationToken": answer["NextContinuationToken"]}
        sys.stdin.readline()


main()
