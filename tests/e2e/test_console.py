# SPDX-License-Identifier: Apache-2.0
"""The web console by direct requests: who gets in, what each role may do, and what no other page or program may."""
import subprocess
import time
import unittest
from urllib.parse import urlsplit

import boto3
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from server import ServedCase, clean_environment, eventually

PASSWORD = "a long enough phrase"
PAGE = {"X-Valetkey-Console": "1", "Sec-Fetch-Site": "same-origin"}


class Person:
    """A browser: a cookie jar, and what a page of the console sends."""

    def __init__(self, server, address: str = "203.0.113.7"):
        self.server, self.address, self.jar = server, address, requests.Session()

    def ask(self, method: str, path: str, body=None, headers=None, expect: int | None = None):
        more = {**PAGE, "X-Forwarded-For": self.address} if headers is None else headers
        answer = self.jar.request(method, f"{self.server.api}/v2/console{path}", json=body, headers=more, timeout=30,
                                  allow_redirects=False)
        self.jar.close()  # the connection, not the cookies
        if expect is not None and answer.status_code != expect:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer

    def get(self, path: str, expect: int = 200):
        return self.ask("GET", path, expect=expect).json()

    def post(self, path: str, body=None, expect: int = 200):
        answer = self.ask("POST", path, {} if body is None else body, expect=expect)
        return answer.json() if answer.content else None

    def delete(self, path: str, expect: int = 204):
        return self.ask("DELETE", path, expect=expect)

    def sign_in(self, email: str, password: str = PASSWORD) -> "Person":
        self.post("/session", {"email": email, "password": password})
        self.server.secrets += [cookie.value for cookie in self.jar.cookies]
        return self

    def error(self, method: str, path: str, body=None) -> tuple[int, str]:
        answer = self.ask(method, path, body)
        return answer.status_code, answer.json()["code"]


class ConsoleCase(ServedCase):
    # The tests play people of several networks, as a proxy would tell them apart.
    options = {"config": '[limits]\ntrusted_proxies = ["127.0.0.1"]\n[export]\nlongest_wait = "1s"\n'}

    @classmethod
    def prepare(cls):
        server = cls.server
        cls.token = server.make_account("12345", "ada@example.com")
        server.run("user", "create", "bob@example.com", "--account", "12345", "--role", "member")
        server.make_account("123456", "eve@example.com")
        server.run("user", "create", "root@example.com", "--role", "operator")
        server.start()
        for email in ("ada@example.com", "bob@example.com", "eve@example.com", "root@example.com"):
            Person(server).post("/invitation/accept", {"code": cls.invite(email), "password": PASSWORD})
        cls.ada = Person(server).sign_in("ada@example.com")
        cls.bob = Person(server).sign_in("bob@example.com")
        cls.root = Person(server).sign_in("root@example.com")

    @classmethod
    def invite(cls, email: str) -> str:
        url = cls.server.ask("user", "invite", email)["url"]
        code = urlsplit(url).fragment
        assert url.endswith(f"/welcome#{code}") and len(code) == 32, url
        cls.server.secrets.append(code)
        return code


