# SPDX-License-Identifier: Apache-2.0
"""The console as a browser meets it first: what comes over the wire, and how soon it can be used; and what its page of
the export costs where there is much of it."""
import datetime
import json
import os
import pathlib
import shutil
import sqlite3
import statistics
import subprocess
import time

import requests

from server import Server

ACCOUNT = "1"
ROOT = pathlib.Path(__file__).resolve().parents[1]


def load(url: str) -> dict:
    done = subprocess.run(["node", str(ROOT / "bench" / "console_load.mjs"), url], cwd=ROOT, capture_output=True, text=True,
                          timeout=120, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise RuntimeError(f"console_load.mjs: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def fill_index(path: pathlib.Path, days: int, parts_a_day: int) -> None:
    """Rows of two years of an account's parts, as a release wrote them that kept no sums: the next start adds them up."""
    database = sqlite3.connect(path)
    for trigger, in database.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        database.execute(f"DROP TRIGGER {trigger}")
    database.execute("DROP TABLE day_sums")
    first = datetime.date(2024, 1, 1)

    def rows():
        for day in range(days):
            date = first + datetime.timedelta(days=day)
            for number in range(parts_a_day):
                folder, kind = (("decisions", "experiment"), ("events", "event"))[number % 2]
                yield (f"v1/account_id={ACCOUNT}/type={folder}/date={date}/{kind}={number // 20:04}/"
                       f"part-{number:05}-00000000-0000-4000-8000-000000000000.c000.snappy.parquet",
                       1_000_000, os.urandom(16), os.urandom(16), bytes(60))

    # A table WITHOUT ROWID fills quickly in the order of its keys only.
    database.execute("CREATE TEMP TABLE made (key TEXT, size INTEGER, md5 BLOB, id BLOB, data_key BLOB)")
    database.executemany("INSERT INTO made VALUES (?, ?, ?, ?, ?)", rows())
    database.execute("INSERT INTO objects (key, added, modified, size, rows, crc32, md5, id, object_key, data_key)"
                     " SELECT key, 1, 1700000000000, size, 1000, 0, md5, id, 1, data_key FROM made ORDER BY key")
    database.execute("UPDATE state SET objects = (SELECT count(*) FROM objects), bytes = (SELECT sum(size) FROM objects)")
    database.commit()
    database.close()


def sign_in(server: Server, email: str) -> requests.Session:
    code = server.ask("user", "invite", email)["url"].partition("#")[2]
    browser = requests.Session()
    browser.headers = {"X-Valetkey-Console": "1", "Sec-Fetch-Site": "same-origin"}
    accepted = browser.post(f"{server.api}/v2/console/invitation/accept",
                            json={"code": code, "password": "eleven plain words"}, timeout=30)
    accepted.raise_for_status()
    return browser


def export_page(bench) -> None:
    days, parts_a_day = (730, 411) if bench.quick else (730, 4110)
    server = Server()
    try:
        server.make_account(ACCOUNT, "ada@example.com")
        server.start()
        server.stop()
        fill_index(server.data / "objects.db", days, parts_a_day)
        server.start(wait=False)
        server.wait_ready(600)
        browser, took = sign_in(server, "ada@example.com"), {}
        for path in ("/export", "/export/events/2025-06-01"):
            took[path] = []
            for _ in range(21):
                started = time.monotonic()
                browser.get(f"{server.api}/v2/console{path}", timeout=30).raise_for_status()
                took[path].append((time.monotonic() - started) * 1000)
    finally:
        server.kill()
        shutil.rmtree(server.folder, ignore_errors=True)
    bench.note(f"console.export_page_3m_parts_ms: {days * parts_a_day:,} parts in {days} days")
    for name, path in (("page", "/export"), ("day", "/export/events/2025-06-01")):
        bench.add(f"console.export_{name}_3m_parts_ms", "ms", took[path][1:])


def idle(bench) -> None:
    """Resident memory at rest with the console and without it, in pairs; and after somebody has used it."""
    found = {True: [], False: []}
    used = []
    for each in range(2 * max(3, bench.rounds // 2)):
        enabled = each % 2 == 0
        server = Server(config=f"[console]\nenabled = {str(enabled).lower()}\n")
        try:
            token = server.make_account(ACCOUNT, "ada@example.com")
            server.start()
            server.exchange(token)
            time.sleep(1)
            found[enabled].append(bench.resident_mib(server))
            if enabled:
                browser = sign_in(server, "ada@example.com")
                for path in ("/", "/v2/console/config", "/v2/console/tokens", "/v2/console/export", "/v2/console/people"):
                    browser.get(f"{server.api}{path}", headers={"Accept": "text/html, application/json"}, timeout=30)
                time.sleep(1)
                used.append(bench.resident_mib(server))
        finally:
            server.kill()
            shutil.rmtree(server.folder, ignore_errors=True)
    bench.note(f"console.idle_rss_added_mib: {statistics.median(found[True]):.2f} MiB with it, {statistics.median(found[False]):.2f} "
               f"without, {statistics.median(used):.2f} after somebody signed in and looked at four pages")
    bench.add("console.idle_rss_added_mib", "MiB", [on - off for on, off in zip(found[True], found[False])])


def run(bench) -> None:
    first_load(bench)
    idle(bench)
    export_page(bench)


def first_load(bench) -> None:
    server = Server().start()
    try:
        found = [load(f"{server.api}/") for _ in range(bench.rounds + 1)][1:]  # the first warms the disk up
    finally:
        server.kill()
        shutil.rmtree(server.folder, ignore_errors=True)
    bench.add("console.first_load_kib", "KiB", [one["kib"] for one in found])
    bench.add("console.interactive_ms", "ms", [one["interactive_ms"] for one in found])
