# SPDX-License-Identifier: Apache-2.0
"""The tables: what their metadata costs at a million parts, in the module itself; and how much DuckDB reads through the
Iceberg door for one day and one experiment of 200 days, against a direct read of just those parts."""
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys

from server import BUCKET, PROGRAMS, eventually

ACCOUNT = "1"
DAYS, EXPERIMENTS, ROWS, QUICK_ROWS = 200, 2, 20_000, 5_000
ASKED_DAY, ASKED_EXPERIMENT = 100, 1
READER = pathlib.Path(__file__).resolve().parent / "tables_reader.py"
INTEROP = pathlib.Path(__file__).resolve().parent.parent / "tests" / "interop"


def at_a_million(bench) -> None:
    printed = subprocess.run([str(PROGRAMS / "snapshots_bench"), "--benchmark_format=json"], check=True,
                             capture_output=True, text=True, timeout=1800).stdout
    found = {each["name"].split("/")[0]: each for each in json.loads(printed)["benchmarks"]}
    plan = found["plan_all"]
    bench.add("tables.load_ms", "ms", [found["load_table"]["real_time"]])
    bench.add("tables.list_parts_ms", "ms", [found["page_of_parts"]["cpu_time"]])
    bench.add("tables.plan_1m_s", "s", [plan["cpu_time"]])
    bench.add("tables.plan_1m_mib", "MiB", [plan["added_MiB"]])
    bench.note(f"tables.plan_1m_s: {plan['sent_MiB']:.0f} MiB of metadata, {plan['real_time']:.1f} s by the clock")


def python() -> str | None:
    """An interpreter that has DuckDB with its iceberg: this one, or that of script/interop."""
    if importlib.util.find_spec("duckdb_extension_iceberg"):
        return sys.executable
    sys.path.insert(0, str(INTEROP))
    import fetch
    found = fetch.cache() / "python" / "duckdb_iceberg" / "bin" / "python"
    return str(found) if found.exists() else None


def one_day(bench) -> None:
    program = python()
    if program is None:
        bench.note("tables.one_day_bytes: left out, no Python here has DuckDB's iceberg; script/interop duckdb-iceberg "
                   "fetches it")
        return
    rows_of_part = QUICK_ROWS if bench.quick else ROWS
    server = bench.serve({})
    tree = server.folder / "tree"

    def reader(*words) -> dict:
        environment = {"PATH": os.environ["PATH"], "HOME": str(server.folder), "TABLES_TOKEN": server.token}
        return json.loads(subprocess.run([program, "-B", str(READER), *map(str, words)], check=True, text=True,
                                         capture_output=True, timeout=900, env=environment).stdout)

    def bytes_of(*words) -> float:
        def sent() -> float:
            return sum(value for name, value in server.metrics().items()
                       if name.startswith("valetkey_http_sent_bytes_total") and 's3"' in name)
        before = sent()
        rows[words[0]] = reader(*words)
        return sent() - before

    rows: dict = {}
    try:
        made = reader("write", tree, ACCOUNT, DAYS, EXPERIMENTS, rows_of_part, ASKED_DAY, ASKED_EXPERIMENT)
        server.run("import", str(tree), timeout=900)
        shutil.rmtree(tree)
        table = f"/iceberg/v1/{ACCOUNT}/namespaces/export/tables/decisions"
        if not eventually(lambda: server.get(table, server.token).status_code == 200, seconds=300):
            raise RuntimeError(f"the table does not open: {server.get(table, server.token).text}")
        asked = (made["day"], made["experiment"])
        ours, theirs = bench.rotate(lambda: bytes_of("iceberg", server.api, *asked),
                                    lambda: bytes_of("direct", server.api, *asked, f"s3://{BUCKET}/{made['key']}"))
    finally:
        server.close()
    if rows["iceberg"] != rows["direct"]:
        raise RuntimeError(f"one query, two answers: {rows}")
    bench.note(f"tables.one_day_bytes: parts of {rows_of_part:,} rows")
    bench.add("tables.one_day_bytes", "B", ours, theirs)


def run(bench) -> None:
    at_a_million(bench)
    one_day(bench)


PARTS = {"tables": run}
FIGURES = {name: "tables" for name in ("tables.load_ms", "tables.list_parts_ms", "tables.plan_1m_s",
                                       "tables.plan_1m_mib", "tables.one_day_bytes")}
