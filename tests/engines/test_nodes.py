#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nodes over one real PostgreSQL: what one does the others see, an installation that moves there, a primary that is lost."""
import json
import os
import pathlib
import shutil
import sys
import threading
import time
import unittest
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import hostile  # noqa: E402
import load  # noqa: E402
import postgres  # noqa: E402
import server as serving  # noqa: E402
from test_console import PASSWORD, Person  # noqa: E402

NO_EVENTS = "[intake]\nenabled = false\n"


def engine() -> postgres.Postgres:
    folder = os.environ.get("VALETKEY_ENGINE", "")
    if not folder or not (pathlib.Path(folder) / "engine.json").exists():
        raise unittest.SkipTest("no PostgreSQL runs here")
    return postgres.Postgres(folder)


def configuration(where: dict, database: str) -> str:
    url = where["url"].replace("/postgres?", f"/{database}?")
    return f'[control]\nkind = "postgresql"\nurl = "{url}"\npassword_file = "{where["password_file"]}"\n'


def new_database(running: postgres.Postgres, name: str = "a") -> str:
    database = f"nodes_{uuid.uuid4().hex[:10]}"
    running.sql(name, f"CREATE DATABASE {database}")
    return database


class Node(serving.Server):
    """A server that brings the keyring of another one, where there is one already."""

    def __init__(self, config: str, keyring_of: serving.Server | None = None):
        self.keyring_of = keyring_of
        super().__init__(config)

    @property
    def keyring(self) -> pathlib.Path:
        return self.folder / "data.keyring"

    def run(self, *arguments, **options):
        if arguments == ("init",) and self.keyring_of:
            shutil.copy(self.keyring_of.folder / "data.keyring", self.keyring)
        return super().run(*arguments, **options)


