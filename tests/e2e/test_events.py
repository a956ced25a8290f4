# SPDX-License-Identifier: Apache-2.0
"""Events in, Parquet out: what was sent and acknowledged is in the export exactly once, for its own account only."""
import json
import random
import shutil
import subprocess
import threading
import time
import unittest
import uuid

import requests

import parts
from server import LONG, Server, main

ACCOUNT, NEIGHBOUR = "12", "123"
NOW = int(time.time() * 1000)


def conversion(event_id: str, key: str, **more) -> dict:
    return {"uuid": event_id, "timestamp": NOW, "key": key, "entity_id": "9", "type": "custom", **more}


def body(account: str, visitor: str, events: list[dict], decisions: list[dict] | None = None) -> dict:
    return {"account_id": account, "client_name": "e2e", "client_version": "1", "revision": "7",
            "visitors": [{"visitor_id": visitor, "attributes": [
                {"entity_id": "5", "key": "plan", "type": "custom", "value": "gold"}],
                "snapshots": [{"decisions": decisions or [], "events": events}]}]}


class Events(unittest.TestCase):
    def setUp(self):
        parts.need_node()
        self.server = Server()
        self.addCleanup(self.server.close)
        self.tokens = {account: self.server.make_account(account) for account in (ACCOUNT, NEIGHBOUR)}
        self.server.start()

    def send(self, payload: dict, **options) -> requests.Response:
        return requests.post(f"{self.server.api}/v1/events", json=payload, timeout=20, **options)

    def acknowledged(self, payload: dict) -> None:
        answer = self.send(payload)
        self.assertEqual(204, answer.status_code, answer.text)

    def rows(self, account: str, reader: str = "duckdb") -> list[dict]:
        return parts.read_rows(parts.download(self.server, account, self.tokens[account]), reader)

    def test_two_unrelated_readers_see_what_was_sent(self):
        decision = {"campaign_id": "100", "experiment_id": "200", "variation_id": "300", "is_campaign_holdback": False}
        activation = {"uuid": "d1", "timestamp": NOW, "entity_id": "100", "type": "campaign_activated",
                      "key": "campaign_activated"}
        self.acknowledged(body(ACCOUNT, "ann", [activation], [decision]))
        self.acknowledged(body(ACCOUNT, "ann", [
            conversion("c1", "purchase", revenue=4200, value=1.5, tags={"size": "XL", "revenue": 4200}),
            conversion("c2", "odd / name?")]))
        self.acknowledged(body(ACCOUNT, "ann", [conversion("c1", "purchase")]))  # sent again
        self.acknowledged(body(NEIGHBOUR, "bob", [conversion("c1", "purchase")]))
        self.server.run("export")
        for reader in parts.READERS:
            rows = {row["uuid"]: row for row in self.rows(ACCOUNT, reader)}
            self.assertEqual({"d1", "c1", "c2"}, set(rows), reader)
            self.assertEqual(("100", "200", "300", False, "ann", ACCOUNT), tuple(
                rows["d1"][name] for name in ("campaign_id", "experiment_id", "variation_id", "is_holdback",
                                              "visitor_id", "account_id")))
            self.assertIn("type=decisions/", rows["d1"]["_part"])
            self.assertIn("/experiment=200/", rows["d1"]["_part"])
            self.assertEqual(("purchase", "custom", "9", 4200, 1.5, "7", "e2e"), tuple(
                rows["c1"][name] for name in ("event_name", "event_type", "entity_id", "revenue", "value",
                                              "revision", "client_engine")))
            self.assertEqual([{"id": "5", "name": "plan", "type": "custom", "value": "gold"}],
                             rows["c1"]["attributes"])
            self.assertIn("/event=odd %2F name%3F/", rows["c2"]["_part"])
            self.assertEqual(["bob"], [row["visitor_id"] for row in self.rows(NEIGHBOUR, reader)])
        status = self.server.ask("export", "status")
        counts = {each["account"]: each for each in status["accounts"]}
        self.assertEqual((4, 1, 3), tuple(counts[ACCOUNT][name] for name in ("received", "duplicates", "rows")))
        self.assertEqual(0, status["waiting"])
        metrics = self.server.metrics()
        self.assertEqual(5, metrics["valetkey_events_received_total"])
        self.assertFalse([name for name in metrics if "account" in name.lower()], "a label may be an account")

    def test_every_acknowledged_event_survives_kill_9_once(self):
        acknowledged, attempted, stop = set(), set(), threading.Event()
        lock = threading.Lock()

        def sender(number: int) -> None:
            session = requests.Session()
            while not stop.is_set():
                ids = [str(uuid.uuid4()) for _ in range(5)]
                with lock:
                    attempted.update(ids)
                try:
                    answer = session.post(f"{self.server.api}/v1/events", timeout=5, json=body(
                        ACCOUNT, f"v{number}", [conversion(each, f"e{number}") for each in ids]))
                    if answer.status_code == 204:
                        with lock:
                            acknowledged.update(ids)
                except requests.RequestException:
                    time.sleep(0.02)

        senders = [threading.Thread(target=sender, args=(n,)) for n in range(4)]
        for each in senders:
            each.start()
        moments = random.Random(3)
        try:
            for _ in range(12 if LONG else 4):
                time.sleep(moments.uniform(0.3, 1.2))
                if moments.random() < 0.6:  # so that some of them end while a batch is exported
                    subprocess.Popen(self.server.command("export"), stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
                    time.sleep(moments.uniform(0.5, 1.5))
                self.server.kill()
                self.server.start()
        finally:
            stop.set()
            for each in senders:
                each.join()
        self.server.run("export")
        found = [row["uuid"] for row in self.rows(ACCOUNT)]
        self.assertEqual(len(found), len(set(found)), "a row came twice")
        self.assertGreater(len(acknowledged), 50)
        self.assertEqual(set(), acknowledged - set(found), "acknowledged, and not exported")
        self.assertEqual(set(), set(found) - attempted)
        self.server.run("check")

    def test_backup_holds_what_waits(self):
        self.acknowledged(body(ACCOUNT, "ann", [conversion("w1", "early")]))
        self.server.run("export")
        self.acknowledged(body(ACCOUNT, "ann", [conversion("w2", "late")]))
        self.server.run("backup", str(self.server.folder / "backup"))
        self.server.kill()
        shutil.rmtree(self.server.data)
        self.server.run("restore", str(self.server.folder / "backup"))
        self.assertEqual(1, self.server.ask("export", "status")["waiting"])
        self.server.run("export")
        self.server.start()
        self.assertEqual(["w1", "w2"], sorted(row["uuid"] for row in self.rows(ACCOUNT)))
        self.server.run("check")

    def test_visitor_is_erased_also_where_events_wait(self):
        for visitor in ("ann", "bob"):
            self.acknowledged(body(ACCOUNT, visitor, [conversion(f"{visitor}-1", "buy")]))
        self.server.run("export")
        self.acknowledged(body(ACCOUNT, "ann", [conversion("ann-2", "buy")]))
        self.assertIn("stop it", self.server.refused("account", "erase-visitor", ACCOUNT, "ann").errors)
        self.server.stop()
        self.assertEqual(2, self.server.ask("account", "erase-visitor", ACCOUNT, "ann")["rows"])
        self.server.start()
        self.assertEqual(["bob"], [row["visitor_id"] for row in self.rows(ACCOUNT)])
        erased = [event for event in self.server.audit() if event["action"] == "account.erase-visitor"]
        self.assertEqual(1, len(erased))
        self.assertNotIn("ann", json.dumps(erased))


if __name__ == "__main__":
    main()
