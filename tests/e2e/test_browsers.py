# SPDX-License-Identifier: Apache-2.0
"""Pages of another origin, in a real Chromium: what they send arrives, and they may read what they are told."""
import json
import shutil
import unittest

import parts
from clients import Clients
from server import BUCKET, ServedCase, eventually, free_ports, main

OPEN, LISTED, CLOSED = "12", "34", "56"  # any origin; the page's; another one
JSON = "application/json"


def body(account: str, uuid: str) -> str:
    event = {"uuid": uuid, "timestamp": 1591022807394, "key": "purchase"}
    return json.dumps({"account_id": account, "visitors": [
        {"visitor_id": "v", "snapshots": [{"decisions": [], "events": [event]}]}]})


def ways(url: str, account: str) -> list[dict]:
    """Every way in which pages send events."""
    def fetch(name: str, **options) -> dict:
        return {"name": f"{account}-{name}", "url": url, "how": "fetch",
                "options": {"method": "POST", "body": body(account, f"{account}-{name}"), **options}}

    def beacon(name: str, media: str) -> dict:
        return {"name": f"{account}-{name}", "url": url, "how": "beacon", "type": media,
                "body": body(account, f"{account}-{name}")}
    return [fetch("fetch", headers={"Content-Type": JSON}), fetch("plain-fetch"),
            fetch("fetch-with-credentials", headers={"Content-Type": JSON}, credentials="include"),
            beacon("json-beacon", JSON), beacon("text-beacon", "")]


class Pages(ServedCase):
    @classmethod
    def prepare(cls):
        parts.need_node()
        if not shutil.which("chromium"):
            raise unittest.SkipTest("Chromium is missing: run script/bootstrap test")
        cls.page_port, intake_port = free_ports(2)
        cls.origin = f"http://127.0.0.1:{cls.page_port}"
        cls.server.config.write_text('[api]\ncors_origins = ["*"]\n[s3]\ncors_origins = ["*"]\n')
        cls.tokens = {account: cls.server.make_account(account) for account in (OPEN, LISTED, CLOSED)}
        cls.server.run("account", "set", LISTED, "--origins", f"https://other.example,{cls.origin}")
        cls.server.run("account", "set", CLOSED, "--origins", "https://other.example")
        cls.intake_port = intake_port

    def visit(self, steps: list[dict]) -> tuple[dict, list[str]]:
        answer = json.loads(parts.run_node("browser.mjs", self.page_port, json.dumps(steps)))
        return answer["said"], answer["complaints"]

    def arrived(self) -> set[str]:
        """The uuids that are in the export."""
        self.server.run("export")
        found = set()
        for account in (OPEN, LISTED, CLOSED):
            folder = parts.download(self.server, account, self.tokens[account])
            found |= {row["uuid"] for row in parts.read_rows(folder)} if any(folder.rglob("*.parquet")) else set()
        return found

    def check_events(self, url: str) -> None:
        steps = ways(url, OPEN) + ways(url, LISTED)
        steps += [{"name": "malformed", "url": url, "how": "fetch", "options": {"method": "POST", "body": "{"}},
                  ways(url, CLOSED)[0]]
        before = self.server.metrics().get("valetkey_events_received_total", 0)
        said, complaints = self.visit(steps)
        self.assertEqual(400, said["malformed"]["status"])
        self.assertIn("not valid JSON", said["malformed"]["text"])
        sent = {step["name"] for step in ways(url, OPEN) + ways(url, LISTED)}
        for name in sent:
            self.assertEqual(True if "beacon" in name else {"status": 204, "text": ""}, said[name], name)
        self.assertIn("blocked", said[f"{CLOSED}-fetch"])
        self.assertFalse([text for text in complaints if "credentials" in text or "wildcard" in text], complaints)
        self.assertTrue(eventually(
            lambda: self.server.metrics()["valetkey_events_received_total"] - before >= len(sent)))
        self.assertEqual(sent, self.arrived())


class Browsers(Pages):
    def test_events_arrive_whatever_way_a_page_sends_them(self):
        self.check_events(f"{self.server.api}/v1/events")

    def test_pages_read_the_api_and_the_export(self):
        clients = Clients(self.server, self.server.exchange(self.tokens[OPEN]), self.server.folder / "c")
        s3 = clients.boto3()
        listing = s3.generate_presigned_url("list_objects_v2", Params={
            "Bucket": BUCKET, "Prefix": f"v1/account_id={OPEN}/"})
        missing = s3.generate_presigned_url("get_object", Params={
            "Bucket": BUCKET, "Key": f"v1/account_id={OPEN}/none"})
        bearer = {"Authorization": f"Bearer {self.tokens[OPEN]}"}
        account = f"{self.server.api}/v2/account"
        said, _ = self.visit([
            {"name": "account", "url": account, "how": "fetch", "options": {"headers": bearer}},
            {"name": "with", "url": account, "how": "fetch", "options": {"headers": bearer, "credentials": "include"}},
            {"name": "refused", "url": account, "how": "fetch", "options": {"credentials": "include"}},
            {"name": "listing", "url": listing, "how": "fetch", "options": {"credentials": "include"}},
            {"name": "missing", "url": missing, "how": "fetch", "options": {"credentials": "include"}}])
        self.assertEqual([200, 200, 401, 200, 404], [said[name].get("status") for name in (
            "account", "with", "refused", "listing", "missing")], said)
        self.assertIn("<ListBucketResult", said["listing"]["text"])
        self.assertIn("NoSuchKey", said["missing"]["text"])


class OwnListener(Pages):
    """The same where events have a listener of their own."""

    @classmethod
    def prepare(cls):
        super().prepare()
        cls.server.start(more=("--intake-listen", f"127.0.0.1:{cls.intake_port}"))

    def test_events_arrive_whatever_way_a_page_sends_them(self):
        self.check_events(f"http://127.0.0.1:{self.intake_port}/v1/events")


if __name__ == "__main__":
    main()
