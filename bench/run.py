# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of the whole program against floors and a peer in the same run: paired, in rotation, medians and spread.
Called by script/bench, which documents the arguments."""
import argparse
import json
import os
import pathlib
import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "e2e"))
os.environ.setdefault("VALETKEY_PROGRAMS", str(HERE.parent / "build" / "release" / "bin"))

import build  # noqa: E402
import console  # noqa: E402
import engines  # noqa: E402
import events  # noqa: E402
import nodes  # noqa: E402
import report  # noqa: E402
import scale  # noqa: E402
import sync  # noqa: E402
import tables  # noqa: E402
import trees  # noqa: E402
import boto3  # noqa: E402
from botocore.auth import S3SigV4Auth, SigV4Auth  # noqa: E402
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402
from peers import (CLIENT_CORE, SERVER_CORE, BareGet, Minio, Nginx, cpu_seconds, pinned, request_line,  # noqa: E402
                   request_text, send_request, wrk)
from server import BUCKET, PROGRAMS, Server, free_ports  # noqa: E402

ACCOUNT = "1"
PREFIX = f"v1/account_id={ACCOUNT}/"
QUOTED = PREFIX.replace("=", "%3D")  # as a signature and a path want it
LARGE = 256 << 20
MEMORY_BYTES = 12 << 30  # what the bench may put into a memory file system


def available_memory() -> int:
    line = next(each for each in open("/proc/meminfo") if each.startswith("MemAvailable:"))
    return int(line.split()[1]) << 10


class Bench:
    def __init__(self, quick: bool):
        """`quick`: fewer and shorter runs, and where a part says so smaller sizes."""
        self.quick = quick
        self.rounds, self.seconds = (3, 2) if quick else (7, 4)
        self.figures: list[dict] = []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="valetkey-bench-", dir=HERE.parent / "build"))
        self.in_memory: pathlib.Path | None = None

    def close(self) -> None:
        for folder in filter(None, (self.folder, self.in_memory)):
            shutil.rmtree(folder, ignore_errors=True)

    def add(self, *arguments, **options) -> None:
        self.figures.append(report.figure(*arguments, **options))
        print("bench:", report.show(self.figures[-1:]).splitlines()[-1], flush=True)

    @staticmethod
    def note(text: str) -> None:
        """What a figure does not say of itself."""
        print("bench:", text, flush=True)

    def rotate(self, ours, theirs) -> tuple[list, list]:
        """Pairs of runs, the one that goes first changing from pair to pair; a first pair warms up."""
        pairs = []
        for number in range(self.rounds + 1):
            if number % 2:
                mine, peer = ours(), theirs()
            else:
                peer, mine = theirs(), ours()
            pairs.append((mine, peer))
        return [mine for mine, _ in pairs[1:]], [peer for _, peer in pairs[1:]]

    # Servers.
    def serve(self, files: dict[str, bytes], tls: bool = False, threads: int = 1) -> Server:
        server = Server(config=f"[limits]\nthreads = {threads}\naccount_max_requests = 4096\n"
                        "token_requests_per_s = 0\n"
                        "max_connections_per_block = 0\n", tls=tls,
                        prefix=tuple(pinned(SERVER_CORE)))
        server.token = server.make_account(ACCOUNT)
        if files:
            server.run("import", str(trees.plain_tree(server.folder / "tree", files)), timeout=600)
            shutil.rmtree(server.folder / "tree")
        return server.start()

    def peer(self, server: Server, body: str = "{}", files: dict[str, bytes] | None = None) -> Nginx:
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        root = folder / "files"
        root.mkdir()
        for name, content in (files or {}).items():
            (root / name).write_bytes(content)
        if not server.certificate.exists():
            server.make_certificate()
        return Nginx(folder, *free_ports(2), body, root, server.certificate, server.key)

    @staticmethod
    def pids(server: Server) -> list[int]:
        return [server.process.pid]

    @staticmethod
    def signed(server: Server, path: str) -> dict[str, str]:
        """The headers of a signed GET."""
        who = server.exchange(server.token)["credentials"]
        request = AWSRequest("GET", server.s3 + path)
        S3SigV4Auth(Credentials(who["accessKeyId"], who["secretAccessKey"], who["sessionToken"]), "s3",
                    "us-east-1").add_auth(request)
        return {"Host": server.s3.split("//")[1], **dict(request.headers.items())}

    def loaded(self, url: str, requests: str, pids: list[int], connections: int = 64) -> dict:
        """One run of wrk, with the server's CPU time for each request in microseconds."""
        before = cpu_seconds(pids)
        answer = wrk(url, requests, self.folder, self.seconds, connections)
        answer["cpu_us"] = (cpu_seconds(pids) - before) / answer["requests"] * 1e6
        answer["rps"] = answer["requests"] / answer["seconds"]
        return answer

    # What is measured.
    def credentials(self) -> None:
        server = self.serve({})
        body = server.get("/v2/export/credentials", server.token).text
        nginx = self.peer(server, body)
        line = request_line("/v2/export/credentials", {"Authorization": f"Bearer {server.token}"})
        peer_line = request_line("/json", {"Authorization": f"Bearer {server.token}"})
        try:
            ours, theirs = self.rotate(
                lambda: self.loaded(server.api, line, self.pids(server)),
                lambda: self.loaded(f"http://127.0.0.1:{nginx.port}", peer_line, nginx.pids()))
        finally:
            nginx.stop()
            server.close()
        for name, key, unit in [("cpu_vs_nginx", "cpu_us", "us"), ("rps_vs_nginx", "rps", "1/s")]:
            self.add(f"credentials.{name}", unit, [run[key] for run in ours], [run[key] for run in theirs])

    def credentials_half_load(self) -> None:
        """Open loop, at half of what each answered as fast as it could just before."""
        server = self.serve({})
        nginx = self.peer(server, server.get("/v2/export/credentials", server.token).text)
        bearer = {"Host": "127.0.0.1", "Authorization": f"Bearer {server.token}"}

        def half(port: int, path: str) -> float:
            request = request_text("GET", path, bearer)
            peak = send_request(PROGRAMS / "send_request", port, request, self.seconds / 2)["rps"]
            return send_request(PROGRAMS / "send_request", port, request, self.seconds, peak / 2)["p99_ms"]

        try:
            ours, theirs = self.rotate(lambda: half(server.api_port, "/v2/export/credentials"),
                                       lambda: half(nginx.port, "/json"))
        finally:
            nginx.stop()
            server.close()
        self.add("credentials.half_load_p99_ms", "ms", ours)
        self.add("credentials.half_load_p99_vs_nginx", "ms", ours, theirs)

    def minio(self, name: str, engine: bool = False) -> Minio | None:
        if Minio.PROGRAM.exists():
            folder = pathlib.Path(tempfile.mkdtemp(dir=self.memory() if engine else self.folder))
            return Minio(folder, *free_ports(1), engine)
        self.note(f"{name}: left out, there is no MinIO at {Minio.PROGRAM}; MINIO_BIN names it")
        return None

    def memory(self) -> pathlib.Path:
        """A folder in a memory file system where there is one with room: an engine's disk is not what is measured."""
        if self.in_memory is None:
            free = min(shutil.disk_usage("/dev/shm").free, available_memory()) if os.access("/dev/shm", os.W_OK) else 0
            roomy = free > MEMORY_BYTES
            if not roomy:
                self.note("the engine's objects are on a disk: /dev/shm has no room, and the disk is measured, too")
                return self.folder
            self.in_memory = pathlib.Path(tempfile.mkdtemp(prefix="valetkey-bench-", dir="/dev/shm"))
        return self.in_memory

    def credentials_peer(self) -> None:
        minio = self.minio("credentials.vs_peer")
        if minio is None:
            return
        server = self.serve({})
        ours_text = request_text("GET", "/v2/export/credentials",
                                 {"Host": "127.0.0.1", "Authorization": f"Bearer {server.token}"})
        policy = json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/{PREFIX}*"}]})
        body = urllib.parse.urlencode({"Action": "AssumeRole", "Version": "2011-06-15", "DurationSeconds": "3600",
                                       "RoleArn": "arn:aws:iam::123456789012:role/export",
                                       "RoleSessionName": "export", "Policy": policy})
        signed = AWSRequest("POST", minio.address + "/", data=body,
                            headers={"Content-Type": "application/x-www-form-urlencoded"})
        SigV4Auth(Credentials(minio.KEY, minio.SECRET), "sts", "us-east-1").add_auth(signed)
        theirs_text = request_text("POST", "/", {"Host": minio.address.split("//")[1], **dict(signed.headers.items())},
                                   body)
        try:
            ours, theirs = self.rotate(
                lambda: send_request(PROGRAMS / "send_request", server.api_port, ours_text, self.seconds)["rps"],
                lambda: send_request(PROGRAMS / "send_request", minio.port, theirs_text, self.seconds)["rps"])
        finally:
            minio.stop()
            server.close()
        self.add("credentials.vs_peer", "1/s", ours, theirs)

    def get_16k_peer(self) -> None:
        minio = self.minio("get_16k.vs_peer")
        if minio is None:
            return
        content = trees.content_of(16 << 10, "16k")
        server = self.serve({f"{PREFIX}object": content})
        client = boto3.client("s3", endpoint_url=minio.address, aws_access_key_id=minio.KEY,
                              aws_secret_access_key=minio.SECRET, region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        client.put_object(Bucket=BUCKET, Key=f"{PREFIX}object", Body=content)
        path = f"/{BUCKET}/{QUOTED}object"
        signed = AWSRequest("GET", minio.address + path)
        S3SigV4Auth(Credentials(minio.KEY, minio.SECRET), "s3", "us-east-1").add_auth(signed)
        line = request_line(path, self.signed(server, path))
        peer_line = request_line(path, {"Host": minio.address.split("//")[1], **dict(signed.headers.items())})
        try:
            ours, theirs = self.rotate(lambda: self.loaded(server.s3, line, self.pids(server))["rps"],
                                       lambda: self.loaded(minio.address, peer_line, minio.pids())["rps"])
        finally:
            minio.stop()
            server.close()
        self.add("get_16k.vs_peer", "1/s", ours, theirs)

    def get_16k(self) -> None:
        content = trees.content_of(16 << 10, "16k")
        server = self.serve({f"{PREFIX}object": content})
        nginx = self.peer(server, files={"object": content})
        path = f"/{BUCKET}/{QUOTED}object"
        line = request_line(path, self.signed(server, path))
        try:
            ours, theirs = self.rotate(
                lambda: self.loaded(server.s3, line, self.pids(server)),
                lambda: self.loaded(f"http://127.0.0.1:{nginx.port}", request_line("/object", {}), nginx.pids()))
        finally:
            nginx.stop()
            server.close()
        self.add("get_16k.rps_vs_nginx", "1/s", [run["rps"] for run in ours], [run["rps"] for run in theirs])

    def gigabytes_per_cpu(self, pids: list[int], download) -> float:
        """Of the server: gigabytes of body for each second of its CPU time. download() returns the bytes."""
        before = cpu_seconds(pids)
        return download() / 1e9 / (cpu_seconds(pids) - before)

    def sink(self, port: int, path: str, headers: dict[str, str]) -> int:
        request = f"GET {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n"
        done = subprocess.run(pinned(CLIENT_CORE, str(PROGRAMS / "sink"), str(port), "8"), input=request, text=True,
                              capture_output=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"sink: {done.stderr}")
        return int(done.stdout.split()[0])

    def get_256m(self) -> None:
        server = self.serve({f"{PREFIX}object": trees.content_of(LARGE, "256m")})
        bare = BareGet(PROGRAMS / "bare_get", self.folder, LARGE)
        path = f"/{BUCKET}/{QUOTED}object"
        headers = self.signed(server, path)
        try:
            ours, theirs = self.rotate(
                lambda: self.gigabytes_per_cpu(self.pids(server), lambda: self.sink(server.s3_port, path, headers)),
                lambda: self.gigabytes_per_cpu(bare.pids(), lambda: self.sink(bare.port, "/", {"Host": "x"})))
        finally:
            bare.stop()
            server.close()
        self.add("get_256m.vs_bare_loop", "GB/CPU s", ours, theirs)

    def curl(self, url: str, headers: dict[str, str], certificate: pathlib.Path) -> int:
        config = self.folder / "curlrc"
        config.write_text("".join(f'header = "{name}: {value}"\n' for name, value in headers.items()) +
                          "".join(f'url = "{url}"\noutput = "/dev/null"\n' for _ in range(4)))
        config.chmod(0o600)
        done = subprocess.run(pinned(CLIENT_CORE, "curl", "--silent", "--fail", "--config", str(config), "--cacert",
                                     str(certificate), "--tlsv1.3", "--write-out", "%{size_download}\n"),
                              capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise RuntimeError(f"curl: {done.returncode} {done.stderr}")
        return sum(int(line) for line in done.stdout.split())

    def get_256m_tls(self) -> None:
        content = trees.content_of(LARGE, "256m")
        server = self.serve({f"{PREFIX}object": content}, tls=True)
        nginx = self.peer(server, files={"object": content})
        path = f"/{BUCKET}/{QUOTED}object"
        headers = self.signed(server, path)
        try:
            ours, theirs = self.rotate(
                lambda: self.gigabytes_per_cpu(self.pids(server), lambda: self.curl(
                    server.s3 + path, headers, server.certificate)),
                lambda: self.gigabytes_per_cpu(nginx.pids(), lambda: self.curl(
                    f"https://127.0.0.1:{nginx.tls_port}/object", {}, server.certificate)))
        finally:
            nginx.stop()
            server.close()
        self.add("get_256m_tls.vs_nginx_tls", "GB/CPU s", ours, theirs)

    def serve_keys(self, count: int) -> tuple[Server, str]:
        """A server over an index of so many keys, and signed requests for pages all over it. The rows are copies of
        one true row: a listing opens no object."""
        server = self.serve({f"{PREFIX}object": b"x"})
        server.stop()
        with sqlite3.connect(server.data / "objects.db") as index:
            columns = [row[1] for row in index.execute("PRAGMA table_info(objects)")]
            values = ", ".join({"key": "?", "id": "randomblob(16)"}.get(name, name) for name in columns)
            keys = ((f"{PREFIX}type=events/date=2026-03-{1 + n * 28 // count:02}/event=e{n // 100:06}/part-{n:07}",)
                    for n in range(count))
            index.executemany(f"INSERT INTO objects SELECT {values} FROM objects WHERE key = '{PREFIX}object'", keys)
            index.execute("UPDATE state SET objects = objects + ?", (count,))
        server.start()
        lines = ""
        for n in range(100):
            at = n * (count - 2000) // 100 if count > 2000 else 0
            after = f"{PREFIX}type=events/date=2026-03-{1 + at * 28 // count:02}/event=e{at // 100:06}/part-{at:07}"
            quoted = after.replace("/", "%2F").replace("=", "%3D")
            path = (f"/{BUCKET}?list-type=2&prefix={PREFIX.replace('/', '%2F').replace('=', '%3D')}"
                    f"&start-after={quoted}")
            lines += request_line(path, self.signed(server, path))
        return server, lines

    def list(self) -> None:
        large, large_lines = self.serve_keys(1_000_000)
        small, small_lines = self.serve_keys(10_000)
        try:
            ours, theirs = self.rotate(lambda: self.loaded(large.s3, large_lines, self.pids(large), connections=1),
                                       lambda: self.loaded(small.s3, small_lines, self.pids(small), connections=1))
        finally:
            large.close()
            small.close()
        p50, floor = [run["p50_ms"] for run in ours], [run["p50_ms"] for run in theirs]
        self.add("list.page_1m_p50_ms", "ms", p50)
        self.add("list.page_1m_vs_10k", "ms", p50, floor)

    def import_(self) -> None:
        workers = str(os.cpu_count() or 1)
        tree = trees.plain_tree(self.folder / "import", {
            f"{PREFIX}part-{n:02}": trees.content_of(16 << 20, f"{n}") for n in range(64)})

        def ours() -> float:
            server = Server()
            server.make_account(ACCOUNT)
            started = time.monotonic()
            server.run("import", str(tree), "--workers", workers, timeout=600)
            took = time.monotonic() - started
            shutil.rmtree(server.folder)
            return took

        def theirs() -> float:
            target = self.folder / "sealed"
            target.mkdir()
            done = subprocess.run([str(PROGRAMS / "bare_import"), str(tree), str(target), workers], check=True,
                                  capture_output=True, text=True, timeout=600)
            shutil.rmtree(target)
            return float(done.stdout)

        mine, floor = self.rotate(ours, theirs)
        self.add("import.vs_bare_loop", "s", mine, floor, inverse=True)

    def idle(self) -> None:
        values, loaded = [], []
        for _ in range(max(2, self.rounds // 2)):
            server = self.serve({f"{PREFIX}object": b"x"}, threads=0)
            server.exchange(server.token)
            time.sleep(1)
            values.append(self.resident_mib(server))
            path = f"/{BUCKET}/{QUOTED}object"
            head = f"GET {path} HTTP/1.1\r\n" + "".join(
                f"{k}: {v}\r\n" for k, v in self.signed(server, path).items()) + "\r\n"
            held = []
            for _ in range(1000):
                held.append(socket.create_connection(("127.0.0.1", server.s3_port), timeout=10))
                held[-1].sendall(head.encode())
                if not held[-1].recv(4096).startswith(b"HTTP/1.1 200"):
                    raise RuntimeError("the server did not serve an idle connection's first request")
            time.sleep(1)
            loaded.append(self.resident_mib(server))
            for connection in held:
                connection.close()
            server.close()
        self.add("idle_rss_mib", "MiB", values)
        self.add("idle_1000_connections_rss_mib", "MiB", loaded)

    @staticmethod
    def resident_mib(server: Server) -> float:
        status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


PARTS = {"credentials": Bench.credentials, "credentials_half_load": Bench.credentials_half_load,
         "credentials_peer": Bench.credentials_peer, "get_16k": Bench.get_16k, "get_16k_peer": Bench.get_16k_peer,
         "get_256m": Bench.get_256m,
         "get_256m_tls": Bench.get_256m_tls, "list": Bench.list, "import": Bench.import_, "idle": Bench.idle,
         "console": console.run, **events.PARTS, **sync.PARTS, **engines.PARTS, **nodes.PARTS, **tables.PARTS,
         **scale.PARTS, **build.PARTS}
ONLY_BY_NAME = {"build", "scale"}  # says nothing of the programs; has no target to regress from minute to minute
# A figure's own name selects the part that measures it.
FIGURES = {**{name: name.split(".")[0] for name in report.TARGETS},
           "credentials.half_load_p99_ms": "credentials_half_load",
           "credentials.half_load_p99_vs_nginx": "credentials_half_load",
           "credentials.vs_peer": "credentials_peer", "get_16k.vs_peer": "get_16k_peer", "list.page_1m_p50_ms": "list",
           "list.page_1m_vs_10k": "list", "idle_rss_mib": "idle", "idle_1000_connections_rss_mib": "idle",
           **events.FIGURES, **sync.FIGURES, **engines.FIGURES, **nodes.FIGURES,
           **tables.FIGURES, **scale.FIGURES}


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/bench")
    parser.add_argument("--json")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    names = list(dict.fromkeys(FIGURES.get(name, name) for name in arguments.names))
    for name in names:
        if name not in PARTS:
            parser.error(f"no benchmark {name}; there are {' '.join(PARTS)}")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    bench = Bench(arguments.quick)
    try:
        for name in names or [name for name in PARTS if name not in ONLY_BY_NAME]:
            print(f"bench: {name}", flush=True)
            PARTS[name](bench)
    finally:
        bench.close()
    print(report.show(bench.figures))
    if arguments.json:
        report.write_json(arguments.json, bench.figures)
    missed = [each["name"] for each in bench.figures if not each["met"]]
    print(f"bench: {len(bench.figures) - len(missed)} targets met, {len(missed)} missed: {' '.join(missed)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
