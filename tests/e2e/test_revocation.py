# SPDX-License-Identifier: Apache-2.0
"""What ends access, and how quickly: revoked tokens, suspended and deleted accounts, disabled users, also for a
download that is running. Keys rotate while serving and nobody notices."""
import time
import requests
from botocore.exceptions import ClientError

import trees
from clients import Clients
from server import BUCKET, ServedCase, main

LARGE = 48 << 20


class Revocation(ServedCase):
    number = 100

    @classmethod
    def prepare(cls):
        cls.server.start()

    def setUp(self):
        """A fresh account with a small object (and a large one where it is needed), and a client of it."""
        type(self).number += 1
        self.account = str(self.number)
        self.email = f"user@{self.account}.example"
        self.token = self.server.make_account(self.account)
        self.prefix = f"v1/account_id={self.account}/"
        tree = trees.plain_tree(self.server.folder / f"tree{self.account}", {
            f"{self.prefix}small": b"small",
            f"{self.prefix}large": trees.content_of(LARGE if "running" in self.id() else 1, self.account)})
        self.server.run("import", str(tree))
        self.clients = Clients(self.server, self.server.exchange(self.token), self.server.folder / self.account)

    def read(self) -> bytes:
        return self.clients.boto3().get_object(Bucket=BUCKET, Key=f"{self.prefix}small")["Body"].read()

    def assert_cut_off_within_a_second(self, end_access) -> None:
        self.assertEqual(b"small", self.read())
        client = self.clients.boto3()
        end_access()
        ended = time.monotonic()
        while True:
            try:
                client.get_object(Bucket=BUCKET, Key=f"{self.prefix}small")["Body"].read()
            except ClientError as error:
                self.assertEqual("AccessDenied", error.response["Error"]["Code"])
                self.assertRegex(error.response["Error"]["Message"].lower(), "revoked")
                break
            self.assertLess(time.monotonic() - ended, 1.0, "still served a second later")
            time.sleep(0.02)
        self.assertLess(time.monotonic() - ended, 1.0)

    def token_id(self) -> str:
        return self.server.get("/v2/tokens", self.token).json()["tokens"][0]["id"]

    def test_revoking_a_token_ends_its_sessions(self):
        token_id = self.token_id()
        self.assert_cut_off_within_a_second(lambda: self.server.run("token", "revoke", token_id))
        self.assertEqual(401, self.server.get("/v2/export/credentials", self.token).status_code)

    def test_revoking_over_rest_ends_its_sessions(self):
        other = self.server.make_token(self.account, self.email)["token"]
        token_id = self.token_id()
        self.assert_cut_off_within_a_second(
            lambda: self.assertIn(self.server.call("DELETE", f"/v2/tokens/{token_id}", other).status_code, (200, 204)))

    def test_suspending_an_account_ends_its_sessions_and_resuming_does_not_revive_them(self):
        self.assert_cut_off_within_a_second(lambda: self.server.run("account", "suspend", self.account))
        self.server.run("account", "resume", self.account)
        time.sleep(1)
        with self.assertRaises(ClientError):
            self.read()
        self.clients.credentials = self.server.exchange(self.token)["credentials"]
        self.assertEqual(b"small", self.read())

    def test_deleting_an_account_ends_it_for_good(self):
        self.assert_cut_off_within_a_second(lambda: self.server.run("account", "delete", self.account, "--yes"))
        self.assertEqual(401, self.server.get("/v2/export/credentials", self.token).status_code)
        self.server.refused("account", "create", self.account)

    def test_disabling_a_user_ends_the_users_sessions(self):
        self.assert_cut_off_within_a_second(lambda: self.server.run("user", "disable", self.email))

    def test_disabling_a_user_ends_what_the_user_created_for_others(self):
        other = f"m@{self.account}.example"
        self.server.run("user", "create", other, "--account", self.account, "--role", "member")
        made = self.server.call("POST", "/v2/tokens", self.token, json={"name": "nightly", "user": other})
        self.assertEqual(201, made.status_code, made.text)
        child = made.json()["token"]
        self.clients.credentials = self.server.exchange(child)["credentials"]
        self.assert_cut_off_within_a_second(lambda: self.assertIn(
            "nightly", self.server.run("user", "disable", self.email)))
        self.assertEqual(401, self.server.get("/v2/export/credentials", child).status_code)
        self.server.run("user", "enable", self.email)
        time.sleep(1)
        self.assertEqual(200, self.server.get("/v2/export/credentials", self.token).status_code)
        self.assertEqual(401, self.server.get("/v2/export/credentials", child).status_code)

    def test_a_running_download_is_cut(self):
        url = self.clients.boto3().generate_presigned_url(
            "get_object", Params={"Bucket": BUCKET, "Key": f"{self.prefix}large"}, ExpiresIn=600)
        token_id = self.token_id()
        with requests.get(url, stream=True, timeout=20) as answer:
            self.assertEqual(200, answer.status_code)
            got = len(answer.raw.read(1 << 16))
            self.server.run("token", "revoke", token_id)
            time.sleep(1)
            try:
                while block := answer.raw.read(1 << 16):
                    got += len(block)
            except (requests.RequestException, OSError, Exception) as error:  # urllib3 has its own
                self.assertRegex(str(error), "IncompleteRead|broken|reset")
        self.assertLess(got, LARGE)

    def test_a_member_sees_only_the_own_tokens(self):
        self.server.run("user", "create", f"m@{self.account}.example", "--account", self.account, "--role", "member")
        member = self.server.make_token(self.account, f"m@{self.account}.example")["token"]
        self.assertEqual(1, len(self.server.get("/v2/tokens", member).json()["tokens"]))
        self.assertEqual(2, len(self.server.get("/v2/tokens", self.token).json()["tokens"]))
        self.assertIn(self.server.call("DELETE", f"/v2/tokens/{self.token_id()}", member).status_code, (403, 404))

    def test_revoking_a_token_revokes_what_it_created(self):
        made = self.server.call("POST", "/v2/tokens", self.token, json={"name": "child", "scopes": ["export"]})
        self.assertEqual(201, made.status_code, made.text)
        child = made.json()["token"]
        self.server.secrets.append(child)
        self.server.exchange(child)
        parent = [each for each in self.server.get("/v2/tokens", self.token).json()["tokens"]
                  if each["id"] != made.json()["id"]][0]["id"]
        self.server.run("token", "revoke", parent)
        time.sleep(1)
        self.assertEqual(401, self.server.get("/v2/export/credentials", child).status_code)

    def test_keys_rotate_while_serving(self):
        before = Clients(self.server, self.server.exchange(self.token), self.server.folder / "before")
        for _ in range(2):
            self.server.run("keys", "rotate", "--purpose", "both", "--activate-in", "1s")
            end = time.monotonic() + 2.5
            while time.monotonic() < end:
                self.assertEqual(b"small", self.read())
                self.clients.credentials = self.server.exchange(self.token)["credentials"]
        self.clients = before
        self.assertEqual(b"small", self.read())
        keys = self.server.ask("keys", "list")["keys"]
        self.assertEqual(2, sum(1 for key in keys if key["state"] == "active"))
        self.server.run("keys", "rewrap")
        self.assertEqual(b"small", self.read())


if __name__ == "__main__":
    main()