class SignIn(ConsoleCase):
    def test_an_invitation_sets_the_password_once(self):
        self.server.run("user", "create", "new@example.com", "--account", "12345", "--role", "member")
        code, person = self.invite("new@example.com"), Person(self.server)
        offer = person.post("/invitation", {"code": code})
        self.assertEqual((offer["email"], offer["account"]["id"]), ("new@example.com", "12345"))
        short = person.ask("POST", "/invitation/accept", {"code": code, "password": "short"}, expect=400).json()
        self.assertEqual(short["field"], "password")
        session = person.post("/invitation/accept", {"code": code, "password": PASSWORD})
        self.assertEqual(session["user"]["email"], "new@example.com")
        self.assertEqual(person.get("/session")["user"]["has_password"], True)
        self.assertEqual(person.error("POST", "/invitation/accept", {"code": code, "password": PASSWORD}),
                         (404, "not_found"))

    def test_the_cookie_reaches_no_script_and_no_other_site(self):
        person = Person(self.server)
        answer = person.ask("POST", "/session", {"email": "bob@example.com", "password": PASSWORD}, expect=200)
        line = answer.headers["Set-Cookie"]
        self.assertRegex(line, r"^valetkey=\w+; Path=/; Max-Age=604800; HttpOnly; SameSite=Strict$")
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        gone = person.delete("/session").headers["Set-Cookie"]
        self.assertTrue(gone.startswith("valetkey=; "), gone)
        self.assertEqual(person.error("GET", "/session"), (401, "unauthenticated"))

    def test_only_the_consoles_own_page_changes_anything(self):
        good = {"email": "bob@example.com", "password": PASSWORD}
        person = Person(self.server)
        for headers in ({}, {"X-Valetkey-Console": "1"}, {"Sec-Fetch-Site": "same-origin"},
                        {**PAGE, "Sec-Fetch-Site": "cross-site"}, {**PAGE, "Sec-Fetch-Site": "same-site"},
                        {"X-Valetkey-Console": "1", "Origin": "http://evil.example"}):
            self.assertEqual(person.ask("POST", "/session", good, headers=headers).status_code, 403, headers)
        plain = requests.post(f"{self.server.api}/v2/console/session", data='{"email":"bob@example.com"}',
                              headers={**PAGE, "Content-Type": "text/plain"}, timeout=10)
        self.assertEqual(plain.status_code, 415)
        origin = {"X-Valetkey-Console": "1", "Origin": self.server.api}
        self.assertEqual(person.ask("POST", "/session", good, headers=origin).status_code, 200)

    def test_cookie_and_token_open_nothing_of_each_other(self):
        cookie = self.ada.jar.cookies["valetkey"]
        self.assertEqual(self.server.get("/v2/tokens", cookie).status_code, 401)
        self.assertEqual(self.server.get("/v2/export/credentials", cookie).status_code, 401)
        self.assertEqual(self.ada.jar.get(f"{self.server.api}/v2/tokens", timeout=10).status_code, 401)
        with_token = requests.get(f"{self.server.api}/v2/console/session",
                                  headers={"Authorization": f"Bearer {self.token}"}, timeout=10)
        self.assertEqual(with_token.status_code, 401)
        as_cookie = requests.get(f"{self.server.api}/v2/console/session", cookies={"valetkey": self.token}, timeout=10)
        self.assertEqual(as_cookie.status_code, 401)

    def test_who_guesses_is_slowed_and_nobody_else(self):
        guesser = Person(self.server, "198.51.100.1")
        for _ in range(5):
            self.assertEqual(guesser.error("POST", "/session", {"email": "eve@example.com", "password": "wrong"}),
                             (401, "unauthenticated"))
        refused = guesser.ask("POST", "/session", {"email": "eve@example.com", "password": PASSWORD})
        self.assertEqual(refused.status_code, 429)
        self.assertIn("Retry-After", refused.headers)
        Person(self.server, "198.51.100.2").sign_in("eve@example.com")  # another network: the account is not locked
        Person(self.server, "198.51.100.1").sign_in("bob@example.com")  # nor is the network, for another account

    def test_unknown_address_and_wrong_password_look_alike(self):
        person = Person(self.server, "198.51.100.9")
        known = person.ask("POST", "/session", {"email": "eve@example.com", "password": "wrong"}).json()
        unknown = person.ask("POST", "/session", {"email": "nobody@example.com", "password": "wrong"}).json()
        self.assertEqual(known["message"], unknown["message"])

    def test_a_new_password_ends_the_other_sessions(self):
        self.server.run("user", "create", "kim@example.com", "--account", "12345", "--role", "member")
        first, second = Person(self.server), Person(self.server)
        first.post("/invitation/accept", {"code": self.invite("kim@example.com"), "password": PASSWORD})
        second.sign_in("kim@example.com")
        self.assertEqual(len(second.get("/sessions")["sessions"]), 2)
        wrong = second.ask("POST", "/password", {"current": "wrong", "new": PASSWORD + "2"}, expect=400).json()
        self.assertEqual(wrong["field"], "current")
        second.post("/password", {"current": PASSWORD, "new": PASSWORD + "2"}, expect=204)
        self.assertEqual(first.error("GET", "/session"), (401, "unauthenticated"))
        second.get("/session")
        second.delete("/sessions")
        self.assertEqual(second.error("GET", "/session"), (401, "unauthenticated"))

    def test_the_document_has_the_strict_policy(self):
        answer = requests.get(f"{self.server.api}/", headers={"Accept": "text/html"}, timeout=10)
        if "web console" in answer.text and "no web console" in answer.text:
            self.skipTest("built without npm")
        policy = answer.headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertIn("frame-ancestors 'none'", policy)
        for word in ("wasm", "unsafe-inline", "http:", "https:"):
            self.assertNotIn(word, policy)
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(answer.headers["Cache-Control"], "no-cache")
        self.assertNotIn("Access-Control-Allow-Origin", answer.headers)


