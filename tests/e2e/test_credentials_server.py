# SPDX-License-Identifier: Apache-2.0
"""`valetkey credentials-server` itself: what it prints, whom it answers, and how it runs a command. (SDKs under it, for
hours: test_sdks.py.)"""
import json
import pathlib
import signal
import subprocess

import requests

from server import BUCKET, PROGRAMS, ServedCase, clean_environment, eventually, main

ACCOUNT = "12"
PREFIX = f"v1/account_id={ACCOUNT}/"
TOOL = str(PROGRAMS / "valetkey")


class CredentialsServer(ServedCase):
    @classmethod
    def prepare(cls):
        cls.token = cls.server.make_account(ACCOUNT)
        part = cls.server.folder / "tree" / PREFIX / "type=events" / "part"
        part.parent.mkdir(parents=True)
        part.write_bytes(b"part")
        cls.server.run("import", str(cls.server.folder / "tree"))

    def setUp(self):
        self.home = self.server.folder / self.id().rsplit(".", 1)[1]
        self.home.mkdir()
        self.environment = {**clean_environment(), "HOME": str(self.home), "VALETKEY_API": self.server.api,
                            "VALETKEY_TOKEN": self.token}

    def start_server(self, *arguments: str, **more) -> tuple[subprocess.Popen, dict[str, str]]:
        process = subprocess.Popen([TOOL, "credentials-server", *arguments],
                                   env={**self.environment, **more}, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait, 20)
        self.addCleanup(process.kill)
        lines = [process.stdout.readline() for _ in range(2)]
        names = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
        self.assertEqual(["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"], list(names))
        return process, names

    def test_printed_variables_serve_a_shell_and_nobody_else(self):
        process, names = self.start_server()
        listing = subprocess.run(["/usr/bin/aws", "--endpoint-url", self.server.s3, "s3", "ls", f"s3://{BUCKET}/{PREFIX}"],
                                 env={**clean_environment(), **names}, capture_output=True, text=True, timeout=60)
        self.assertIn("PRE type=events/", listing.stdout, listing.stderr)
        url, token = names.values()
        self.assertRegex(url, r"^http://127\.0\.0\.1:\d+/credentials$")
        answer = requests.get(url, headers={"Authorization": token}, timeout=10)
        self.assertEqual({"AccessKeyId", "SecretAccessKey", "Token", "Expiration"}, set(answer.json()))
        self.assertEqual("no-store", answer.headers["Cache-Control"])
        for headers, status in [({}, 401), ({"Authorization": token[:-1]}, 401),
                                ({"Authorization": token, "Host": "evil.example"}, 403)]:
            refused = requests.get(url, headers=headers, timeout=10)
            self.assertEqual(status, refused.status_code)
            self.assertNotIn("SecretAccessKey", refused.text)
        self.assertNotIn(token.encode(), pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes())
        self.assertNotEqual(token, self.start_server()[1]["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
        process.send_signal(signal.SIGTERM)
        self.assertEqual((0, ""), (process.wait(timeout=20), process.stderr.read()))

    def test_json_names_endpoint_and_region_too(self):
        process = subprocess.Popen([TOOL, "credentials-server", "--format", "json"],
                                   env=self.environment, stdout=subprocess.PIPE)
        found = json.loads(process.stdout.readline())
        process.terminate()
        process.communicate(timeout=20)
        self.assertEqual((self.server.s3, "us-east-1"), (found["endpoint"], found["region"]))

    def test_a_command_is_run_as_it_is(self):
        script = 'printf "%s\\n" "$@" "$AWS_ENDPOINT_URL_S3" "$AWS_REGION" "$AWS_ACCESS_KEY_ID$AWS_PROFILE"; exit 7'
        words = ["ls", "--token", "x", "--", "--help"]
        done = subprocess.run([TOOL, "credentials-server", "--exec", "--", "sh", "-c", script, "sh", *words],
                              env={**self.environment, "AWS_PROFILE": "other"}, capture_output=True, text=True,
                              timeout=60)
        self.assertEqual((7, ""), (done.returncode, done.stderr))
        self.assertEqual([*words, self.server.s3, "us-east-1", ""], done.stdout.splitlines())
        ready = self.home / "ready"
        process = subprocess.Popen([TOOL, "credentials-server", "--exec", "--", "sh", "-c",
                                    f"trap 'exit 9' TERM; : > {ready}; while :; do sleep 0.05; done"],
                                   env=self.environment)
        self.assertTrue(eventually(ready.exists, 30))
        process.terminate()
        self.assertEqual(9, process.wait(timeout=30))

    def test_rclone_and_s3cmd_read_by_it(self):
        """Debian's, with the first SDK for Go and with none."""
        config = {"AWS_CONFIG_FILE": str(self.home / "aws")}
        subprocess.run([TOOL, "configure", "aws"], env={**self.environment, **config}, check=True, timeout=60,
                       stdout=subprocess.DEVNULL)
        remote = f":s3,provider=Other,env_auth=true,endpoint='{self.server.s3}',region=us-east-1:{BUCKET}/{PREFIX}"
        rclone = ["rclone", "lsf", "-R", "--retries", "1", "--config", "/dev/null", remote]
        host = self.server.s3.split("//")[1]
        s3cmd = f'eval "$({TOOL} auth)"; s3cmd -c /dev/null --host={host} --host-bucket={host} --no-ssl ls "$S3_BASE_PATH"'
        for command, more in [([TOOL, "credentials-server", "--exec", "--", *rclone], {}),
                              (rclone, {**config, "AWS_PROFILE": "valetkey"}), (["sh", "-c", s3cmd], {})]:
            with self.subTest(command=command[0]):
                done = subprocess.run(command, env={**self.environment, **more}, capture_output=True, text=True,
                                      timeout=60)
                self.assertEqual(0, done.returncode, done.stderr)
                self.assertIn("type=events/", done.stdout)

    def test_what_is_wrong_is_one_sentence(self):
        for arguments, more, status, words in [
                (["--listen", "0.0.0.0:0"], {}, 2, "loopback"),
                (["--exec", "--", "/nonexistent"], {}, 1, "cannot run /nonexistent"),
                (["--account-id", "13", "--exec", "--", "true"], {}, 1, "not the account"),
                (["--exec", "--", "true"], {"VALETKEY_TOKEN": "vkpat_00000000000000000000000000000000000000004gY0XI"}, 1, "refuses the token"),
                (["--exec", "--", "true"], {"VALETKEY_API": "http://192.0.2.1"}, 1, "in the clear"),
                (["--exec"], {}, 2, "--exec"), (["--", "true"], {}, 2, "--exec")]:
            with self.subTest(arguments=arguments):
                done = subprocess.run([TOOL, "credentials-server", *arguments], capture_output=True, text=True,
                                      env={**self.environment, **more}, timeout=60)
                self.assertEqual((status, ""), (done.returncode, done.stdout), done.stderr)
                self.assertIn(words, done.stderr)
                self.assertNotIn(self.token, done.stderr)


if __name__ == "__main__":
    main()
