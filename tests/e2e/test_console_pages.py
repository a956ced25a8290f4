# SPDX-License-Identifier: Apache-2.0
"""The console in a real Chromium against the real server: from an invitation to rows on the screen, and what else people
do there. Screenshots: build/console-screenshots."""
import datetime
import json
import pathlib
import re
import shutil
import subprocess
import threading
import time
import unittest

import requests

import server as serving
import sts_fake
import trees
from clients import Clients
from console_browser import SHOTS, Browser, Page
from server import BUCKET, PROGRAMS, ServedCase, clean_environment, eventually, main

PASSWORD = "a long enough password"
ACCOUNT, NEIGHBOUR = trees.REAL_ACCOUNT, "77"
EXPERIMENT = "18786493712"
AWKWARD = '<b>bold</b> "quoted" שלום עולם 🔑'


class ConsoleCase(ServedCase):
    """Ann is an admin, Ben a member of one account; Nell of another."""
    config = '[export]\nlongest_wait = "1s"\n'

    @classmethod
    def prepare(cls):
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)
        cls.server.config.write_text(cls.config + cls.server.config.read_text())
        for account, name in ((ACCOUNT, "Attic & Button"), (NEIGHBOUR, "Neighbour")):
            cls.server.run("account", "create", account, "--name", name)
        cls.fill()
        cls.serve()

    @classmethod
    def fill(cls):
        """What the server holds before it starts."""

    @classmethod
    def serve(cls):
        cls.server.start()

    @classmethod
    def invite(cls, email: str, role: str = "admin", account: str = ACCOUNT) -> str:
        if email not in {user["email"] for user in cls.server.ask("user", "list")["users"]}:
            of = () if role == "operator" else ("--account", account)
            cls.server.run("user", "create", email, "--role", role, *of)
        # The command does not know on which port this server listens.
        return "/welcome#" + cls.server.ask("user", "invite", email)["url"].split("#")[1]

    def person(self, email: str, role: str = "admin", account: str = ACCOUNT, **options) -> Page:
        page = self.browser.open(self.server.api, **options)
        self.addCleanup(page.close)
        page.accept(self.invite(email, role, account), PASSWORD)
        return page

    def copied(self, page: Page) -> str:
        """The token that the page shows once."""
        page.heading("Copy it now.")
        token = page.text("[aria-label=Token]")
        self.server.secrets.append(token)
        return token

    def generate_first(self, page: Page) -> str:
        page.click("Generate my first token")
        return self.copied(page)

    def generate(self, page: Page, name: str) -> str:
        page.goto("/tokens/new")
        page.fill("Name", name)
        page.click("Generate")
        return self.copied(page)

    def assert_quiet(self, page: Page, *expected: str) -> None:
        """Nothing of the page was refused by its own policy, and nothing failed unseen but the question who is there."""
        said = [text for text in page.act("complaints") if not any(re.search(one, text) for one in ("401", *expected))]
        self.assertEqual([], said)


