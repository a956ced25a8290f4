# SPDX-License-Identifier: Apache-2.0
"""What a stranger pastes. The blocks that script/demo prints at its end: each counts the same visitors of each variation,
and none counts any once the token is revoked as it says there. And the lines of `valetkey tables`, engine by engine."""
import collections
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import fetch
from stage import PROGRAMS, TABLES, Stage

ROOT = fetch.HERE.parents[1]
LONGEST = 600  # it may build first
EXTENSIONS = ("httpfs", "aws", "iceberg", "avro")


def blocks_of(said: str) -> list[str]:
    """Of the doors, and of revoking: what is indented behind each sentence."""
    text = said[said.index("The token opens three doors."):said.index("What was done, and by whom:")]
    return [each for each in re.findall(r"(?:^  .*\n)+", text, re.MULTILINE)]


def visitors_of(said: str) -> dict[str, int]:
    return {found[1]: int(found[2]) for found in re.finditer(r"^\W*(\d+)\W+(\d+)\W*$", said, re.MULTILINE)}


def shell_with(python: str, home: pathlib.Path) -> dict[str, str]:
    """An environment with duckdb and delta-sharing, whose INSTALL finds its extensions installed."""
    programs = pathlib.Path(python).parent
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(home)}
    platform = subprocess.run(["duckdb", "-noheader", "-list", "-c", "PRAGMA platform; SELECT version()"], check=True,
                              env=environment, capture_output=True, text=True, timeout=60).stdout.split()
    folder = home / ".duckdb" / "extensions" / platform[1] / platform[0]
    folder.mkdir(parents=True)
    for name in EXTENSIONS:
        [file] = programs.parent.rglob(f"{name}.duckdb_extension")
        shutil.copy(file, folder)
    return environment


class Demo:
    def __init__(self, folder: pathlib.Path):
        self.log = folder / "said"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([ROOT / "script" / "demo", "--keep", folder / "demo"], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def said(self) -> str:
        until = time.monotonic() + LONGEST
        while "Ctrl-C stops" not in self.log.read_text():
            if self.process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"the demo does not serve: {self.log.read_text()[-400:]}")
            time.sleep(0.2)
        return self.log.read_text()

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            self.process.wait(timeout=60)


def demo() -> str:
    python = fetch.python("demo")
    with tempfile.TemporaryDirectory(prefix="valetkey-interop-") as made:
        folder = pathlib.Path(made)
        (home := folder / "home").mkdir()
        environment = shell_with(python, home)

        def paste(block: str) -> tuple[int, str]:
            done = subprocess.run(["bash"], input=block, env=environment, cwd=home, capture_output=True, text=True,
                                  timeout=120)
            return done.returncode, done.stdout + done.stderr

        shown = Demo(folder)
        try:
            *doors, revoke = blocks_of(shown.said())
            _, direct = paste("duckdb -c \"SELECT variation_id, count(DISTINCT visitor_id) FROM read_parquet('"
                           f"{folder}/demo/download/type=decisions/**/*.parquet') GROUP BY 1\"")
            wanted = visitors_of(direct)
            said = [paste(each) for each in doors]
            if len(doors) != 3 or not wanted or any(visitors_of(each) != wanted for _, each in said):
                raise AssertionError(f"wanted {wanted or direct}, and {len(doors)} doors said {said}")
            paste(revoke)
            time.sleep(1)
            after = [paste(each) for each in doors]
            if any(status == 0 or visitors_of(each) for status, each in after):
                raise AssertionError(f"after the token was revoked: {after}")
        finally:
            shown.close()
    return f"{sum(wanted.values())} visitors of {len(wanted)} variations through each door, none once it was revoked"


# Engines whose lines are run: what reads them from its input, and what must be first in PATH.
CLICKHOUSE = """import sys
from chdb import session
opened = session.Session()
for statement in sys.stdin.read().split(";\\n"):
    if statement.strip():
        print(opened.query(statement))
"""
# As `spark-sql --packages` would, which resolves them from Maven by itself.
SPARK_SQL = """#!/bin/bash
shift 2
PATH="{programs}:$PATH" exec spark-sql --conf "spark.driver.extraClassPath={jars}/*" --conf spark.ui.enabled=false "$@"
"""
ENGINES = ("s3", "duckdb", "pyiceberg", "polars", "spark", "clickhouse", "sharing")


def reader_of(engine: str, home: pathlib.Path) -> tuple[list, str]:
    group = {"s3": "aws", "duckdb": "demo", "pyiceberg": "iceberg", "polars": "iceberg", "spark": "spark35",
             "clickhouse": "clickhouse", "sharing": "sharing"}[engine]
    python = fetch.python(group)
    programs = pathlib.Path(python).parent
    if engine == "clickhouse":
        return [python, "-c", CLICKHOUSE], str(programs)
    if engine == "duckdb":
        return ["duckdb", "-bail"], str(programs)
    if engine == "s3":
        return ["bash"], str(programs)
    if engine == "spark":
        (wrapper := home / "bin" / "spark-sql").parent.mkdir()
        wrapper.write_text(SPARK_SQL.format(programs=programs, jars=fetch.jars("iceberg35")))
        wrapper.chmod(0o755)
        return ["bash"], str(wrapper.parent)
    return [python, "-"], str(programs)


def lines(scene: Stage, engine: str) -> str:
    seen = collections.defaultdict(set)
    for row in scene.rows_of(TABLES):
        if row["_part"].startswith("type=decisions/"):
            seen[row["variation_id"]].add(row["visitor_id"])
    wanted = {variation: len(visitors) for variation, visitors in seen.items()}
    with tempfile.TemporaryDirectory(dir=scene.folder) as made:
        home = pathlib.Path(made)
        command, path = reader_of(engine, home)
        _, environment = scene.way("A", TABLES, home)
        environment = {name: value for name, value in environment.items() if not name.startswith("AWS_CONTAINER")}
        if engine == "duckdb":
            environment |= shell_with(fetch.python("demo"), home)
        environment["PATH"] = f"{path}:{environment['PATH']}"

        def valetkey(*words: str) -> str:
            return subprocess.run([PROGRAMS.resolve() / "valetkey", *words], env=environment, cwd=home, check=True,
                                  capture_output=True, text=True, timeout=60).stdout
        valetkey("configure", "share")
        said = subprocess.run(command, input=valetkey("tables", "--engine", engine, "--show-token"), env=environment,
                              cwd=home, capture_output=True, text=True, timeout=LONGEST)
    found = visitors_of(said.stdout)
    if engine == "s3":
        if "type=decisions/" not in said.stdout:
            raise AssertionError(f"nothing is listed: {said.stdout[-300:]} {said.stderr[-300:]}")
    elif found != wanted:
        raise AssertionError(f"wanted {wanted}, and it said {said.stdout[-400:]} {said.stderr[-600:]}")
    return "as they stand"
