# SPDX-License-Identifier: Apache-2.0
"""Nine queries over both tables, in the words of each engine; prints what they find. usage: nine_queries.py ENGINE WORD
CUT EVENT, WORD: the bucket (clickhouse), the jars (spark), a command as JSON (trino) or the folder (files); CUT: milliseconds
since 1970; EVENT: a name."""
import datetime
import json
import os
import pathlib
import subprocess
import sys

ENGINE, WORD, CUT, EVENT = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
AT = datetime.datetime.fromtimestamp(CUT / 1000, datetime.timezone.utc)
TABLES = ("decisions", "events")

# What differs between engines that take SQL: {ms} of an instant, {cut}, and the four at their ends.
QUERIES = {
    "rows": "SELECT count(*), count(DISTINCT visitor_id) FROM {decisions}",
    "times": "SELECT {ms}(min(timestamp)), {ms}(max(timestamp)), {ms}(max(process_timestamp)) FROM {decisions}",
    "by experiment": "SELECT experiment_id, count(*) FROM {decisions} GROUP BY 1 ORDER BY 1",
    "before": "SELECT count(*) FROM {decisions} WHERE timestamp < {cut}",
    "since": "SELECT count(*) FROM {decisions} WHERE process_timestamp >= {cut}",
    "attributes": "SELECT {attributes} FROM {decisions}",
    "by event": "SELECT event_name, count(*), sum(revenue), round(sum(value), 2), sum(quantity) FROM {events}"
                " GROUP BY 1 ORDER BY 1",
    "tags": "SELECT {tags} FROM {events}",
    "one event": "SELECT count(*) FROM {events} WHERE event_name = {event}",
}
DUCKDB = {"ms": "epoch_ms", "cut": f"TIMESTAMPTZ '{AT.isoformat()}'", "tags": "sum(cardinality(tags))",
          "attributes": "sum(len(attributes)), count(*) FILTER (len(list_filter(attributes, lambda a: a.value = 'chrome')) > 0)"}
SPARK = {"ms": "unix_millis", "cut": f"TIMESTAMP '{AT.isoformat()}'", "tags": "sum(size(tags))",
         "attributes": "sum(size(attributes)), count_if(exists(attributes, a -> a.value = 'chrome'))"}
TRINO = {"ms": "1000 * to_unixtime", "cut": f"TIMESTAMP '{AT:%Y-%m-%d %H:%M:%S.%f} UTC'", "tags": "sum(cardinality(tags))",
         "attributes": "sum(cardinality(attributes)), count_if(any_match(attributes, a -> a.value = 'chrome'))"}
CLICKHOUSE = {"ms": "toUnixTimestamp64Milli", "cut": f"fromUnixTimestamp64Milli({CUT})", "tags": "sum(length(mapKeys(tags)))",
              "attributes": "sum(length(attributes)), countIf(arrayExists(a -> a.value = 'chrome', attributes))"}


def plain(value):
    """As JSON has it; whole numbers that an engine sums up as another kind are whole numbers."""
    if value is None or isinstance(value, (str, int)):
        return value
    number = round(float(value), 2)
    return None if number != number else int(number) if number == int(number) else number


def by_sql(words: dict, rows) -> dict:
    escapes = ENGINE in ("spark", "clickhouse")
    quoted = EVENT.replace("\\", "\\\\").replace("'", "\\'") if escapes else EVENT.replace("'", "''")
    words = {**words, "event": f"'{quoted}'"}
    return {name: [[plain(value) for value in row] for row in rows(query.format(**words))] for name, query in QUERIES.items()}


def entries(value) -> list:
    return [] if value is None else list(value.items() if isinstance(value, dict) else value)


def by_frames(frame, count) -> dict:
    """Of engines that give pandas: frame(table) is all of one, count(table, column, operator, value) filters."""
    decisions, events = map(frame, TABLES)
    def ms(value):
        return int(value.timestamp() * 1000 + 0.5)
    def sums(rows, *names):
        return [plain(rows[name].sum(min_count=1)) for name in names]
    attributes = [entries(row) for row in decisions["attributes"]]
    return {
        "rows": [[len(decisions), decisions["visitor_id"].nunique()]],
        "times": [[ms(decisions["timestamp"].min()), ms(decisions["timestamp"].max()), ms(decisions["process_timestamp"].max())]],
        "by experiment": [[name, len(rows)] for name, rows in decisions.groupby("experiment_id")],
        "before": [[count("decisions", "timestamp", "<", AT)]],
        "since": [[count("decisions", "process_timestamp", ">=", AT)]],
        "attributes": [[sum(map(len, attributes)), sum(any(each["value"] == "chrome" for each in row) for row in attributes)]],
        "by event": [[name, len(rows), *sums(rows, "revenue", "value", "quantity")] for name, rows in events.groupby("event_name")],
        "tags": [[sum(len(entries(row)) for row in events["tags"])]],
        "one event": [[count("events", "event_name", "==", EVENT)]],
    }


