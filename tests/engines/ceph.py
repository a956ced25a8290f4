#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A real Ceph on loopback, of Debian's packages: one monitor, one OSD in memory, and two gateways.

    tests/engines/ceph.py up FOLDER     start it; FOLDER/engine.json says where it is and which users there are
    tests/engines/ceph.py fixture FOLDER   the same, for ctest: what was left of an earlier run ends first
    tests/engines/ceph.py down FOLDER   end what was started from FOLDER, and remove the folder

The gateway "sts" speaks S3, STS and IAM and is for the server; the gateway "s3" speaks S3 alone and is for clients,
who could assume a role again through the other one. Nothing needs root; nothing listens beyond loopback.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from ports import free_ports  # noqa: E402

PACKAGES = ("ceph-mon", "ceph-osd", "radosgw")
USERS = {
    # uid: (access key, secret, capabilities); the secrets open nothing but this cluster
    "owner": ("OWNERKEY", "ownersecret", ""),       # of the bucket
    "issuer": ("ISSUERKEY", "issuersecret", ""),    # may assume the roles
    "roles": ("ROLESKEY", "rolessecret", "roles=*"),  # makes the roles
    "other": ("OTHERKEY", "othersecret", ""),       # may do nothing here
}

# ms mon client mode: radosgw wants "secure", which needs cephx, which is off here.
# tcp_nodelay: without it each small answer on a kept connection takes 44 ms.
# paxos: radosgw's first start makes pools, and each is a change of the map that waits a second otherwise.
CONFIGURATION = """\
[global]
  fsid = {fsid}
  mon host = [v2:127.0.0.1:{mon2},v1:127.0.0.1:{mon1}]
  mon initial members = a
  public addr = 127.0.0.1
  cluster addr = 127.0.0.1
  auth cluster required = none
  auth service required = none
  auth client required = none
  ms mon client mode = crc secure
  keyring = {folder}/keyring
  run dir = {folder}/run
  crash dir = {folder}/crash
  log file = {folder}/log/$name.log
  mon cluster log file = {folder}/log/cluster.log
  ms bind port min = {osd}
  ms bind port max = {osd_last}
  osd pool default size = 1
  osd pool default min size = 1
  osd pool default pg num = 8
  osd pool default pgp num = 8
  osd pool default pg autoscale mode = off
  osd crush chooseleaf type = 0
  mon allow pool size one = true
  mon max pg per osd = 1000
  mon warn on pool no redundancy = false
  mon data avail warn = 1
  mon data avail crit = 1
[mon]
  admin socket = {folder}/run/$name.asok
  mon data = {folder}/mon.a
  auth allow insecure global id reclaim = false
  paxos propose interval = 0.05
  paxos min wait = 0.01
[osd]
  admin socket = {folder}/run/$name.asok
  osd data = {folder}/osd.0
  osd objectstore = memstore
  memstore device bytes = 4294967296
  osd memory target = 1073741824
  osd class update on start = false
  osd crush update on start = false
  osd op num shards = 2
[client]
  rgw data = {folder}/rgw
  rgw sts key = abcdefghijklmnop
  rgw s3 auth use sts = true
  rgw thread pool size = 32
  rgw dynamic resharding = false
  rgw enable usage log = false
  rgw enable ops log = false
  rgw run sync thread = false
  debug rgw = 1
[client.rgw.sts]
  admin socket = {folder}/run/$name.asok
  rgw frontends = beast endpoint=127.0.0.1:{sts} tcp_nodelay=1
  rgw enable apis = s3, sts, iam, admin
[client.rgw.s3]
  admin socket = {folder}/run/$name.asok
  rgw frontends = beast endpoint=127.0.0.1:{s3} tcp_nodelay=1
  rgw enable apis = s3
"""


def is_installed() -> bool:
    return all(shutil.which(program) for program in ("ceph", "ceph-mon", "ceph-osd", "radosgw", "radosgw-admin"))


class Failed(Exception):
    pass


