# SPDX-License-Identifier: Apache-2.0
"""Events in and exports out: how many are taken durably, and what their export costs beside a bare DuckDB COPY."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from peers import cpu_seconds, pinned, request_line, run_measured, CLIENT_CORE
from server import PROGRAMS, Server

ROOT = pathlib.Path(__file__).resolve().parent.parent
DUCKDB = ROOT / "node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so"
MEMORY_LIMIT_MIB = 512  # of DuckDB, ours and the bare one: the default of [export] memory_limit_mib
# So that no export begins while only the intake is measured.
NO_EXPORT = "[export]\nbatch_bytes = 1073741824\nlongest_wait = \"1h\"\n"
EVENTS_A_REQUEST = 10


def make_server(config: str = "", accounts: int = 1, prefix: tuple = ()) -> Server:
    """Not started. Events want no connection limit: all come from one address."""
    server = Server(config=config, prefix=prefix)
    for account in range(accounts):
        server.token = server.make_account(str(account + 1))
    return server


def discard(server: Server) -> None:
    """Without close(): its search of what is left would read gigabytes."""
    if server.process is not None:
        server.kill()
    shutil.rmtree(server.folder, ignore_errors=True)


def fill_log(server: Server, events: int, partitions: int = 100, accounts: int = 1, rows: str = "") -> None:
    subprocess.run([str(PROGRAMS / "fill_log"), str(server.data), str(events), str(partitions), str(accounts),
                    *([rows] if rows else [])], check=True, timeout=1800)


def send(server: Server, seconds: float, connections: int = 64, rate: float = 0, core: str = "") -> dict:
    """Events as fast as they are taken, or so many requests a second."""
    command = [str(PROGRAMS / "send_events"), str(server.api_port), str(connections), str(seconds),
               *([str(rate)] if rate else [])]
    before = cpu_seconds([server.process.pid])
    done = subprocess.run(pinned(core, *command) if core else command, capture_output=True, text=True,
                          timeout=seconds + 60)
    if done.returncode != 0:
        raise RuntimeError(f"send_events: {done.stderr}")
    answer = json.loads(done.stdout)
    if answer["errors"] or not answer["requests"]:
        raise RuntimeError(f"events were refused: {done.stdout} {done.stderr} {server.log_text()[-500:]}")
    answer["rps"] = answer["requests"] / answer["seconds"]
    answer["cpu_us"] = (cpu_seconds([server.process.pid]) - before) / answer["requests"] * 1e6
    return answer


def intake(bench) -> None:
    """On all cores, the load generator among them; a server for each run, since the log grows by gigabytes."""
    limits = "[limits]\nmax_connections_per_block = 0\n"
    runs = []
    for _ in range(bench.rounds):
        server = make_server(limits + NO_EXPORT).start()
        try:
            send(server, 0.5)
            runs.append(send(server, bench.seconds))
        finally:
            discard(server)
    bench.add("intake.events_per_s", "1/s", [run["rps"] * EVENTS_A_REQUEST for run in runs])
    bench.add("intake.p99_ms", "ms", [run["p99_ms"] for run in runs])


def intake_credentials(bench) -> None:
    """Server and load generator have a core each, as in the benchmark of credentials."""
    config = "[limits]\nthreads = 1\ntoken_requests_per_s = 0\nmax_connections_per_block = 0\n" + NO_EXPORT

    def served(measure) -> float:
        server = make_server(config, prefix=tuple(pinned("0"))).start()
        try:
            return measure(server)
        finally:
            discard(server)

    def ours() -> float:
        return served(lambda server: send(server, bench.seconds, core=CLIENT_CORE)["rps"])

    def theirs() -> float:
        return served(lambda server: bench.loaded(server.api, request_line(
            "/v2/export/credentials", {"Authorization": f"Bearer {server.token}"}), bench.pids(server))["rps"])

    mine, credentials = bench.rotate(ours, theirs)
    bench.add("intake.rps_vs_credentials", "1/s", mine, credentials)


def export(server: Server, prefix: tuple = ()) -> dict:
    """All that waits: seconds, CPU seconds, peak MiB."""
    done = run_measured([*prefix, *server.command("export", "--json")], timeout=3600)
    done["counts"] = json.loads(done["out"])
    return done


def export_copy(bench) -> None:
    """Both take all cores; a server's exporter runs beside its requests with one thread."""
    events = 200_000 if bench.quick else 1_000_000
    uuids = 2_000_000 if bench.quick else 10_000_000
    bench.note(f"export.rows_vs_bare_copy: {events:,} events, {uuids:,} uuids seen")
    ours, theirs = [], []
    for number in range(min(bench.rounds, 3)):
        server = make_server()
        folder = pathlib.Path(tempfile.mkdtemp(dir=bench.folder))
        try:
            subprocess.run([str(PROGRAMS / "fill_seen"), str(server.data), str(uuids)], check=True, timeout=600)
            fill_log(server, events, rows=str(folder))

            def mine() -> None:
                done = export(server)
                if done["counts"]["rows"] != events:
                    raise RuntimeError(f"rows are missing: {done['counts']}")
                ours.append(events / done["seconds"])

            def bare() -> None:
                done = run_measured([str(PROGRAMS / "bare_copy"), str(DUCKDB), str(folder), str(MEMORY_LIMIT_MIB),
                                     str(os.cpu_count() or 1)], timeout=600)
                theirs.append(events / done["seconds"])

            for run in (mine, bare) if number % 2 else (bare, mine):
                run()
        finally:
            discard(server)
            shutil.rmtree(folder, ignore_errors=True)
    bench.add("export.rows_vs_bare_copy", "rows/s", ours, theirs)


