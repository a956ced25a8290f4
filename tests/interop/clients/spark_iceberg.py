# SPDX-License-Identifier: Apache-2.0
"""A session of Spark with Iceberg's runtime, and the catalog `vk`, entered by OAuth2."""
import doors
from pyspark.sql import SparkSession


def session(jars: str):
    catalog = {"": "org.apache.iceberg.spark.SparkCatalog", ".type": "rest", ".uri": f"{doors.api()}/iceberg",
               ".credential": f"any:{doors.token()}", ".oauth2-server-uri": f"{doors.api()}/iceberg/v1/oauth/tokens",
               ".header.X-Iceberg-Access-Delegation": "vended-credentials", ".io-impl": "org.apache.iceberg.aws.s3.S3FileIO"}
    settings = {"spark.ui.enabled": "false", "spark.driver.extraClassPath": f"{jars}/*", "spark.driver.memory": "1g",
                "spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1",
                "spark.sql.shuffle.partitions": "2", "spark.sql.session.timeZone": "UTC",
                **{f"spark.sql.catalog.vk{name}": value for name, value in catalog.items()}}
    builder = SparkSession.builder.master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark
