# SPDX-License-Identifier: Apache-2.0
"""ClickHouse (chdb) over the catalog, attached once. usage: clickhouse_tables.py BUCKET PREFIX"""
import json
import os
import sys

import doors
import job
from chdb import session

clickhouse = session.Session()
clickhouse.query("SET allow_experimental_database_iceberg = 1")
clickhouse.query(
    f"CREATE DATABASE vk ENGINE = DataLakeCatalog('{doors.api()}/iceberg') SETTINGS catalog_type = 'rest',"
    f" warehouse = 'any', vended_credentials = true, auth_header = 'Authorization: Bearer {doors.token()}',"
    f" storage_endpoint = '{os.environ['INTEROP_ENDPOINT']}/{sys.argv[1]}'")


def rows(query: str) -> list:
    query = query.replace("decisions", "vk.`export.decisions`").replace("events", "vk.`export.events`")
    settings = "SETTINGS output_format_json_quote_64bit_integers = 0"
    return json.loads(str(clickhouse.query(f"{query} {settings}", "JSONCompact")))["data"]


def read() -> dict:
    [[decisions, visitors]] = rows("SELECT count(), uniqExact(visitor_id) FROM decisions")
    [[conversions, revenue, value, shoes, plans, first]] = rows(
        "SELECT count(), sum(revenue), round(sum(value), 2), countIf(tags['category'] = 'shoes'),"
        " countIf(arrayExists(each -> each.name = 'plan', attributes)), toUnixTimestamp64Milli(min(timestamp)) FROM events")
    variations, names = (dict(rows(f"SELECT {column}, count() FROM {table} GROUP BY 1 ORDER BY 1"))
                         for column, table in (("variation_id", "decisions"), ("event_name", "events")))
    for name, count in names.items():
        quoted = name.replace("\\", "\\\\").replace("'", "\\'")
        [[found]] = rows(f"SELECT count() FROM events WHERE event_name = '{quoted}'")
        assert found == count, f"{name}: {found} of {count} rows"
    return {"decisions": decisions, "conversions": conversions, "visitors": visitors, "variations": variations,
            "names": names, "revenue": revenue, "value": value, "shoes": shoes, "plans": plans, "first": first}


job.for_hours(read)