class Tokens(ConsoleCase):
    def test_generate_replace_and_revoke(self):
        made = self.bob.post("/tokens", {"name": "nightly \u202b\"job\" <b>", "expires_in": "90d"}, expect=400)
        self.assertEqual(made["code"], "invalid_parameter")
        made = self.bob.post("/tokens", {"name": 'nightly "job" <b> 🎈', "expires_in": "90d"}, expect=201)
        self.server.secrets.append(made["token"])
        self.assertEqual((made["name"], made["parent"], made["user"]), ('nightly "job" <b> 🎈', None, "bob@example.com"))
        self.server.exchange(made["token"])
        new = self.bob.post(f"/tokens/{made['id']}/replace", {"overlap": "1h"}, expect=201)
        self.server.secrets.append(new["token"])
        self.assertEqual(new["replaces"]["id"], made["id"])
        self.assertLess(new["replaces"]["expires"], made["expires"])
        self.server.exchange(made["token"])
        self.server.exchange(new["token"])
        self.bob.delete(f"/tokens/{new['id']}", 200)
        self.assertEqual(self.server.get("/v2/export/credentials", new["token"]).status_code, 401)
        listed = {token["id"]: token["state"] for token in self.bob.get("/tokens")["tokens"]}
        self.assertEqual((listed[made["id"]], listed[new["id"]]), ("active", "revoked"))

    def test_members_handle_their_own_and_admins_those_of_the_account(self):
        made = self.ada.post("/tokens", {"name": "for bob", "user": "bob@example.com"}, expect=201)
        self.assertIn(made["id"], {token["id"] for token in self.bob.get("/tokens")["tokens"]})
        own = self.ada.post("/tokens", {"name": "ada's"}, expect=201)
        for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/ends"), ("POST", "/replace"), ("GET", "/seen")):
            self.assertEqual(self.bob.error(method, f"/tokens/{own['id']}{path}", {} if method == "POST" else None),
                             (404, "not_found"), path)
        self.assertEqual(self.bob.error("POST", "/tokens", {"name": "x", "user": "ada@example.com"}),
                         (403, "forbidden"))
        eve = Person(self.server).sign_in("eve@example.com")
        self.assertEqual(eve.error("GET", f"/tokens/{own['id']}"), (404, "not_found"))
        self.assertEqual(self.root.error("GET", "/tokens"), (403, "forbidden"))

    def test_what_a_token_ends_is_said_before(self):
        made = self.ada.post("/tokens", {"name": "parent", "scopes": ["export", "tokens"]}, expect=201)
        child = self.server.call("POST", "/v2/tokens", made["token"], json={"name": "child"}).json()
        ends = self.ada.get(f"/tokens/{made['id']}/ends")["tokens"]
        self.assertEqual([token["id"] for token in ends], [child["id"]])

    def test_a_token_that_was_made_here_outlives_the_session(self):
        person = Person(self.server).sign_in("bob@example.com")
        made = person.post("/tokens", {"name": "stays"}, expect=201)
        person.delete("/session")
        self.assertEqual(self.server.get("/v2/export/credentials", made["token"]).status_code, 200)

    def test_the_page_sees_what_the_token_does_within_two_seconds(self):
        made = self.bob.post("/tokens", {"name": "seen"}, expect=201)
        path = f"/tokens/{made['id']}/seen"
        self.assertEqual([self.bob.get(path)[step] for step in ("exchange", "listing", "first_bytes")], [None] * 3)
        answer = self.server.exchange(made["token"])
        self.assertIsNotNone(eventually(lambda: self.bob.get(path)["exchange"], 2))
        client = s3_client(self.server, answer["credentials"])
        client.list_objects_v2(Bucket="optimizely-events-data", Prefix="v1/account_id=12345/")
        self.assertIsNotNone(eventually(lambda: self.bob.get(path)["listing"], 2))
        used = next(token for token in self.bob.get("/tokens")["tokens"] if token["id"] == made["id"])
        used = eventually(lambda: next(token for token in self.bob.get("/tokens")["tokens"]
                                       if token["id"] == made["id"])["last_used"], 15)
        self.assertIsNotNone(used)


