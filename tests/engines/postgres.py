#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL on loopback, of Debian's package: one server, or a primary with a synchronous standby.

    tests/engines/postgres.py up FOLDER       start one; FOLDER/engine.json says how it is reached
    tests/engines/postgres.py fixture FOLDER  the same, for ctest: what was left of an earlier run ends first
    tests/engines/postgres.py pair FOLDER     a primary (a) and a standby (b), which has every commit that is answered
    tests/engines/postgres.py kill FOLDER a   as a machine that is lost: SIGKILL to the server and all its processes
    tests/engines/postgres.py start FOLDER a  start again what was killed
    tests/engines/postgres.py promote FOLDER  make b the primary, which is a's end
    tests/engines/postgres.py down FOLDER     end what was started from FOLDER, and remove the folder

Nothing needs root, and PostgreSQL refuses to run as root: then it runs as the package's user. It listens on loopback
alone, with TLS by a certificate that FOLDER/ca.pem vouches for, and asks for a password, which FOLDER/password holds.
"""
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))

from ports import free_ports  # noqa: E402

PASSWORD = "only-for-this-test"
USER = "valetkey"


class Failed(Exception):
    pass


def programs() -> pathlib.Path | None:
    """Of the newest version that is installed; Debian keeps them out of the search path."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def is_installed() -> bool:
    return programs() is not None


def as_its_user(command: list) -> list:
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--", *command]


class Postgres:
    def __init__(self, folder: str | pathlib.Path):
        self.folder = pathlib.Path(folder).resolve()

    def where(self) -> dict:
        return json.loads((self.folder / "engine.json").read_text())

    def port(self, name: str) -> int:
        return int((self.folder / f"{name}.port").read_text())

    # --- what the words of the command line do ---

    def up(self) -> dict:
        if self.folder.exists():
            raise Failed(f"{self.folder} exists: end what runs from it with `down` first")
        if not is_installed():
            raise Failed("PostgreSQL is not installed: script/bootstrap engines")
        self.folder.mkdir(parents=True)
        self._write("password", PASSWORD, 0o600)
        self._write("passfile", f"*:*:*:*:{PASSWORD}\n", 0o600)
        self._certificate()
        self._own(self.folder)
        self._initialise()
        self.start("a")
        return self._told([self.port("a")])

    def pair(self) -> dict:
        self.up()
        (self.folder / "b.port").write_text(str(free_ports(1)[0]))
        self.follow("b", "a")
        return self._told([self.port("a"), self.port("b")])

    def follow(self, name: str, primary: str) -> None:
        """Makes `name` the synchronous standby of a primary, from a fresh copy: what it had before is gone."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        where = (f"host=127.0.0.1 port={self.port(primary)} user={USER} application_name={name} "
                 f"passfile={self._servers_passfile()}")
        self._run("pg_basebackup", "-D", self.folder / name, "-R", "-X", "stream", "-c", "fast", "--no-sync", "-d", where)
        # The last word of a file holds: it was copied with the primary's own.
        self._append(f"{name}/postgresql.conf", f"port = {self.port(name)}\n")
        self._append(f"{name}/postgresql.auto.conf", f"synchronous_standby_names = ''\nprimary_conninfo = '{where}'\n")
        self.start(name)
        # From here on a commit is answered when both have it on their disks.
        self.sql(primary, f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        self.sql(primary, "SELECT pg_reload_conf()")

    def start(self, name: str) -> None:
        with open(self.folder / f"{name}.log", "ab") as log:
            child = subprocess.Popen(as_its_user([str(programs() / "postgres"), "-D", str(self.folder / name)]),
                                     stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self._run("pg_isready", "-q", "-h", "127.0.0.1", "-p", self.port(name), check=False) == 0:
                return
            if child.poll() is not None:
                raise Failed("PostgreSQL ended at its start: " + (self.folder / f"{name}.log").read_text()[-500:])
            time.sleep(0.05)
        raise Failed("PostgreSQL was not ready after 60 s")

    def kill(self, name: str) -> None:
        self._end(name, signal.SIGKILL)

    def pause(self, name: str, number: int = signal.SIGSTOP) -> None:
        """All its processes stand still, and its connections stay open; SIGCONT: they go on."""
        for pid in self._processes(name):
            os.kill(pid, number)

    def promote(self, name: str = "b") -> None:
        self._run("pg_ctl", "promote", "-s", "-w", "-D", self.folder / name)
        # Or each commit would wait for a standby that is no more.
        self.sql(name, "ALTER SYSTEM RESET synchronous_standby_names")
        self.sql(name, "SELECT pg_reload_conf()")

    def down(self) -> None:
        for name in ("b", "a"):
            self._end(name, signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, name: str, statement: str, database: str = "postgres") -> str:
        done = subprocess.run(
            [programs() / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement,
             f"host=127.0.0.1 port={self.port(name)} user={USER} dbname={database} passfile={self.folder / 'passfile'}"],
            capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise Failed(f"{statement}: {done.stderr.strip()}")
        return done.stdout.strip()

    # --- how ---

    def _initialise(self) -> None:
        (self.folder / "a.port").write_text(str(free_ports(1)[0]))
        # --no-sync: a power cut may take a scratch cluster; its commits are synced all the same.
        self._run("initdb", "-D", self.folder / "a", "-U", USER, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8",
                  "--no-sync", f"--pwfile={self.folder / 'servers-password'}")
        self._append("a/postgresql.conf", f"""
