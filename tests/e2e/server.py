# SPDX-License-Identifier: Apache-2.0
"""The real valetkeyd in a folder of its own: started, asked, stopped, and its traces searched for secrets."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import requests

from ports import free_ports

PROGRAMS = pathlib.Path(os.environ.get("VALETKEY_PROGRAMS", "build/test/bin"))
LONG = bool(os.environ.get("VALETKEY_LONG"))
REPORTS = [b"AddressSanitizer", b"LeakSanitizer", b"UndefinedBehavior", b"runtime error:", b"ThreadSanitizer"]
BUCKET = "optimizely-events-data"


def clean_environment() -> dict[str, str]:
    """Nothing of the machine's own AWS or Valetkey settings, and Debian's programs first."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("AWS_", "VALETKEY_")) and not name.lower().endswith("_proxy")}
    return {**kept, "PATH": f"/usr/sbin:/usr/bin:/sbin:/bin", "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_DEFAULT_REGION": "us-east-1", "PYTHONDONTWRITEBYTECODE": "1"}


class Failed(AssertionError):
    """A command that should have succeeded; `status` and `errors` say how it failed."""

    def __init__(self, command: list[str], status: int, errors: str):
        super().__init__(f"{' '.join(map(str, command))}: exit {status}: {errors[-2000:]}")
        self.status, self.errors = status, errors