def s3_client(server, credentials):
    return boto3.client("s3", endpoint_url=server.s3, region_name="us-east-1",
                        aws_access_key_id=credentials["accessKeyId"],
                        aws_secret_access_key=credentials["secretAccessKey"],
                        aws_session_token=credentials["sessionToken"],
                        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}))


class Export(ConsoleCase):
    def test_from_sample_events_to_a_part(self):
        sent = self.ada.post("/samples")
        self.assertEqual(sent["decisions"], 40)
        export = eventually(lambda: (found := self.ada.get("/export")) and len(found["days"]) == 2 and found, 40)
        self.assertTrue(export, "both types are exported")
        rows = {day["type"]: day["rows"] for day in export["days"]}
        self.assertEqual(rows, {"decisions": 40, "events": sent["events"]})
        start = self.ada.get("/start")
        self.assertEqual(start["rows_exported"], 40 + sent["events"])
        self.assertEqual(start["now"][:10], start["first_event_day"])
        today = export["today"]
        day = self.ada.get(f"/export/decisions/{today}")
        self.assertEqual([each["value"] for each in day["partitions"]], ["7000000002"])
        self.assertEqual(day["partitions"][0]["rows"], 40)
        parts = self.ada.get(f"/export/decisions/{today}/parts?partition={day['partitions'][0]['partition']}")["parts"]
        self.assertEqual(sum(part["rows"] for part in parts), 40)
        link = self.ada.post("/export/link", {"key": parts[0]["key"]})
        got = requests.get(link["url"], timeout=10)
        self.assertEqual((got.status_code, got.content[:4], len(got.content)), (200, b"PAR1", parts[0]["bytes"]))
        self.assertIn("attachment", got.headers["Content-Disposition"])
        found = self.ada.get(f"/export/parts?type=decisions&since={today}&until={today}&experiment=7000000002")
        self.assertEqual((found["parts"], found["complete"]), (parts, True))
        self.assertEqual(self.ada.get("/examples")["experiments"], ["7000000002"])
        # The neighbour sees none of it.
        eve = Person(self.server).sign_in("eve@example.com")
        self.assertEqual(eve.get("/export")["days"], [])
        self.assertEqual(eve.error("POST", "/export/link", {"key": parts[0]["key"]}), (404, "not_found"))
        self.assertEqual(eve.error("GET", f"/export/decisions/{today}"), (404, "not_found"))
        self.assertEqual(eve.get(f"/export/decisions/{today}/parts?partition=..%2F..")["parts"], [])

    def test_credentials_of_the_page_end_with_the_session(self):
        person = Person(self.server).sign_in("bob@example.com")
        answer = person.post("/credentials")
        self.server.secrets += [answer["credentials"]["secretAccessKey"], answer["credentials"]["sessionToken"]]
        client = s3_client(self.server, answer["credentials"])

        def lists() -> bool:
            try:
                client.list_objects_v2(Bucket="optimizely-events-data", Prefix="v1/account_id=12345/")
                return True
            except ClientError:
                return False

        self.assertTrue(lists())
        person.delete("/session")
        began = time.monotonic()
        self.assertTrue(eventually(lambda: not lists(), 5))
        self.assertLess(time.monotonic() - began, 1.5)

    def test_the_console_may_read_the_endpoint_from_a_page(self):
        answer = requests.options(f"{self.server.s3}/optimizely-events-data/v1/x", timeout=10, headers={
            "Origin": self.server.api, "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization,range,x-amz-date"})
        self.assertEqual(answer.headers.get("Access-Control-Allow-Origin"), self.server.api)
        other = requests.options(f"{self.server.s3}/optimizely-events-data/v1/x", timeout=10, headers={
            "Origin": "http://evil.example", "Access-Control-Request-Method": "GET"})
        self.assertNotIn("Access-Control-Allow-Origin", other.headers)


