# SPDX-License-Identifier: Apache-2.0
"""What the server is compared with and measured by: nginx with a generated configuration, wrk, the floors, and the
CPU time of processes."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")
SERVER_CORE, CLIENT_CORE = "0", "1"


def pinned(core: str, *command: str) -> list[str]:
    """The command on one core, where the machine has more than one."""
    return ["taskset", "-c", core, *command] if (os.cpu_count() or 1) > 1 else list(command)


def cpu_seconds(pids: list[int]) -> float:
    """User and system time that these processes have used."""
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


class PeakMemory(threading.Thread):
    """Watches one process. What wait4() says of memory counts what Python had before it became the program."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.pid, self.mib = pid, 0.0
        self.start()

    def run(self) -> None:
        while True:
            try:
                status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
            except OSError:
                return
            peak = [line for line in status.splitlines() if line.startswith("VmHWM")]
            if not peak:
                return  # it has ended
            if "Name:\tpython" not in status:
                self.mib = int(peak[0].split()[1]) / 1024
            time.sleep(0.01)


def run_measured(command: list[str], timeout: float, **options) -> dict:
    """Runs to its end: seconds, CPU seconds, its own peak memory, what it printed."""
    started = time.monotonic()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(command, stdout=out, stderr=errors, stdin=subprocess.DEVNULL, **options)
        watchdog = threading.Timer(timeout, child.kill)
        watchdog.start()
        peak = PeakMemory(child.pid)
        _, status, usage = os.wait4(child.pid, 0)
        watchdog.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        took = time.monotonic() - started
        out.seek(0)
        errors.seek(0)
        if child.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: exit {child.returncode}: {errors.read()[-1000:].decode()}")
        return {"seconds": took, "cpu": usage.ru_utime + usage.ru_stime, "rss_mib": peak.mib,
                "out": out.read().decode()}


def children(pid: int) -> list[int]:
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


class Nginx:
    """One worker on the server's core: a fixed JSON answer at /json, the files of a folder elsewhere."""

    def __init__(self, folder: pathlib.Path, port: int, tls_port: int, body: str, files: pathlib.Path,
                 certificate: pathlib.Path, key: pathlib.Path):
        self.port, self.tls_port = port, tls_port
        escaped = body.replace("\\", "\\\\").replace("'", "\\'").replace("$", "${dollar}")
        config = folder / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        config.write_text(f"""{user}
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; keepalive_timeout 600s;
  open_file_cache max=1000; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  geo $dollar {{ default "$"; }}
  server {{
    listen 127.0.0.1:{port}; listen 127.0.0.1:{tls_port} ssl;
    ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.3;
    location = /json {{ default_type application/json; return 200 '{escaped}'; }}
    location / {{ root {files}; }}
  }}
}}
""")
        self.process = subprocess.Popen(pinned(SERVER_CORE, "/usr/sbin/nginx", "-c", str(config), "-e",
                                               f"{folder}/nginx.log"), stdin=subprocess.DEVNULL)
        time.sleep(0.5)
        if self.process.poll() is not None:
            raise RuntimeError(f"nginx does not start: {(folder / 'nginx.log').read_text()}")

    def pids(self) -> list[int]:
        return [self.process.pid, *children(self.process.pid)]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)


class Minio:
    """MinIO, where the program is: $MINIO_BIN, or ~/.cache/valetkey-minio/minio. It is a separate
    program under another licence, which is only measured."""
    PROGRAM = pathlib.Path(os.environ.get("MINIO_BIN", pathlib.Path.home() / ".cache/valetkey-minio/minio"))
    KEY, SECRET = "peer", "only-for-this-run"

    def __init__(self, folder: pathlib.Path, port: int, engine: bool = False):
        """`engine`: what both sides talk to, with all cores; else a peer, with the server's."""
        self.port, self.address = port, f"http://127.0.0.1:{port}"
        command = [str(self.PROGRAM), "server", "--quiet", "--address", f"127.0.0.1:{port}", str(folder / "minio")]
        cores = {} if engine else {"GOMAXPROCS": "1"}
        with open(folder / "minio.log", "wb") as log:
            self.process = subprocess.Popen(
                command if engine else pinned(SERVER_CORE, *command), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={"PATH": "/usr/bin:/bin", "HOME": str(folder), **cores, "MINIO_ROOT_USER": self.KEY,
                     "MINIO_ROOT_PASSWORD": self.SECRET, "MINIO_BROWSER": "off", "MINIO_UPDATE": "off",
                     "MINIO_CALLHOME_ENABLE": "off", "MINIO_CI_CD": "1"})
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{self.address}/minio/health/ready", timeout=2).close()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"MinIO does not start: {(folder / 'minio.log').read_text()[-1000:]}")

    def pids(self) -> list[int]:
        return [self.process.pid]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(timeout=20)


class BareGet:
    """The floor under a download."""

    def __init__(self, program: pathlib.Path, folder: pathlib.Path, size: int):
        self.process = subprocess.Popen(pinned(SERVER_CORE, str(program), str(folder / "bare"), str(size)),
                                        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.port = int(self.process.stdout.readline())

    def pids(self) -> list[int]:
        return [self.process.pid]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(timeout=20)


def request_line(path: str, headers: dict[str, str]) -> str:
    return "\t".join([path, *(f"{name}: {value}" for name, value in headers.items())]) + "\n"


def wrk(url: str, requests: str, folder: pathlib.Path, seconds: float, connections: int) -> dict:
    """Runs wrk on the client's core; `requests` are lines of request_line()."""
    file = folder / "requests"
    file.write_text(requests)
    file.chmod(0o600)
    script = pathlib.Path(__file__).with_name("requests.lua")
    done = subprocess.run(pinned(CLIENT_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
                                 "--timeout", "10s", "-s", str(script), url), capture_output=True, text=True,
                          timeout=seconds + 60, env={**os.environ, "BENCH_REQUESTS": str(file)})
    if done.returncode != 0:
        raise RuntimeError(f"wrk: {done.stderr}")
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    if answer["errors"] or not answer["requests"]:
        raise RuntimeError(f"wrk met errors: {done.stdout}")
    return answer


def send_request(program: pathlib.Path, port: int, request: str, seconds: float, rate: float = 0,
                 connections: int = 64) -> dict:
    """One request again and again from the client's core, `rate` a second (open loop), or as fast as it is answered."""
    done = subprocess.run(pinned(CLIENT_CORE, str(program), str(port), str(connections), str(seconds), str(rate)),
                          input=request, capture_output=True, text=True, timeout=seconds + 60)
    if done.returncode != 0:
        raise RuntimeError(f"send_request: {done.stderr}")
    answer = json.loads(done.stdout)
    if answer["errors"] or not answer["requests"]:
        raise RuntimeError(f"send_request met errors: {done.stdout} {done.stderr[-1000:]}")
    return {**answer, "rps": answer["requests"] / answer["seconds"]}


def request_text(method: str, path: str, headers: dict[str, str], body: str = "") -> str:
    fields = {**headers, **({"Content-Length": str(len(body))} if body else {})}
    return f"{method} {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items()) + "\r\n" + body