class Ceph:
    DAEMONS = ("rgw.s3", "rgw.sts", "osd", "mon")  # in the order in which they end

    def __init__(self, folder: str | pathlib.Path):
        self.folder = pathlib.Path(folder).resolve()
        self.conf = self.folder / "ceph.conf"

    # -- what a test needs to know ------------------------------------------------------------------------------
    def where(self) -> dict:
        return json.loads((self.folder / "engine.json").read_text())

    # -- life -------------------------------------------------------------------------------------------------
    def up(self) -> dict:
        if self.folder.exists():
            raise Failed(f"{self.folder} exists: end what runs from it with `down` first")
        if not is_installed():
            raise Failed("Ceph is not installed: script/bootstrap engines")
        for name in ("mon.a", "osd.0", "rgw", "run", "log", "crash"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "keyring").touch()
        mon2, mon1, osd, sts, s3 = free_ports(5)
        osd = min(osd, 65000)
        fsid = str(uuid.uuid4())
        self.conf.write_text(CONFIGURATION.format(folder=self.folder, fsid=fsid, mon2=mon2, mon1=mon1, osd=osd,
                                                  osd_last=osd + 400, sts=sts, s3=s3))
        try:
            self._start_monitor(fsid, mon2, mon1)
            self._start_osd()
            self._start_gateway("sts", sts)
            self._start_gateway("s3", s3)
            where = {"engine": "ceph", "sts": f"http://127.0.0.1:{sts}", "s3": f"http://127.0.0.1:{s3}",
                     "region": "us-east-1", "users": self._make_users()}
        except BaseException:
            self.down(keep=True)
            raise
        (self.folder / "engine.json").write_text(json.dumps(where, indent=1))
        return where

    def down(self, keep: bool = False) -> None:
        for name in self.DAEMONS:
            self._end(name)
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    # -- parts --------------------------------------------------------------------------------------------------
    def _run(self, *words: str) -> str:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60,
                              env={**os.environ, "CEPH_CONF": str(self.conf)})
        if done.returncode != 0:
            raise Failed(f"{' '.join(words[:3])} failed: {done.stderr.strip()[-800:]}")
        return done.stdout

    def _spawn(self, name: str, *words: str) -> subprocess.Popen:
        with open(self.folder / "log" / f"{name}.out", "wb") as log:
            child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        (self.folder / "run" / f"{name}.pid").write_text(str(child.pid))
        return child

    def _wait(self, child: subprocess.Popen, name: str, ready) -> None:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            if child.poll() is not None:
                tail = (self.folder / "log" / f"{name}.out").read_text(errors="replace")[-800:]
                raise Failed(f"{name} ended at its start: {tail}")
            if ready():
                return
            time.sleep(0.1)
        raise Failed(f"{name} was not ready after 90 s")

    def _state(self, daemon: str, command: str) -> str:
        done = subprocess.run(["ceph", "daemon", f"{self.folder}/run/{daemon}.asok", command], capture_output=True,
                              text=True, timeout=30)
        return done.stdout

    def _start_monitor(self, fsid: str, mon2: int, mon1: int) -> None:
        monmap = str(self.folder / "monmap")
        self._run("monmaptool", "--create", "--fsid", fsid, "--addv", "a",
                  f"[v2:127.0.0.1:{mon2},v1:127.0.0.1:{mon1}]", "--clobber", monmap)
        self._run("ceph-mon", "--mkfs", "-c", str(self.conf), "-i", "a", "--monmap", monmap)
        child = self._spawn("mon", "ceph-mon", "-f", "-c", str(self.conf), "-i", "a")
        self._wait(child, "mon", lambda: '"state": "leader"' in self._state("mon.a", "mon_status"))

    def _start_osd(self) -> None:
        name = str(uuid.uuid4())
        self._run("ceph", "-c", str(self.conf), "osd", "new", name, "0")
        self._run("ceph", "-c", str(self.conf), "osd", "crush", "add", "osd.0", "1.0", "host=localhost", "root=default")
        self._run("ceph-osd", "--mkfs", "-c", str(self.conf), "-i", "0", "--osd-uuid", name)
        child = self._spawn("osd", "ceph-osd", "-f", "-c", str(self.conf), "-i", "0")
        self._wait(child, "osd", lambda: '"state": "active"' in self._state("osd.0", "status"))

    def _start_gateway(self, name: str, port: int) -> None:
        child = self._spawn(f"rgw.{name}", "radosgw", "-f", "-c", str(self.conf), "-n", f"client.rgw.{name}")

        def answers() -> bool:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2) as answer:
                    return b"ListAllMyBucketsResult" in answer.read()
            except (OSError, urllib.error.URLError):
                return False

        self._wait(child, f"rgw.{name}", answers)

    def _make_users(self) -> dict:
        for uid, (key, secret, caps) in USERS.items():
            words = ["radosgw-admin", "-c", str(self.conf), "user", "create", f"--uid={uid}", f"--display-name={uid}",
                     f"--access-key={key}", f"--secret-key={secret}"]
            self._run(*words, *([f"--caps={caps}"] if caps else []))
        return {uid: {"key": key, "secret": secret} for uid, (key, secret, _) in USERS.items()}

    def _end(self, name: str) -> None:
        record = self.folder / "run" / f"{name}.pid"
        if not record.exists():
            return
        pid = int(record.read_text())
        record.unlink()
        # A process id may have been given to another since: it must be ours, by our configuration.
        try:
            if str(self.conf) not in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace"):
                return
        except OSError:
            return
        for number, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            os.kill(pid, number)
            deadline = time.monotonic() + patience
            while time.monotonic() < deadline:
                try:
                    ended, _ = os.waitpid(pid, os.WNOHANG)
                    if ended == pid:
                        return
                except ChildProcessError:
                    if not pathlib.Path(f"/proc/{pid}").exists():
                        return
                time.sleep(0.05)


def main(words: list[str]) -> int:
    if len(words) != 2 or words[0] not in ("up", "fixture", "down"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    ceph = Ceph(words[1])
    if words[0] != "up":
        ceph.down()
    if words[0] == "down":
        return 0
    if words[0] == "fixture" and not is_installed():
        print("skipped: Ceph is not installed (script/bootstrap engines)")
        return 77
    try:
        print(json.dumps(ceph.up()))
    except Failed as failure:
        print(f"ceph: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
