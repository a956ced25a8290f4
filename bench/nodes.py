# SPDX-License-Identifier: Apache-2.0
"""What an installation of several machines stands on: events into Kafka, beside librdkafka alone; an exchange over
PostgreSQL, beside SQLite; three nodes beside one, and one that dies."""
import concurrent.futures
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import uuid

import server as serving
from events import EVENTS_A_REQUEST, NO_EXPORT, discard, make_server, send
from peers import SERVER_CORE, pinned, request_line, wrk
from server import PROGRAMS

ENGINES = pathlib.Path(__file__).resolve().parent.parent / "tests/engines"
sys.path.insert(0, str(ENGINES))
import cluster  # noqa: E402
import kafka  # noqa: E402
import minio  # noqa: E402
import postgres  # noqa: E402
from load import Load  # noqa: E402
from test_nodes import Node, configuration as control_configuration, new_database  # noqa: E402

CONNECTIONS = 256
FAILOVER_ACCOUNTS = [str(number) for number in range(1, 17)]  # so many that each partition has some
LIMITS = "[limits]\ntoken_requests_per_s = 0\nmax_connections_per_block = 0\naccount_max_requests = 4096\n"


def scratch() -> pathlib.Path:
    """Where PostgreSQL's own user comes through."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="valetkey-bench-"))
    folder.chmod(0o755)
    return folder


def nodes(bench) -> None:
    """On all cores, the broker and the load generator among them: the same messages, as many on the way at once."""
    if why := kafka.missing():
        return bench.note(f"kafka.intake_events_per_s is left out: {why}")
    broker = kafka.Kafka(pathlib.Path(tempfile.mkdtemp(dir=bench.folder)) / "kafka")
    where = broker.up()["brokers"][0]
    topic = f"bench-{uuid.uuid4().hex[:8]}"
    config = ("[limits]\nmax_connections_per_block = 0\n" + NO_EXPORT + f'[events]\nkind = "kafka"\ntls = false\n'
              f'brokers = ["{where}"]\ntopic = "{topic}"\nreplicas = 1\npartitions = 4\n')

    def ours() -> float:
        server = make_server(config).start()
        try:
            send(server, 0.5, connections=CONNECTIONS)
            return send(server, bench.seconds, connections=CONNECTIONS)["rps"] * EVENTS_A_REQUEST
        finally:
            discard(server)

    def bare() -> float:
        done = subprocess.run([str(PROGRAMS / "produce_bare"), where, topic, "0", str(CONNECTIONS), str(bench.seconds)],
                              check=True, capture_output=True, text=True, timeout=bench.seconds + 60)
        answer = json.loads(done.stdout)
        return answer["requests"] / answer["seconds"] * EVENTS_A_REQUEST

    try:
        make_server(config).start().close()  # makes the topic
        bench.add("kafka.intake_events_per_s", "1/s", *bench.rotate(ours, bare))
    finally:
        broker.down()


def exchange_over_postgres(bench) -> None:
    """CPU of the server alone, PostgreSQL's own apart: what a token is comes from memory on both."""
    if not postgres.is_installed():
        return bench.note("pg.exchange_cpu_vs_sqlite is left out: PostgreSQL is not installed (script/bootstrap engines)")
    engine = postgres.Postgres(scratch() / "postgres")
    engine.up()
    ours = theirs = None
    try:
        ours = make_server(LIMITS + "threads = 1\n" + control_configuration(engine.where(), new_database(engine)),
                           prefix=tuple(pinned(SERVER_CORE))).start()
        theirs = bench.serve({})
        line = lambda one: request_line("/v2/export/credentials", {"Authorization": f"Bearer {one.token}"})  # noqa: E731
        over_postgres, over_sqlite = bench.rotate(
            lambda: bench.loaded(ours.api, line(ours), bench.pids(ours)),
            lambda: bench.loaded(theirs.api, line(theirs), bench.pids(theirs)))
    finally:
        for one in (ours, theirs):
            one and one.close()
        engine.down()
    bench.add("pg.exchange_cpu_vs_sqlite", "us", [run["cpu_us"] for run in over_postgres],
              [run["cpu_us"] for run in over_sqlite])


class Cluster:
    """Nodes over PostgreSQL, Kafka and MinIO, each started here."""

    def __init__(self, folder: pathlib.Path):
        self.ends = contextlib.ExitStack()
        database, brokers, store = (postgres.Postgres(folder / "postgres"), kafka.Kafka(folder / "kafka"),
                                    minio.Minio(folder / "minio"))
        for engine in (database, brokers, store):
            engine.up()
            self.ends.callback(engine.down)
        clean = serving.clean_environment
        self.ends.callback(lambda: setattr(serving, "clean_environment", clean))
        self.config = cluster.configuration(database, brokers.where(), folder / "minio") + LIMITS

    def nodes(self, number: int, export: str) -> list[Node]:
        made = cluster.nodes(self.config + export, number)
        for node in made:
            self.ends.callback(discard, node)
        return made