class People(ConsoleCase):
    def test_members_see_no_people_and_no_operator_page(self):
        for method, path, body in (("GET", "/people", None), ("POST", "/people", {"email": "x@y.zz", "role": "admin"}),
                                   ("GET", "/operator", None), ("GET", "/operator/accounts", None)):
            self.assertEqual(self.bob.error(method, path, body), (403, "forbidden"), path)
        self.assertEqual(self.ada.error("GET", "/operator/accounts"), (403, "forbidden"))
        self.assertEqual(self.root.error("GET", "/people"), (403, "forbidden"))
        self.assertEqual(self.root.error("GET", "/export"), (403, "forbidden"))

    def test_invite_disable_and_sign_out(self):
        made = self.ada.post("/people", {"email": "Zoe@Example.com", "role": "admin"}, expect=201)
        self.assertEqual(made["person"]["email"], "zoe@example.com")
        self.assertIsNotNone(made["person"]["invitation"])
        zoe = Person(self.server)
        code = urlsplit(made["invitation"]["url"]).fragment
        zoe.post("/invitation/accept", {"code": code, "password": PASSWORD})
        given = zoe.post("/tokens", {"name": "for bob", "user": "bob@example.com"}, expect=201)
        own = zoe.post("/tokens", {"name": "zoe's"}, expect=201)
        again = self.ada.ask("POST", "/people", {"email": "zoe@example.com", "role": "member"}, expect=409).json()
        self.assertEqual(again["field"], "email")
        person = f"/people/{made['person']['id']}"
        ends = self.ada.get(f"{person}/ends?change=disable")
        self.assertEqual([[token["id"] for token in ends[kind]] for kind in ("revoked", "refused")],
                         [[given["id"]], [own["id"]]])
        self.assertEqual(ends["sessions"], 1)
        self.assertEqual(self.ada.post(f"{person}/sign-out"), {"sessions": 1})
        self.assertEqual(zoe.error("GET", "/session"), (401, "unauthenticated"))
        zoe.sign_in("zoe@example.com")
        changed = self.ada.post(person, {"state": "disabled"})
        self.assertEqual([token["id"] for token in changed["revoked"]], [given["id"]])
        self.assertEqual(zoe.error("GET", "/session"), (401, "unauthenticated"))
        self.assertEqual(zoe.error("POST", "/session", {"email": "zoe@example.com", "password": PASSWORD}),
                         (401, "unauthenticated"))
        actions = {(record["action"], (record["actor"] or {}).get("email"))
                   for record in self.ada.get("/activity?user=ada@example.com")["records"]
                   if isinstance(record["actor"], dict)}
        self.assertLessEqual({("user.invite", "ada@example.com"), ("user.disable", "ada@example.com")}, actions)

    def test_an_account_keeps_an_admin_and_nobody_changes_themselves(self):
        people = {person["email"]: person["id"] for person in self.ada.get("/people")["people"]}
        self.assertEqual(self.ada.error("POST", f"/people/{people['ada@example.com']}", {"role": "member"}),
                         (409, "conflict"))
        eve = Person(self.server).sign_in("eve@example.com")
        self.assertEqual(eve.error("POST", f"/people/{people['bob@example.com']}", {"state": "disabled"}),
                         (404, "not_found"))

    def test_activity_is_paged_and_members_see_their_own(self):
        for _ in range(3):
            Person(self.server).sign_in("bob@example.com")
        page = self.bob.get("/activity?limit=2")
        self.assertEqual(len(page["records"]), 2)
        seen, cursor = page["records"], page["next"]
        while cursor:
            page = self.bob.get(f"/activity?limit=2&before={cursor}")
            seen, cursor = seen + page["records"], page["next"]
        whole = self.bob.get("/activity?limit=1000")["records"]
        self.assertEqual(seen, whole[-len(seen):] if len(whole) > len(seen) else whole)
        self.assertEqual({record["actor"]["email"] for record in whole if isinstance(record["actor"], dict)},
                         {"bob@example.com"})


