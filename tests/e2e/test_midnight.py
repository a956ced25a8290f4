# SPDX-License-Identifier: Apache-2.0
"""Midnight passes while events come in and a reader pages: each row is seen once, in the day it was received on, and
a day that is closed stays as it is, even if the clock goes back."""
import datetime
import pathlib
import subprocess
import sys
import tempfile
import unittest

import requests

import parts
from clients import Clients
from clock import MovedClock
from load import Load, body, conversion
from parts import HERE
from server import BUCKET, Server, eventually, main

ACCOUNT, NAMES, ROUNDS, PAGE = "12", 25, 6, 40
DAY = 24 * 3600


def utc() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


class Midnight(unittest.TestCase):
    def setUp(self):
        parts.need_node()
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.clock = MovedClock(self.folder)
        now = utc()
        self.midnight = int((now.replace(hour=0, minute=0, second=0, microsecond=0)
                             + datetime.timedelta(days=1) - now).total_seconds())  # from now, unmoved
        if self.midnight < 1200:
            self.midnight += DAY
        self.days = [str((now + datetime.timedelta(seconds=self.midnight + offset)).date()) for offset in (-60, 60)]
        self.clock.move_to(self.midnight - 600)
        self.server = Server(config='[export]\ngrace = "30s"\n', prefix=self.clock.prefix())
        self.addCleanup(self.server.close)
        self.token = self.server.make_account(ACCOUNT)
        self.server.start()

    def send(self, payload: dict) -> None:
        self.assertTrue(eventually(lambda: requests.post(
            f"{self.server.api}/v1/events", json=payload, timeout=20).status_code == 204, seconds=30))

    def listing(self, day: str) -> list[tuple]:
        """Keys and ETags of a day."""
        clients = Clients(self.server, self.server.exchange(self.token), self.folder / "listing")
        done = clients.aws("s3api", "list-objects-v2", "--bucket", BUCKET, "--prefix",
                           f"v1/account_id={ACCOUNT}/type=events/date={day}/", "--output", "text", "--query",
                           "Contents[].[Key,ETag]", more=self.clock.environment)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout.splitlines()

    def is_closed(self, day: str) -> bool:
        return (self.server.ask("export", "status")["closed_through"] or "") >= day

    def start_reader(self, day: str) -> subprocess.Popen:
        clients = Clients(self.server, self.server.exchange(self.token), self.folder / "reader")
        return subprocess.Popen(
            [sys.executable, "-B", str(HERE / "paging_reader.py"), self.server.s3, BUCKET,
             f"v1/account_id={ACCOUNT}/type=events/date={day}/", str(self.folder / "paged"), str(PAGE)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**clients.environment, **self.clock.environment})

    def test_it_passes_and_comes_again(self):
        first, second = self.days
        early = set()
        for turn in range(ROUNDS):
            ids = [f"{turn}-{name}" for name in range(NAMES)]
            self.send(body(ACCOUNT, "ann", [conversion(each, f"name {each.split('-')[1]}") for each in ids]))
            early.update(ids)
            self.server.run("export")

        reader = self.start_reader(first)
        self.addCleanup(reader.kill)
        self.assertEqual(str(PAGE), reader.stdout.readline().strip())
        with Load(self.server.api, senders=2, account=ACCOUNT) as load:
            eventually(lambda: len(load.acknowledged) > 100)
            self.clock.move_to(self.midnight + 60)
            self.assertTrue(eventually(lambda: self.is_closed(first), seconds=90), "the day did not close")
            behind = len(load.acknowledged)
            eventually(lambda: len(load.acknowledged) > behind + 100)
        self.server.run("export")

        # The reader began before the day was compacted: it sees the rows of its beginning, each of them once.
        said, _ = reader.communicate("\n" * (NAMES * ROUNDS), timeout=120)
        self.assertEqual(0, reader.returncode)
        self.assertEqual(NAMES * ROUNDS - PAGE, sum(map(int, said.split())), "it was shown another set of parts")
        self.assertEqual(sorted(early), sorted(row["uuid"] for row in parts.read_rows(self.folder / "paged")))

        folder = parts.download(self.server, ACCOUNT, self.token, more=self.clock.environment)
        rows = parts.read_rows(folder)
        load.check(self, rows, known=early)
        self.assertEqual(early, early & {row["uuid"] for row in rows})
        for row in rows:
            self.assertIn(f"/date={row['process_timestamp'][:10]}/", row["_part"])
        self.assertEqual({first, second}, {row["process_timestamp"][:10] for row in rows})
        whole = [row["_part"] for row in rows if f"/date={first}/" in row["_part"]]
        self.assertEqual(len({part.rsplit("/", 1)[0] for part in whole}), len(set(whole)), "not one part a partition")
        self.assertEqual(1, len(parts.schemas_of(folder)["events"]), "compaction changed the schema")
        for kind in ("decisions", "events"):
            self.assertTrue((folder / f"type={kind}/date={first}/_SUCCESS").is_file())
            self.assertFalse((folder / f"type={kind}/date={second}/_SUCCESS").exists())

        before = self.listing(first)
        self.assertIn("_SUCCESS", "".join(before))
        self.clock.move_to(self.midnight - 300)
        late = [f"late-{n}" for n in range(5)]
        self.send(body(ACCOUNT, "ann", [conversion(each, "buy") for each in late]))
        self.server.run("export")
        self.clock.move_to(self.midnight + 90)
        self.assertEqual(before, self.listing(first), "a closed day was changed")
        rows = parts.read_rows(parts.download(self.server, ACCOUNT, self.token, more=self.clock.environment))
        found = [row for row in rows if row["uuid"] in late]
        self.assertEqual(sorted(late), sorted(row["uuid"] for row in found))
        self.assertEqual({second}, {row["process_timestamp"][:10] for row in found})
        self.assertEqual(len(late), self.server.ask("export", "status")["accounts"][0]["late"])
        self.assertTrue(eventually(lambda: self.server.metrics()["valetkey_events_late_total"] == len(late)))


if __name__ == "__main__":
    main()
