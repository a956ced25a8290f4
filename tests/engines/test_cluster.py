#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Three nodes that share PostgreSQL, Kafka and a bucket: each event is exported once, whichever of them dies or sleeps
while it works, and what the dead one did is taken up by the others."""
import os
import pathlib
import random
import signal
import sys
import time
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import cluster  # noqa: E402
import engine_case  # noqa: E402
import network  # noqa: E402
import parts  # noqa: E402
import postgres  # noqa: E402
import server as serving  # noqa: E402
from load import Load  # noqa: E402
from test_nodes import Node  # noqa: E402

ACCOUNTS = ("12", "13", "14", "15", "16", "17")
PARTITIONS = 4
TAKEN_UP_WITHIN = 40  # seconds, of which ownership lasts 30


def engine(name: str) -> dict:
    os.environ["VALETKEY_ENGINE"] = f"{os.environ.get('VALETKEY_ENGINES', '')}/{name}"
    return engine_case.engine()


class Cluster(unittest.TestCase):
    sent: set[str] = set()  # by the tests before

    @classmethod
    def setUpClass(cls):
        parts.need_node()
        store, brokers = engine("minio"), engine("kafka")
        engine("postgres")
        engines = pathlib.Path(os.environ["VALETKEY_ENGINES"])
        cls.postgres = postgres.Postgres(engines / "postgres")
        config = cluster.configuration(cls.postgres, brokers, engines / "minio")
        cls.store_ports = [urllib.parse.urlsplit(store["s3"]).port]
        cls.nodes = cluster.nodes(config + '[export]\nlongest_wait = "1s"\n')
        cls.tokens = {account: cls.nodes[0].make_account(account) for account in ACCOUNTS}
        for node in cls.nodes:
            node.start()

    @classmethod
    def tearDownClass(cls):
        for node in getattr(cls, "nodes", []):
            node.close()

    def overview(self) -> dict:
        return self.alive().ask("nodes")

    def alive(self) -> Node:
        return next(node for node in self.nodes if node.process and node.process.poll() is None)

    def owners(self) -> dict[str, str | None]:
        return {each["work"]: each["node"] for each in self.overview()["works"]}

    def works_of(self, node: Node) -> list[str]:
        return [work for work, name in self.owners().items() if name and f":{node.api_port})" in name]

    def wait_until_shared(self, nodes: int, seconds: float) -> float:
        began = time.monotonic()
        shared = lambda: None not in (owners := self.owners()).values() and len(set(owners.values())) == nodes  # noqa: E731
        self.assertTrue(serving.eventually(shared, seconds), self.overview())
        return time.monotonic() - began

    def export(self) -> None:
        until = time.monotonic() + 90
        while True:
            try:
                return self.alive().run("export")
            except serving.Failed:
                if time.monotonic() > until:
                    raise
                time.sleep(1)

    def check(self, loads: list[Load]) -> None:
        self.export()
        for load in loads:
            node = self.alive()
            load.check(self, parts.read_rows(parts.download(node, load.account, self.tokens[load.account])), self.sent)
            self.sent.update(load.attempted)

    def loads(self) -> list[Load]:
        return [Load(self.nodes[number % 3].api, senders=1, account=account) for number, account in enumerate(ACCOUNTS)]

    def test_1_each_node_has_its_part_and_all_see_the_same(self):
        took = self.wait_until_shared(3, 30)
        self.assertEqual(PARTITIONS + 1, len(self.owners()))
        for node in self.nodes:
            self.assertIn(len(self.works_of(node)), (1, 2))
            self.assertIn("credentials", node.exchange(self.tokens["12"]))
        print(f"three nodes shared the work after {took:.1f} s", file=sys.stderr)

    def test_2_what_a_killed_node_did_is_taken_up_and_nothing_is_lost_or_twice(self):
        self.wait_until_shared(3, 30)
        moments = random.Random(5)
        loads = self.loads()
        for load in loads:
            load.__enter__()
        try:
            for turn in range(20 if serving.LONG else 1):
                victim = self.nodes[turn % 3]
                time.sleep(moments.uniform(1, 3))
                works = self.works_of(victim)
                victim.kill()
                began = time.monotonic()
                taken = lambda: all(self.owners()[work] for work in works) and not self.works_of(victim)  # noqa: E731
                self.assertTrue(serving.eventually(taken, TAKEN_UP_WITHIN), self.overview())
                print(f"{works} taken up after {time.monotonic() - began:.1f} s", file=sys.stderr)
                victim.start()
                self.wait_until_shared(3, 30)
        finally:
            for load in loads:
                load.__exit__()
        self.assertGreater(sum(len(load.acknowledged) for load in loads), 100)
        self.check(loads)

    def test_3_a_node_that_sleeps_past_its_ownership_writes_nothing_twice(self):
        self.wait_until_shared(3, 30)
        loads = self.loads()
        for load in loads:
            load.__enter__()
        try:
            sleeper = self.nodes[2]
            time.sleep(2)
            works = self.works_of(sleeper)
            sleeper.process.send_signal(signal.SIGSTOP)
            taken = lambda: not self.works_of(sleeper)  # noqa: E731
            self.assertTrue(serving.eventually(taken, TAKEN_UP_WITHIN), self.overview())
            time.sleep(3)
            sleeper.process.send_signal(signal.SIGCONT)
            self.assertTrue(works)
            time.sleep(3)
        finally:
            for load in loads:
                load.__exit__()
        self.check(loads)
        self.wait_until_shared(3, 40)

    def test_4_what_a_node_cannot_export_others_take_after_a_minute(self):
        if reason := network.why_not():
            self.skipTest(reason)
        self.wait_until_shared(3, 40)
        node = self.nodes[1]
        loads = self.loads()
        for load in loads:
            load.__enter__()
        try:
            with network.cut(node.group, self.store_ports):
                began = time.monotonic()
                self.assertTrue(serving.eventually(lambda: not self.works_of(node), 150), self.overview())
                print(f"taken by others {time.monotonic() - began:.0f} s after the cut", file=sys.stderr)
                self.assertEqual(["failing"], [each["state"] for each in self.overview()["nodes"]
                                               if f":{node.api_port})" in each["name"]])
                self.assertIn("credentials", node.exchange(self.tokens["12"]))
        finally:
            for load in loads:
                load.__exit__()
        self.check(loads)


if __name__ == "__main__":
    if not os.environ.get("VALETKEY_ENGINES"):
        sys.exit(77)
    serving.main()
