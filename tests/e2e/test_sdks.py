# SPDX-License-Identifier: Apache-2.0
"""The ways in which `valetkey` lets AWS SDKs fetch credentials by themselves, each with Debian's boto3 and AWS CLI and
with the current SDK for JavaScript: jobs of hours go on past every expiry with about one exchange in 40 minutes.
(The server's own container endpoint: test_container.py.)"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import requests

import trees
from clock import MovedClock
from server import BUCKET, PROGRAMS, Server, clean_environment, main

ACCOUNT = "12"
HERE = pathlib.Path(__file__).resolve().parent
PREFIX = f"v1/account_id={ACCOUNT}/"
DAY = "date=2026-03-01/"  # not the whole type: as the clock runs, the server adds _SUCCESS of days that end
FILES = 400
AN_HOUR_AND_MORE = range(3, 6)  # exchanges in two and a half hours


def has_node_20() -> bool:
    if not (trees.ROOT / "node_modules" / "@aws-sdk").is_dir() or not shutil.which("node"):
        return False
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=20).stdout
    return int(version.lstrip("v").split(".")[0]) >= 20


class Sdks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.folder = pathlib.Path(cls.scratch.name)
        cls.clock = MovedClock(cls.folder)
        cls.server = Server(prefix=cls.clock.prefix())
        cls.addClassCleanup(cls.server.close)
        tree = trees.plain_tree(cls.folder / "tree", {
            f"{PREFIX}type=events/{DAY}event=a/part-{n:05}": trees.content_of(1000 + n, str(n))
            for n in range(FILES)})
        cls.few = tree / PREFIX / "type=decisions" / DAY
        trees.plain_tree(cls.few, {f"part-{n}": trees.content_of(500, f"d{n}") for n in range(6)})
        cls.expected = trees.hashes(tree / PREFIX / "type=events" / DAY)
        cls.token = cls.server.make_account(ACCOUNT)
        cls.server.run("import", str(tree))
        cls.server.start()

    def setUp(self):
        self.home = self.folder / self.id().rsplit(".", 1)[1]
        self.home.mkdir()
        token_file = self.home / "token"
        token_file.write_text(self.token)
        token_file.chmod(0o600)
        self.environment = {**clean_environment(), **self.clock.environment, "HOME": str(self.home),
                            "VALETKEY_API": self.server.api, "VALETKEY_TOKEN_FILE": str(token_file)}
        self.before = self.server.exchanges()

    def exchanges(self) -> int:
        return self.server.exchanges() - self.before

    def run_well(self, *command, **more) -> str:
        done = subprocess.run(list(map(str, command)), env={**self.environment, **more}, capture_output=True,
                              text=True, timeout=120, stdin=subprocess.DEVNULL, cwd=self.home)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertNotIn(self.token, done.stdout + done.stderr)
        return done.stdout

    # The jobs, each as `command` of its own; `under` comes before it.
    def boto3_for_hours(self, under: tuple = (), **more) -> None:
        calls = self.run_well(*under, sys.executable, HERE / "long_job.py", self.server.s3, BUCKET,
                              f"{PREFIX}type=decisions/{DAY}", self.clock.file, **more)
        self.clock.seconds += 150 * 60
        self.assertEqual(302, int(calls))
        self.assertIn(self.exchanges(), AN_HOUR_AND_MORE)

    def javascript_for_hours(self, *provider: str, under: tuple = (), endpoint: str = "", **more) -> None:
        if not has_node_20():
            self.skipTest("Node.js 20 or its packages are missing: run script/bootstrap")
        got = self.home / "got"
        calls = self.run_well(*under, "node", HERE / "long_job.mjs", endpoint, BUCKET, f"{PREFIX}type=decisions/{DAY}",
                              self.clock.file, got, *provider, **more)
        self.clock.seconds += 150 * 60
        self.assertEqual(151 + 6, int(calls))
        self.assertEqual(trees.hashes(self.few), trees.hashes(got))
        self.assertIn(self.exchanges(), AN_HOUR_AND_MORE)

    def aws_for_hours(self, under: tuple = (), **more) -> None:
        """`aws s3 sync` while the clock runs."""
        start = self.clock.seconds
        command = [*map(str, under), "/usr/bin/aws", "--endpoint-url", self.server.s3, "s3", "sync",
                   "--only-show-errors", f"s3://{BUCKET}/{PREFIX}type=events/{DAY}", str(self.home / "got")]
        with open(self.home / "errors", "wb") as errors:
            job = subprocess.Popen(command, env={**self.environment, **more}, stdout=errors, stderr=errors)
        ended = self.clock.follow(job, self.home / "got", step=15)
        self.assertEqual(0, ended, (self.home / "errors").read_text())
        self.assertEqual(self.expected, trees.hashes(self.home / "got"))
        hours = (self.clock.seconds - start) / 3600
        self.assertGreater(hours, 0.9, "the job was too quick to meet an expiry")
        self.assertLessEqual(self.exchanges(), 2 + hours * 1.5)

    # A profile with credential_process.
    def profile(self) -> dict[str, str]:
        more = {"AWS_CONFIG_FILE": str(self.home / "aws")}
        self.run_well(PROGRAMS / "valetkey", "configure", "aws", "--profile", "valetkey", **more)
        self.before = self.server.exchanges()
        return {**more, "AWS_PROFILE": "valetkey"}

    def test_boto3_by_a_profile(self):
        self.boto3_for_hours(**self.profile())

    def test_aws_cli_by_a_profile(self):
        self.aws_for_hours(**self.profile())

    def test_javascript_by_a_profile(self):
        # Endpoint and credentials both come from what `configure aws` wrote.
        self.javascript_for_hours(**self.profile())

    def test_javascript_by_fromIni(self):
        self.javascript_for_hours("fromIni", **self.profile())

    def test_javascript_by_fromProcess(self):
        self.javascript_for_hours("fromProcess", **self.profile())

    # The endpoint on loopback.
    def under_server(self) -> tuple:
        return (PROGRAMS / "valetkey", "credentials-server", "--exec", "--")

    def test_boto3_under_the_credentials_server(self):
        self.boto3_for_hours(self.under_server())

    def test_aws_cli_under_the_credentials_server(self):
        self.aws_for_hours(self.under_server())

    def test_javascript_under_the_credentials_server(self):
        # AWS_ENDPOINT_URL_S3 is set by --exec, and no other credentials win.
        wrong = {"AWS_ACCESS_KEY_ID": "AKIAWRONG", "AWS_SECRET_ACCESS_KEY": "wrong", "AWS_PROFILE": "none"}
        self.javascript_for_hours(under=self.under_server(), **wrong)

    def test_javascript_by_fromHttp(self):
        self.javascript_for_hours("fromHttp", under=self.under_server())

    def test_serves_what_still_lives_while_the_api_is_down(self):
        server = Server(prefix=self.clock.prefix())
        self.addCleanup(server.close)
        token = server.make_account(ACCOUNT)
        server.start()
        process = subprocess.Popen([str(PROGRAMS / "valetkey"), "credentials-server", "--format", "json"],
                                   env={**self.environment, "VALETKEY_API": server.api, "VALETKEY_TOKEN": token},
                                   stdout=subprocess.PIPE)
        self.addCleanup(process.communicate, None, 20)
        self.addCleanup(process.terminate)
        found = json.loads(process.stdout.readline())
        server.stop()

        def ask() -> requests.Response:
            return requests.get(found["AWS_CONTAINER_CREDENTIALS_FULL_URI"], timeout=40, headers={
                "Authorization": found["AWS_CONTAINER_AUTHORIZATION_TOKEN"]})
        first = ask()
        self.clock.move_to(self.clock.seconds + 50 * 60)  # early refresh is due
        self.assertEqual((200, first.json()), (ask().status_code, ask().json()))
        self.clock.move_to(self.clock.seconds + 11 * 60)
        self.assertEqual((503, "unavailable"), (ask().status_code, ask().json()["code"]))


if __name__ == "__main__":
    main()
