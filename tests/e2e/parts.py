# SPDX-License-Identifier: Apache-2.0
"""An account's export as its data engineer gets it: synced with the AWS CLI, read by two unrelated readers."""
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from clients import Clients, prefix_of
from server import Server

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
READERS = ("duckdb", "hyparquet")


def need_node() -> None:
    if not (ROOT / "node_modules").is_dir() or not shutil.which("node"):
        raise unittest.SkipTest("Node.js or its packages are missing: run script/bootstrap")


def run_node(script: str, *arguments, timeout: float = 120, **options) -> str:
    """What a script of this folder prints."""
    done = subprocess.run(["node", str(HERE / script), *map(str, arguments)], cwd=ROOT, capture_output=True,
                          text=True, timeout=timeout, stdin=subprocess.DEVNULL, **options)
    assert done.returncode == 0, f"{script}: {done.stderr[-3000:]}"
    return done.stdout


def download(server: Server, account: str, token: str, more: dict | None = None) -> pathlib.Path:
    """The folder that mirrors the account's prefix; `more`: environment of the AWS CLI."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=server.folder))
    clients = Clients(server, server.exchange(token), folder / "client")
    assert prefix_of(clients.path) == f"v1/account_id={account}/"
    done = clients.aws("s3", "sync", "--only-show-errors", clients.path, folder / "got", more=more)
    assert done.returncode == 0, done.stderr
    (folder / "got").mkdir(exist_ok=True)
    return folder / "got"


def read_rows(folder: pathlib.Path, reader: str = "duckdb") -> list[dict]:
    """Every row below a folder, with the path of its part as `_part`."""
    # Not splitlines(): JSON may hold U+2028 and the like as they are.
    return [json.loads(line) for line in run_node("read_parts.mjs", reader, folder).split("\n") if line]


def schemas_of(folder: pathlib.Path) -> dict[str, list]:
    """The different schemas of the parts of each type, as a foreign reader parses them."""
    found = {"decisions": [], "events": []}
    for line in run_node("footers.mjs", folder).splitlines():
        footer = json.loads(line)
        seen = found[footer["part"].split("/")[0].removeprefix("type=")]
        if footer["schema"] not in seen:
            seen.append(footer["schema"])
    return found


def as_milliseconds(schema: list[dict]) -> list[dict]:
    """The schema of part format 2 as it would be in format 1."""
    plain = [{name: value for name, value in each.items() if name != "field_id"} for each in schema]
    return [{**each, "converted_type": "TIMESTAMP_MILLIS"} if each.get("converted_type") == "TIMESTAMP_MICROS" else each
            for each in plain]


def query(sql: str) -> list[dict]:
    """What DuckDB answers."""
    return json.loads(run_node("query.mjs", sql))


def block_of_guide(begins: str) -> str:
    """The indented block of docs/guide.md that begins so: what a document says, a test can run."""
    lines = (ROOT / "docs" / "guide.md").read_text().splitlines()
    first = [number for number, line in enumerate(lines) if line.startswith("    " + begins)]
    assert len(first) == 1, f"docs/guide.md has {len(first)} blocks that begin with {begins!r}"
    block = []
    for line in lines[first[0]:]:
        if line and not line.startswith("    "):
            break
        block.append(line[4:])
    return "\n".join(block).strip()
