# SPDX-License-Identifier: Apache-2.0
"""What every reader of tables must find; see summary_of() in ../stage.py. From two pandas frames of whole tables."""


def _entries(value):
    """A list or a map, as pyarrow, Polars or DuckDB gives it to Python."""
    return [] if value is None else list(value.items() if isinstance(value, dict) else value)


def _pair(entry):
    return (entry["key"], entry["value"]) if isinstance(entry, dict) else tuple(entry)


def of_frames(decisions, conversions) -> dict:
    def counts(column):
        return {name: int(count) for name, count in sorted(column.value_counts().items())}
    tags = [dict(_pair(each) for each in _entries(row)) for row in conversions["tags"]]
    return {"decisions": len(decisions), "conversions": len(conversions),
            "visitors": int(decisions["visitor_id"].nunique()), "variations": counts(decisions["variation_id"]),
            "names": counts(conversions["event_name"]), "revenue": int(conversions["revenue"].sum()),
            "value": round(float(conversions["value"].sum()), 2),
            "shoes": sum(each.get("category") == "shoes" for each in tags),
            "plans": sum(any(each["name"] == "plan" for each in _entries(row)) for row in conversions["attributes"]),
            "first": int(conversions["timestamp"].min().timestamp() * 1000 + 0.5)}
