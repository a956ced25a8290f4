# SPDX-License-Identifier: Apache-2.0
"""The credentials that `valetkey` hands on: to the shell, to AWS tools, from its cache, with a private authority, and to a
user who has no home."""
import http.server
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

import trees
from client_case import ACCOUNT, ClientCase
from fault_proxy import Gate
from server import BUCKET, PROGRAMS, ServedCase, clean_environment, main

LIBRARY = trees.ROOT / "node_modules" / "@duckdb" / "node-bindings-linux-x64" / "libduckdb.so"


class Credentials(ClientCase):
    def test_auth_prints_what_the_shell_and_aws_read(self):
        lines = self.run_tool("auth")[0].decode().splitlines()
        names = [line.removeprefix("export ").split("=")[0] for line in lines]
        self.assertEqual(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SESSION_EXPIRATION",
                          "S3_BASE_PATH"], names)
        self.assertTrue(all(line.startswith("export ") for line in lines))
        listing = subprocess.run(
            ["/bin/sh", "-c", 'eval "$1"; exec /usr/bin/aws --endpoint-url "$2" s3 ls "$S3_BASE_PATH"', "sh",
             "\n".join(lines), self.server.s3], capture_output=True, text=True, timeout=60, env=clean_environment())
        self.assertIn("PRE type=events/", listing.stdout, listing.stderr)
        found = json.loads(self.run_tool("auth", "--format", "json")[0])
        self.assertEqual(f"s3://{BUCKET}/v1/account_id={ACCOUNT}/", found["S3_BASE_PATH"])
        self.run_tool("auth", "--bucket", BUCKET, "--account-id", ACCOUNT)
        self.assertTrue(self.run_tool("auth", "--format", "dotenv")[0].startswith(b"AWS_ACCESS_KEY_ID="))

    def test_a_token_in_the_arguments_is_warned_of_and_wiped(self):
        asked = threading.Event()  # it has warned by then
        stuck = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type(
            "Stuck", (http.server.BaseHTTPRequestHandler,), {"do_GET": lambda self: asked.set() or time.sleep(3)}))
        threading.Thread(target=stuck.serve_forever, daemon=True).start()
        process = self.start("auth", "--token", self.token, more={
            "VALETKEY_API": f"http://127.0.0.1:{stuck.server_port}"})
        try:
            line = pathlib.Path(f"/proc/{process.pid}/cmdline")
            deadline = time.monotonic() + 10
            said = line.read_bytes()  # empty for a moment, while the program is started
            while (b"--token" not in said or self.token.encode() in said) and time.monotonic() < deadline:
                time.sleep(0.01)
                said = line.read_bytes()
            self.assertIn(b"--token", said)
            self.assertNotIn(self.token.encode(), said)
            self.assertTrue(asked.wait(20))
        finally:
            process.kill()
            _, err = process.communicate(timeout=20)
            stuck.shutdown()
        self.assertIn(b"a token on the command line", err)

    def test_aws_runs_by_a_profile_with_credential_process(self):
        self.run_tool("configure", "--token-file", str(self.token_file))  # the API is VALETKEY_API's
        saved = self.home / ".config" / "valetkey" / "config.toml"
        self.assertEqual(0o600, saved.stat().st_mode & 0o777)
        alone = {"VALETKEY_API": "", "VALETKEY_TOKEN_FILE": "", "AWS_CONFIG_FILE": str(self.home / "aws")}
        self.run_tool("configure", "aws", "--profile", "valetkey", more=alone)
        self.run_tool("configure", "aws", "--profile", "valetkey", more=alone)
        self.assertEqual(1, (self.home / "aws").read_text().count("[profile valetkey]"))
        before = self.exchanges()
        for _ in range(2):
            done = subprocess.run(["/usr/bin/aws", "--endpoint-url", self.server.s3, "s3", "ls",
                                   f"s3://{BUCKET}/v1/account_id={ACCOUNT}/"], capture_output=True, text=True, timeout=60,
                                  env={**self.environment, **alone, "AWS_PROFILE": "valetkey"})
            self.assertIn("PRE type=events/", done.stdout, done.stderr)
        self.assertEqual(1, self.exchanges() - before)
        cached = list((self.home / ".cache" / "valetkey").glob("*.json"))
        self.assertEqual([0o600], [each.stat().st_mode & 0o777 for each in cached])

    def test_a_token_that_ends_soon_is_told_of(self):
        told = (r"valetkey: the token expires in 2 days, at 20[-0-9T:]+Z: ask for a new one, and save it with "
                r"`valetkey configure`\n")
        soon, later = (self.server.make_token(ACCOUNT, f"user@{ACCOUNT}.example", "--expires", life)["token"]
                       for life in ("71h", "9d"))
        for words in (["paths", "--type", "events"], ["auth", "--format", "json"], ["credential-process"],
                      ["sync", "--json", "--dry-run"], ["credentials-server", "--exec", "--", "echo", "{}"]):
            out, err = self.run_tool(*words, more={"VALETKEY_TOKEN": soon})
            self.assertRegex(err, rf"\A{told}\Z", words)
            if words[0] != "paths":
                self.assertTrue([json.loads(line) for line in out.splitlines()], "nothing else comes between")
            self.assertEqual("", self.run_tool(*words, more={"VALETKEY_TOKEN": later})[1])
        self.assertRegex(self.run_tool("doctor", more={"VALETKEY_TOKEN": soon})[0].decode(),
                         r"\nwarn token end +the token expires in 2 days, at ")
        self.assertRegex(self.run_tool("doctor", more={"VALETKEY_TOKEN": later})[0].decode(),
                         r"\nok   token end +it expires at 20")

    def test_a_stampede_exchanges_once(self):
        before = self.exchanges()
        running = [self.start("credential-process") for _ in range(8)]
        answers = {process.communicate(timeout=60)[0] for process in running}
        self.assertEqual(1, len(answers))
        self.assertEqual(1, json.loads(answers.pop())["Version"])
        self.assertEqual(1, self.exchanges() - before)

    def test_a_warm_cache_is_read_without_starting_openssl(self):
        """Its start reads its configuration: here a pipe that nobody writes to, so that it would never end."""
        first = self.run_tool("credential-process")[0]
        pipe = self.home / "openssl.cnf"
        os.mkfifo(pipe)
        done = subprocess.run([PROGRAMS / "valetkey", "credential-process"], capture_output=True, timeout=60,
                              env={**self.environment, "OPENSSL_CONF": str(pipe)})
        self.assertEqual((0, first, b""), (done.returncode, done.stdout, done.stderr))

    def test_what_was_cached_for_one_account_is_not_handed_on_as_anothers(self):
        self.run_tool("credential-process", "--account-id", ACCOUNT)
        before = self.exchanges()
        self.run_tool("credential-process", "--account-id", ACCOUNT)
        self.assertEqual(0, self.exchanges() - before)
        self.assertIn("not the account of --account-id",
                      self.run_tool("credential-process", "--account-id", "9" + ACCOUNT, status=1)[1])
        self.assertIn("not the one of --bucket",
                      self.run_tool("credential-process", "--bucket", "another", status=1)[1])

    def test_credentials_that_are_nearly_over_are_not_handed_on(self):
        first = json.loads(self.run_tool("credential-process")[0])
        cached = next((self.home / ".cache" / "valetkey").glob("*.json"))
        for minutes, same in [(17, True), (15, False), (-1, False)]:
            until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60 * minutes))
            cached.write_text(json.dumps({**first, "Expiration": until}))
            found = json.loads(self.run_tool("credential-process")[0])
            self.assertEqual(same, found["SessionToken"] == first["SessionToken"], minutes)
        # While the API is away the old ones do, as long as they live.
        gate = Gate(self.server.api_port)
        self.addCleanup(gate.close)
        away = {"VALETKEY_API": gate.url}
        self.run_tool("credential-process", more=away)
        gate.open = False
        kept = max((self.home / ".cache" / "valetkey").glob("*.json"), key=lambda path: path.stat().st_mtime)
        for minutes, status in [(5, 0), (0, 1)]:
            until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60 * minutes))
            kept.write_text(json.dumps({**first, "Expiration": until}))
            out = self.run_tool("credential-process", more=away, status=status)[0]
            self.assertEqual(status == 0, first["SessionToken"].encode() in out)
        cached.write_text("torn {")
        self.assertEqual(1, json.loads(self.run_tool("credential-process")[0])["Version"])


