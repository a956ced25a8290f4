# SPDX-License-Identifier: Apache-2.0
"""What every reader of tables must find; see summary_of() in ../stage.py. From two of Spark's frames."""
import pyspark.sql.functions as f


def _counts(frame, column: str) -> dict:
    return {row[column]: row["count"] for row in frame.groupBy(column).count().orderBy(column).collect()}


def of_frames(decisions, conversions) -> dict:
    sums = conversions.agg(
        f.sum("revenue"), f.round(f.sum("value"), 2), f.count_if(f.col("tags")["category"] == "shoes"),
        f.count_if(f.exists("attributes", lambda each: each["name"] == "plan")),
        f.min(f.unix_millis("timestamp"))).collect()[0]
    return {"decisions": decisions.count(), "conversions": conversions.count(),
            "visitors": decisions.select("visitor_id").distinct().count(),
            "variations": _counts(decisions, "variation_id"), "names": _counts(conversions, "event_name"),
            **dict(zip(("revenue", "value", "shoes", "plans", "first"), sums))}
