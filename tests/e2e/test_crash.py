# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any moment loses nothing that was promised: imports resume, servers restart, a backup taken while serving
restores what it holds."""
import os
import random
import shutil
import signal
import subprocess
import time
import unittest

import trees
from clients import Clients
from server import BUCKET, LONG, Server, clean_environment, main

ACCOUNT = "77"
PREFIX = f"v1/account_id={ACCOUNT}/"


class Crash(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        self.token = self.server.make_account(ACCOUNT)

    def make_tree(self, files: int, size: int):
        return trees.plain_tree(self.server.folder / "tree", {
            f"{PREFIX}type=events/date=2026-03-0{1 + n % 3}/event=e/part-{n:05}": trees.content_of(size + n, f"{n}")
            for n in range(files)})

    def assert_serves(self, tree) -> None:
        """Every byte of the tree, no more and no less."""
        client = Clients(self.server, self.server.exchange(self.token), self.server.folder / "c").boto3()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=PREFIX)
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        self.assertEqual(sorted(PREFIX + name for name in trees.hashes(tree / PREFIX)), keys)
        for key in keys:
            self.assertEqual((tree / key).read_bytes(), client.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def test_import_killed_at_many_moments_resumes(self):
        tree = self.make_tree(files=160, size=200_000)
        moments = random.Random(5)
        for _ in range(40 if LONG else 12):
            process = subprocess.Popen(self.server.command("import", str(tree)), stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env=clean_environment())
            time.sleep(moments.uniform(0.02, 0.9))
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=20)
            self.server.run("check")
        self.server.run("import", str(tree))
        self.server.run("check")
        self.server.start()
        self.assert_serves(tree)

    def test_import_is_idempotent_and_trusts_content_not_times(self):
        tree = self.make_tree(files=5, size=1000)
        self.server.run("import", str(tree))
        again = self.server.ask("import", str(tree))
        self.assertEqual((0, 5), (again["written"], again["unchanged"]), again)
        changed = next(path for path in sorted(tree.rglob("part-*")))
        stat = changed.stat()
        changed.write_bytes(bytes(reversed(changed.read_bytes())))
        os.utime(changed, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        self.server.run("import", str(tree))
        self.server.start()
        self.assert_serves(tree)

    def test_server_killed_while_serving_restarts(self):
        tree = self.make_tree(files=10, size=50_000)
        self.server.run("import", str(tree))
        self.server.start()
        self.assert_serves(tree)
        self.server.kill()
        self.server.start()
        self.assert_serves(tree)
        self.server.run("check")

    def test_backup_while_serving_survives_the_loss_of_the_server(self):
        tree = self.make_tree(files=40, size=50_000)
        self.server.run("import", str(tree))
        self.server.start()
        backup = self.server.folder / "backup"
        self.server.run("backup", str(backup))
        self.server.kill()
        shutil.rmtree(self.server.data)
        self.server.run("restore", str(backup))
        self.server.run("check")
        self.server.start()
        self.assert_serves(tree)
        self.assertEqual([], list(backup.rglob("*.keyring")), "the keyring belongs apart from the backup")

    def test_import_while_serving_shows_whole_objects_only(self):
        tree = self.make_tree(files=60, size=300_000)
        self.server.start()
        process = subprocess.Popen(self.server.command("import", str(tree)), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env=clean_environment())
        client = Clients(self.server, self.server.exchange(self.token), self.server.folder / "d").boto3()
        while process.poll() is None:
            for item in client.list_objects_v2(Bucket=BUCKET, Prefix=PREFIX).get("Contents", [])[-3:]:
                body = client.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
                self.assertEqual((tree / item["Key"]).read_bytes(), body)
        self.assertEqual(0, process.returncode)
        self.assert_serves(tree)


if __name__ == "__main__":
    main()