class OneDatabase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine = engine()
        cls.config = configuration(cls.engine.where(), new_database(cls.engine))
        cls.one = Node(cls.config)
        cls.other = Node(cls.config + NO_EVENTS, cls.one)
        cls.token = cls.one.make_account("123")
        cls.one.start()
        cls.other.start()

    @classmethod
    def tearDownClass(cls):
        for node in (cls.one, cls.other):
            node.secrets.append(postgres.PASSWORD)
            node.close()

    def test_a_token_of_one_opens_all_and_revoked_by_one_it_opens_none(self):
        made = self.one.make_token("123", "user@123.example")
        for node in (self.one, self.other):
            self.assertIn("credentials", node.exchange(made["token"]))
        self.other.run("token", "revoke", made["id"])
        began = time.monotonic()
        refused = serving.eventually(lambda: self.one.get("/v2/export/credentials", made["token"]).status_code == 401)
        self.assertTrue(refused)
        self.assertLess(time.monotonic() - began, 5, "a second, and what a busy machine adds")

    def test_the_audit_of_all_nodes_is_read_on_any(self):
        made = self.one.make_token("123", "user@123.example")
        self.other.run("token", "revoke", made["id"])
        self.other.exchange(self.token)
        found = serving.eventually(lambda: [event for event in self.one.audit() if event["subject"] == made["id"]
                                            and event["action"] == "token.revoke"])
        self.assertEqual(len(found), 1)
        self.assertTrue(serving.eventually(lambda: [event for event in self.one.audit() if event["action"] ==
                                                    "credentials.issue" and event["account"] == "123"]))

    def test_who_signs_in_on_one_node_is_known_to_all_and_sees_what_happened_on_each(self):
        url = self.one.ask("user", "invite", "user@123.example")["url"]
        person = Person(self.one)
        person.post("/invitation/accept", {"code": url.rpartition("#")[2], "password": PASSWORD})
        person.sign_in("user@123.example")
        made = self.one.make_token("123", "user@123.example")
        person.server = self.other  # as a load balancer may send the next request
        seen = lambda: [each for each in person.get("/activity?action=token.create")["records"]  # noqa: E731
                        if made["id"] in json.dumps(each)]
        self.assertTrue(serving.eventually(seen), "what the other node wrote")

    def test_what_is_used_on_all_nodes_is_one_sum(self):
        before = self.exchanges_of_today()
        for node in (self.one, self.other):
            node.exchange(self.token)
        self.assertEqual(self.exchanges_of_today(), before + 2)

    def exchanges_of_today(self) -> int:
        for node in (self.one, self.other):  # usage goes out with them at the latest
            node.stop()
            node.start()
        usage = self.one.ask("account", "usage", "123")
        days = usage[0]["days"] if isinstance(usage, list) else usage["accounts"][0]["days"]
        return sum(day["exchanges"] for day in days)

    def test_events_that_one_takes_are_exported_from_there(self):
        event = {"account_id": "123", "visitors": []}
        self.assertEqual(self.other.call("POST", "/v1/events", json=event).status_code, 404)
        second = Node(self.config + NO_EVENTS, self.one)
        try:
            second.config.write_text(self.config)
            second.start(wait=False)
            self.assertNotEqual(second.process.wait(timeout=60), 0)
            second.process = None
            self.assertIn("made from another event log", second.log_text())
        finally:
            second.close()
        self.assertIn("closed_through", json.dumps(self.one.ask("export", "status")) + '"closed_through"')

    def test_another_keyring_is_refused(self):
        with self.assertRaisesRegex(serving.Failed, "already|not the one of the nodes"):
            Node(self.config + NO_EVENTS)

    def test_a_key_that_is_handed_to_all_nodes_before_it_is_used_refuses_no_session(self):
        nodes, refusals, lists, ended = (self.one, self.other), [], [], threading.Event()

        def use() -> None:
            """A session of one node on the other, again and again."""
            while not ended.is_set():
                for issuer, reader in (nodes, nodes[::-1]):
                    answer = issuer.exchange(self.token)
                    listed = hostile.Attacker(reader.s3, answer["credentials"]).ask(
                        "GET", f"/{serving.BUCKET}", "list-type=2&prefix=v1%2Faccount_id%3D123%2F")
                    lists.append(time.monotonic())
                    if listed.status_code != 200:
                        refusals.append(listed.text)

        user = threading.Thread(target=use)
        user.start()
        self.addCleanup(user.join)
        self.addCleanup(ended.set)
        before = self.one.exchange(self.token)["credentials"]
        self.one.run("keys", "rotate", "--purpose", "session", "--activate-in", "6s")
        staged = self.other.keyring.with_suffix(".new")
        shutil.copy(self.one.keyring, staged)
        staged.replace(self.other.keyring)
        for node in nodes:
            self.assertEqual([["active", "pending"], ["active"]], self.states_of_keys(node))
        self.assertTrue(serving.eventually(
            lambda: all(self.states_of_keys(node)[0] == ["verify-only", "active"] for node in nodes), 30))
        switched = time.monotonic()
        self.assertTrue(serving.eventually(lambda: lists[-1] > switched + 3, 30))
        ended.set()
        user.join()
        self.assertEqual([], refusals)
        for node in nodes:
            old = hostile.Attacker(node.s3, before).ask(
                "GET", f"/{serving.BUCKET}", "list-type=2&prefix=v1%2Faccount_id%3D123%2F")
            self.assertEqual(200, old.status_code, "a session of the former key")

    @staticmethod
    def states_of_keys(node: Node) -> list[list[str]]:
        keys = node.ask("keys", "list")["keys"]
        return [[key["state"] for key in keys if key["purpose"] == purpose] for purpose in ("session", "object")]

    def test_a_password_in_the_string_is_refused_and_not_repeated(self):
        config = self.config.replace("valetkey@", "valetkey:hunter2@")
        with self.assertRaises(serving.Failed) as failure:
            Node(config)
        self.assertIn("password_file", failure.exception.errors)
        self.assertNotIn("hunter2", failure.exception.errors)


