# SPDX-License-Identifier: Apache-2.0
"""The power goes: a real file system forgets whatever was not made durable, and everything that was promised is there.

The file system is an ext4 of its own on a loop device. Its shutdown (EXT4_IOC_SHUTDOWN without flushing the journal) is
what happens to it when power goes: dirty pages and the uncommitted journal are gone. kill -9 loses neither. What this
cannot show: a folder that was not synced, since ext4 makes all names durable with the next fsync of any file.

The shutdown takes some 15 ms, and an fdatasync that is under way meanwhile can return 0 although its transaction was
dropped. A machine without power answers nobody, so an answer that arrives after the shutdown began promises nothing."""
import fcntl
import hashlib
import os
import random
import struct
import subprocess
import time
import unittest

import parts
import trees
from clients import Clients
from load import Load
from server import BUCKET, LONG, PROGRAMS, Failed, Server, clean_environment, main

ACCOUNT = "12"
PREFIX = f"v1/account_id={ACCOUNT}/"
SHUTDOWN, WITHOUT_JOURNAL = 0x8004587D, 2
# Nothing reaches the disk unless somebody asks: no commit by time, no allocation because of a rename, and no file's bytes
# because another file's fsync committed their names.
MOUNT = "loop,commit=300,noauto_da_alloc,nodelalloc,data=writeback"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Power(unittest.TestCase):
    def setUp(self):
        parts.need_node()
        self.server = Server()
        self.disk, self.image = self.server.folder / "disk", self.server.folder / "disk.img"
        self.disk.mkdir()
        with open(self.image, "wb") as image:
            image.truncate(512 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", str(self.image)], check=True, timeout=60, env=clean_environment())
        if os.geteuid() != 0 or not self.mount():
            self.addCleanup(self.server.close)
            self.skipTest("no right to mount a disk image here (needs root and loop devices)")
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.disk)], check=False, capture_output=True)
        self.addCleanup(self.server.close)

    def mount(self) -> bool:
        return subprocess.run(["mount", "-t", "ext4", "-o", MOUNT, str(self.image), str(self.disk)], timeout=60,
                              capture_output=True).returncode == 0

    def power_goes(self) -> None:
        disk = os.open(self.disk, os.O_RDONLY)
        try:
            fcntl.ioctl(disk, SHUTDOWN, struct.pack("I", WITHOUT_JOURNAL))
        finally:
            os.close(disk)

    def power_comes(self) -> None:
        """With the journal replayed, as after any crash."""
        subprocess.run(["umount", str(self.disk)], check=True, timeout=60, capture_output=True)
        self.assertTrue(self.mount(), "the file system itself did not survive")

    def in_background(self, *arguments: str) -> subprocess.Popen:
        return subprocess.Popen(self.server.command(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, env=clean_environment())

    def check(self) -> None:
        """Nothing is wrong, but for files whose note was lost with the power: they cost room, and --repair removes them
        when they are an hour old (docs/formats.md, "Staging")."""
        try:
            self.server.run("check")
        except Failed as failure:
            problems = [line for line in str(failure).splitlines()[1:] if line and " problems" not in line]
            self.assertEqual([], [line for line in problems if "has no index row" not in line])

    def served(self) -> dict[str, str]:
        client = Clients(self.server, self.server.exchange(self.token), self.server.folder / "c").boto3()
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{PREFIX}type=decisions/")
        return {item["Key"]: sha256(client.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read())
                for page in pages for item in page.get("Contents", [])}

    def test_the_test_sees_what_is_not_durable(self):
        """Or the rest would prove nothing."""
        (self.disk / "kept").write_bytes(b"kept")
        os.sync()
        (self.disk / "lost").write_bytes(b"lost")
        self.power_goes()
        self.power_comes()
        self.assertTrue((self.disk / "kept").exists())
        self.assertFalse((self.disk / "lost").exists())

    def test_what_was_promised_is_there_when_power_comes_back(self):
        self.server.data = self.disk / "data"
        self.server.run("init")
        self.token = self.server.make_account(ACCOUNT)
        moments = random.Random(11)
        imported, withdrawn, made = {}, [], [self.token]
        self.server.start()
        with Load(self.server.api, senders=3, account=ACCOUNT) as load:
            for number in range(10 if LONG else 3):
                files = {f"{PREFIX}type=decisions/date=2026-03-0{1 + n % 2}/experiment={number}/part-{n}":
                         trees.content_of(20_000 + n, f"{number} {n}") for n in range(24)}  # so many are synced at once
                tree = trees.plain_tree(self.server.folder / f"tree{number}", files)
                self.server.run("import", str(tree))
                imported |= {key: sha256(content) for key, content in files.items()}
                token = self.server.make_token(ACCOUNT, f"user@{ACCOUNT}.example")
                made.append(token["token"])
                if number:
                    self.server.run("token", "revoke", token["id"])
                    withdrawn.append(made.pop())
                unfinished = [self.in_background("export"), self.in_background("import", str(trees.plain_tree(
                    self.server.folder / f"more{number}", {f"v1/account_id=9/type=events/x{number}/{n}":
                                                          trees.content_of(150_000, f"{n}") for n in range(60)})))]
                time.sleep(moments.uniform(0.1, 1.5))
                load.dark.set()
                self.power_goes()
                self.server.kill()
                load.dark.clear()
                for process in unfinished:
                    process.kill()
                    process.wait(timeout=20)
                self.power_comes()
                self.check()
                self.server.start()
                self.assertEqual(imported, self.served())
                for token in made:
                    self.assertEqual(200, self.server.get("/v2/export/credentials", token).status_code)
                for token in withdrawn:
                    self.assertEqual(401, self.server.get("/v2/export/credentials", token).status_code)
        self.server.run("export")
        self.assertGreater(len(load.acknowledged), 20)
        folder = parts.download(self.server, ACCOUNT, self.token)
        load.check(self, parts.read_rows(folder / "type=events"))
        actions = [event["action"] for event in self.server.audit()]
        self.assertEqual(len(made) + len(withdrawn), actions.count("token.create"), "the audit log forgot a token")
        self.assertEqual(len(withdrawn), actions.count("token.revoke"))

    def test_what_sync_called_done_is_there(self):
        """The server's folder is on another disk: its own fsync would make the mirror durable as well."""
        token = self.server.make_account(ACCOUNT)
        files = {f"{PREFIX}type=decisions/date=2026-03-01/experiment={n}/part-0": trees.content_of(30_000 + n, f"{n}")
                 for n in range(40)}
        self.server.run("import", str(trees.plain_tree(self.server.folder / "tree", files)))
        self.server.start()
        target = self.disk / "mirror"
        done = subprocess.run([str(PROGRAMS / "valetkey"), "sync", "--type", "decisions", "--date", "2026-03-01",
                               "--output", str(target)], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, env={
                                  **clean_environment(), "VALETKEY_API": self.server.api,
                                  "VALETKEY_TOKEN": token, "HOME": str(self.server.folder)})
        self.assertEqual(0, done.returncode, done.stderr)
        self.power_goes()
        self.power_comes()
        self.assertEqual(sorted(map(sha256, files.values())),
                         sorted(sha256(path.read_bytes()) for path in target.rglob("part-*")))


if __name__ == "__main__":
    main()