listen_addresses = '127.0.0.1'
port = {self.port("a")}
unix_socket_directories = ''
max_connections = 100
shared_buffers = 64MB
ssl = on
ssl_cert_file = '{self.folder}/server.pem'
ssl_key_file = '{self.folder}/server.key'
wal_level = replica
max_wal_senders = 4
hot_standby = on
wal_receiver_status_interval = 1s
""")

    def _told(self, ports: list[int]) -> dict:
        hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
        where = {"engine": "postgres", "hosts": hosts, "password_file": str(self.folder / "password"),
                 "passfile": str(self.folder / "passfile"), "ca": str(self.folder / "ca.pem"),
                 "url": f"postgresql://{USER}@{hosts}/postgres?sslmode=verify-ca&sslrootcert={self.folder}/ca.pem"}
        self._write("engine.json", json.dumps(where, indent=1), 0o644)
        return where

    def _certificate(self) -> None:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-days", "30", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                        self.folder / "server.key", "-out", self.folder / "server.pem"], check=True, capture_output=True)
        shutil.copy(self.folder / "server.pem", self.folder / "ca.pem")
        (self.folder / "server.key").chmod(0o600)
        # PostgreSQL's user cannot read ours.
        self._write("servers-password", PASSWORD, 0o600)
        self._write("servers-passfile", f"*:*:*:*:{PASSWORD}\n", 0o600)

    def _servers_passfile(self) -> pathlib.Path:
        return self.folder / "servers-passfile"

    def _own(self, folder: pathlib.Path) -> None:
        if os.geteuid() != 0:
            return
        entry = pwd.getpwnam("postgres")
        for path in (folder, *(folder / name for name in ("server.key", "servers-password", "servers-passfile"))):
            os.chown(path, entry.pw_uid, entry.pw_gid)
        folder.chmod(0o755)

    def _write(self, name: str, text: str, mode: int) -> None:
        path = self.folder / name
        path.touch(mode)
        path.chmod(mode)
        path.write_text(text)

    def _append(self, name: str, text: str) -> None:
        with open(self.folder / name, "a", encoding="utf-8") as file:
            file.write(text)

    def _run(self, program: str, *words, check: bool = True) -> int:
        done = subprocess.run(as_its_user([str(programs() / program), *map(str, words)]), capture_output=True, text=True,
                              timeout=120, cwd="/")
        if check and done.returncode != 0:
            raise Failed(f"{program}: {(done.stderr or done.stdout).strip()[-500:]}")
        return done.returncode

    def _processes(self, name: str) -> list[int]:
        """The server and its children, if it is ours: a process id may have been given to another since."""
        try:
            server = int((self.folder / name / "postmaster.pid").read_text().split()[0])
            command = pathlib.Path(f"/proc/{server}/cmdline").read_bytes().decode(errors="replace")
        except (OSError, ValueError, IndexError):
            return []
        if str(self.folder / name) not in command:
            return []
        children = pathlib.Path(f"/proc/{server}/task/{server}/children").read_text().split()
        return [server, *map(int, children)]

    def _end(self, name: str, number: int) -> None:
        processes = self._processes(name)
        for pid in processes if number == signal.SIGKILL else processes[:1]:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        deadline = time.monotonic() + 20
        while processes and time.monotonic() < deadline:
            try:
                os.waitpid(processes[0], os.WNOHANG)
            except ChildProcessError:
                pass
            if not pathlib.Path(f"/proc/{processes[0]}/cmdline").exists():
                return
            time.sleep(0.02)


def main(words: list[str]) -> int:
    try:
        if len(words) == 2 and words[0] == "fixture":
            Postgres(words[1]).down()
            if not is_installed():
                print("skipped: PostgreSQL is not installed (script/bootstrap engines)")
                return 77
            print(json.dumps(Postgres(words[1]).up()))
        elif len(words) == 2 and words[0] in ("up", "pair"):
            print(json.dumps(getattr(Postgres(words[1]), words[0])()))
        elif len(words) == 2 and words[0] in ("promote", "down"):
            getattr(Postgres(words[1]), words[0])()
        elif len(words) == 3 and words[0] in ("kill", "start") and words[2] in ("a", "b"):
            getattr(Postgres(words[1]), words[0])(words[2])
        else:
            print(__doc__.strip(), file=sys.stderr)
            return 2
    except Failed as failure:
        print(f"postgres: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
