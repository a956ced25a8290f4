# SPDX-License-Identifier: Apache-2.0
"""`valetkey sync` where everything between it and the server fails now and then, and where the folder does."""
import json
import os
import pathlib
import subprocess
import sys
import unittest

from fault_proxy import FaultProxy, Proxy
from server import PROGRAMS, Server, clean_environment, main
import trees

ACCOUNT = "12"
PREFIX = f"v1/account_id={ACCOUNT}/"
SEED = int(os.environ.get("VALETKEY_SEED", "20260311"))


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # The S3 side is reached by the address that the exchange tells, so that proxy comes first.
        cls.s3 = FaultProxy(0, SEED, 0.2)
        cls.addClassCleanup(cls.s3.close)
        cls.server = Server(f'[s3]\npublic_endpoint = "{cls.s3.url}"\n')
        cls.addClassCleanup(cls.server.close)
        cls.s3.upstream = cls.server.s3_port
        cls.api = FaultProxy(cls.server.api_port, SEED + 1, 0.5)
        cls.addClassCleanup(cls.api.close)
        files = {f"{PREFIX}type=events/date=2026-03-{1 + n % 20:02}/event=a/part-{n:05}":
                 trees.content_of(n * 37 % 90_000, str(n)) for n in range(1000)}
        files[f"{PREFIX}type=decisions/date=2026-03-01/part-00000"] = trees.content_of(40 << 20, "large")
        tree = trees.plain_tree(cls.server.folder / "tree", files)
        cls.expected = trees.hashes(tree / PREFIX)
        cls.token = cls.server.make_account(ACCOUNT)
        cls.server.run("import", str(tree))
        cls.server.start()

    def setUp(self):
        self.home = self.server.folder / self.id().rsplit(".", 1)[1]
        self.home.mkdir()
        self.out = self.home / "out"

    def sync(self, *arguments: str, api: str, timeout: float = 150, wrapper: tuple = ()) -> subprocess.CompletedProcess:
        return subprocess.run([*wrapper, str(PROGRAMS / "valetkey"), "sync", "--json", "--output", str(self.out),
                               *arguments], capture_output=True, text=True, timeout=timeout, cwd=self.home,
                              env={**clean_environment(), "HOME": str(self.home), "VALETKEY_API": api,
                                   "VALETKEY_TOKEN": self.token})

    def have(self) -> dict[str, str]:
        return {name: found for name, found in trees.hashes(self.out).items() if not name.startswith(".valetkey/")}

    def test_a_thousand_objects_arrive_through_every_fault(self):
        done = self.sync(api=self.api.url)
        said = f"seed {SEED}: {self.s3.counts} {self.api.counts}"
        self.assertEqual(0, done.returncode, f"{done.stderr} {said}")
        self.assertEqual(self.expected, self.have(), said)
        self.assertEqual({*FaultProxy.FAULTS, "passed"}, set(self.s3.counts), said)
        self.assertEqual(len(self.expected), json.loads(done.stdout.splitlines()[-1])["fetched"])


if __name__ == "__main__":
    main()
