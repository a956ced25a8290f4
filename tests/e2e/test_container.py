# SPDX-License-Identifier: Apache-2.0
"""Credentials that an SDK fetches by itself: two environment variables, and jobs of hours go on past every expiry
with about one exchange an hour. Debian's boto3 and AWS CLI on loopback, the current JavaScript SDK over HTTPS."""
import pathlib
import subprocess
import sys
import tempfile
import shutil
import unittest

import trees
from clock import MovedClock
from server import BUCKET, Server, clean_environment, main

ACCOUNT = "12"
HERE = pathlib.Path(__file__).resolve().parent


class Container(unittest.TestCase):
    def serve(self, tls: bool, files: int) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.clock = MovedClock(self.folder)
        self.server = Server(tls=tls, prefix=self.clock.prefix())
        self.addCleanup(self.server.close)
        self.prefix = f"v1/account_id={ACCOUNT}/"
        tree = trees.plain_tree(self.folder / "tree", {
            f"{self.prefix}type=events/date=2026-03-01/event=a/part-{n:05}": trees.content_of(1000 + n, str(n))
            for n in range(files)})
        self.expected = trees.hashes(tree / self.prefix)
        self.token = self.server.make_account(ACCOUNT)
        self.server.run("import", str(tree))
        self.server.start()

    def environment(self, host: str = "127.0.0.1") -> dict[str, str]:
        return {**clean_environment(), **self.clock.environment,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI":
                    f"{self.server.scheme}://{host}:{self.server.api_port}/v2/export/credentials/container",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": f"Bearer {self.token}"}

    def test_boto3_works_for_hours(self):
        self.serve(tls=False, files=6)
        done = subprocess.run([sys.executable, HERE / "long_job.py", self.server.s3, BUCKET, self.prefix,
                               str(self.clock.file)], env=self.environment(), capture_output=True, text=True,
                              timeout=120)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(302, int(done.stdout))
        self.assertIn(self.server.exchanges(), range(3, 6))

    def test_aws_cli_syncs_for_hours(self):
        self.serve(tls=False, files=400)
        command = ["/usr/bin/aws", "--endpoint-url", self.server.s3, "s3", "sync", "--only-show-errors",
                   f"s3://{BUCKET}/{self.prefix}", str(self.folder / "got")]
        with open(self.folder / "errors", "wb") as errors:
            job = subprocess.Popen(command, env=self.environment(), stdout=errors, stderr=errors)
        ended = self.clock.follow(job, self.folder / "got", step=15)
        self.assertEqual(0, ended, (self.folder / "errors").read_text())
        self.assertEqual(self.expected, trees.hashes(self.folder / "got"))
        hours = self.clock.seconds / 3600
        self.assertGreater(hours, 0.9, "the job was too quick to meet an expiry")
        self.assertLessEqual(self.server.exchanges(), 2 + hours * 4 / 3)

    def test_javascript_sdk_works_for_hours_over_https(self):
        if not (trees.ROOT / "node_modules" / "@aws-sdk").is_dir() or not shutil.which("node"):
            self.skipTest("Node.js or its packages are missing: run script/bootstrap")
        version = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=20).stdout
        if int(version.lstrip("v").split(".")[0]) < 20:
            self.skipTest(f"the current AWS SDK needs Node.js 20; this is {version.strip()}")
        self.serve(tls=True, files=12)
        environment = {**self.environment("localhost"), "NODE_EXTRA_CA_CERTS": str(self.server.certificate)}
        done = subprocess.run(["node", HERE / "long_job.mjs", f"https://localhost:{self.server.s3_port}", BUCKET,
                               self.prefix, str(self.clock.file), str(self.folder / "got")], env=environment,
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(151 + 12, int(done.stdout))
        self.assertEqual(self.expected, trees.hashes(self.folder / "got"))
        self.assertIn(self.server.exchanges(), range(3, 6))


if __name__ == "__main__":
    main()
