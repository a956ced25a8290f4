# SPDX-License-Identifier: Apache-2.0
"""Spark with Hadoop's S3A: one session. usage: spark_tables.py BUCKET PREFIX PROVIDER JARS"""
import os
import sys

import job
import spark_summary
from pyspark.sql import SparkSession

bucket, prefix, provider, jars = sys.argv[1:]
settings = {"spark.ui.enabled": "false", "spark.driver.extraClassPath": f"{jars}/*", "spark.driver.memory": "1g",
            "spark.sql.shuffle.partitions": "2", "spark.sql.session.timeZone": "UTC",
            "spark.hadoop.fs.s3a.endpoint": os.environ["INTEROP_ENDPOINT"],
            "spark.hadoop.fs.s3a.endpoint.region": "us-east-1",
            "spark.hadoop.fs.s3a.path.style.access": "true",
            "spark.hadoop.fs.s3a.aws.credentials.provider": provider}
if "AWS_ACCESS_KEY_ID" in os.environ:
    settings |= {"spark.hadoop.fs.s3a.access.key": os.environ["AWS_ACCESS_KEY_ID"],
                 "spark.hadoop.fs.s3a.secret.key": os.environ["AWS_SECRET_ACCESS_KEY"],
                 "spark.hadoop.fs.s3a.session.token": os.environ["AWS_SESSION_TOKEN"]}
builder = SparkSession.builder.master("local[2]")
for name, value in settings.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")


def table(kind: str):
    at = f"s3a://{bucket}/{prefix}type={kind}/"
    return spark.read.option("basePath", at).parquet(at)


job.for_hours(lambda: spark_summary.of_frames(table("decisions"), table("events")))
