# SPDX-License-Identifier: Apache-2.0
"""DuckDB's iceberg over the catalog, attached once. usage: duckdb_iceberg_tables.py BUCKET PREFIX"""
import doors
import job
import opened_duckdb
import summary

duck = opened_duckdb.opened("httpfs", "avro", "icu", "aws", "iceberg")
duck.execute(f"ATTACH 'any' AS vk (TYPE iceberg, ENDPOINT '{doors.api()}/iceberg', TOKEN '{doors.token()}')")


def read() -> dict:
    whole = summary.of_frames(*(duck.execute(f"FROM vk.export.{name}").df() for name in ("decisions", "events")))
    for name, count in whole["names"].items():
        [found] = duck.execute("SELECT count(*) FROM vk.export.events WHERE event_name = $1", [name]).fetchone()
        assert found == count, f"{name}: {found} of {count} rows"
    return whole


job.for_hours(read)
