# SPDX-License-Identifier: Apache-2.0
"""The console as a browser meets it first: what comes over the wire, and how soon it can be used."""
import json
import pathlib
import shutil
import subprocess

from server import Server

ROOT = pathlib.Path(__file__).resolve().parents[1]


def load(url: str) -> dict:
    done = subprocess.run(["node", str(ROOT / "bench" / "console_load.mjs"), url], cwd=ROOT, capture_output=True, text=True,
                          timeout=120, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(f"console_load.mjs: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def run(bench) -> None:
    server = Server().start()
    try:
        found = [load(f"{server.api}/") for _ in range(bench.rounds + 1)][1:]  # the first warms the disk up
    finally:
        server.kill()
        shutil.rmtree(server.folder, ignore_errors=True)
    bench.add("console.first_load_kib", "KiB", [one["kib"] for one in found])
    bench.add("console.interactive_ms", "ms", [one["interactive_ms"] for one in found])