class FirstSteps(ConsoleCase):
    def test_an_invitation_leads_to_rows_on_the_screen(self):
        page = self.browser.open(self.server.api)
        self.addCleanup(page.close)
        link = self.invite("ann@example.com")
        begun = time.monotonic()
        page.accept(link, PASSWORD)
        page.heading("Get started")
        page.shot("first-1-start")
        token = self.generate_first(page)
        self.assertRegex(token, r"^vkpat_\w{20,}$")
        page.click("Send sample events")
        page.act("wait", css=".apart .watch li.seen:nth-child(2)", seconds=40)
        page.shot("first-2-exported")
        page.link("See the rows")
        page.act("wait", css="table.data tbody tr")
        self.assertEqual(10, len(page.rows()))
        self.assertLess(time.monotonic() - begun, 120)
        self.assertLessEqual(page.act("clicks"), 4)
        page.shot("first-3-rows")
        # The value is nowhere any more; the token is.
        page.link("Tokens")
        page.wait("my first token")
        self.assertNotIn(token, page.act("evaluate", script="document.documentElement.outerHTML"))
        self.assert_quiet(page)
        # The link is used up.
        other = self.browser.open(self.server.api)
        self.addCleanup(other.close)
        other.goto(link)
        other.heading("This link is used up")

    def test_the_commands_of_the_page_run_and_tick(self):
        page = self.person("cora@example.com")
        page.click("Send sample events")
        page.act("wait", css=".apart .watch li.seen:nth-child(2)", seconds=40)
        token = self.generate_first(page)
        home = self.server.folder / "home"
        home.mkdir()
        for tool in ("boto3", "AWS CLI", "curl", "rclone", "valetkey"):
            if tool == "rclone" and not shutil.which("rclone"):
                continue
            page.choose(tool)
            work = home / tool.lower()
            work.mkdir()
            blocks = page.texts(".steps pre code")
            script = "set -e -o pipefail\n" + "\n".join(blocks)
            self.assertNotIn(token, script)
            environment = {**clean_environment(), "HOME": str(home), "PATH": f"{PROGRAMS.resolve()}:{clean_environment()['PATH']}"}
            environment.pop("AWS_CONFIG_FILE")
            done = subprocess.run(["bash", "-c", script], input=token + "\n", capture_output=True, text=True, timeout=100,
                                  env=environment, cwd=work)
            self.assertEqual(0, done.returncode, f"{tool}: {script}\n{done.stderr}")
            if tool == "rclone":
                self.assertGreater(len(list((work / "data").rglob("*.parquet"))), 1, done.stderr)
            else:
                self.assertRegex(done.stdout, "type=|experiment_id", tool)
        for number in (1, 2, 3):
            page.act("wait", css=f".aside .watch li.seen:nth-child({number})", seconds=2)
        page.shot("start-ticked")
        # The profile of Delta Sharing: as a command writes it, and as the page beside the token hands it out.
        page.choose("Delta Sharing")
        page.shot("start-sharing")
        script = "set -e\n" + "\n".join(page.texts(".steps pre code")[:2])
        done = subprocess.run(["bash", "-c", script], input=token + "\n", capture_output=True, text=True, timeout=100,
                              env=environment, cwd=home)
        self.assertEqual(0, done.returncode, done.stderr)
        written = json.loads((home / "valetkey.share").read_text())
        self.assertEqual((f"{self.server.api}/delta-sharing/", token), (written["endpoint"], written["bearerToken"]))
        page.click("Download as a Delta Sharing profile")
        got = page.act("download")
        self.assertEqual("valetkey.share", got["name"])
        offered = json.loads(pathlib.Path(got["path"]).read_text())
        instants = [datetime.datetime.fromisoformat(each.pop("expirationTime")) for each in (written, offered)]
        self.assertEqual((written, instants[0]), (offered, instants[1]))

    def test_the_session_that_ends_asks_in_place_and_keeps_what_was_typed(self):
        page = self.person("dora@example.com", "member")
        page.goto("/tokens/new")
        page.fill("Name", "typed before the session ended")
        page.act("clearCookies")
        page.click("Generate")
        page.heading("Your session has ended")
        page.shot("session-ended")
        page.fill("Password", "not the password")
        page.click("Sign in")
        page.act("wait", css=".dialog [role=alert]")
        page.fill("Password", PASSWORD)
        page.click("Sign in")
        self.copied(page)
        page.wait("typed before the session ended")

    def test_no_network_is_said_and_nothing_is_lost(self):
        page = self.person("emil@example.com", "member")
        page.goto("/tokens/new")
        page.fill("Name", "")
        page.click("Generate")
        page.wait("Give it a name.")
        page.fill("Name", "offline")
        page.act("offline", value=True)
        page.click("Generate")
        page.wait("The server cannot be reached.")
        self.assertEqual("offline", page.act("value", label="Name"))
        page.act("offline", value=False)
        page.click("Generate")
        self.copied(page)

    def test_everything_of_signing_in_is_done_with_the_keyboard(self):
        self.person("fritz@example.com", "member")
        page = self.browser.open(self.server.api)
        self.addCleanup(page.close)
        page.goto("/sign-in")
        page.act("wait", label="Password")
        page.act("type", value="fritz@example.com")
        page.act("press", key="Tab")
        page.act("type", value=PASSWORD)
        page.act("press", key="Enter")
        page.act("wait", role="button", name="Sign out")


class PlainHttp(ConsoleCase):
    """Beyond loopback without TLS: browsers then have no clipboard, and drop Secure cookies."""

    @classmethod
    def fill(cls):
        cls.there = f"http://valetkey.test:{cls.server.api_port}"
        cls.server.config.write_text(f'[api]\npublic_url = "{cls.there}"\n' + cls.server.config.read_text())

    def test_it_works_as_far_as_browsers_allow_and_says_what_is_wrong(self):
        page = self.browser.open(self.there)
        self.addCleanup(page.close)
        page.goto(self.invite("ann@example.com"))
        page.wait("This connection is not encrypted.")
        page.fill("New password", PASSWORD)
        page.click("Set password and sign in")
        page.act("wait", role="button", name="Sign out")
        self.assertFalse(page.act("evaluate", script="isSecureContext"))
        self.assertEqual([("valetkey", True, False, "Strict")], [
            (one["name"], one["httpOnly"], one["secure"], one["sameSite"]) for one in page.act("cookies")])
        token = self.generate_first(page)
        page.click("Copy token")
        page.act("wait", role="button", name="Copied")
        page.goto("/tokens/new")
        page.act("wait", label="Name")
        page.act("press", key="Control+V")
        self.assertEqual(token, page.act("value", label="Name"))
        page.goto("/start")
        page.wait("valetkey stands between")
        page.shot("plain-http")
        self.assert_quiet(page, "Cross-Origin-Opener-Policy header has been ignored")


class Encrypted(ConsoleCase):
    options = {"tls": True}

    def test_the_cookie_is_for_this_host_and_tls_alone(self):
        page = self.person("ann@example.com")
        self.assertEqual([("__Host-valetkey", True, True, "Strict", "/")], [
            (one["name"], one["httpOnly"], one["secure"], one["sameSite"], one["path"]) for one in page.act("cookies")])
        page.goto("/me")
        page.wait("this browser")
        self.assertEqual(0, page.act("count", css=".banner"))
        self.assert_quiet(page)