class Server:
    def __init__(self, config: str = "", tls: bool = False, prefix: tuple[str, ...] = ()):
        """`prefix`: words before valetkeyd serve, such as a wrapper."""
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="valetkey-e2e-"))
        self.data = self.folder / "data"
        self.prefix, self.process, self.secrets = prefix, None, []
        self.api_port, self.s3_port, self.admin_port = free_ports(3)
        self.scheme = "https" if tls else "http"
        self.log = self.folder / "serve.log"
        self.config = self.folder / "valetkey.toml"
        self.certificate, self.key = self.folder / "tls.crt", self.folder / "tls.key"
        if tls:
            self.make_certificate()
            config = f'{config}\n[tls]\ncertificate = "{self.certificate}"\nkey = "{self.key}"\n'
        self.config.write_text(config)
        self.run("init")

    # Addresses.
    @property
    def api(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.api_port}"

    @property
    def s3(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.s3_port}"

    @property
    def admin(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.admin_port}"

    @property
    def verify(self):
        return str(self.certificate) if self.scheme == "https" else True

    def make_certificate(self, days: int = 2, serial: int = 1) -> None:
        """A self-signed certificate for loopback, also for virtual-hosted style under s3.localhost."""
        names = "IP:127.0.0.1,DNS:localhost,DNS:s3.localhost,DNS:*.s3.localhost"
        subprocess.run(["/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost", "-days", str(days),
                        "-set_serial", str(serial), "-addext", f"subjectAltName={names}",
                        "-keyout", self.key, "-out", self.certificate],
                       check=True, capture_output=True, timeout=60)
        self.key.chmod(0o600)

    # Commands.
    def command(self, *arguments: str) -> list[str]:
        # --data-dir goes after the words that name the command.
        return [str(PROGRAMS / "valetkeyd"), *map(str, arguments), "--data-dir", str(self.data),
                "--config", str(self.config)]

    def run(self, *arguments: str, timeout: float = 120, **options) -> str:
        """stdout of a valetkeyd command; raises Failed."""
        done = subprocess.run(self.command(*arguments), capture_output=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, env=clean_environment(), **options)
        errors = done.stderr.decode("utf-8", "replace")
        if done.returncode != 0:
            raise Failed(list(arguments), done.returncode, errors + done.stdout.decode("utf-8", "replace"))
        return done.stdout.decode()

    def ask(self, *arguments: str):
        """The JSON answer of a command."""
        return json.loads(self.run(*arguments, "--json"))

    def refused(self, *arguments: str) -> Failed:
        try:
            self.run(*arguments)
        except Failed as failure:
            return failure
        raise AssertionError(f"{' '.join(arguments)} succeeded")

    def make_account(self, account: str, email: str = "", role: str = "admin") -> str:
        """Creates the account and a user; returns a token of that user's with every scope."""
        self.run("account", "create", account, "--name", f"Account {account}")
        email = email or f"user@{account}.example"
        self.run("user", "create", email, "--account", account, "--role", role)
        return self.make_token(account, email)["token"]

    def make_token(self, account: str, email: str, *more: str, scopes: str = "export,tokens") -> dict:
        made = self.ask("token", "create", "--account", account, "--user", email, "--name", "e2e",
                        "--scopes", scopes, *more)
        self.secrets.append(made["token"])
        return made

    # Running.
    def start(self, wait: bool = True, more: tuple[str, ...] = ()) -> "Server":
        command = self.command("serve", "--api-listen", f"127.0.0.1:{self.api_port}", "--s3-listen",
                               f"127.0.0.1:{self.s3_port}", "--admin-listen", f"127.0.0.1:{self.admin_port}", *more)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.prefix, *command], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=clean_environment())
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"serve ended with {self.process.returncode}: {self.log_text()[-2000:]}")
            try:
                if requests.get(f"{self.admin}/readyz", verify=self.verify, timeout=2).status_code == 200:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.05)
        raise AssertionError(f"not ready after {seconds} s: {self.log_text()[-2000:]}")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=20)
        self.process = None

    def stop(self) -> None:
        """SIGTERM must end it with exit 0 within its grace."""
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError("serve did not end within 60 s of SIGTERM") from None
        assert status == 0, f"serve ended with {status}: {self.log_text()[-3000:]}"

    def close(self) -> None:
        """Stops, then looks through everything that was left behind."""
        try:
            self.stop()
            self.check_traces()
        finally:
            if self.process is not None:
                self.kill()
            shutil.rmtree(self.folder, ignore_errors=True)

    def check_traces(self) -> None:
        log = self.log.read_bytes() if self.log.exists() else b""
        for report in REPORTS:
            assert report not in log, f"sanitizer report: {log[-6000:].decode('utf-8', 'replace')}"
        for path in [self.log, *sorted(self.data.rglob("*"))]:
            if not path.is_file() or path.stat().st_size > 4 << 20:
                continue
            content = path.read_bytes()
            for secret in self.secrets:
                assert secret.encode() not in content, f"{path.name} holds a secret beginning {secret[:6]}"

    def log_text(self) -> str:
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    # Asking it.
    def exchange(self, token: str, duration: str | None = "1h") -> dict:
        """The answer of the documented endpoint."""
        answer = self.get("/v2/export/credentials", token, params={"duration": duration} if duration else {})
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
        found = answer.json()
        self.secrets += [found["credentials"]["secretAccessKey"], found["credentials"]["sessionToken"]]
        return found

    def get(self, path: str, token: str | None = None, **options) -> requests.Response:
        return self.call("GET", path, token, **options)

    def call(self, method: str, path: str, token: str | None = None, **options) -> requests.Response:
        headers = {**options.pop("headers", {}), **({"Authorization": f"Bearer {token}"} if token else {})}
        return requests.request(method, self.api + path, headers=headers, verify=self.verify, timeout=20,
                                **options)

    def metrics(self) -> dict[str, float]:
        """Every sample by its name and labels, as Prometheus writes them."""
        text = requests.get(f"{self.admin}/metrics", verify=self.verify, timeout=10).text
        found = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                found[name] = float(value)
        return found

    def audit(self, *filters: str) -> list[dict]:
        """What the log holds now: a grant arrives there 200 ms after its answer at the latest (see eventually())."""
        answer = self.ask("audit", *filters)
        return answer if isinstance(answer, list) else answer["events"]

    def exchanges(self) -> int:
        return int(self.metrics().get('valetkey_api_exchanges_total{outcome="ok"}', 0))


def eventually(look, seconds: float = 10):
    """What `look` returns once it is true, or its last answer when the time is over."""
    until = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


class ServedCase(unittest.TestCase):
    """One server for all tests of a class. A class says what to serve in prepare()."""
    options: dict = {}

    @classmethod
    def setUpClass(cls):
        cls.server = Server(**cls.options)
        try:
            cls.prepare()
            if cls.server.process is None:
                cls.server.start()
        except BaseException:
            cls.server.process and cls.server.kill()
            shutil.rmtree(cls.server.folder, ignore_errors=True)
            raise

    @classmethod
    def prepare(cls):
        pass

    @classmethod
    def tearDownClass(cls):
        cls.server.close()


def main() -> None:
    """Runs the tests of the calling module; exit 77 (skipped, for ctest) when every one was skipped."""
    program = unittest.main(exit=False, verbosity=2, warnings="ignore")
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if result.testsRun and len(result.skipped) == result.testsRun else 0)
