# SPDX-License-Identifier: Apache-2.0
"""The client beside Debian's AWS CLI, rclone and s3cmd, each fetching the same objects from the same server into an
empty folder, durable at the end (one syncfs)."""
import contextlib
import os
import shutil
import statistics
import subprocess
import tempfile
import time

import trees
from clients import Clients
from peers import run_measured
from server import BUCKET, PROGRAMS, Server, clean_environment

ACCOUNT = "1"
PREFIX = f"v1/account_id={ACCOUNT}/"
SOURCE = f"s3://{BUCKET}/{PREFIX}"


class World:
    """A server with objects, and each client as a function that fetches them all and says how long it took."""

    def __init__(self, files: dict[str, bytes]):
        self.server = Server(config="[limits]\naccount_max_requests = 4096\nmax_connections_per_block = 0\n")
        self.server.token = self.server.make_account(ACCOUNT)
        self.server.run("import", str(trees.plain_tree(self.server.folder / "tree", files)), timeout=3600)
        self.server.start()
        self.clients = Clients(self.server, self.server.exchange(self.server.token, None), self.server.folder / "c")
        self.count = len(files)
        self.targets = 0
        self.next_target()

    def close(self) -> None:
        self.server.kill()
        shutil.rmtree(self.server.folder, ignore_errors=True)

    def environment(self) -> dict[str, str]:
        return {**clean_environment(), "VALETKEY_API": self.server.api, "VALETKEY_TOKEN": self.server.token,
                "HOME": str(self.server.folder)}

    def next_target(self) -> None:
        self.targets += 1
        self.target = self.server.folder / f"target-{self.targets}"
        self.target.mkdir()

    @contextlib.contextmanager
    def emptied(self):
        """A fresh folder for each run. Nothing is deleted between runs: ext4 without a journal then looks at every
        inode deleted lately before it gives out the next one, which would be most of what is measured."""
        self.next_target()
        os.sync()  # what others left unwritten is not this one's
        yield
        found = sum(len(names) for folder, _, names in os.walk(self.target) if ".valetkey" not in folder)
        if found < self.count:
            raise RuntimeError(f"{found} of {self.count} files arrived")

    def timed(self, run) -> float:
        with self.emptied():
            started = time.monotonic()
            done = run()
            if done.returncode != 0:
                raise RuntimeError(f"{done.args}: {done.stderr[-1000:]}")
            subprocess.run(["sync", "--file-system", str(self.target)], check=True, timeout=600)
            return time.monotonic() - started

    def valetkey(self) -> dict:
        """It ends with a syncfs of its own."""
        with self.emptied():
            return run_measured([str(PROGRAMS / "valetkey"), "sync", "--output", str(self.target)], timeout=3600,
                                env=self.environment())

    def aws(self) -> float:
        return self.timed(lambda: self.clients.aws("s3", "sync", "--only-show-errors", SOURCE, str(self.target),
                                                   timeout=3600))

    def rclone(self, transfers: int) -> float:
        return self.timed(lambda: self.clients.rclone(
            "copy", "--transfers", str(transfers), "--checkers", str(max(8, transfers)),
            f"remote:{BUCKET}/{PREFIX}", str(self.target), timeout=3600))

    def s3cmd(self) -> float:
        return self.timed(lambda: self.clients.s3cmd("sync", "--no-progress", SOURCE, f"{self.target}/",
                                                     timeout=3600))

    def best_transfers(self, choices: list[int]) -> int:
        return min(choices, key=self.rclone)


def sync_10k(bench) -> None:
    count = 1_000 if bench.quick else 10_000
    world = World({f"{PREFIX}type=events/date=2026-03-{1 + n % 28:02}/event=e{n % 50:02}/part-{n:05}":
                   trees.content_of(50 << 10, str(n)) for n in range(count)})
    rounds = min(bench.rounds, 3)
    try:
        transfers = world.best_transfers([8, 16, 32, 64])
        bench.note(f"sync_10k: {count:,} objects, rclone --transfers {transfers}")
        ours, aws, rclone = [], [], []
        for number in range(rounds):
            runs = [lambda: ours.append(world.valetkey()["seconds"]), lambda: aws.append(world.aws()),
                    lambda: rclone.append(world.rclone(transfers))]
            for run in runs if number % 2 else reversed(runs):
                run()
    finally:
        world.close()
    bench.add("sync_10k.vs_aws", "s", ours, aws)
    bench.add("sync_10k.vs_rclone", "s", ours, rclone)


