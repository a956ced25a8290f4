#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A real MinIO on loopback, where its program is: a peer for tests, not a recommendation.

    tests/engines/minio.py build        build it with the Go toolchain into the cache: minutes, once
    tests/engines/minio.py up FOLDER    start it; FOLDER/engine.json says where it is and which users there are
    tests/engines/minio.py fixture FOLDER   the same, for ctest: what was left of an earlier run ends first
    tests/engines/minio.py down FOLDER  end what was started from FOLDER, and remove the folder

MinIO is under the AGPL: it is run here as a program of its own, and nothing of it is linked or shipped. VALETKEY_MINIO
names the program; without it, it is looked for in the cache.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from ports import free_ports  # noqa: E402

VERSION = "v0.0.0-20260212201848-7aac2a2c5b7c"  # the last that its Go module has
PROGRAM = pathlib.Path(os.environ.get("VALETKEY_MINIO") or pathlib.Path.home() / ".cache/valetkey-minio/minio")
ROOT = {"key": "rootuser", "secret": "only-for-this-test"}


class Failed(Exception):
    pass


def is_installed() -> bool:
    return os.access(PROGRAM, os.X_OK)


def build() -> None:
    if is_installed():
        return
    if not shutil.which("go"):
        raise Failed("MinIO is built with the Go toolchain, which is not here")
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["go", "install", "-trimpath", "-ldflags=-s -w", f"github.com/minio/minio@{VERSION}"], check=True,
                   env={**os.environ, "CGO_ENABLED": "0", "GOBIN": str(PROGRAM.parent)})


class Minio:
    def __init__(self, folder: str | pathlib.Path):
        self.folder = pathlib.Path(folder).resolve()

    def where(self) -> dict:
        return json.loads((self.folder / "engine.json").read_text())

    def up(self) -> dict:
        if self.folder.exists():
            raise Failed(f"{self.folder} exists: end what runs from it with `down` first")
        if not is_installed():
            raise Failed(f"{PROGRAM} is not there: tests/engines/minio.py build")
        (self.folder / "data").mkdir(parents=True)
        port, = free_ports(1)
        with open(self.folder / "log", "wb") as log:
            child = subprocess.Popen(
                [PROGRAM, "server", "--quiet", "--address", f"127.0.0.1:{port}", str(self.folder / "data")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**os.environ, "MINIO_ROOT_USER": ROOT["key"], "MINIO_ROOT_PASSWORD": ROOT["secret"],
                     "MINIO_BROWSER": "off", "MINIO_UPDATE": "off", "MINIO_REGION": "us-east-1", "MINIO_CI_CD": "1"})
        (self.folder / "pid").write_text(str(child.pid))
        url = f"http://127.0.0.1:{port}"
        self._wait(child, url)
        where = {"engine": "minio", "sts": url, "s3": url, "region": "us-east-1",
                 "users": {"owner": ROOT, "issuer": ROOT, "roles": ROOT}}
        (self.folder / "engine.json").write_text(json.dumps(where, indent=1))
        return where

    def _wait(self, child: subprocess.Popen, url: str) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if child.poll() is not None:
                raise Failed("MinIO ended at its start: " + (self.folder / "log").read_text()[-500:])
            try:
                with urllib.request.urlopen(f"{url}/minio/health/ready", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.1)
        self.down()
        raise Failed("MinIO was not ready after 60 s")

    def down(self) -> None:
        record = self.folder / "pid"
        if record.exists():
            self._end(int(record.read_text()))
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, pid: int) -> None:
        # A process id may have been given to another since: it must be ours, by our folder.
        command = pathlib.Path(f"/proc/{pid}/cmdline")
        try:
            if str(self.folder) not in command.read_bytes().decode(errors="replace"):
                return
        except OSError:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            os.kill(pid, number)
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline:
                try:
                    if os.waitpid(pid, os.WNOHANG)[0] == pid:
                        return
                except ChildProcessError:
                    if not command.exists():
                        return
                time.sleep(0.05)


def main(words: list[str]) -> int:
    try:
        if words == ["build"]:
            build()
        elif len(words) == 2 and words[0] == "up":
            print(json.dumps(Minio(words[1]).up()))
        elif len(words) == 2 and words[0] == "fixture":
            Minio(words[1]).down()
            if not is_installed():
                print("skipped: MinIO is not in the cache (tests/engines/minio.py build)")
                return 77
            print(json.dumps(Minio(words[1]).up()))
        elif len(words) == 2 and words[0] == "down":
            Minio(words[1]).down()
        else:
            print(__doc__.strip(), file=sys.stderr)
            return 2
    except Failed as failure:
        print(f"minio: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