class PrivateAuthority(ServedCase):
    """TLS with a certificate that no system knows: trusted once, by every tool that we set up."""
    options = {"tls": True}

    @classmethod
    def prepare(cls):
        cls.token = cls.server.make_account(ACCOUNT)
        day = cls.server.folder / "tree" / "v1" / f"account_id={ACCOUNT}" / "type=events" / "date=2026-01-01"
        day.mkdir(parents=True)
        (day / "_SUCCESS").write_bytes(b"")
        cls.server.run("import", str(cls.server.folder / "tree"))
        cls.server.start()

    def run_tool(self, *words: str, status: int = 0, **more: str) -> str:
        home = self.server.folder / "home"
        home.mkdir(exist_ok=True)
        done = subprocess.run([str(PROGRAMS / "valetkey"), *words], capture_output=True, text=True, timeout=120,
                              input=self.token, cwd=self.server.folder, env={
                                  **clean_environment(), "HOME": str(home), "AWS_CONFIG_FILE": str(home / "aws"), **more})
        self.assertEqual(status, done.returncode, done.stderr)
        return done.stdout + done.stderr

    def test_it_is_named_once_and_reaches_every_tool(self):
        here = ["configure", "--api", self.server.api]
        self.assertIn("its certificate is not accepted", self.run_tool(*here, status=1))
        self.assertIn("no PEM certificates to trust", self.run_tool(*here, "--ca-file", "serve.log", status=1))
        self.run_tool(*here, "--ca-file", self.server.certificate.name)
        self.run_tool("configure", "aws")
        home = self.server.folder / "home"
        aws = ["/usr/bin/aws", "--endpoint-url", self.server.s3, "s3", "ls", f"s3://{BUCKET}/v1/account_id={ACCOUNT}/"]
        by_profile = subprocess.run(aws, capture_output=True, text=True, timeout=60, cwd="/", env={
            **clean_environment(), "HOME": str(home), "AWS_CONFIG_FILE": str(home / "aws"), "AWS_PROFILE": "valetkey"})
        self.assertIn("PRE type=events/", by_profile.stdout, by_profile.stderr)
        self.assertIn("PRE type=events/", self.run_tool("credentials-server", "--exec", "--", *aws))
        self.assertIn(f"export AWS_CA_BUNDLE={self.server.certificate}\n", self.run_tool("auth"))
        plain = self.server.api.replace("https", "http")
        self.assertRegex(self.run_tool("ls", status=1, VALETKEY_API=plain), "speaks TLS: use https")


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("runuser"), "only root becomes another user")
class AnotherUser(ServedCase):
    """`nobody`, who can neither read root's HOME nor make one."""

    @classmethod
    def prepare(cls):
        cls.token = cls.server.make_account(trees.SAMPLE_ACCOUNT)
        cls.server.run("import", str(trees.sample_tree(cls.server.folder / "tree")))
        cls.server.start()
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="valetkey-nobody-"))  # whose way nobody may go
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.folder.chmod(0o777)
        for program in (PROGRAMS / "valetkey", LIBRARY):
            shutil.copy(program, cls.folder)
        cls.root_home = cls.folder / "root"  # as the one of root is, with a profile
        (cls.root_home / ".config" / "valetkey").mkdir(parents=True)
        (cls.root_home / ".config" / "valetkey" / "config.toml").write_text('api = "http://127.0.0.1:1"\n')
        cls.root_home.chmod(0o700)

    def run_tool(self, *words: str, status: int = 0, **variables: str) -> tuple[str, str]:
        every = {"PATH": "/usr/bin:/bin", "VALETKEY_API": self.server.api, "VALETKEY_TOKEN": self.token,
                 "VALETKEY_DUCKDB_LIBRARY": str(self.folder / LIBRARY.name), **variables}
        done = subprocess.run(["runuser", "-u", "nobody", "--", "env", "-i", *(f"{k}={v}" for k, v in every.items()),
                               str(self.folder / "valetkey"), *words], cwd="/", capture_output=True, text=True, timeout=120)
        self.assertEqual(status, done.returncode, done.stderr)
        return done.stdout, done.stderr

    def homes(self) -> dict[str, dict[str, str]]:
        return {"none": {}, "that nobody can make": {"HOME": "/nonexistent"}, "of root": {"HOME": str(self.root_home)}}

    def test_credentials_come_without_a_home(self):
        for which, home in self.homes().items():
            out, err = self.run_tool("credential-process", **home)
            self.assertEqual(1, json.loads(out)["Version"], which)
            self.assertIn("not kept for the next call", err, which)
            self.assertIn("XDG_CACHE_HOME can name another folder", err, which)
        self.assertEqual("", self.run_tool("credential-process", XDG_CACHE_HOME=str(self.folder / "cache"))[1])

    def test_every_command_passes_over_what_it_may_not_read(self):
        for words in (["auth"], ["ls"], ["paths"], ["doctor"], ["sync", "--output", str(self.folder / "out")],
                      ["query", "SELECT count(*) AS n FROM events"]):
            for which, home in self.homes().items():
                out, err = self.run_tool(*words, **home)
                self.assertNotEqual("", out, (words, which))
                passed = "config.toml: Permission denied; passed over, as the environment names API and token"
                self.assertEqual(which == "of root", passed in err, (words, which, err))
        self.assertEqual("n\n4800\n", out)
        self.assertEqual([], list(pathlib.Path(tempfile.gettempdir()).glob("valetkey-query-*")))

    def test_what_was_named_must_be_readable(self):
        config = str(self.root_home / ".config" / "valetkey")
        self.assertRegex(self.run_tool("ls", VALETKEY_CONFIG_HOME=config, status=1)[1], r"config\.toml: Permission denied\n$")
        self.assertIn("or VALETKEY_CONFIG_HOME to a folder of your own",
                      self.run_tool("ls", HOME=str(self.root_home), VALETKEY_TOKEN="", status=1)[1])


if __name__ == "__main__":
    main()