def export_partitions(bench) -> None:
    """Two events in each partition; five accounts, since a day of one has at most 10,000 partitions of a type. In a
    memory file system where there is one: it is memory that is measured, not the disk."""
    each = 4_000 if bench.quick else 20_000
    bench.note(f"export.partitions_100k_rss_mib: {5 * each:,} partitions")
    former = tempfile.tempdir
    if os.access("/dev/shm", os.W_OK):
        tempfile.tempdir = "/dev/shm"
    try:
        server = make_server(accounts=5)
    finally:
        tempfile.tempdir = former
    try:
        fill_log(server, 10 * each, each, accounts=5)
        done = export(server)
    finally:
        discard(server)
    if done["counts"]["rows"] != 10 * each or done["counts"]["parts"] < 5 * each:
        raise RuntimeError(f"not all was exported: {done['counts']}")
    bench.note(f"export.partitions_100k_rss_mib: took {done['seconds']:.0f} s, {done['cpu']:.0f} s of CPU")
    bench.add("export.partitions_100k_rss_mib", "MiB", [done["rss_mib"]])


def export_cost(bench) -> None:
    """CPU microseconds an event, export and close of the day together: it is the next day for the exporter."""
    large = 2_000_000 if bench.quick else 10_000_000
    bench.note(f"export.cost_10m_vs_1m: {large:,} events and {large // 10:,}")

    def cost(events: int) -> float:
        server = make_server("[intake]\nmax_waiting_bytes = 34359738368\n")
        try:
            fill_log(server, events)
            done = export(server, ("/usr/bin/faketime", "-f", "+1d"))
            if done["counts"]["rows"] != events:
                raise RuntimeError(f"rows are missing: {done['counts']}")
            return done["cpu"] / events * 1e6
        finally:
            discard(server)

    small = [cost(large // 10) for _ in range(2)]
    bench.add("export.cost_10m_vs_1m", "us", [cost(large)], [sum(small) / len(small)])


def export_remembered(bench) -> None:
    """CPU microseconds an event, the start of the program included, which reads the newest uuids."""
    events = 200_000 if bench.quick else 1_000_000
    many = 20_000_000 if bench.quick else 100_000_000
    bench.note(f"export.cost_per_event_100m_vs_1m: {events:,} events, {many:,} and 1,000,000 uuids seen")

    def cost(uuids: int) -> float:
        server = make_server('[export]\ndedup = "day"\n')
        try:
            subprocess.run([str(PROGRAMS / "fill_seen"), str(server.data), str(uuids)], check=True, timeout=1800)
            fill_log(server, events)
            done = export(server)
            if done["counts"]["rows"] != events:
                raise RuntimeError(f"rows are missing: {done['counts']}")
            bench.note(f"export.cost_per_event_100m_vs_1m: {uuids:,} seen, {done['rss_mib']:.0f} MiB at most")
            return done["cpu"] / events * 1e6
        finally:
            discard(server)

    pairs = [(cost(many), cost(1_000_000)) for _ in range(min(bench.rounds, 3))]
    bench.add("export.cost_per_event_100m_vs_1m", "us", [each[0] for each in pairs], [each[1] for each in pairs])


def intake_exporting(bench) -> None:
    """p99 at a fifth of the peak, with a log full of events that is being exported, and without."""
    waiting = 2_000_000
    limits = "[limits]\nmax_connections_per_block = 0\n"

    def idle(seconds: float, rate: float = 0) -> dict:
        server = make_server(limits + NO_EXPORT).start()
        try:
            send(server, 0.5)
            return send(server, seconds, rate=rate)
        finally:
            discard(server)

    def exporting(rate: float) -> float:
        server = make_server(limits)
        try:
            fill_log(server, waiting)
            server.start()
            send(server, 1.5, rate=rate)  # the exporter looks once a second
            answer = send(server, bench.seconds, rate=rate)
            counts = server.ask("export", "status")["accounts"]
            if counts and counts[0]["events"] >= waiting:
                bench.note("intake.p99_while_exporting_vs_idle: the export ended before the run")
            return answer["p99_ms"]
        finally:
            discard(server)

    peak = idle(bench.seconds)["rps"]
    for name, rate in [("intake.p99_while_exporting_vs_idle", peak / 20),
                       ("intake.p99_while_exporting_vs_idle_at_a_fifth", peak / 5)]:
        bench.note(f"{name}: {rate:,.0f} requests/s")
        ours, theirs = bench.rotate(lambda: exporting(rate), lambda: idle(bench.seconds, rate)["p99_ms"])
        bench.add(name, "ms", ours, theirs)


PARTS = {"intake": intake, "intake_credentials": intake_credentials, "intake_exporting": intake_exporting,
         "export_copy": export_copy, "export_partitions": export_partitions, "export_cost": export_cost,
         "export_remembered": export_remembered}
FIGURES = {"intake.events_per_s": "intake", "intake.p99_ms": "intake",
           "intake.rps_vs_credentials": "intake_credentials",
           "intake.p99_while_exporting_vs_idle": "intake_exporting",
           "intake.p99_while_exporting_vs_idle_at_a_fifth": "intake_exporting",
           "export.rows_vs_bare_copy": "export_copy", "export.partitions_100k_rss_mib": "export_partitions",
           "export.cost_10m_vs_1m": "export_cost", "export.cost_per_event_100m_vs_1m": "export_remembered"}
