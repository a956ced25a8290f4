# SPDX-License-Identifier: Apache-2.0
"""A data folder of a release whose event log had one partition goes on: nothing is lost and nothing comes twice, also
when the new server is killed at once.

one_partition.tar.xz was made by that release's own programs. Each of the accounts 11 to 16 has two events of uuids
exported-*, which are exported, two of begun-*, in a batch that began and did not end, and two of waiting-*."""
import json
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
import time
import unittest

import requests

import parts
from clock import MovedClock
from load import body, conversion
from server import Server, eventually, main

MADE = 1795941893  # when; within the window of a day in which a repeated uuid is known
ACCOUNTS = [str(number) for number in range(11, 17)]
KINDS = ("exported", "begun", "waiting")


class Upgrade(unittest.TestCase):
    def setUp(self):
        parts.need_node()
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.clock = MovedClock(pathlib.Path(scratch.name))
        self.clock.move_to(int(MADE + 60 - time.time()))
        self.server = Server(prefix=self.clock.prefix())
        self.addCleanup(self.server.close)
        shutil.rmtree(self.server.data)
        (self.server.folder / "data.keyring").unlink()
        with tarfile.open(parts.HERE / "one_partition.tar.xz") as folder:
            folder.extractall(self.server.folder)
        self.token = self.make_reader(ACCOUNTS[0])

    def make_reader(self, account: str) -> str:
        self.server.run("user", "create", "reader@example.com", "--account", account, "--role", "member")
        return self.server.make_token(account, "reader@example.com", scopes="export")["token"]

    def send(self, kind: str, account: str) -> None:
        payload = body(account, "ann", [conversion(f"{kind}-{account}-{number}", "buy") for number in range(2)])
        self.assertEqual(204, requests.post(f"{self.server.api}/v1/events", json=payload, timeout=20).status_code)

    def counts(self) -> dict[str, tuple]:
        return {each["account"]: (each["rows"], each["duplicates"], each["waiting"])
                for each in self.server.ask("export", "status")["accounts"]}

    def test_it_goes_on_with_nothing_lost_and_nothing_twice(self):
        self.assertEqual({account: (2, 0, 4) for account in ACCOUNTS}, self.counts(), "before the server starts")
        self.server.run("check")
        for pause in (0, 0.3, 1):
            self.server.start()
            asking = subprocess.Popen(self.server.command("export"), stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
            time.sleep(pause)
            self.server.kill()
            asking.kill()  # or it would export by itself, now that nobody serves
            asking.wait(timeout=20)
        self.server.start()
        for account in ACCOUNTS:
            for kind in (*KINDS, "new"):
                self.send(kind, account)
        self.server.run("export")
        self.assertEqual({account: (8, 6, 0) for account in ACCOUNTS}, self.counts())
        rows = parts.read_rows(parts.download(self.server, ACCOUNTS[0], self.token, self.clock.environment))
        self.assertEqual(sorted(f"{kind}-{ACCOUNTS[0]}-{number}" for kind in (*KINDS, "new") for number in range(2)),
                         sorted(row["uuid"] for row in rows))
        self.server.run("check")

    # The tables of a folder whose release knew none: nothing is known of its parts yet, and their times are milliseconds.
    def load(self) -> requests.Response:
        return self.server.get(f"/iceberg/v1/{ACCOUNTS[0]}/namespaces/export/tables/events", self.token)

    def shared(self) -> list[dict]:
        share = f"/delta-sharing/shares/account-{ACCOUNTS[0]}/schemas/export/tables/events/query"
        answer = requests.post(f"{self.server.api}{share}", json={}, timeout=20,
                               headers={"Authorization": f"Bearer {self.token}"})
        self.assertEqual(200, answer.status_code, answer.text)
        return [each["file"] for each in map(json.loads, answer.text.splitlines()) if "file" in each]

    def test_its_tables_open_when_its_parts_are_rewritten(self):
        self.server.start()
        self.server.run("export")
        self.assertTrue(eventually(lambda: self.load().status_code != 503), "its parts are not looked through")
        refused = self.load()
        self.assertEqual(409, refused.status_code, refused.text)
        self.assertIn("valetkeyd export rewrite", refused.text)
        before = self.shared()
        self.assertEqual(6, sum(json.loads(each["stats"])["numRecords"] for each in before))
        self.server.run("export", "rewrite")
        loaded = self.load()
        self.assertEqual(200, loaded.status_code, loaded.text)
        [snapshot] = loaded.json()["metadata"]["snapshots"]
        self.assertEqual("6", snapshot["summary"]["total-records"])
        self.assertEqual(sum(each["size"] for each in self.shared()), int(snapshot["summary"]["total-files-size"]))
        self.assertFalse({each["id"] for each in before} & {each["id"] for each in self.shared()})
        self.server.run("check")


if __name__ == "__main__":
    main()
