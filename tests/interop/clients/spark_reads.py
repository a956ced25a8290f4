# SPDX-License-Identifier: Apache-2.0
"""Spark with Hadoop's S3A, which lists and reads one prefix again and again. Says how often.
usage: spark_reads.py PREFIX SECONDS JARS"""
import os
import sys
import time

from pyspark.sql import SparkSession

where, length, jars = sys.argv[1:]
builder = SparkSession.builder.master("local[1]")
for name, value in {
        "spark.ui.enabled": "false", "spark.driver.extraClassPath": f"{jars}/*", "spark.driver.memory": "512m",
        "spark.hadoop.fs.s3a.endpoint": os.environ["INTEROP_ENDPOINT"],
        "spark.hadoop.fs.s3a.endpoint.region": os.environ["AWS_DEFAULT_REGION"],
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.aws.credentials.provider":
            "software.amazon.awssdk.auth.credentials.ContainerCredentialsProvider"}.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
reads, until = 0, time.monotonic() + float(length)
while time.monotonic() < until:
    frame = spark.read.format("binaryFile").load(where + "a")
    assert frame.collect()[0]["length"] > 0
    reads += 1
    time.sleep(10)
print(reads)
