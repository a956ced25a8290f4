# SPDX-License-Identifier: Apache-2.0
"""Parts with milliseconds and with microseconds: both read the same, and `export rewrite` brings one to the other while
events come in, under new keys."""
import contextlib
import json
import pathlib
import sqlite3
import subprocess
import time
import unittest

import requests

import parts
import trees
from clients import Clients
from load import Load, body, conversion
from server import BUCKET, PROGRAMS, Server, clean_environment, main

ACCOUNT = "12"
MILLISECONDS = '[export]\ntimestamps = "ms"\n'
INSTANTS = ("timestamp", "process_timestamp")


def units(folder: pathlib.Path) -> set[str]:
    """The converted types of instants in the parts below a folder, and whether the parts have field ids."""
    found = set()
    for line in parts.run_node("footers.mjs", folder).splitlines():
        schema = json.loads(line)["schema"]
        kinds = {each["converted_type"] for each in schema if each["name"] in INSTANTS}
        ids = {"field_id" in each for each in schema if each["name"] in (*INSTANTS, "visitor_id", "key", "element")}
        found.add((*sorted(kinds), *sorted(ids)))
    return found


class PartFormat(unittest.TestCase):
    def make_server(self, config: str = "") -> Server:
        parts.need_node()
        server = Server(config=config)
        self.addCleanup(server.close)
        self.token = server.make_account(ACCOUNT)
        return server

    def send(self, server: Server, name: str, account: str = ACCOUNT) -> None:
        decision = {"campaign_id": "1", "experiment_id": "2", "variation_id": "3", "is_campaign_holdback": False}
        activation = {**conversion(f"d-{name}", "campaign_activated"), "type": "campaign_activated"}
        for payload in (body(account, "ann", [conversion(name, "buy", tags={"size": "XL"}, revenue=5)]),
                        body(account, "ann", [activation], [decision])):
            self.assertEqual(204, requests.post(f"{server.api}/v1/events", json=payload, timeout=20).status_code)

    def rows(self, server: Server, reader: str = "duckdb") -> list[dict]:
        rows = parts.read_rows(parts.download(server, ACCOUNT, self.token), reader)
        return sorted(({**row, "_part": ""} for row in rows), key=lambda row: row["uuid"])

    def query(self, server: Server) -> list[dict]:
        done = subprocess.run(
            [PROGRAMS / "valetkey", "query", "SELECT uuid, epoch_ms(process_timestamp) AS at, date FROM events ORDER BY 1",
             "--format", "json"], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
            env={**clean_environment(), "HOME": str(server.folder), "VALETKEY_API": server.api,
                 "VALETKEY_TOKEN": self.token})
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)

    def test_milliseconds_are_the_form_of_the_real_export_and_microseconds_differ_in_nothing_else(self):
        real = parts.schemas_of(trees.real_tree() / "v1" / f"account_id={trees.REAL_ACCOUNT}")
        for config, change in ((MILLISECONDS, lambda schema: schema), ("", parts.as_milliseconds)):
            server = self.make_server(config).start()
            self.send(server, "a")
            server.run("export")
            ours = parts.schemas_of(parts.download(server, ACCOUNT, self.token))
            for kind in ("decisions", "events"):
                self.assertEqual(real[kind], [change(schema) for schema in ours[kind]], (config, kind))
            server.stop()

    def test_rewrites_under_load_and_keeps_what_was_planned_readable(self):
        server = self.make_server(MILLISECONDS).start()
        for name in ("a", "b", "c"):
            self.send(server, name)
            server.run("export")
        first = parts.download(server, ACCOUNT, self.token)
        self.assertEqual({("TIMESTAMP_MILLIS", False)}, units(first))
        before = {reader: self.rows(server, reader) for reader in parts.READERS}
        asked = self.query(server)
        former = [f"v1/account_id={ACCOUNT}/{path.relative_to(first)}" for path in first.rglob("*.parquet")]
        self.assertIn('timestamps = "ms"', server.refused("export", "rewrite").errors)
        server.stop()
        server.config.write_text("")
        server.start()
        with Load(server.api, 1, ACCOUNT, events=1) as load:
            answer = server.ask("export", "rewrite")
        self.assertEqual(0, answer["left"])
        self.assertEqual(len(former), answer["rewritten"])
        server.run("export")
        folder = parts.download(server, ACCOUNT, self.token)
        self.assertEqual({("TIMESTAMP_MICROS", True)}, units(folder))
        for reader in parts.READERS:
            self.assertEqual(before[reader], [row for row in self.rows(server, reader)
                                              if row["uuid"] not in load.attempted], reader)
        load.check(self, [row for row in self.rows(server) if row["uuid"] in load.attempted])
        self.assertEqual(asked, [row for row in self.query(server) if row["uuid"] not in load.attempted])
        s3 = Clients(server, server.exchange(self.token), server.folder / "s3").boto3()
        now = {each["Key"] for page in s3.get_paginator("list_objects_v2").paginate(
            Bucket=BUCKET, Prefix=f"v1/account_id={ACCOUNT}/") for each in page["Contents"]}
        self.assertFalse(now & set(former), "a former part is listed")
        for key in former:
            self.assertEqual(b"PAR1", s3.get_object(Bucket=BUCKET, Key=key)["Body"].read(4), key)

    def test_a_rewrite_that_is_killed_under_load_goes_on(self):
        count, kills = 300, 3
        server = self.make_server(MILLISECONDS).start()
        payload = body(ACCOUNT, "ann", [conversion(f"p{number}", f"event {number}") for number in range(count)])
        self.assertEqual(204, requests.post(f"{server.api}/v1/events", json=payload, timeout=20).status_code)
        server.run("export")
        before = self.rows(server)
        self.assertEqual(count, len(before))
        server.stop()
        server.config.write_text("")

        def to_rewrite() -> int:
            with contextlib.closing(sqlite3.connect(f"file:{server.data}/objects.db?mode=ro", uri=True)) as index:
                return index.execute("SELECT count(*) FROM part_statistics WHERE state = 3").fetchone()[0]

        left = [to_rewrite()]
        self.assertEqual([count], left)
        with Load(server.api, 1, ACCOUNT, events=1) as load:
            for _ in range(kills):
                server.start()
                command = subprocess.Popen(server.command("export", "rewrite"), stdout=subprocess.DEVNULL,
                                           stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=clean_environment())
                until = time.monotonic() + 60
                while to_rewrite() == left[-1] and time.monotonic() < until:
                    time.sleep(0.01)
                server.kill()
                command.kill()
                command.wait(timeout=20)
                left.append(to_rewrite())
            server.start()
            answer = server.ask("export", "rewrite")
        self.assertEqual(sorted(set(left), reverse=True), left, "a kill undid what was done, or nothing was")
        self.assertGreater(left[-1], 0, f"never killed half-way: {left}")
        self.assertEqual(0, answer["left"])
        server.run("export")
        self.assertEqual({("TIMESTAMP_MICROS", True)}, units(parts.download(server, ACCOUNT, self.token)))
        rows = self.rows(server)
        self.assertEqual(before, [row for row in rows if row["uuid"] not in load.attempted])
        load.check(self, [row for row in rows if row["uuid"] in load.attempted])
        server.run("check")

    def test_an_erased_visitor_is_gone_with_the_keys_that_held_him(self):
        server = self.make_server().start()
        self.send(server, "a")
        payload = body(ACCOUNT, "bob", [conversion("keep", "buy")])
        self.assertEqual(204, requests.post(f"{server.api}/v1/events", json=payload, timeout=20).status_code)
        server.run("export")
        s3 = Clients(server, server.exchange(self.token), server.folder / "s3").boto3()
        former = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET, Prefix=f"v1/account_id={ACCOUNT}/")["Contents"]
                  if each["Key"].endswith(".parquet")]
        server.run("account", "erase-visitor", ACCOUNT, "ann")
        for key in former:
            with self.assertRaises(s3.exceptions.NoSuchKey):
                s3.get_object(Bucket=BUCKET, Key=key)
        self.assertEqual(["keep"], [row["uuid"] for row in self.rows(server)])

    def test_an_import_says_what_it_leaves_and_rewriting_needs_no_server(self):
        server = self.make_server()
        tree = trees.real_tree()
        self.token = server.make_account(trees.REAL_ACCOUNT)
        done = subprocess.run(server.command("import", str(tree)), capture_output=True, text=True, timeout=120,
                              stdin=subprocess.DEVNULL, env=clean_environment())
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("valetkeyd export rewrite", done.stderr)
        count = len(list((tree / "v1").rglob("*.parquet")))
        self.assertEqual({"left": 0, "rewritten": count}, server.ask("export", "rewrite"))
        self.assertEqual({"left": 0, "rewritten": 0}, server.ask("export", "rewrite"))
        server.start()
        folder = parts.download(server, trees.REAL_ACCOUNT, self.token)
        self.assertEqual({("TIMESTAMP_MICROS", True)}, units(folder))
        select = ("SELECT count(*) AS rows, count(DISTINCT visitor_id) AS visitors, min(epoch_ms(\"timestamp\")) AS first, "
                  "max(epoch_ms(process_timestamp)) AS last, bit_xor(hash({})) AS all_rows "
                  "FROM read_parquet('{}/type={}/**/*.parquet', hive_partitioning = false)")
        for kind, columns in (("decisions", "uuid, attributes::VARCHAR, epoch_ms(process_timestamp), is_holdback"),
                              ("events", "uuid, tags::VARCHAR, experiments::VARCHAR, epoch_ms(\"timestamp\"), value, revenue")):
            mine = tree / "v1" / f"account_id={trees.REAL_ACCOUNT}"
            self.assertEqual(parts.query(select.format(columns, mine, kind)),
                             parts.query(select.format(columns, folder, kind)), kind)


if __name__ == "__main__":
    main()
