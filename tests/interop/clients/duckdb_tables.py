# SPDX-License-Identifier: Apache-2.0
"""DuckDB with its extensions httpfs and aws: one secret that it fetches by itself. usage: duckdb_tables.py BUCKET PREFIX"""
import os
import sys

import job
import opened_duckdb
import summary

bucket, prefix = sys.argv[1:]
scheme, host = os.environ["INTEROP_ENDPOINT"].split("://")
duck = opened_duckdb.opened("httpfs", "aws")


def make_secret() -> None:
    duck.execute(f"""CREATE OR REPLACE SECRET (TYPE s3, PROVIDER credential_chain, REFRESH auto, REGION 'us-east-1',
                     ENDPOINT '{host}', URL_STYLE 'path', USE_SSL {scheme == "https"})""")


def parts_of(kind: str) -> list[str]:
    return [row[0] for row in duck.execute(f"FROM glob('s3://{bucket}/{prefix}type={kind}/*/*/*.parquet')").fetchall()]


def tables(parts: dict) -> dict:
    return summary.of_frames(*(duck.execute("FROM read_parquet($1, hive_partitioning = false)", [each]).df()
                               for each in (parts["decisions"], parts["events"])))


def read() -> dict:
    """Opening a file fetches fresh credentials when they expired, listing does not: it takes a new secret."""
    global known
    if known:
        opened = tables(known)
        job.move_clock(70 * 60)
    make_secret()
    listed = {kind: parts_of(kind) for kind in ("decisions", "events")}
    found = tables(listed)
    if known and opened != found:
        raise SystemExit(f"opened {opened} and listed {found}")
    known = listed
    return found


known = {}
job.for_hours(read)