class Moving(unittest.TestCase):
    def test_an_installation_moves_with_everything_it_has(self):
        running = engine()
        server = serving.Server()
        self.addCleanup(server.close)
        token = server.make_account("123")
        ended = server.make_token("123", "user@123.example")
        server.run("token", "revoke", ended["id"])
        server.run("account", "set", "123", "--retention", "90d", "--yes")
        before = {command: server.ask(*command.split()) for command in
                  ("account list", "user list", "token list --account 123")}
        server.config.write_text(configuration(running.where(), new_database(running)))
        self.assertIn("valetkeyd control copy", server.refused("account", "list").errors)
        done = server.ask("control", "copy")
        self.assertEqual(done["rows"]["accounts"], 1)
        self.assertEqual(done["rows"]["tokens"], 2)
        self.assertFalse((server.data / "control.db").exists())
        self.assertTrue((server.data / "control.db.copied").exists())
        for command, answer in before.items():
            self.assertEqual(server.ask(*command.split()), answer, command)
        self.assertIn("nothing to copy", server.refused("control", "copy").errors)
        server.start()
        self.assertIn("credentials", server.exchange(token))
        self.assertEqual(server.get("/v2/export/credentials", ended["token"]).status_code, 401)
        server.config.write_text("")
        self.assertIn('kind = "postgresql"', server.refused("account", "list").errors)

    def test_a_copy_into_a_database_that_is_in_use_changes_nothing(self):
        running = engine()
        config = configuration(running.where(), new_database(running))
        first = serving.Server(config)
        self.addCleanup(first.close)
        first.make_account("7")
        server = serving.Server()
        self.addCleanup(server.close)
        server.make_account("123")
        shutil.copy(first.folder / "data.keyring", server.folder / "other.keyring")
        server.config.write_text(config)
        server.refused("control", "copy")
        self.assertTrue((server.data / "control.db").exists())
        self.assertEqual([account["id"] for account in first.ask("account", "list")["accounts"]], ["7"])


class NextVersion(unittest.TestCase):
    """The database as the next version leaves it, whose nodes are started while some of this version still run."""

    def setUp(self):
        self.engine = engine()
        self.database = new_database(self.engine)
        self.node = Node(configuration(self.engine.where(), self.database))
        self.addCleanup(self.node.close)
        self.node.secrets.append(postgres.PASSWORD)
        self.token = self.node.make_account("123")
        self.node.start()

    def sql(self, statement: str) -> str:
        return self.engine.sql("a", statement, self.database)

    def upgrade(self) -> None:
        tables = self.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'valetkey'").split()
        self.assertGreater(len(tables), 10)
        for table in tables:
            self.sql(f"ALTER TABLE valetkey.{table} ADD COLUMN of_next_version TEXT NOT NULL DEFAULT 'x'")
        self.sql("UPDATE valetkey.formats SET format = format + 1")

    def use_everything(self, account: str) -> None:
        token = self.node.make_account(account)
        self.assertIn("credentials", self.node.exchange(token))
        made = self.node.call("POST", "/v2/tokens", token, json={"name": "later", "scopes": ["export"]})
        self.assertEqual(made.status_code, 201, made.text)
        self.node.secrets.append(made.json()["token"])
        self.node.run("token", "revoke", made.json()["id"])
        self.assertTrue(serving.eventually(lambda: self.node.get("/v2/export/credentials",
                                                                 made.json()["token"]).status_code == 401))
        self.node.run("account", "set", account, "--retention", "90d", "--yes")
        sent = self.node.call("POST", "/v1/events", json=load.body(account, "ann", [load.conversion(account, "buy")]))
        self.assertEqual(sent.status_code, 204, sent.text)
        self.node.run("export")
        keys = self.node.exchange(token)["credentials"]
        s3 = hostile.client(self.node.s3, keys["accessKeyId"], keys["secretAccessKey"], keys["sessionToken"])
        listed = s3.list_objects_v2(Bucket=serving.BUCKET, Prefix=f"v1/account_id={account}/type=events/")
        self.assertEqual(1, listed["KeyCount"])

    def test_nodes_of_this_version_go_on_and_start_again_beside_the_next(self):
        self.upgrade()
        self.use_everything("7")
        self.node.stop()
        self.node.start()
        self.assertIn("credentials", self.node.exchange(self.token))
        self.use_everything("8")

    def test_a_version_that_cannot_work_with_the_tables_is_refused(self):
        self.sql("UPDATE valetkey.formats SET format = format + 1, least = format + 1 WHERE store = 'control store'")
        self.assertIn("upgrade valetkeyd", self.node.refused("account", "list").errors)
        self.assertIn("credentials", self.node.exchange(self.token), "one that runs already")


