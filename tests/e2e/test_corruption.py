# SPDX-License-Identifier: Apache-2.0
"""A stored object that was damaged or exchanged never gives wrong bytes: its GET is aborted, logged and counted, and
check names it."""
import sqlite3
import unittest

import requests
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

import load
import trees
from clients import Clients
from server import BUCKET, Server, eventually, main
from test_query import LIBRARY

ACCOUNT = "99"
PREFIX = f"v1/account_id={ACCOUNT}/"
SIZE = 900_000


class Corruption(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        self.token = self.server.make_account(ACCOUNT)
        self.tree = trees.plain_tree(self.server.folder / "tree", {
            f"{PREFIX}one": trees.content_of(SIZE, "one"), f"{PREFIX}two": trees.content_of(SIZE, "two")})
        self.server.run("import", str(self.tree))
        self.server.start()
        self.clients = Clients(self.server, self.server.exchange(self.token), self.server.folder / "c")

    def stored(self):
        return sorted(path for path in (self.server.data / "objects").rglob("*") if path.is_file())

    def get(self, name: str, first: int = 0) -> tuple[bytes, bool]:
        """The bytes of an object that arrived, and whether the answer was whole."""
        url = self.clients.boto3().generate_presigned_url(
            "get_object", Params={"Bucket": BUCKET, "Key": PREFIX + name}, ExpiresIn=600)
        got = b""
        try:
            answer = requests.get(url, stream=True, timeout=20, headers={"Range": f"bytes={first}-"} if first else {})
            if answer.status_code >= 400:
                return b"", False
            while block := answer.raw.read(4096):
                got += block
        except Exception:  # requests, urllib3 and http.client each have their own for a cut body
            return got, False
        return got, len(got) == SIZE - first

    def assert_never_wrong(self) -> int:
        """Reads both objects; returns how many came whole. What arrives is always a prefix of the truth."""
        whole = 0
        for name in ("one", "two"):
            got, complete = self.get(name)
            self.assertTrue(trees.content_of(SIZE, name).startswith(got), f"wrong bytes of {name}")
            whole += complete
        return whole

    def test_a_byte_flipped_anywhere_aborts_the_download(self):
        self.assertEqual(2, self.assert_never_wrong())
        path = self.stored()[0]
        content = path.read_bytes()
        # Offsets across the header, the first, a middle and the last chunk.
        for offset in [0, 5, 40, 100, 65_000, len(content) // 2, len(content) - 17, len(content) - 1]:
            with self.subTest(offset=offset):
                path.chmod(0o600)
                path.write_bytes(content[:offset] + bytes([content[offset] ^ 1]) + content[offset + 1:])
                self.assertEqual(1, self.assert_never_wrong())
                failure = self.server.refused("check")
                self.assertRegex(failure.errors, f"{PREFIX}(one|two)")
        path.write_bytes(content)
        self.assertEqual(2, self.assert_never_wrong())
        self.server.run("check")
        self.assertRegex(self.server.log_text(), r"(?i)corrupt|damaged|does not open|integrity")
        counted = {name: value for name, value in self.server.metrics().items() if "corrupt" in name}
        self.assertGreaterEqual(sum(counted.values()), 8, counted)

    def test_truncated_extended_and_missing_files_are_noticed(self):
        path = self.stored()[0]
        content = path.read_bytes()
        path.chmod(0o600)
        for change in [content[:-1], content[:-70_000], content + b"x", content + content[-65_552:], b""]:
            path.write_bytes(change)
            self.assertEqual(1, self.assert_never_wrong())
            self.server.refused("check")
        path.unlink()
        self.assertEqual(1, self.assert_never_wrong())
        self.assertRegex(self.server.refused("check").errors, f"{PREFIX}(one|two)")

    def test_exchanged_files_are_noticed(self):
        first, second = self.stored()[:2]
        a, b = first.read_bytes(), second.read_bytes()
        for path, content in [(first, b), (second, a)]:
            path.chmod(0o600)
            path.write_bytes(content)
        self.assertEqual(0, self.assert_never_wrong())
        self.server.refused("check")

    def test_exchanged_index_rows_are_noticed(self):
        self.server.stop()
        with sqlite3.connect(self.server.data / "objects.db") as index:
            for old, new in [("one", "swap"), ("two", "one"), ("swap", "two")]:
                done = index.execute("UPDATE objects SET key = ? WHERE key = ?", (PREFIX + new, PREFIX + old))
                self.assertEqual(1, done.rowcount)
        self.server.start()
        self.assertEqual(0, self.assert_never_wrong())
        self.server.refused("check")

    def test_clients_report_a_damaged_object(self):
        path = self.stored()[0]
        content = path.read_bytes()
        path.chmod(0o600)
        path.write_bytes(content[:-20] + bytes([content[-20] ^ 4]) + content[-19:])
        failures = 0
        for name in ("one", "two"):
            try:
                self.clients.boto3().get_object(Bucket=BUCKET, Key=PREFIX + name)["Body"].read()
            except (ClientError, BotoCoreError, HTTPClientError):
                failures += 1
        self.assertEqual(1, failures)


@unittest.skipUnless(LIBRARY.exists(), "libduckdb is not installed: run script/bootstrap")
class SeenUuids(unittest.TestCase):
    """As docs/operations.md says: without the uuids that were seen nothing is exported, and both ways out work."""

    def setUp(self):
        self.server = Server(config=f'[export]\nduckdb_library = "{LIBRARY}"\n')
        self.addCleanup(self.server.close)
        self.server.make_account(ACCOUNT)
        self.server.start()
        self.send("first")
        self.server.run("export")
        with sqlite3.connect(self.server.data / "objects.db") as index:
            (self.key, name), = index.execute("SELECT key, lower(hex(id)) FROM objects WHERE key LIKE 'internal/seen/%'")
        self.path = self.server.data / "objects" / name[:2] / name
        self.content = self.path.read_bytes()
        self.path.write_bytes(self.content[:-1] + bytes([self.content[-1] ^ 1]))
        self.send("second")
        self.server.stop()  # so that the export says at once what it met
        failure = self.server.refused("export")
        self.assertIn(f"{self.key}, a file of seen uuids, cannot be read: restore it from a backup or give it up with "
                      "valetkeyd check --repair", failure.errors)
        self.assertIn(self.key, self.server.refused("check").errors)

    def send(self, name: str) -> None:
        answer = self.server.call("POST", "/v1/events", json=load.body(ACCOUNT, "v", [load.conversion(name, "a")]))
        self.assertEqual(204, answer.status_code, answer.text)

    def counted(self) -> tuple[int, int]:
        """Rows and duplicates of the account."""
        status = self.server.ask("export", "status")
        found, = [each for each in status["accounts"] if each.get("account", each.get("id")) == ACCOUNT]
        return found["rows"], found["duplicates"]

    def test_a_restored_file_forgets_nothing(self):
        self.path.write_bytes(self.content)
        self.server.start()
        self.send("first")
        self.server.run("export")
        self.assertEqual((2, 1), self.counted())

    def test_repair_gives_up_the_damaged_file_only(self):
        self.assertIn(f"{self.key} cannot be read and is given up: of the 1 events", self.server.run("check", "--repair"))
        self.assertFalse(self.path.exists())
        self.server.run("check")
        self.server.start()
        self.server.run("export")
        self.send("first")   # counts again
        self.send("second")  # was exported since
        self.server.run("export")
        self.assertEqual((3, 1), self.counted())

    def test_repair_under_another_keyring_gives_up_nothing(self):
        self.path.write_bytes(self.content)
        keyring = self.server.folder / "data.keyring"
        own = keyring.read_bytes()
        other = Server()
        self.addCleanup(other.close)
        keyring.write_bytes((other.folder / "data.keyring").read_bytes())
        self.server.refused("check", "--repair")
        keyring.write_bytes(own)
        self.server.run("check")
        self.server.run("export")
        self.assertEqual((2, 0), self.counted())


@unittest.skipUnless(LIBRARY.exists(), "libduckdb is not installed: run script/bootstrap")
class Runs(unittest.TestCase):
    """As docs/operations.md says: a damaged file of events that wait stops the export, and can be given up."""

    def setUp(self):
        self.server = Server(config=f'[export]\nduckdb_library = "{LIBRARY}"\nlongest_wait = "1s"\ncut = "day"\n')
        self.addCleanup(self.server.close)
        self.server.make_account(ACCOUNT)
        self.server.start()
        self.send("first")
        self.key, name = eventually(self.run_object, 30)
        self.path = self.server.data / "objects" / name[:2] / name
        self.content = self.path.read_bytes()
        self.path.write_bytes(self.content[:-1] + bytes([self.content[-1] ^ 1]))
        self.server.stop()
        self.assertIn(f"{self.key}, a run of events that wait, cannot be read: restore it from a backup or give it up "
                      "with valetkeyd check --repair", self.server.refused("export").errors)
        self.assertIn(self.key, self.server.refused("check").errors)

    def send(self, name: str) -> None:
        answer = self.server.call("POST", "/v1/events", json=load.body(ACCOUNT, "v", [load.conversion(name, "a")]))
        self.assertEqual(204, answer.status_code, answer.text)

    def run_object(self) -> tuple[str, str] | None:
        with sqlite3.connect(self.server.data / "objects.db") as index:
            return index.execute("SELECT key, lower(hex(objects.id)) FROM objects, export_run"
                                 " WHERE key LIKE 'internal/runs/%/' || export_run.id").fetchone()

    def status(self) -> dict:
        return self.server.ask("export", "status")["accounts"][0]

    def test_a_restored_run_is_exported(self):
        self.path.write_bytes(self.content)
        self.server.run("export")
        self.assertEqual((1, 0, {}), (self.status()["rows"], self.status()["waiting"], self.status()["dropped"]))

    def test_repair_gives_up_the_damaged_run_only(self):
        self.assertIn(f"{self.key} cannot be read and is given up: 1 of the 1 events that waited in it, received from",
                      self.server.run("check", "--repair"))
        self.assertFalse(self.path.exists())
        self.assertEqual((0, {"damaged_run": 1}), (self.status()["waiting"], self.status()["dropped"]))
        self.server.run("check")
        self.server.start()
        self.send("second")
        self.server.run("export")
        self.assertEqual((1, 0), (self.status()["rows"], self.status()["waiting"]))


if __name__ == "__main__":
    main()