class Third:
    """A third of a core for a process, by the kernel's own accounting."""
    ROOT = pathlib.Path("/sys/fs/cgroup")

    @classmethod
    def why_not(cls) -> str:
        try:
            with cls() as one:
                one.files()
        except OSError as error:
            return f"the kernel's limits of CPU time cannot be set here ({error})"
        return ""

    def __enter__(self) -> "Third":
        parent = self.ROOT / "cpu" if (self.ROOT / "cpu").is_dir() else self.ROOT
        self.folder = parent / f"valetkey-bench-{uuid.uuid4().hex[:8]}"
        self.folder.mkdir()
        return self

    def files(self) -> None:
        if (self.folder / "cpu.cfs_quota_us").exists():
            (self.folder / "cpu.cfs_period_us").write_text("30000")
            (self.folder / "cpu.cfs_quota_us").write_text("10000")
        else:
            (self.folder / "cpu.max").write_text("10000 30000")

    def holds(self, pid: int) -> None:
        self.files()
        (self.folder / "cgroup.procs").write_text(str(pid))

    def __exit__(self, *_) -> None:
        self.folder.rmdir()


def rate_of(*arguments) -> float:
    answer = wrk(*arguments)
    return answer["requests"] / answer["seconds"]


def three_nodes(bench) -> None:
    """Exchanges a second: each node has a third of a core, and a token of its own; PostgreSQL and the clients the rest."""
    if why := cluster_missing() or Third.why_not():
        return bench.note(f"nodes.throughput_3_vs_1 is left out: {why}")
    running = Cluster(scratch())
    thirds = [running.ends.enter_context(Third()) for _ in range(3)]
    try:
        nodes = running.nodes(3, NO_EXPORT)
        tokens = [nodes[0].make_account(str(number + 1)) for number in range(3)]
        for node, third in zip(nodes, thirds):
            third.holds(node.start().process.pid)
        lines = [request_line("/v2/export/credentials", {"Authorization": f"Bearer {token}"}) for token in tokens]

        def together(number: int) -> float:
            with concurrent.futures.ThreadPoolExecutor(number) as pool:
                clients = [pool.submit(rate_of, node.api, line, node.folder, bench.seconds, 16)
                           for node, line in list(zip(nodes, lines))[:number]]
                return sum(client.result() for client in clients)

        three, one = bench.rotate(lambda: together(3), lambda: together(1))
        bench.add("nodes.throughput_3_vs_1", "1/s", three, one)
    finally:
        running.ends.close()


def failover(bench) -> None:
    """From the kill of a node until others have exported what waits in its partitions; longest_wait is a second."""
    if why := cluster_missing():
        return bench.note(f"nodes.failover_s is left out: {why}")
    running = Cluster(scratch())
    try:
        nodes = running.nodes(3, "[export]\nlongest_wait = \"1s\"\n")
        for node in nodes:
            node.start()
        for account in FAILOVER_ACCOUNTS:
            nodes[0].make_account(account)
        seconds = []
        for turn in range(2 if bench.quick else 4):
            seconds.append(time_to_resume(nodes[1 + turn % 2], nodes[0]))
        bench.add("nodes.failover_s", "s", seconds)
    finally:
        running.ends.close()


def time_to_resume(victim: Node, witness: Node) -> float:
    def works() -> list[dict]:
        return witness.ask("nodes")["works"]

    def settled() -> bool:
        owners = {each["node"] for each in works()}
        return None not in owners and len(owners) == 3

    if not serving.eventually(settled, 90):
        raise RuntimeError("the nodes did not share the work")
    with contextlib.ExitStack() as loads:
        for account in FAILOVER_ACCOUNTS:
            loads.enter_context(Load(witness.api, senders=1, account=account))
        time.sleep(2)
        lost = {each["work"] for each in works() if f":{victim.api_port})" in each["node"]} - {"days"}
        victim.kill()
        began = time.monotonic()
        time.sleep(3)
    if not any(each["waiting"] for each in works() if each["work"] in lost):
        raise RuntimeError(f"the node had {lost}, where nothing waits: {works()}")
    resumed = lambda: all(each["waiting"] == 0 for each in works() if each["work"] in lost)  # noqa: E731
    if not serving.eventually(resumed, 120):
        raise RuntimeError("what the node held was not taken up")
    took = time.monotonic() - began
    victim.start()
    return took


def cluster_missing() -> str:
    if not postgres.is_installed():
        return "PostgreSQL is not installed (script/bootstrap engines)"
    return kafka.missing() or ("" if minio.is_installed() else "MinIO's program is not in the cache")


PARTS = {"nodes": nodes, "nodes_postgresql": exchange_over_postgres, "nodes_three": three_nodes,
         "nodes_failover": failover}
FIGURES = {"kafka.intake_events_per_s": "nodes", "pg.exchange_cpu_vs_sqlite": "nodes_postgresql",
           "nodes.throughput_3_vs_1": "nodes_three", "nodes.failover_s": "nodes_failover"}