def files() -> dict:
    import opened_duckdb
    duck = opened_duckdb.opened("icu")
    return by_sql({**DUCKDB, **{name: f"read_parquet('{WORD}/type={name}/*/*/*.parquet', hive_partitioning = false)"
                                for name in TABLES}}, lambda query: duck.execute(query).fetchall())


def duckdb() -> dict:
    import doors
    import opened_duckdb
    duck = opened_duckdb.opened("httpfs", "avro", "icu", "aws", "iceberg")
    duck.execute(f"ATTACH 'any' AS vk (TYPE iceberg, ENDPOINT '{doors.api()}/iceberg', TOKEN '{doors.token()}')")
    return by_sql({**DUCKDB, **{name: f"vk.export.{name}" for name in TABLES}}, lambda query: duck.execute(query).fetchall())


def catalog():
    import doors
    from pyiceberg.catalog import load_catalog
    return load_catalog("vk", type="rest", uri=f"{doors.api()}/iceberg", token=doors.token())


def pyiceberg() -> dict:
    found = catalog()

    def count(table: str, column: str, operator: str, value) -> int:
        from pyiceberg.expressions import EqualTo, GreaterThanOrEqual, LessThan
        kind = {"<": LessThan, ">=": GreaterThanOrEqual, "==": EqualTo}[operator]
        text = value if isinstance(value, str) else value.isoformat()
        return len(found.load_table(("export", table)).scan(row_filter=kind(column, text)).to_arrow())
    return by_frames(lambda table: found.load_table(("export", table)).scan().to_pandas(), count)


def polars() -> dict:
    import operator as operators

    import polars as pl
    found = catalog()

    def frame(name: str):
        table = found.load_table(("export", name))
        return pl.scan_iceberg(table, storage_options={key: value for key, value in table.io.properties.items()
                                                       if key.startswith("s3.")})

    def count(table: str, column: str, operator: str, value) -> int:
        compare = {"<": operators.lt, ">=": operators.ge, "==": operators.eq}[operator]
        return frame(table).filter(compare(pl.col(column), value)).select(pl.len()).collect().item()
    return by_frames(lambda table: frame(table).collect().to_pandas(), count)


def sharing() -> dict:
    import delta_sharing
    import doors
    with open("profile.share", "w") as profile:
        json.dump({"shareCredentialsVersion": 1, "endpoint": f"{doors.api()}/delta-sharing/", "bearerToken": doors.token()},
                  profile)
    [share] = delta_sharing.SharingClient("profile.share").list_shares()
    whole = {table: delta_sharing.load_as_pandas(f"profile.share#{share.name}.export.{table}") for table in TABLES}

    def count(table: str, column: str, operator: str, value) -> int:
        column = whole[table][column]
        return int({"<": column.lt, ">=": column.ge, "==": column.eq}[operator](value).sum())
    return by_frames(whole.get, count)


def clickhouse() -> dict:
    import doors
    from chdb import session
    opened = session.Session()
    opened.query("SET allow_experimental_database_iceberg = 1")
    opened.query(f"CREATE DATABASE vk ENGINE = DataLakeCatalog('{doors.api()}/iceberg') SETTINGS catalog_type = 'rest',"
                 f" warehouse = 'any', vended_credentials = true, auth_header = 'Authorization: Bearer {doors.token()}',"
                 f" storage_endpoint = '{os.environ['INTEROP_ENDPOINT']}/{WORD}'")
    settings = " SETTINGS output_format_json_quote_64bit_integers = 0"
    return by_sql({**CLICKHOUSE, **{name: f"vk.`export.{name}`" for name in TABLES}},
                  lambda query: json.loads(str(opened.query(query + settings, "JSONCompact")))["data"])


def spark() -> dict:
    import spark_iceberg
    opened = spark_iceberg.session(WORD)
    found = {}
    for vectorized in ("true", "false"):
        opened.conf.set("spark.sql.iceberg.vectorization.enabled", vectorized)
        found[vectorized] = by_sql({**SPARK, **{name: f"vk.export.{name}" for name in TABLES}},
                                   lambda query: opened.sql(query).collect())
    assert found["true"] == found["false"], found
    return found["true"]


def trino() -> dict:
    """All queries, and all again once the first credentials have expired."""
    import doors
    found = []

    def ask(query: str) -> list:
        found.append(query)
        return []
    words = {**TRINO, **{name: name for name in TABLES}}
    by_sql(words, ask)
    subprocess.run([*json.loads(WORD), doors.api(), os.environ["INTEROP_ENDPOINT"], os.environ["INTEROP_SECONDS"], "rows"],
                   input="\n".join(found), text=True, check=True, env={**os.environ, "TOKEN": doors.token()})
    rows = list(map(json.loads, pathlib.Path("rows").read_text().splitlines()))
    assert rows[:len(found)] == rows[len(found):], rows
    return by_sql(words, lambda query: rows[found.index(query)])


print(json.dumps(globals()[ENGINE]()))
