#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Three nodes, a PostgreSQL primary with its standby, three Kafka brokers and a bucket, under load, while one thing after
another fails: a node is killed or sleeps, a broker is killed, the primary is lost and the standby promoted, a node is cut
off from one engine. For the second half, events become runs before they become parts. Afterwards each acknowledged event is exported once, no revoked token opened anything a second later,
and `check` finds nothing."""
import collections
import os
import pathlib
import random
import signal
import sys
import threading
import time
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import requests  # noqa: E402

import cluster  # noqa: E402
import kafka  # noqa: E402
import network  # noqa: E402
import parts  # noqa: E402
import postgres  # noqa: E402
import server as serving  # noqa: E402
from load import Load  # noqa: E402
from test_cluster import engine  # noqa: E402
from test_nodes import Node  # noqa: E402

ACCOUNTS = ("12", "13", "14")
SEED = int(os.environ.get("VALETKEY_SEED", "12"))
ROUNDS = 200 if serving.LONG else 10
OWNED_FOR = 30  # seconds without a sign of life
HELD_WITHIN = 1.5  # seconds: one, and what a busy machine adds
WAIT = 'longest_wait = "1s"\n'
PAUSE = 5  # seconds that an answer may take on a busy machine
BLIND_FOR = 5 + 1.5  # a node that cannot reach the database refuses everything after 5 s


class Prober(threading.Thread):
    """Asks a node for credentials all the time, and knows when it did not get them."""

    def __init__(self, node: Node, token: str):
        super().__init__(daemon=True)
        self.node, self.token, self.ended, self.refused = node, token, threading.Event(), []
        self.asking = None  # since when

    def run(self) -> None:
        while not self.ended.wait(0.2):
            began = self.asking = time.monotonic()
            answer = status_of(self.node, self.token)
            self.asking = None
            took = time.monotonic() - began
            if answer != 200 or took > PAUSE:
                self.refused.append((began, answer, took))

    def refused_between(self, begin: float, end: float) -> list:
        asking = self.asking
        hangs = [(asking, "no answer yet")] if asking and time.monotonic() - asking > PAUSE else []
        return [each for each in [*self.refused, *hangs] if begin <= each[0] <= end]


def status_of(node: Node, token: str) -> int:
    """0: no answer."""
    try:
        return requests.get(f"{node.api}/v2/export/credentials", headers={"Authorization": f"Bearer {token}"},
                            timeout=20).status_code
    except requests.RequestException:
        return 0


class Revoker(threading.Thread):
    """Makes a token on one node, revokes it on another, and asks all of them a second later."""

    def __init__(self, nodes: list[Node], token: str, moments: random.Random):
        super().__init__(daemon=True)
        self.nodes, self.token, self.moments = nodes, token, moments
        self.ended, self.held, self.opened = threading.Event(), 0, []
        self.blind: set[int] = set()  # nodes that cannot reach the database, or have not long been able to

    def run(self) -> None:
        while not self.ended.wait(0.3):
            maker, revoker = self.moments.sample(self.nodes, 2)
            try:
                made = maker.call("POST", "/v2/tokens", self.token, json={"name": "short", "scopes": ["export"]})
                if made.status_code != 201:
                    continue
                secret = made.json()["token"]
                opened = [status_of(node, secret) for node in self.nodes]
                done = revoker.call("DELETE", f"/v2/tokens/{made.json()['id']}", self.token)
            except requests.RequestException:
                continue
            if done.status_code in (200, 204):
                self.look(secret, opened)

    def look(self, secret: str, before: list[int]) -> None:
        began = time.monotonic()
        time.sleep(HELD_WITHIN)
        late = []  # of nodes that cannot know yet, and must refuse before long
        for number, node in enumerate(self.nodes):
            blind = number in self.blind
            if status_of(node, secret) != 200:
                self.held += before[number] == 200
            elif blind:
                late.append(number)
            else:
                self.opened.append((number, time.monotonic() - began))
        if late:
            time.sleep(max(0.0, began + BLIND_FOR - time.monotonic()))
        self.opened += [(number, time.monotonic() - began) for number in late
                        if status_of(self.nodes[number], secret) == 200]


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        parts.need_node()
        store, brokers = engine("minio"), engine("kafka3")
        engine("postgres")
        cls.kafka = kafka.Kafka(f"{os.environ['VALETKEY_ENGINES']}/kafka3")
        cls.pair = postgres.Postgres(f"{os.environ['VALETKEY_ENGINES']}/pair-{os.getpid()}")
        cls.primary, cls.standby = "a", "b"
        cls.addClassCleanup(cls.pair.down)
        cls.pair.pair()
        cls.ports = {"PostgreSQL": [cls.pair.port("a"), cls.pair.port("b")],
                     "Kafka": [int(each.rpartition(":")[2]) for each in brokers["brokers"]],
                     "the bucket": [urllib.parse.urlsplit(store["s3"]).port]}
        config = cluster.configuration(cls.pair, brokers, pathlib.Path(os.environ["VALETKEY_ENGINES"]) / "minio")
        cls.nodes = cluster.nodes(config + '[export]\nlongest_wait = "1s"\n')
        cls.addClassCleanup(lambda: [node.close() for node in cls.nodes])
        cls.tokens = {account: cls.nodes[0].make_account(account) for account in ACCOUNTS}
        cls.without_cuts = network.why_not()
        for node in cls.nodes:
            node.start()

    # --- what fails; each returns the nodes that may refuse meanwhile ---

    def kill_node(self) -> set[int]:
        number = self.moments.randrange(3)
        self.nodes[number].kill()
        time.sleep(self.moments.uniform(0, 3))
        self.nodes[number].start(wait=False)
        return {number}

    def put_node_to_sleep(self) -> set[int]:
        """For longer than it owns its part of the export."""
        number = self.moments.randrange(3)
        self.revoker.blind.add(number)
        self.nodes[number].process.send_signal(signal.SIGSTOP)
        time.sleep(OWNED_FOR + self.moments.uniform(3, 6))
        self.nodes[number].process.send_signal(signal.SIGCONT)
        return {number}

    def kill_broker(self) -> set[int]:
        number = self.moments.randrange(3) + 1
        self.kafka.kill(number)
        time.sleep(self.moments.uniform(2, 6))
        self.kafka.start(number)
        time.sleep(3)  # a second one that is lost before this one is in sync again refuses events, rightly
        return set()

    def lose_primary(self) -> set[int]:
        self.revoker.blind.update(range(3))
        self.pair.kill(self.primary)
        time.sleep(self.moments.uniform(0, 3))
        self.pair.promote(self.standby)
        self.primary, self.standby = self.standby, self.primary
        self.pair.follow(self.standby, self.primary)
        return {0, 1, 2}

    def cut_off(self) -> set[int]:
        number, engine_name = self.moments.randrange(3), next(self.engines)
        self.happened[f"cut off from {engine_name}"] += 1
        if engine_name == "PostgreSQL":
            self.revoker.blind.add(number)
        with network.cut(self.nodes[number].group, self.ports[engine_name]):
            time.sleep(self.moments.choice((BLIND_FOR + 3, OWNED_FOR + 5 if serving.LONG else 12)))
            blind = status_of(self.nodes[number], self.tokens["12"])
        self.assertEqual(503 if engine_name == "PostgreSQL" else 200, blind, f"cut off from {engine_name}")
        return {number}

    # --- the rounds ---

    def plan(self) -> list:
        faults = [self.kill_node, self.cut_off, self.kill_broker, self.cut_off, self.lose_primary, self.kill_node,
                  self.cut_off, self.put_node_to_sleep, self.kill_broker, self.lose_primary]
        if self.without_cuts:
            print(f"no network is cut: {self.without_cuts}", file=sys.stderr)
            faults = [fault for fault in faults if fault != self.cut_off]
        turns = [faults[turn % len(faults)] for turn in range(ROUNDS)]
        if serving.LONG:
            self.moments.shuffle(turns)
        return turns

    def test_whatever_fails_each_event_is_exported_once_and_what_is_revoked_stays_so(self):
        self.moments, self.happened, self.runs = random.Random(SEED), collections.Counter(), 0
        self.engines = iter(["PostgreSQL", "Kafka", "the bucket"] * ROUNDS)
        loads = [Load(node.api, senders=1, account=account, patience=20)
                 for node, account in zip(self.nodes, ACCOUNTS)]
        probers = [Prober(node, self.tokens["12"]) for node in self.nodes]
        self.revoker = Revoker(self.nodes, self.tokens["13"], random.Random(SEED))
        self.begin(loads, [*probers, self.revoker])
        try:
            for number, fault in enumerate(self.plan(), 1):
                self.round(number, fault, probers)
                if number == ROUNDS // 2:
                    self.cut_by_the_hour()
        finally:
            self.end(loads, [*probers, self.revoker])
        self.look_at_everything(loads)

    def cut_by_the_hour(self) -> None:
        """As an operator would: one node after the other."""
        for node in self.nodes:
            node.stop()
            settings = node.config.read_text()
            node.config.write_text(settings.replace(WAIT, WAIT + 'cut = "hour"\ndedup = "day"\n'))
            self.assertIn("cut", node.config.read_text())
            node.start(wait=False)
            node.wait_ready(60)

    def round(self, number: int, fault, probers: list[Prober]) -> None:
        time.sleep(self.moments.uniform(1, 2))
        began = time.monotonic()
        name = fault.__name__
        self.happened[name] += 1
        touched = fault()
        ended = time.monotonic()
        for node in self.nodes:
            node.wait_ready(60)
        print(f"round {number}: {name} of {sorted(touched)}, {ended - began:.1f} s; all ready "
              f"{time.monotonic() - ended:.1f} s later", file=sys.stderr)
        time.sleep(BLIND_FOR + HELD_WITHIN)
        self.revoker.blind.clear()
        self.runs = max(self.runs, sum(node.metrics().get("valetkey_export_runs", 0) for node in self.nodes))
        for each in set(range(3)) - touched:
            self.assertEqual([], probers[each].refused_between(began, ended), f"exchanges paused on node {each}: {name}")

    @staticmethod
    def begin(loads: list[Load], threads: list) -> None:
        for load in loads:
            load.__enter__()
        for thread in threads:
            thread.start()

    @staticmethod
    def end(loads: list[Load], threads: list) -> None:
        for load in loads:
            load.stop.set()
        for thread in threads:
            thread.ended.set()
        for load in loads:
            load.__exit__()
        for thread in threads:
            thread.join()

    def look_at_everything(self, loads: list[Load]) -> None:
        self.assertEqual([], self.revoker.opened, "what a revoked token opened: node, seconds after")
        self.assertGreater(self.revoker.held, ROUNDS)
        self.assertGreater(self.runs, 0, "no events waited in runs")
        self.export()
        for load in loads:
            self.assertGreater(len(load.acknowledged), 10 * ROUNDS, load.answers)
            load.check(self, parts.read_rows(parts.download(self.nodes[0], load.account, self.tokens[load.account])))
        checked = self.nodes[0].run("check")
        print(f"{dict(self.happened)}; {sum(len(load.acknowledged) for load in loads)} events acknowledged, "
              f"{self.revoker.held} refusals of revoked tokens; check: {checked.strip().splitlines()[-1]}", file=sys.stderr)

    def export(self) -> None:
        until = time.monotonic() + 120
        while True:
            try:
                return self.nodes[0].run("export")
            except serving.Failed:
                if time.monotonic() > until:
                    raise
                time.sleep(1)


if __name__ == "__main__":
    if not os.environ.get("VALETKEY_ENGINES"):
        sys.exit(77)
    serving.main()