def sync_2g(bench) -> None:
    size = 512 << 20 if bench.quick else 2 << 30
    world = World({f"{PREFIX}type=events/date=2026-03-01/event=e/part-0": trees.content_of(size, "2g")})
    try:
        once = {"aws": world.aws(), "rclone": world.rclone(4), "s3cmd": world.s3cmd()}
        fastest = min(once, key=once.get)
        bench.note(f"sync_2g: {size >> 20:,} MiB; " + ", ".join(f"{name} {took:.1f} s" for name, took in once.items()))
        again = {"aws": world.aws, "rclone": lambda: world.rclone(4), "s3cmd": world.s3cmd}[fastest]
        ours, theirs = [], []
        for number in range(min(bench.rounds, 3)):
            for run in (lambda: ours.append(world.valetkey()), lambda: theirs.append(again()))[::1 - 2 * (number % 2)]:
                run()
    finally:
        world.close()
    bench.add("sync_2g.vs_fastest", "s", [run["seconds"] for run in ours], theirs)
    bench.add("sync_2g.rss_mib", "MiB", [run["rss_mib"] for run in ours])


def sync_noop(bench) -> None:
    """In a memory file system where there is one: filling it 100,000 times over is not what is measured."""
    count = 20_000 if bench.quick else 100_000
    former = tempfile.tempdir
    if os.access("/dev/shm", os.W_OK):
        tempfile.tempdir = "/dev/shm"
    try:
        world = World({f"{PREFIX}type=events/date=2026-03-{1 + n % 28:02}/event=e{n % 50:02}/part-{n:06}":
                       f"{n}".encode() for n in range(count)})
    finally:
        tempfile.tempdir = former
    command = [str(PROGRAMS / "valetkey"), "sync", "--output", str(world.target)]
    try:
        run_measured(command, timeout=3600, env=world.environment())
        took = [run_measured(command, timeout=600, env=world.environment())["seconds"] for _ in range(bench.rounds)]
    finally:
        world.close()
    if count < 100_000:
        bench.note(f"sync_noop_100k_s: {count:,} objects, times {100_000 // count}")
    bench.add("sync_noop_100k_s", "s", [each * (100_000 / count) for each in took])


def credential_process(bench) -> None:
    """From posix_spawn to the end, beside /bin/true, the least that a process takes. posix_spawn copies nothing of
    this large process (vfork), so the pair costs it 0.1 ms."""
    world = World({f"{PREFIX}object": b"x"})
    environment = world.environment()
    quiet = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]

    def once(*command: str) -> float:
        started = time.monotonic()
        _, status = os.waitpid(os.posix_spawn(command[0], command, environment, file_actions=quiet), 0)
        took = time.monotonic() - started
        if status != 0:
            raise RuntimeError(f"{command[0]} failed")
        return took * 1000

    def median(*command: str) -> float:
        return statistics.median(once(*command) for _ in range(20))

    try:
        ours, floor = bench.rotate(lambda: median(str(PROGRAMS / "valetkey"), "credential-process"),
                                   lambda: median("/bin/true"))
    finally:
        world.close()
    bench.add("credential_process_ms", "ms", ours, floor)


PARTS = {"sync_10k": sync_10k, "sync_2g": sync_2g, "sync_noop": sync_noop, "credential_process": credential_process}
FIGURES = {"sync_10k.vs_aws": "sync_10k", "sync_10k.vs_rclone": "sync_10k", "sync_2g.vs_fastest": "sync_2g",
           "sync_2g.rss_mib": "sync_2g", "sync_noop_100k_s": "sync_noop",
           "credential_process_ms": "credential_process"}