class Rights(ConsoleCase):
    def test_admins_handle_all_tokens_and_members_their_own(self):
        ann, ben = self.person("ann@example.com"), self.person("ben@example.com", "member")
        for page, name in ((ann, "Ann's"), (ben, AWKWARD)):
            self.generate(page, name)
            page.link("Tokens", within=".nav")
            page.act("wait", css="td .name")
        self.assertEqual([AWKWARD], ben.texts("td .name"))
        ann.goto("/tokens")
        ann.act("wait", css="td .name")
        self.assertEqual({"Ann's", AWKWARD}, set(ann.texts("td .name")))
        self.assertEqual(0, ann.act("count", css="td .name b"))
        ann.shot("names-literally")
        # By direct request, with the member's own cookie.
        everyone = json.loads(ann.fetch("GET", "/v2/console/tokens")["text"])["tokens"]
        anns = next(one["id"] for one in everyone if one["user"] == "ann@example.com")
        for method, path, body in (("GET", f"/v2/console/tokens/{anns}", None), ("DELETE", f"/v2/console/tokens/{anns}", None),
                                   ("POST", f"/v2/console/tokens/{anns}/replace", {"overlap": "1h"}),
                                   ("GET", f"/v2/console/tokens/{anns}/seen", None)):
            self.assertIn(ben.fetch(method, path, body)["status"], (403, 404), path)
        for path in ("/v2/console/people", "/v2/console/operator", "/v2/console/operator/accounts"):
            self.assertEqual(403, ben.fetch("GET", path)["status"], path)
        ben.goto("/people")
        ben.heading("There is no such page")
        self.assertNotIn("People", ben.text(".nav"))
        # Another account's admin sees none of it.
        nell = self.person("nell@example.com", "admin", NEIGHBOUR)
        self.assertEqual(404, nell.fetch("GET", f"/v2/console/tokens/{anns}")["status"])
        self.assertEqual([], json.loads(nell.fetch("GET", "/v2/console/tokens")["text"])["tokens"])

    def test_an_admin_invites_and_says_what_ends_before_disabling(self):
        ann = self.person("anna@example.com")
        ann.goto("/people")
        ann.click("Invite somebody")
        ann.fill("E-mail address", "not an address")
        ann.click("Make the invitation")
        ann.wait("Type a whole e-mail address")
        ann.fill("E-mail address", "carl@example.com")
        ann.click("Make the invitation")
        ann.heading("Send this link to")
        link = ann.text("[aria-label=Link]")
        ann.shot("people-invited")
        carl = self.browser.open(self.server.api)
        self.addCleanup(carl.close)
        carl.accept(link, PASSWORD)
        token = self.generate_first(carl)
        self.server.exchange(token)
        ann.goto("/people")
        ann.act("click", css="summary[aria-label='Change carl@example.com']")
        ann.click("Disable: carl@example.com")
        ann.wait("browser will be signed out")
        ann.wait("my first token", within="dialog")
        ann.shot("people-disable")
        ann.click("Disable")
        ann.wait("Disabled")
        self.assertTrue(eventually(lambda: self.server.get("/v2/export/credentials", token).status_code == 401, 2))
        self.assertEqual(401, carl.fetch("GET", "/v2/console/session")["status"])

    def test_signing_out_everywhere_ends_the_other_browser(self):
        one = self.person("otto@example.com", "member")
        two = self.browser.open(self.server.api)
        self.addCleanup(two.close)
        two.sign_in("otto@example.com", PASSWORD)
        one.goto("/me")
        one.wait("this browser")
        one.click("Sign out everywhere")
        one.heading("Sign in")
        self.assertEqual(401, two.fetch("GET", "/v2/console/session")["status"])
        two.sign_in("otto@example.com", PASSWORD)
        two.act("click", role="button", name="Sign out")
        two.heading("Sign in")
        self.assertEqual([], [one for one in two.act("cookies") or []])

    def test_other_sites_and_bearers_change_nothing(self):
        page = self.person("paul@example.com")
        token = self.server.make_token(ACCOUNT, "paul@example.com")["token"]
        # Without the header that only the page can set, as a form of another site would come.
        script = "fetch('/v2/console/tokens', {method: 'POST', headers: {'Content-Type': 'text/plain'}, body: '{\"name\": \"x\"}'}).then(a => a.status)"
        self.assertIn(page.act("evaluate", script=script), (403, 415))
        self.assertEqual(401, self.server.get("/v2/console/tokens", token).status_code)
        self.assertEqual(401, page.fetch("GET", "/v2/tokens")["status"])
        cookie = page.act("evaluate", script="document.cookie")
        self.assertEqual("", cookie)
        answer = self.server.get("/", headers={"Accept": "text/html"})
        policy = answer.headers["Content-Security-Policy"]
        for rule in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'",
                     "require-trusted-types-for 'script'"):
            self.assertIn(rule, policy)
        self.assertNotIn("unsafe", policy)


