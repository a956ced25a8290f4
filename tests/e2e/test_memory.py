# SPDX-License-Identifier: Apache-2.0
"""Serving or importing a large object uses no more memory than a small one."""
import os
import subprocess
import threading
import time
import unittest

import requests

from clients import Clients
from server import BUCKET, LONG, Server, clean_environment, main

ACCOUNT = "66"
PREFIX = f"v1/account_id={ACCOUNT}/"
SIZE = (1 << 30) if LONG else (256 << 20)
ALLOWED_KIB = 24 * 1024


def resident_kib(pid: int, field: str = "VmRSS") -> int:
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field))


class Memory(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.server.close)
        self.token = self.server.make_account(ACCOUNT)

    def make_tree(self, name: str, size: int):
        tree = self.server.folder / name
        path = tree / PREFIX / name
        path.parent.mkdir(parents=True)
        with open(path, "wb") as file:
            file.truncate(size)  # sparse: the disk holds nothing yet
            for offset in range(0, size, 16 << 20):
                file.seek(offset)
                file.write(f"{offset}".encode())
        return tree

    def peak_of_import(self, tree) -> int:
        """The most memory that the import ever had, in KiB."""
        command = ["/usr/bin/env", "bash", "-c", 'exec "$@" >/dev/null', "-", *self.server.command("import", str(tree))]
        process = subprocess.Popen(command, env=clean_environment(), stderr=subprocess.PIPE)
        _, status, usage = os.wait4(process.pid, 0)
        self.assertEqual(0, status, process.stderr.read())
        process.stderr.close()
        process.returncode = 0
        return usage.ru_maxrss

    def test_import_and_download_stay_small(self):
        small_peak = self.peak_of_import(self.make_tree("small", 1 << 20))
        large_peak = self.peak_of_import(self.make_tree("large", SIZE))
        self.assertLess(large_peak - small_peak, ALLOWED_KIB, (small_peak, large_peak))

        self.server.start()
        clients = Clients(self.server, self.server.exchange(self.token), self.server.folder / "c")
        pid = self.server.process.pid
        clients.boto3().get_object(Bucket=BUCKET, Key=PREFIX + "small")["Body"].read()
        before = resident_kib(pid)
        url = clients.boto3().generate_presigned_url("get_object", Params={
            "Bucket": BUCKET, "Key": PREFIX + "large"}, ExpiresIn=600)
        got = [0] * 4

        def download(slot: int):
            with requests.get(url, stream=True, timeout=30) as answer:
                while block := answer.raw.read(1 << 20):
                    got[slot] += len(block)
                    if slot:  # readers that are slower than the server
                        time.sleep(0.001)
        threads = [threading.Thread(target=download, args=(slot,)) for slot in range(len(got))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([SIZE] * 4, got)
        self.assertLess(resident_kib(pid, "VmHWM") - before, ALLOWED_KIB)


if __name__ == "__main__":
    main()