class Operator(ConsoleCase):
    def test_accounts_are_made_suspended_and_limited(self):
        made = self.root.post("/operator/accounts", {"name": "New & Co", "admin": "boss@new.example"}, expect=201)
        account = made["account"]["id"]
        boss = Person(self.server)
        boss.post("/invitation/accept",
                  {"code": urlsplit(made["invitation"]["url"]).fragment, "password": PASSWORD})
        self.assertEqual(boss.get("/session")["user"]["account"], {"id": account, "name": "New & Co"})
        changed = self.root.post(f"/operator/accounts/{account}", {"retention_days": 30, "state": "suspended"})
        self.assertEqual((changed["retention_days"], changed["state"]), (30, "suspended"))
        self.assertEqual(boss.error("GET", "/session"), (401, "unauthenticated"))
        self.root.post(f"/operator/accounts/{account}", {"retention_days": None, "state": "active"})
        boss.get("/session")
        self.assertEqual([person["email"] for person in self.root.get(f"/operator/accounts/{account}")["people"]],
                         ["boss@new.example"])
        server = self.root.get("/operator")
        self.assertEqual(server["problems"], [])
        self.assertTrue(server["exporter"]["enabled"])
        self.assertEqual({key["purpose"] for key in server["keys"]}, {"session", "object"})


class Programs(ConsoleCase):
    def test_a_token_of_the_right_scope_does_what_a_page_does(self):
        token = self.server.make_token("12345", "ada@example.com", scopes="users,audit")["token"]
        people = self.server.get("/v2/users", token).json()["people"]
        self.assertIn("bob@example.com", {person["email"] for person in people})
        made = self.server.call("POST", "/v2/users", token, json={"email": "api@example.com", "role": "member"})
        self.assertEqual(made.status_code, 201)
        self.assertIn("/welcome#", made.json()["invitation"]["url"])
        self.assertTrue(self.server.get("/v2/audit", token).json()["records"])
        self.assertEqual(self.server.get("/v2/tokens", token).status_code, 403)
        plain = self.server.make_token("12345", "ada@example.com")["token"]
        self.assertEqual(self.server.get("/v2/users", plain).status_code, 403)
        member = self.server.make_token("12345", "bob@example.com", scopes="users,audit")["token"]
        self.assertEqual(self.server.get("/v2/users", member).status_code, 403)
        self.assertEqual(self.server.get("/v2/accounts", token).status_code, 401)

    def test_an_operators_token_handles_accounts_and_reads_none(self):
        made = self.server.ask("token", "create", "--user", "root@example.com", "--name", "ops", "--scopes", "accounts")
        self.server.secrets.append(made["token"])
        listed = self.server.get("/v2/accounts", made["token"]).json()["accounts"]
        self.assertLessEqual({"12345", "123456"}, {account["id"] for account in listed})
        account = self.server.call("POST", "/v2/accounts", made["token"], json={"name": "Made by a program"})
        self.assertEqual(account.status_code, 201)
        self.assertEqual(self.server.get("/v2/server", made["token"]).json()["problems"], [])
        for path in ("/v2/export/credentials", "/v2/tokens", "/v2/users", "/v2/audit"):
            self.assertEqual(self.server.get(path, made["token"]).status_code, 401, path)

    def test_every_documented_path_is_served(self):
        document = self.server.get("/openapi.json").json()
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if "console" in operation["tags"]:
                    answer = self.server.call(method.upper(), path.replace("{id}", "x"), "vkpat_nothing")
                    self.assertIn(answer.status_code, (401, 429), f"{method} {path}")


