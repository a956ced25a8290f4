# SPDX-License-Identifier: Apache-2.0
"""DuckDB beside a server of bench/tables.py. usage: tables_reader.py
write FOLDER ACCOUNT DAYS EXPERIMENTS ROWS ASKED_DAY ASKED_EXPERIMENT   an export; prints what to ask for
iceberg API DAY EXPERIMENT | direct API DAY EXPERIMENT PATH             the same query through each way"""
import json
import os
import pathlib
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "interop" / "clients"))
from opened_duckdb import opened  # noqa: E402

FIRST = "DATE '2026-01-01'"


def rows_of(account: str, day: int, experiment: str, rows: int) -> str:
    at = f"({FIRST} + {day})::TIMESTAMPTZ + to_microseconds(i * {86_000_000_000 // rows})"
    return f"""SELECT uuid()::VARCHAR AS uuid, {at} AS "timestamp", {at} AS process_timestamp,
        'visitor-' || (hash(i, {day}) % 100000) AS visitor_id, uuid()::VARCHAR AS session_id, '{account}' AS account_id,
        '{experiment}1' AS campaign_id, '{experiment}' AS experiment_id, '{experiment}' || (2 + i % 2) AS variation_id,
        [{{'id': '1', 'name': 'plan', 'type': 'custom', 'value': 'pro'}}] AS attributes, '198.51.100.0' AS user_ip,
        'Mozilla/5.0 (X11; Linux x86_64)' AS user_agent, 'https://shop.example/' AS referer, false AS is_holdback,
        '147' AS revision, 'node-sdk' AS client_engine, '5.3.0' AS client_version FROM range({rows}) AS r(i)"""


def write(folder, account, days, experiments, rows, asked_day, asked_experiment) -> dict:
    duck = opened("icu")
    asked = {}
    for day in range(int(days)):
        [date] = duck.execute(f"SELECT ({FIRST} + {day})::DATE::VARCHAR").fetchone()
        for number in range(int(experiments)):
            experiment = str(20_410_805_626 + number)
            key = (f"v1/account_id={account}/type=decisions/date={date}/experiment={experiment}/"
                   f"part-00000-{day:08}-0000-4000-8000-{number:012}.c000.snappy.parquet")
            file = pathlib.Path(folder) / key
            file.parent.mkdir(parents=True, exist_ok=True)
            duck.execute(f"COPY ({rows_of(account, day, experiment, int(rows))}) TO '{file}' (FORMAT parquet)")
            if (day, number) == (int(asked_day), int(asked_experiment)):
                asked = {"day": date, "experiment": experiment, "key": key}
    return asked


def query(duck, table: str, day: str, experiment: str) -> list:
    return duck.execute(
        f"""SELECT variation_id, count(DISTINCT visitor_id) FROM {table} WHERE experiment_id = '{experiment}'
            AND process_timestamp >= '{day} 00:00:00+00' AND process_timestamp < '{day} 00:00:00+00'::TIMESTAMPTZ
            + INTERVAL 1 DAY GROUP BY 1 ORDER BY 1""").fetchall()


def iceberg(api, day, experiment) -> list:
    duck = opened("httpfs", "avro", "icu", "aws", "iceberg")
    duck.execute(f"ATTACH 'any' AS vk (TYPE iceberg, ENDPOINT '{api}/iceberg', TOKEN '{os.environ['TABLES_TOKEN']}')")
    return query(duck, "vk.export.decisions", day, experiment)


def direct(api, day, experiment, path) -> list:
    duck = opened("httpfs", "icu")
    asked = urllib.request.Request(f"{api}/v2/export/credentials",
                                   headers={"Authorization": f"Bearer {os.environ['TABLES_TOKEN']}"})
    found = json.load(urllib.request.urlopen(asked, timeout=20))
    secret = found["credentials"]
    duck.execute(f"""CREATE SECRET (TYPE s3, KEY_ID '{secret['accessKeyId']}', SECRET '{secret['secretAccessKey']}',
        SESSION_TOKEN '{secret['sessionToken']}', ENDPOINT '{found['endpoint'].split('//')[1]}', USE_SSL false,
        URL_STYLE 'path', REGION '{found['region']}')""")
    return query(duck, f"read_parquet('{path}', hive_partitioning = false)", day, experiment)


print(json.dumps({"write": write, "iceberg": iceberg, "direct": direct}[sys.argv[1]](*sys.argv[2:])))
