# SPDX-License-Identifier: Apache-2.0
"""`valetkey sync` where everything between it and the server fails now and then, and where the folder does."""
import json
import os
import pathlib
import resource
import signal
import subprocess
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
        cls.api = FaultProxy(cls.server.api_port, SEED + 1, 0.3)
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

    def sync(self, *arguments: str, api: str, wrapper: tuple = (), **options) -> subprocess.CompletedProcess:
        return subprocess.run([*wrapper, str(PROGRAMS / "valetkey"), "sync", "--json", "--output", str(self.out),
                               *arguments], capture_output=True, text=True, timeout=150, cwd=self.home, **options,
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

    # What does not pass: one sentence, exit status 1, and nothing but whole files.
    def fails(self, done: subprocess.CompletedProcess, words: str) -> None:
        self.assertEqual(1, done.returncode, done.stderr)
        self.assertRegex(done.stderr, words)
        told = [line for line in done.stderr.splitlines() if not line.startswith("valetkey: waiting up to ")]
        self.assertEqual(1, len(told), done.stderr)
        self.assertNotIn(self.token, done.stderr)
        self.assertLessEqual(self.have().items(), self.expected.items())

    def always(self, *faults: str):
        usual = self.s3.faults, self.s3.rate
        self.addCleanup(lambda: (setattr(self.s3, "faults", usual[0]), setattr(self.s3, "rate", usual[1])))
        self.s3.faults, self.s3.rate = faults, 1.0 if faults else 0.0

    def test_a_proxy_that_answers_html(self):
        self.always("html")
        self.fails(self.sync(api=self.server.api), "not a listing")
        self.assertEqual({}, self.have())

    def test_a_line_that_always_breaks(self):
        self.always("drop")
        self.fails(self.sync("--wait", "5s", api=self.server.api), "ended|broke|closed")

    def test_objects_that_are_always_spoilt(self):
        class Spoiler(Proxy):
            def pass_on(self, connection, found):
                if not found.is_document and b"part-00007" in found.head:
                    found.body = b"\0" * len(found.body)
                return super().pass_on(connection, found)
        spoiler = Spoiler(self.server.s3_port)
        self.addCleanup(spoiler.close)
        upstream, self.s3.upstream = self.s3.upstream, spoiler.port
        self.addCleanup(setattr, self.s3, "upstream", upstream)
        self.always()
        done = self.sync("type=events/date=2026-03-08/", api=self.server.api)
        self.fails(done, "part-00007 did not arrive as it is: its CRC-32 is not the one that the endpoint states")
        self.assertNotIn("type=events/date=2026-03-08/event=a/part-00007", self.have())

    # A disk that is full.
    def test_a_file_that_may_not_grow(self):
        self.always()

        def small_files() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # so that a write fails, as on a full disk
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        done = self.sync(api=self.server.api, preexec_fn=small_files, restore_signals=False)
        self.fails(done, "type=decisions/date=2026-03-01/part-00000.*File too large")
        self.assertEqual(0, self.sync(api=self.server.api).returncode)
        self.assertEqual(self.expected, self.have())

    def test_a_full_disk(self):
        """In a mount namespace of its own, a file system of 8 MiB that grows later."""
        names = ["unshare", "--user", "--map-root-user", "--mount"]
        if subprocess.run([*names, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode != 0:
            self.skipTest("this machine lets nobody mount in a namespace of their own")
        self.always()
        self.out.mkdir()
        script = ('out=$1; shift; mount -t tmpfs -o size=8m none "$out"; "$@"; echo "status $?" >&2; '
                  'cp -a "$out" "$out.full"; mount -o remount,size=200m "$out"; "$@" || exit; cp -a "$out" "$out.whole"')
        done = self.sync(api=self.server.api, wrapper=(*names, "sh", "-c", script, "sh", str(self.out)))
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertRegex(done.stderr, f"(?s)^valetkey: [^\n]*No space left on device; make room in {self.out}, or choose another "
                                      "--output; run again, it goes on where it stopped\nstatus 1\n$")
        full, self.out = self.out.with_name("out.full"), self.out.with_name("out.whole")
        self.assertEqual(self.expected, self.have())
        self.out = full
        self.assertLess(0, len(self.have()))
        self.assertLessEqual(self.have().items(), self.expected.items())


if __name__ == "__main__":
    main()