class Tokens(ConsoleCase):
    """Programs that run, and what the page does to them."""

    @classmethod
    def fill(cls):
        cls.prefix = f"v1/account_id={ACCOUNT}/"
        tree = trees.plain_tree(cls.server.folder / "tree", {f"{cls.prefix}many/{i:04}": b"small" for i in range(3000)})
        cls.server.run("import", str(tree))

    def test_a_token_is_limited_where_it_is_made(self):
        page = self.person("lena@example.com")
        page.goto("/tokens/new")
        page.fill("Name", "report")
        page.act("click", css="details summary")
        page.choose("Decisions")
        page.fill("Only below", "type=events/")
        page.fill("Only from", "the office")
        page.click("Generate")
        page.wait("lies outside of the decisions")
        page.wait("is no address or network")
        page.shot("token-limits-wrong")
        page.fill("Only below", "type=decisions/a//b/")  # what only the server knows is told beside the field, too
        page.fill("Only from", "127.0.0.0/8\n2001:db8::/32")
        page.click("Generate")
        page.wait("has a part that is empty")
        page.fill("Only below", "")
        page.shot("token-limits")
        page.click("Generate")
        token = self.copied(page)
        page.goto("/tokens")
        page.wait("only type=decisions/")
        page.wait("only from 127.0.0.0/8, 2001:db8::/32")
        page.shot("tokens-limited")
        page.link("report")
        page.wait("only type=decisions/; only from")
        s3 = Clients(self.server, self.server.exchange(token), self.server.folder / "limited")
        refused = subprocess.run(["/usr/bin/aws", "--endpoint-url", self.server.s3, "s3", "ls", f"s3://{BUCKET}/{self.prefix}many/"],
                                 capture_output=True, text=True, timeout=60, env=s3.environment)
        self.assertIn("AccessDenied", refused.stderr)
        self.assert_quiet(page, "400")

    def test_revoking_ends_a_running_aws_cli_within_a_second(self):
        page = self.person("ann@example.com")
        token = self.generate(page, "to be revoked")
        clients = Clients(self.server, self.server.exchange(token), self.server.folder / "cli")
        running = subprocess.Popen(["/usr/bin/aws", "--endpoint-url", self.server.s3, "s3", "cp", "--recursive",
                                    f"s3://{BUCKET}/{self.prefix}many/", str(self.server.folder / "copied")],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clients.environment)
        refused = []
        reader = threading.Thread(target=lambda: [refused.append(time.monotonic()) for line in running.stderr
                                                  if "Revoked" in line or "revoked" in line or "AccessDenied" in line or "403" in line])
        reader.start()
        self.assertTrue(eventually(lambda: len(list(self.server.folder.glob("copied/*"))) > 20, 30))
        page.goto("/tokens")
        page.click("Revoke to be revoked")
        page.wait("Nothing else ends with it.")
        page.shot("token-revoke")
        page.click("Revoke")
        page.wait("The token is revoked.")
        ended = time.monotonic()
        self.assertIsNone(running.poll(), "the copy was over before")
        out, _ = running.stdout.read(), reader.join(60)
        self.assertNotEqual(0, running.wait(60))
        running.stdout.close()
        running.stderr.close()
        self.assertTrue(refused, out[-500:])
        self.assertLess(refused[0] - ended, 1.0)
        page.wait("Revoked")

    def test_a_replaced_token_overlaps(self):
        page = self.person("berta@example.com")
        old = self.generate(page, "nightly job")
        page.goto("/tokens")
        page.click("Replace nightly job")
        page.choose("An hour")
        page.shot("token-replace")
        page.click("Replace")
        new = self.copied(page)
        self.assertNotEqual(old, new)
        page.wait("The former token works until")
        for token in (old, new):
            self.server.exchange(token)
        listed = json.loads(page.fetch("GET", "/v2/console/tokens")["text"])["tokens"]
        mine = [one for one in listed if one["name"] == "nightly job"]
        self.assertEqual(2, len(mine))
        soonest = min(one["expires"] for one in mine)
        left = time.mktime(time.strptime(soonest[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone - time.time()
        self.assertTrue(3400 < left < 3700, left)

    def test_what_ends_with_a_token_is_said_before(self):
        page = self.person("dina@example.com")
        page.goto("/tokens/new")
        page.fill("Name", "parent")
        page.choose("Handle tokens Makes, lists and revokes tokens over REST.", role="checkbox")
        page.click("Generate")
        parent = self.copied(page)
        child = self.server.call("POST", "/v2/tokens", parent, json={"name": "its child"}).json()
        self.server.secrets.append(child["token"])
        page.goto("/tokens")
        page.click("Revoke parent")
        page.wait("1 token that was made with it ends too:")
        page.wait("its child", within="dialog")
        page.click("Revoke")
        page.wait("2 tokens revoked.")
        self.assertEqual(401, self.server.get("/v2/export/credentials", child["token"]).status_code)

    def test_last_used_is_what_boto3_did(self):
        page = self.person("egon@example.com", "member")
        token = self.generate(page, "boto's")
        page.link("set up a tool with it")
        page.heading("Get started with")
        self.assertEqual(0, page.act("count", css=".aside .watch li.seen"))
        s3 = Clients(self.server, self.server.exchange(token), self.server.folder / "boto").boto3()
        page.act("wait", css=".aside .watch li.seen:nth-child(1)", seconds=2.5)
        found = s3.list_objects_v2(Bucket=BUCKET, Prefix=self.prefix, MaxKeys=2)["Contents"]
        page.act("wait", css=".aside .watch li.seen:nth-child(2)", seconds=2.5)
        s3.get_object(Bucket=BUCKET, Key=found[0]["Key"])["Body"].read()
        page.act("wait", css=".aside .watch li.seen:nth-child(3)", seconds=2.5)
        self.assertIn("127.0.0.", page.text(".aside .watch"))
        page.goto("/tokens")
        page.wait("boto's")
        self.assertRegex(page.text("td[data-label='Last used']"), r"Today, \d\d:\d\d\s+from 127\.0\.0\.\d")


class Questions(ConsoleCase):
    """The real export, asked in the browser and by the client."""

    @classmethod
    def fill(cls):
        cls.server.run("import", str(trees.real_tree()))

    def ask(self, page: Page, sql: str) -> list[list[str]]:
        page.fill("SQL", sql)
        page.wait("It reads at most")
        page.click("Run")
        page.act("wait", role="button", name="Run", seconds=90)
        page.act("wait", css="#result")
        self.assertEqual("", page.text("#sql-error"))
        page.click("Save as CSV")
        path = pathlib.Path(page.act("download")["path"])
        return path.read_text()

    def client(self, token: str, sql: str) -> str:
        done = subprocess.run([str(PROGRAMS / "valetkey"), "query", "--format", "csv", sql], capture_output=True, text=True, timeout=120,
                              env={**clean_environment(), "HOME": str(self.server.folder), "VALETKEY_API": self.server.api, "VALETKEY_TOKEN": token})
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def test_the_browser_answers_what_the_client_answers(self):
        page = self.person("ann@example.com")
        if not json.loads(page.fetch("GET", "/v2/console/config")["text"])["engine"]:
            self.skipTest("the engine is missing: script/build puts it there")
        token = self.server.make_token(ACCOUNT, "ann@example.com")["token"]
        page.goto("/query")
        page.act("wait", role="button", name="Visitors")
        for example in ("Visitors", "Conversion rate", "Revenue", "A tag"):
            page.click(example)
            sql = page.act("value", label="SQL")
            if example != "A tag":
                self.assertIn(EXPERIMENT, sql)
            self.assertEqual(self.client(token, sql), self.ask(page, sql), sql)
            page.shot(f"query-{example.lower().replace(' ', '-')}")
        for sql in ("SELECT min(\"timestamp\") AS first, max(\"date\") AS day, count(*) AS n, sum(revenue) AS cents FROM events",
                    "SELECT event_name, count(*) AS n, count(DISTINCT visitor_id) AS visitors, sum(value) AS v FROM events GROUP BY 1 ORDER BY 1",
                    "SELECT variation_id, event_name, count(*) AS n FROM attributed_conversions GROUP BY ALL ORDER BY ALL",
                    "SELECT e.experiment_id AS id, count(*) AS n FROM (SELECT unnest(experiments) AS e FROM events) GROUP BY 1 ORDER BY 1",
                    "SELECT NULL AS nothing, '' AS empty, 'a,\"b\"' AS text"):
            self.assertEqual(self.client(token, sql), self.ask(page, sql), sql)
        # The buyers are those that the whole project agrees on.
        page.click("Conversion rate")
        self.ask(page, page.act("value", label="SQL"))
        self.assertEqual([["3,304", "163"], ["3,329", "223"], ["3,367", "169"]], [row[1:3] for row in page.rows()])
        # A mistake is said beside the question, in its own lines.
        page.fill("SQL", "SELECT nope FROM decisions")
        page.click("Run")
        page.wait('Referenced column "nope" not found')
        page.shot("query-mistake")
        self.assert_quiet(page, "Binder Error")

    def test_a_link_runs_nothing_and_the_copied_command_does(self):
        page = self.person("berta@example.com")
        token = self.server.make_token(ACCOUNT, "berta@example.com")["token"]
        page.goto("/query#since=2020-09-14&until=2020-09-14&sql=SELECT+count(*)+AS+n+FROM+decisions")
        page.wait("It reads at most")
        self.assertEqual("SELECT count(*) AS n FROM decisions", page.act("value", label="SQL"))
        time.sleep(1)
        self.assertEqual(0, page.act("count", css="#result"))
        command = page.act("evaluate", script="document.querySelector('.query .off-screen').textContent")
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, env={
            **clean_environment(), "PATH": f"{PROGRAMS}:/usr/bin:/bin", "HOME": str(self.server.folder),
            "VALETKEY_API": self.server.api, "VALETKEY_TOKEN": token})
        self.assertEqual("n\n10000\n", done.stdout, done.stderr)

    def test_parts_are_downloaded_by_a_link_that_ends(self):
        page = self.person("cleo@example.com", "member")
        page.goto("/export/decisions/2020-09-14")
        page.link(EXPERIMENT)
        page.act("wait", role="heading", name=EXPERIMENT)
        page.act("click", css="td.act button")
        got = page.act("download")
        self.assertEqual(b"PAR1", pathlib.Path(got["path"]).read_bytes()[:4])
        self.assertTrue(got["name"].endswith(".parquet"), got["name"])
        self.assert_quiet(page)


class Sizes(ConsoleCase):
    """Questions of more than a browser should read without being asked, and of more than it may."""
    PART, DAYS = 70_000_000, {"2020-09-15": 4, "2020-09-16": 12}

    @classmethod
    def fill(cls):
        real = trees.real_tree() / f"v1/account_id={ACCOUNT}" / "type=decisions"
        part = max(real.rglob("*.parquet"), key=lambda file: file.stat().st_size)
        for day, parts in cls.DAYS.items():
            folder = cls.server.folder / f"tree/v1/account_id={ACCOUNT}/type=decisions/date={day}/experiment={EXPERIMENT}"
            for number in range(parts):
                trees.stretch_part(part, folder / f"part-{number:05}.parquet", cls.PART)
        cls.server.run("import", str(cls.server.folder / "tree"), timeout=300)
        shutil.rmtree(cls.server.folder / "tree")

    def test_between_256_mb_and_1_gb_it_warns_and_then_runs(self):
        page = self.person("ann@example.com")
        if not json.loads(page.fetch("GET", "/v2/console/config")["text"])["engine"]:
            self.skipTest("the engine is missing: script/build puts it there")
        page.goto("/query#since=2020-09-15&until=2020-09-15")
        page.fill("SQL", "SELECT count(*) AS n, count(DISTINCT visitor_id) > 0 AS some FROM decisions")
        page.wait("It reads at most 280 MB in 4 parts")
        page.wait("That is much for a browser")
        page.act("wait", role="button", name="Copy as valetkey command")
        page.shot("query-warning")
        page.act("press", key="Control+Enter")
        time.sleep(1)
        self.assertEqual(0, page.act("count", css="#result"), "it has not been confirmed")
        page.click("Run anyway")
        page.act("wait", css="#result", seconds=60)
        self.assertEqual([["40,000", "true"]], page.rows())
        page.shot("query-warned-result")
        self.assert_quiet(page)

    def test_above_1_gb_there_is_the_command_alone(self):
        page = self.person("ben@example.com")
        page.goto("/query#since=2020-09-15&until=2020-09-16")
        page.fill("SQL", "SELECT count(*) AS n FROM decisions")
        page.wait("It reads at most 1.12 GB in 16 parts")
        page.wait("That is more than a browser should read.")
        self.assertEqual(0, page.act("count", css="form.query button[type=submit]"))
        page.act("press", key="Control+Enter")
        time.sleep(1)
        self.assertEqual(0, page.act("count", css="#result"))
        page.shot("query-too-much")
        command = page.act("evaluate", script="document.querySelector('.query .off-screen').textContent")
        token = self.server.make_token(ACCOUNT, "ben@example.com")["token"]
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, env={
            **clean_environment(), "PATH": f"{PROGRAMS}:/usr/bin:/bin", "HOME": str(self.server.folder),
            "VALETKEY_API": self.server.api, "VALETKEY_TOKEN": token})
        self.assertEqual("n\n160000\n", done.stdout, done.stderr)


class Large(ConsoleCase):
    """As much as a browser reads without being asked, and every byte of it: parts of the real export under other names."""
    DAYS = {"2020-09-15": 220_000_000}

    @classmethod
    def setUpClass(cls):
        if not serving.LONG:
            raise unittest.SkipTest("two hundred megabytes: script/test --long")
        super().setUpClass()

    @classmethod
    def fill(cls):
        real = trees.real_tree() / f"v1/account_id={ACCOUNT}" / "type=decisions"
        part = max(real.rglob("*.parquet"), key=lambda file: file.stat().st_size)
        for day, most in cls.DAYS.items():
            folder = cls.server.folder / f"tree/v1/account_id={ACCOUNT}/type=decisions/date={day}/experiment={EXPERIMENT}"
            folder.mkdir(parents=True)
            for number in range(most // part.stat().st_size):
                shutil.copy(part, folder / f"part-{number:05}.parquet")
        cls.server.run("import", str(cls.server.folder / "tree"), timeout=600)

    def test_two_hundred_megabytes_give_the_figures_of_the_client(self):
        page = self.person("ann@example.com")
        token = self.server.make_token(ACCOUNT, "ann@example.com")["token"]
        # Every column of every row, so that every byte is read.
        sql = "SELECT count(*) AS n, sum(length(CAST(d AS VARCHAR))) > 0 AS read, count(DISTINCT visitor_id) AS visitors FROM decisions d"
        page.goto("/query#since=2020-09-15&until=2020-09-15")
        page.fill("SQL", sql)
        page.wait("It reads at most 2")
        page.click("Run")
        page.act("wait", css="#result", seconds=280)
        shown = page.rows()[0]
        command = page.act("evaluate", script="document.querySelector('.query .off-screen').textContent")
        done = subprocess.run(["bash", "-c", command.replace("query ", "query --format csv ", 1)], capture_output=True,
                              text=True, timeout=280, env={
                                  **clean_environment(), "PATH": f"{PROGRAMS}:/usr/bin:/bin", "HOME": str(self.server.folder),
                                  "VALETKEY_API": self.server.api, "VALETKEY_TOKEN": token})
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(done.stdout.splitlines()[1].split(","), [cell.replace(",", "") for cell in shown])
        page.shot("query-large")


class Looks(ConsoleCase):
    """Every page in both themes, wide and narrow: axe-core finds nothing, nothing scrolls sideways, nothing is refused."""

    @classmethod
    def fill(cls):
        cls.server.run("import", str(trees.real_tree()))

    def test_every_page_in_every_form(self):
        ann = self.person("ann@example.com")
        for name in ("nightly job", AWKWARD, "x" * 100):
            made = ann.fetch("POST", "/v2/console/tokens", {"name": name, "scopes": ["export"], "expires_in": "3d"})
            self.assertEqual(201, made["status"], made)
            token = json.loads(made["text"])
            self.server.secrets.append(token["token"])
        self.invite("someone.with.a.rather.long.address@department.example.com", "member")
        operator = self.invite("root@example.com", "operator")
        self.person("empty@example.com", "admin", NEIGHBOUR)
        root = self.browser.open(self.server.api)
        self.addCleanup(root.close)
        root.accept(operator, PASSWORD)
        pages = {"ann@example.com": {
            "start": "/start", "token-start": f"/tokens/{token['id']}/start", "export": "/export", "events": "/export?type=events",
            "day": "/export/decisions/2020-09-14", "parts": f"/export/decisions/2020-09-14?partition=experiment%3D{EXPERIMENT}",
            "query": "/query", "tokens": "/tokens", "new-token": "/tokens/new", "token": f"/tokens/{token['id']}",
            "activity": "/activity", "people": "/people", "me": "/me", "not-found": "/nowhere"},
            "root@example.com": {"operator": "/operator", "account": f"/operator/accounts/{ACCOUNT}"},
            "empty@example.com": {"empty-export": "/export", "empty-tokens": "/tokens", "empty-activity": "/activity"},
            "": {"sign-in": "/sign-in", "welcome": self.invite("late@example.com", "member"), "welcome-used": "/welcome#nothing"}}
        for theme, width in (("light", 1280), ("light", 768), ("light", 360), ("dark", 1280), ("dark", 360)):
            for email, paths in pages.items():
                page = self.browser.open(self.server.api, theme=theme, width=width)
                if email:
                    page.sign_in(email, PASSWORD)
                page.act("complaints")
                for name, path in paths.items():
                    page.goto("about:blank")
                    page.goto(path)
                    page.act("wait", css="h1")
                    time.sleep(0.5)
                    with self.subTest(page=name, theme=theme, width=width):
                        page.shot(f"{name}-{theme}-{width}")
                        found = page.act("check")
                        self.assertEqual([], found["violations"])
                        self.assertLessEqual(found["sideways"], 0)
                        self.assert_quiet(page, *(() if email else ("404",)))
                page.close()


class Gateway(ConsoleCase):
    """This server's own endpoint in front of a bucket that somebody else fills: here, the export of another valetkeyd."""
    config = """[intake]
enabled = false
[objects]
kind = "s3"
endpoint = "{there}"
internal_bucket = "inside"
"""

    @classmethod
    def prepare(cls):
        there = serving.Server()
        cls.addClassCleanup(there.close)
        token = there.make_account(ACCOUNT)
        there.run("import", str(trees.real_tree()))
        there.start()
        keys = there.exchange(token)["credentials"]
        there.secrets += [keys["secretAccessKey"], keys["sessionToken"]]
        cls.config = cls.config.format(there=there.s3)
        clean = serving.clean_environment
        serving.clean_environment = lambda: {
            **clean(), "AWS_ACCESS_KEY_ID": keys["accessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["secretAccessKey"],
            "AWS_SESSION_TOKEN": keys["sessionToken"]}
        cls.addClassCleanup(setattr, serving, "clean_environment", clean)
        super().prepare()

    @classmethod
    def serve(cls):
        """It is never ready: a session opens one prefix, and its look at the whole bucket is refused."""
        cls.server.start(wait=False)
        assert eventually(cls.answers, 30)

    @classmethod
    def answers(cls) -> bool:
        try:
            return requests.get(f"{cls.server.api}/", timeout=5).ok
        except requests.ConnectionError:
            return False

    def test_days_and_parts_are_there_and_a_link_fetches_one(self):
        page = self.person("ann@example.com")
        page.goto("/export")
        page.wait("The export lies in a bucket of another engine.")
        page.act("wait", css="table.data tbody tr")
        self.assertEqual(10, len(page.rows()))
        page.shot("gateway-export")
        page.link("Monday 14 September 2020")
        page.wait("in 1 part. Days are UTC.")
        page.shot("gateway-day")
        page.link(EXPERIMENT)
        page.act("wait", role="heading", name=EXPERIMENT)
        page.shot("gateway-parts")
        page.act("click", css="td.act button")
        got = pathlib.Path(page.act("download")["path"]).read_bytes()
        self.assertIn(got, {part.read_bytes() for part in trees.real_tree().rglob("*.parquet")})
        page.goto("/start")
        page.heading("Get started")
        self.assertEqual(0, page.act("count", css=".apart"), "nobody can send events here")
        self.assert_quiet(page)

    def test_the_browser_asks_the_bucket_in_sql(self):
        page = self.person("dora@example.com")
        if not json.loads(page.fetch("GET", "/v2/console/config")["text"])["engine"]:
            self.skipTest("the engine is missing: script/build puts it there")
        page.goto("/query#since=2020-09-14&until=2020-09-14")
        page.click("Conversion rate")
        page.wait("It reads at most")
        page.click("Run")
        page.act("wait", css="#result", seconds=60)
        self.assertEqual([["3,304", "163"], ["3,329", "223"], ["3,367", "169"]], [row[1:3] for row in page.rows()])
        self.assert_quiet(page)

    def test_a_link_lives_for_a_minute_and_ends_with_the_session(self):
        page, nell = self.person("ben@example.com", "member"), self.person("nell@example.com", "admin", NEIGHBOUR)
        listed = page.fetch("GET", f"/v2/console/export/decisions/2020-09-14/parts?partition=experiment%3D{EXPERIMENT}")
        key = json.loads(listed["text"])["parts"][0]["key"]
        self.assertEqual(404, nell.fetch("POST", "/v2/console/export/link", {"key": key})["status"])
        url = json.loads(page.fetch("POST", "/v2/console/export/link", {"key": key})["text"])["url"]
        self.assertTrue(url.startswith(self.server.s3), "by this server, not by the engine")
        self.assertIn("X-Amz-Expires=60", url)
        self.assertEqual(200, requests.get(url, timeout=20).status_code)
        page.act("click", role="button", name="Sign out")
        page.heading("Sign in")
        self.assertTrue(eventually(lambda: requests.get(url, timeout=20).status_code == 403, 2))


class Elsewhere(ConsoleCase):
    """The export lies in a bucket of another engine: pages say what they cannot show, and offer the command."""
    config = """[intake]
enabled = false
[s3]
region = "eu-central-1"
public_endpoint = "https://s3.engine.example"
[issuer]
kind = "sts"
engine = "minio"
endpoint = "{sts}"
role_arn = "arn:aws:iam::123456789012:role/reader"
prefix = "exports/customer-{{account}}/"
"""

    @classmethod
    def prepare(cls):
        cls.sts = sts_fake.StsFake({"AKIASERVER": "server-secret"})
        cls.addClassCleanup(cls.sts.close)
        cls.config = cls.config.format(sts=cls.sts.url)
        clean = serving.clean_environment
        serving.clean_environment = lambda: {**clean(), "AWS_ACCESS_KEY_ID": "AKIASERVER",
                                             "AWS_SECRET_ACCESS_KEY": "server-secret"}
        cls.addClassCleanup(setattr, serving, "clean_environment", clean)
        super().prepare()

    def test_pages_say_what_does_not_apply_and_offer_the_command(self):
        for theme, width in (("light", 1280), ("dark", 360)):
            page = self.person(f"{theme}@example.com", width=width, theme=theme)
            name = f"elsewhere-{theme}-{width}"
            page.goto("/export")
            page.wait("Your export lies in a bucket of another engine.")
            page.wait("valetkey sync --last 7d --output ./data")
            page.shot(f"{name}-export")
            page.goto("/export/decisions/2026-11-29")
            page.wait("valetkey ls -r")
            page.goto("/query#sql=SELECT%201&since=2026-11-01&until=2026-11-02")
            page.wait("which this page does not read")
            self.assertEqual(0, page.act("count", css="form.query button[type=submit]"))
            page.act("wait", role="button", name="Copy as valetkey command")
            page.shot(f"{name}-query")
            page.goto("/start")
            page.wait("exports/customer-" + ACCOUNT + "/")
            page.wait("this server does not see them")
            self.assertIn(f"s3://{BUCKET}/exports/customer-{ACCOUNT}/", "\n".join(page.texts(".steps pre code")))
            self.assertIn("https://s3.engine.example", "\n".join(page.texts(".steps pre code")))
            page.shot(f"{name}-start")
            page.goto("/activity")
            page.wait("counted by its engine, not here")
            page.goto("/tokens/new")
            page.act("click", css="details summary")
            self.assertEqual(0, page.act("count", css="textarea[name=sources]"), "MinIO believes everybody's address")
            self.assertEqual(1, page.act("count", css="textarea[name=prefixes]"))
            page.shot(f"{name}-limits")
            self.assert_quiet(page)

    def test_direct_requests_are_told_in_a_sentence(self):
        page = self.person("direct@example.com")
        for method, path, body in (("GET", "/v2/console/export", None), ("GET", "/v2/console/export/events/rows", None),
                                   ("GET", "/v2/console/examples", None),
                                   ("POST", "/v2/console/export/link", {"key": "v1/account_id=1/a.parquet"})):
            answer = page.fetch(method, path, body)
            self.assertEqual(501, answer["status"], path)
            self.assertIn("keeps no figures of the export", answer["text"], path)


if __name__ == "__main__":
    main()
