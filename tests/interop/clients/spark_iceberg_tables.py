# SPDX-License-Identifier: Apache-2.0
"""Spark with Iceberg's runtime over the catalog, by OAuth2. One session, whose job opens files for longer than any
credentials live. usage: spark_iceberg_tables.py BUCKET PREFIX JARS [VECTORIZED], true or false: how it reads Parquet"""
import functools
import json
import os
import sys
import time

import spark_iceberg
import spark_summary

[_, _, _, jars, *vectorized] = sys.argv
COPIES = 6  # of a table, so that more tasks open its files
spark = spark_iceberg.session(jars)
if vectorized:
    spark.conf.set("spark.sql.iceberg.vectorization.enabled", vectorized[0])


def slow_count(frame, seconds: float) -> int:
    """Its tasks begin one after another for so long, and each opens a file."""
    parts = frame.rdd.getNumPartitions()

    def count(rows):
        time.sleep(2 * seconds / parts)  # two at a time
        yield sum(1 for _ in rows)
    return frame.rdd.mapPartitions(count).sum()


decisions, events = (spark.table(f"vk.export.{name}") for name in ("decisions", "events"))
found = spark_summary.of_frames(decisions, events)
[[files]] = spark.sql("SELECT count(*) FROM vk.export.decisions.files").collect()
assert files > 0 and spark.sql("SELECT * FROM vk.export.decisions.snapshots").count() == 1
try:
    spark.sql("DELETE FROM vk.export.decisions WHERE visitor_id = 'x'")
    spark.sql("INSERT INTO vk.export.decisions SELECT * FROM vk.export.decisions LIMIT 1")
except Exception as refused:  # Py4JJavaError, and what Spark makes of it
    assert "read only" in str(refused) or "403" in str(refused), refused
else:
    raise SystemExit("it could write")
one_file_a_task = spark.read.option("split-size", "1").option("file-open-cost", "1048576").table("vk.export.events")
many = functools.reduce(type(one_file_a_task).union, [one_file_a_task] * COPIES)
counted = slow_count(many, float(os.environ["INTEROP_SECONDS"]))
assert counted == COPIES * found["conversions"], counted
print(json.dumps(found))
