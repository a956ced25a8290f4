# SPDX-License-Identifier: Apache-2.0
"""Events on a disk that is full, and on one that is slow: nothing that was acknowledged is lost, and nothing that is
not on disk is acknowledged."""
import os
import shutil
import subprocess
import sys
import time
import unittest
import uuid

import requests

import parts
from load import Load, body, conversion
from parts import HERE
from server import Server, eventually, main

ACCOUNT = "12"
OWN_MOUNTS = "VALETKEY_TEST_OWN_MOUNTS"


class FullDisk(unittest.TestCase):
    def setUp(self):
        parts.need_node()
        # The whole of so small a disk is below the usual reserve.
        self.server = Server(config="[limits]\nmin_free_bytes = 0\n")
        self.addCleanup(self.server.close)
        self.disk = self.server.folder / "disk"
        self.disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(self.disk)],
                          capture_output=True).returncode != 0:
            self.skipTest("no right to mount a file system here, nor in a namespace of one's own")
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.disk)], check=False, capture_output=True)
        self.attempted, self.acknowledged = set(), set()
        self.server.data = self.disk / "data"
        self.server.run("init")
        self.token = self.server.make_account(ACCOUNT)
        self.server.start()

    def fill(self, leave: int) -> None:
        free = os.statvfs(self.disk)
        (self.disk / "ballast").write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - leave)))

    def send(self) -> requests.Response:
        """About 100 KB that no disk stores in less."""
        ids = [str(uuid.uuid4()) for _ in range(20)]
        self.attempted.update(ids)
        answer = requests.post(f"{self.server.api}/v1/events", timeout=30, json=body(
            ACCOUNT, "ann", [conversion(each, "buy", tags={"note": os.urandom(2500).hex()}) for each in ids]))
        if answer.status_code == 204:
            self.acknowledged.update(ids)
        return answer

    def readiness(self) -> tuple[int, str]:
        answer = requests.get(f"{self.server.admin}/readyz", timeout=10)
        return answer.status_code, answer.text

    def flows_again(self) -> None:
        """Once there is room. Nobody sends events to a server that is not ready, so it must find out alone."""
        self.assertTrue(eventually(lambda: self.readiness()[0] == 200, seconds=20), self.readiness())
        self.assertEqual(204, self.send().status_code)
        self.assertEqual(0, self.server.metrics()["valetkey_intake_blocked"])

    def assert_exported(self) -> None:
        self.server.run("export")
        uuids = [row["uuid"] for row in parts.read_rows(parts.download(self.server, ACCOUNT, self.token))]
        self.assertEqual(len(uuids), len(set(uuids)), "a row came twice")
        self.assertEqual(self.acknowledged, set(uuids), "what was refused for lack of space is not kept either")
        self.server.run("check")

    def test_a_disk_that_is_full_before_the_first_event_is_told_and_got_over(self):
        self.fill(leave=0)
        self.assertEqual(503, self.send().status_code)
        self.assertTrue(eventually(lambda: "events are not taken" in self.readiness()[1]), self.readiness())
        self.assertEqual(503, self.readiness()[0])
        self.assertEqual(1, self.server.metrics()["valetkey_intake_blocked"])
        (self.disk / "ballast").unlink()
        self.flows_again()
        self.assert_exported()

    def remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", str(self.disk)], check=True, capture_output=True)

    def test_every_file_that_cannot_be_created_is_got_over(self):
        """The n-th file, for every n, until none is missed: a segment, a part, a note, a journal."""
        self.assertEqual(204, self.send().status_code)
        for files in range(60):
            # With its first part, an erasure begins another segment; then everything is released.
            self.remount(f"nr_inodes={self.used_files() + files}")
            exported = subprocess.run(self.server.command("export"), capture_output=True, text=True, timeout=60)
            erased = None
            if exported.returncode == 0:
                erased = subprocess.run(self.server.command("account", "erase-visitor", ACCOUNT, "nobody"),
                                        capture_output=True, text=True, timeout=60)
            answers = [self.send().status_code for _ in range(2)]
            self.remount("nr_inodes=100000")
            self.flows_again()
            self.assertTrue(set(answers) <= {204, 503}, answers)
            if exported.returncode == 0 and erased.returncode == 0 and answers == [204, 204]:
                break
        else:
            self.fail("it never had enough files")
        self.assertGreater(files, 1, "nothing was ever missed")
        self.assert_exported()

    def used_files(self) -> int:
        disk = os.statvfs(self.disk)
        return disk.f_files - disk.f_ffree

    def test_what_was_acknowledged_survives_and_the_rest_is_refused(self):
        self.assertEqual(204, self.send().status_code)
        self.fill(leave=1 << 20)
        refused = eventually(lambda: [answer for answer in [self.send()] if answer.status_code != 204], seconds=60)[0]
        self.assertEqual(503, refused.status_code, refused.text)
        self.assertGreater(int(refused.headers["Retry-After"]), 0)
        self.assertEqual(503, self.send().status_code, "still full")
        self.assertGreater(self.server.metrics()['valetkey_events_dropped_total{reason="unavailable"}'], 0)
        before = len(self.acknowledged)
        (self.disk / "ballast").unlink()
        self.assertTrue(eventually(lambda: self.send().status_code == 204), "space is back, and it takes no events")
        self.assertGreater(len(self.acknowledged), before)
        self.server.kill()  # what the failed writes left behind must not stand in the way either
        self.server.start()
        self.assertTrue(eventually(lambda: self.send().status_code == 204))
        self.assert_exported()


