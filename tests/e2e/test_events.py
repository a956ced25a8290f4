# SPDX-License-Identifier: Apache-2.0
"""Events in, Parquet out: what was sent and acknowledged is in the export exactly once, for its own account only."""
import json
import random
import shutil
import subprocess
import time
import unittest

import requests

import parts
from load import NOW, Load, body, conversion
from server import LONG, Server, eventually, free_ports, main

ACCOUNT, NEIGHBOUR = "12", "123"


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
        self.acknowledged(body(NEIGHBOUR, "bob", [conversion("c1", "purchase"),
                                                  conversion("c2", "purchase", timestamp=10 ** 18)]))
        waiting = {each["account"]: each["waiting"] for each in self.server.ask("export", "status")["accounts"]}
        self.assertEqual({ACCOUNT: 4, NEIGHBOUR: 1}, waiting)
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
        self.assertEqual((0, 0, {}), tuple(counts[ACCOUNT][name] for name in ("waiting", "lag_seconds", "dropped")))
        self.assertTrue(eventually(lambda: {"timestamp": 1} in [
            each["dropped"] for each in self.server.ask("export", "status")["accounts"]]), "a drop is told, by reason")
        metrics = self.server.metrics()
        self.assertEqual(5, metrics["valetkey_events_received_total"])
        self.assertFalse([name for name in metrics if "account" in name.lower()], "a label may be an account")

    def test_batches_wait_as_runs_until_somebody_asks_or_the_day_is_over(self):
        self.server.close()
        self.server = Server(config='[export]\ncut = "day"\nlongest_wait = "1s"\n')
        self.addCleanup(self.server.close)
        self.tokens = {account: self.server.make_account(account) for account in (ACCOUNT, NEIGHBOUR)}
        self.server.start()

        def runs() -> int:
            return self.server.ask("export", "status")["runs"]

        for number in range(2):  # two batches
            self.acknowledged(body(ACCOUNT, "ann", [conversion(f"c{number}", "purchase"), conversion("again", "purchase")]))
            self.assertTrue(eventually(lambda wanted=number + 1: runs() == wanted))
        status = self.server.ask("export", "status")
        account = status["accounts"][0]
        self.assertEqual((3, 4, 1, 0), tuple(account[name] for name in ("waiting", "received", "duplicates", "parts")))
        self.assertTrue(eventually(lambda: (2, 3, 1) == tuple(
            self.server.metrics()[f"valetkey_export_{name}"] for name in ("runs", "run_events", "parts_a_day"))))
        self.assertIn("3 events wait in 2 runs", self.server.run("export", "status"))
        self.server.kill()  # and it goes on
        self.server.start()
        self.server.run("check")
        self.server.run("export")
        self.assertEqual(["again", "c0", "c1"], sorted(row["uuid"] for row in self.rows(ACCOUNT)))
        account = self.server.ask("export", "status")["accounts"][0]
        self.assertEqual((0, 4, 3, 1), tuple(account[name] for name in ("waiting", "received", "rows", "parts")))

    def test_odd_fields_cost_themselves_and_mistyped_accounts_are_told(self):
        self.acknowledged(body(ACCOUNT, "ann", [
            conversion("p1", "purchase", revenue=4200, tags={"$opt_event_properties": {"category": "shoes"}}),
            conversion("p2", "purchase", revenue=39.95, value="1.5", tags={"list": [1, {}], "title": "cut \ud83d"}),
            conversion("p3", "purchase", entity_id={}, timestamp=str(NOW)), {"timestamp": NOW, "key": "purchase"}]))
        self.assertEqual(3, {each["account"]: each["received"] for each in
                             self.server.ask("export", "status")["accounts"]}[ACCOUNT], "what waits was received")
        for odd in ({"account_id": "998"}, {"account": ACCOUNT}, {"account_id": "999"}):
            payload = body(ACCOUNT, "ann", [conversion("x", "purchase")])
            del payload["account_id"]
            self.acknowledged(payload | odd)
        self.server.stop()
        self.server.start()
        self.server.run("export")
        rows = {row["uuid"]: row for row in self.rows(ACCOUNT)}
        self.assertEqual({"p1", "p2", "p3"}, set(rows))

        def tags(uuid: str) -> dict:
            return {tag["key"]: tag["value"] for tag in rows[uuid]["tags"]}
        self.assertEqual((4200, {"$opt_event_properties": '{"category":"shoes"}'}),
                         (rows["p1"]["revenue"], tags("p1")))
        self.assertEqual((None, 1.5, {"list": "[1,{}]", "title": "cut \ufffd"}),
                         (rows["p2"]["revenue"], rows["p2"]["value"], tags("p2")))
        status = self.server.ask("export", "status")
        self.assertEqual(({"uuid": 1}, {"number": 1, "shape": 1, "text": 1}), tuple(
            status["accounts"][0][name] for name in ("dropped", "altered")))
        self.assertEqual({"events": 3, "last": "999"}, status["unknown_accounts"])
        self.assertIn("3 events of accounts that do not exist (last: 999)",
                      self.server.run("export", "status"))

    def test_every_acknowledged_event_survives_kill_9_once(self):
        moments = random.Random(3)
        with Load(self.server.api, senders=4, account=ACCOUNT) as load:
            for _ in range(12 if LONG else 4):
                time.sleep(moments.uniform(0.3, 1.2))
                if moments.random() < 0.6:  # so that some of them end while a batch is exported
                    subprocess.Popen(self.server.command("export"), stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
                    time.sleep(moments.uniform(0.5, 1.5))
                self.server.kill()
                self.server.start()
        self.server.run("export")
        self.assertGreater(len(load.acknowledged), 50)
        load.check(self, self.rows(ACCOUNT))
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

    def test_visitor_is_erased_while_events_keep_coming(self):
        for visitor in ("ann", "bob"):
            self.acknowledged(body(ACCOUNT, visitor, [conversion(f"{visitor}-1", "buy")]))
            self.acknowledged(body(NEIGHBOUR, visitor, [conversion(f"{visitor}-1", "buy")]))
        self.server.run("export")
        self.acknowledged(body(ACCOUNT, "ann", [conversion("ann-2", "buy"), conversion("ann-3", "look")]))
        with Load(self.server.api, senders=3, account=ACCOUNT) as load:
            eventually(lambda: len(load.acknowledged) > 50)
            self.assertEqual(3, self.server.ask("account", "erase-visitor", ACCOUNT, "ann")["rows"])
            behind = len(load.acknowledged)
            self.assertTrue(eventually(lambda: len(load.acknowledged) > behind), "the server took no more events")
        self.server.run("export")
        found = self.rows(ACCOUNT)
        self.assertEqual([], [row for row in found if row["visitor_id"] == "ann"])
        self.assertEqual(1, len([row for row in found if row["visitor_id"] == "bob"]))
        self.assertEqual({"ann", "bob"}, {row["visitor_id"] for row in self.rows(NEIGHBOUR)})
        load.check(self, found, known={"bob-1"})
        self.server.stop()
        self.assertEqual(1, self.server.ask("account", "erase-visitor", ACCOUNT, "bob")["rows"])
        self.assertEqual(0, self.server.ask("account", "erase-visitor", ACCOUNT, "bob")["rows"])
        self.assertIn("no account", self.server.refused("account", "erase-visitor", "9", "bob").errors.lower())
        erased = [event for event in self.server.audit() if event["action"] == "account.erase-visitor"]
        self.assertEqual(3, len(erased))
        self.assertNotIn("ann", json.dumps(erased))
        self.server.run("check")

    def test_an_erasure_survives_the_end_of_the_server(self):
        for visitor in ("ann", "bob"):
            self.acknowledged(body(ACCOUNT, visitor, [conversion(f"{visitor}-1", "buy")]))
        self.server.run("export")
        self.acknowledged(body(ACCOUNT, "ann", [conversion("ann-2", "look")]))
        erasing = subprocess.Popen(self.server.command("account", "erase-visitor", ACCOUNT, "ann"),
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(erasing.kill)
        self.assertTrue(eventually(lambda: [
            event for event in self.server.audit() if event["action"] == "account.erase-visitor"]))
        self.server.kill()
        said, _ = erasing.communicate(timeout=120)
        self.assertEqual(0, erasing.returncode, said)
        self.assertIn("Backups made before keep them", said)
        self.server.start()
        self.assertEqual(["bob"], [row["visitor_id"] for row in self.rows(ACCOUNT)])

    def test_a_deleted_account_is_purged_whatever_is_killed(self):
        for account in (ACCOUNT, NEIGHBOUR):
            self.acknowledged(body(account, "ann", [conversion("ann-1", "buy")]))
        self.server.run("export")
        self.acknowledged(body(ACCOUNT, "ann", [conversion("ann-2", "look")]))
        self.assertEqual(2, self.server.refused("account", "delete", ACCOUNT, "--purge").status)
        for round in range(3):
            purging = subprocess.Popen(self.server.command("account", "delete", ACCOUNT, "--purge", "--yes"),
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.addCleanup(purging.kill)
            time.sleep(0.3 + 0.7 * round)
            purging.kill()
            purging.communicate()
            if round == 1:  # the server, too, in the midst of it or after
                self.server.kill()
                self.server.start()
        said = self.server.ask("account", "delete", ACCOUNT, "--purge", "--yes")
        self.assertEqual((True, []), (said["purged"], said["unreadable"]))
        self.server.run("check")
        self.assertEqual([], [row for row in self.server.ask("export", "status")["accounts"]
                              if row["account"] == ACCOUNT])
        self.assertEqual([], self.server.ask("user", "list", "--account", ACCOUNT)["users"])
        self.assertEqual(1, len(self.rows(NEIGHBOUR)))
        self.assertEqual(0, self.server.ask("account", "delete", ACCOUNT, "--purge", "--yes")["objects"])
        self.assertIn("account.purge", [event["action"] for event in self.server.audit()])

    def test_events_may_have_a_listener_of_their_own(self):
        port = free_ports(1)[0]
        self.server.stop()
        self.server.start(more=("--intake-listen", f"127.0.0.1:{port}"))
        events = f"http://127.0.0.1:{port}"
        payload = body(ACCOUNT, "ann", [conversion("i1", "buy")])
        self.assertEqual(404, self.send(payload).status_code)
        self.assertEqual(204, requests.post(f"{events}/v1/events", json=payload, timeout=20).status_code)
        asked = requests.options(f"{events}/v1/events", timeout=20, headers={
            "Origin": "https://shop.example", "Access-Control-Request-Method": "POST"})
        self.assertEqual("https://shop.example", asked.headers["Access-Control-Allow-Origin"])
        for path in ("/", "/v2/export/credentials", "/openapi.json", "/healthz"):
            self.assertEqual(404, requests.get(events + path, timeout=20).status_code, path)
        self.assertEqual(1, self.server.metrics()[
            'valetkey_http_requests_total{listener="intake",method="POST",status="2xx"}'])
        self.server.run("export")
        self.assertEqual(["i1"], [row["uuid"] for row in self.rows(ACCOUNT)])


if __name__ == "__main__":
    main()