class OneLimit(ServedCase):
    """A token and an address block are counted once, whichever door they come to."""
    options = {"config": "[limits]\ntoken_requests_per_s = 0.5\n"}  # 20 seconds' worth: ten
    doors = ("/v2/account", "/v2/audit", "/delta-sharing/shares")

    @classmethod
    def prepare(cls):
        cls.server.make_account("12345", "ada@example.com")
        cls.server.start()

    def test_one_token_has_one_limit_at_all_doors(self):
        token = self.server.make_token("12345", "ada@example.com", scopes="export,audit")["token"]
        answers = [self.server.get(path, token).status_code for path in 4 * self.doors]
        self.assertEqual([200] * 10, answers[:10])
        self.assertIn(429, answers[10:])

    def test_failures_of_an_address_are_counted_together(self):
        answers = []
        for _ in range(4):
            answers += [self.server.get(path, "wrong").status_code for path in self.doors]
        self.assertEqual([401] * 10, answers[:10])
        self.assertEqual([429, 429], answers[10:])

    def test_they_keep_nobody_from_signing_in(self):
        for _ in range(30):
            self.server.get("/v2/account", "wrong")
        code = urlsplit(self.server.ask("user", "invite", "ada@example.com")["url"]).fragment
        self.server.secrets.append(code)
        Person(self.server, "127.0.0.1").post("/invitation/accept", {"code": code, "password": PASSWORD})
        Person(self.server, "127.0.0.1").sign_in("ada@example.com")


class SwitchedOff(ServedCase):
    options = {"config": "[console]\nenabled = false\n"}

    @classmethod
    def prepare(cls):
        cls.token = cls.server.make_account("12345", "ada@example.com")
        cls.server.start()

    def test_the_address_says_in_one_sentence_that_the_console_is_off(self):
        answer = requests.get(f"{self.server.api}/", headers={"Accept": "text/html"}, timeout=10)
        self.assertIn("The web console of this server is off: its configuration has [console] enabled = false.", answer.text)
        for path in ("/export", "/sign-in", "/index.html"):
            answer = requests.get(f"{self.server.api}{path}", headers={"Accept": "text/html"}, timeout=10)
            self.assertEqual(404, answer.status_code, path)

    def test_no_route_of_its_pages_is_there(self):
        person = Person(self.server)
        for method, path, body in (("GET", "/config", None), ("GET", "/session", None), ("GET", "/export", None),
                                   ("POST", "/session", {"email": "ada@example.com", "password": PASSWORD})):
            answer = person.ask(method, path, body, expect=404)
            self.assertIn("is off", answer.json()["message"], path)
        origin = requests.options(f"{self.server.s3}/optimizely-events-data/v1/x", timeout=10, headers={
            "Origin": self.server.api, "Access-Control-Request-Method": "GET"})
        self.assertNotIn("Access-Control-Allow-Origin", origin.headers)

    def test_programs_go_on_with_their_tokens(self):
        admin = self.server.make_token("12345", "ada@example.com", scopes="users,audit,tokens")
        self.assertEqual(["ada@example.com"], [one["email"] for one in self.server.get("/v2/users", admin["token"]).json()["people"]])
        self.assertEqual(200, self.server.get("/v2/audit", admin["token"]).status_code)
        other = self.server.make_token("12345", "ada@example.com", scopes="tokens")
        made = self.server.call("POST", f"/v2/tokens/{other['id']}/replace", admin["token"], json={"overlap": "1h"})
        self.assertEqual(201, made.status_code, made.text)
        self.server.secrets.append(made.json()["token"])
        self.server.exchange(self.token)

    def test_an_invitation_says_that_its_link_opens_nothing_here(self):
        done = subprocess.run(self.server.command("user", "invite", "ada@example.com"), capture_output=True, text=True,
                              timeout=60, env=clean_environment())
        self.server.secrets.append(urlsplit(done.stdout.strip()).fragment)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("the console is off in this configuration ([console] enabled = false)", done.stderr)


if __name__ == "__main__":
    unittest.main()