class SlowDisk(unittest.TestCase):
    def setUp(self):
        parts.need_node()
        compiler = shutil.which("clang-19") or shutil.which("cc")
        if not compiler:
            self.skipTest("a C compiler is missing: run script/bootstrap")
        self.server = Server()
        self.addCleanup(self.server.close)
        library, self.file = self.server.folder / "slow_sync.so", self.server.folder / "delay"
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "slow_sync.c"), "-ldl"],
                       check=True, timeout=60)
        self.syncs_last(0)
        self.token = self.server.make_account(ACCOUNT)
        self.server.prefix = ("env", f"LD_PRELOAD={library}", f"SLOW_SYNC_FILE={self.file}")
        self.server.start()

    def syncs_last(self, milliseconds: int) -> None:
        fresh = self.file.with_suffix(".new")
        fresh.write_text(str(milliseconds))
        os.replace(fresh, self.file)

    def test_many_requests_share_a_slow_sync(self):
        self.syncs_last(400)
        with Load(self.server.api, senders=16, account=ACCOUNT, patience=30) as load:
            began = time.monotonic()
            eventually(lambda: load.answers[204] >= 64, seconds=60)
            took = time.monotonic() - began
        self.syncs_last(0)
        self.assertEqual({204}, set(load.answers), "slow is no reason to refuse")
        # One at a time, 64 of them would last 25.6 s.
        self.assertLess(took, 20)
        self.assertGreater(load.slowest, 0.4, "answered before it was durable")
        self.server.run("export")
        load.check(self, parts.read_rows(parts.download(self.server, ACCOUNT, self.token)))

    def test_a_disk_that_hangs_is_no_acknowledgement(self):
        self.syncs_last(14_000)
        payload = body(ACCOUNT, "ann", [conversion("h1", "buy"), conversion("h2", "buy")])
        answer = requests.post(f"{self.server.api}/v1/events", json=payload, timeout=60)
        self.assertEqual(503, answer.status_code)
        self.assertGreater(int(answer.headers["Retry-After"]), 0)
        self.syncs_last(0)
        self.assertTrue(eventually(lambda: requests.post(
            f"{self.server.api}/v1/events", json=payload, timeout=60).status_code == 204, seconds=60))
        self.server.run("export")
        rows = parts.read_rows(parts.download(self.server, ACCOUNT, self.token))
        self.assertEqual(["h1", "h2"], sorted(row["uuid"] for row in rows))


if __name__ == "__main__":
    # Mounting needs rights that any user has in a namespace of their own.
    if OWN_MOUNTS not in os.environ and shutil.which("unshare") and \
            subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode == 0:
        os.execvpe("unshare", ["unshare", "-rm", sys.executable, "-B", *sys.argv], {**os.environ, OWN_MOUNTS: "1"})
    main()