class LostPrimary(unittest.TestCase):
    """A pair of its own: the primary dies as a machine does while accounts are made, and the standby is promoted."""

    def setUp(self):
        engine()
        self.pair = postgres.Postgres(pathlib.Path(os.environ["VALETKEY_ENGINE"]).parent / f"pair-{os.getpid()}")
        self.addCleanup(self.pair.down)
        where = self.pair.pair()
        self.node = Node(configuration(where, new_database(self.pair)) + NO_EVENTS)
        self.addCleanup(self.node.close)
        self.token = self.node.make_account("1")
        self.node.start()
        self.answered, self.stopping = ["1"], False

    def make_accounts(self):
        for number in range(100, 10_000):
            if self.stopping:
                return
            try:
                self.node.run("account", "create", str(number))
                self.answered.append(str(number))
            except serving.Failed as failure:
                assert "PostgreSQL" in failure.errors, failure.errors

    def test_nothing_that_was_answered_is_lost(self):
        maker = threading.Thread(target=self.make_accounts)
        maker.start()
        serving.eventually(lambda: len(self.answered) > 8, 60)
        self.pair.kill("a")
        unready = serving.eventually(lambda: self.readiness()[0] == 503, 30)
        self.assertTrue(unready, "5 s without a look at the database")
        self.assertIn("PostgreSQL", self.readiness()[1])
        self.assertEqual(self.node.get("/v2/export/credentials", self.token).status_code, 503)
        self.pair.promote()
        began = time.monotonic()
        self.assertTrue(serving.eventually(lambda: self.readiness()[0] == 200, 30))
        print(f"ready {time.monotonic() - began:.1f} s after the promotion", file=sys.stderr)
        promoted_at = len(self.answered)
        serving.eventually(lambda: len(self.answered) > promoted_at + 3, 60)
        self.stopping = True
        maker.join()
        there = {account["id"] for account in self.node.ask("account", "list")["accounts"]}
        self.assertEqual(set(self.answered) - there, set(), "accounts that were made, and are gone")
        self.assertGreater(len(self.answered), promoted_at)
        self.assertIn("credentials", self.node.exchange(self.token))
        self.pass_over_the_former_primary()

    def pass_over_the_former_primary(self):
        """It comes back, takes writes, and is the first host of the string; the node has seen the later timeline."""
        self.pair.start("a")
        made = self.node.call("POST", "/v2/tokens", self.token, json={"name": "later", "scopes": ["export"]})
        self.assertEqual(made.status_code, 201, made.text)
        self.node.secrets.append(made.json()["token"])
        self.pair.sql("b", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'valetkeyd'")
        self.assertIn("credentials", self.node.exchange(made.json()["token"]), "only the promoted one knows it")
        time.sleep(6)
        self.assertEqual(self.readiness()[0], 200)

    def readiness(self) -> tuple[int, str]:
        answer = serving.requests.get(f"{self.node.admin}/readyz", timeout=20)
        return answer.status_code, answer.text


if __name__ == "__main__":
    serving.main()
