#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tokens that buy credentials of a real engine: what they open, and what they never do."""
import os
import subprocess
import time
import unittest

import botocore.exceptions

import engine_case
import hostile
import server as serving
from engine_case import prefix_of


class Vending(engine_case.EngineCase):
    def test_a_token_reads_its_prefix_with_the_aws_cli(self):
        answer = self.session()
        self.assertEqual(answer["s3Path"], f"s3://{self.bucket}/{prefix_of('123')}")
        self.assertEqual(answer["endpoint"], self.where["s3"])
        keys = answer["credentials"]
        left = keys["expiration"] / 1000 - time.time()
        self.assertTrue(3500 < left <= 3600, left)
        listed = subprocess.run(
            ["/usr/bin/aws", "--endpoint-url", answer["endpoint"], "s3", "ls", answer["s3Path"]], capture_output=True,
            text=True, timeout=120, check=True,
            env={**serving.clean_environment(), "AWS_ACCESS_KEY_ID": keys["accessKeyId"],
                 "AWS_SECRET_ACCESS_KEY": keys["secretAccessKey"], "AWS_SESSION_TOKEN": keys["sessionToken"]})
        self.assertRegex(listed.stdout, r"8 a\n")
        body = self.s3_of(answer).get_object(Bucket=self.bucket, Key=prefix_of("123") + "a")["Body"].read()
        self.assertEqual(body, b"own rows")

    def test_the_container_form_answers_the_same_engine(self):
        answer = self.server.get("/v2/export/credentials/container", self.token).json()
        self.server.secrets += [answer["SecretAccessKey"], answer["Token"]]
        s3 = hostile.client(self.where["s3"], answer["AccessKeyId"], answer["SecretAccessKey"], answer["Token"])
        self.assertEqual(s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix_of("123"))["KeyCount"], 1)

    def test_the_same_question_gets_the_same_session_while_half_of_it_is_left(self):
        calls = self.server.metrics()["valetkey_sts_calls_total"]
        first, second = self.session(duration="45m"), self.session(duration="45m")
        self.assertEqual(first["credentials"], second["credentials"])
        self.assertEqual(self.server.metrics()["valetkey_sts_calls_total"], calls + 1)

    def test_there_is_no_s3_listener(self):
        with self.assertRaises(OSError):
            serving.requests.get(self.server.s3, timeout=2)

    def test_nothing_hostile_opens_anything(self):
        answer = self.session()
        attacker = hostile.Attacker(answer["endpoint"], answer["credentials"])
        own = prefix_of("123")
        neighbours = [prefix_of(each) for each in ("12", "1234", "456")] + ["internal/"]
        tried = 0
        for name, method, path, query, headers, body in hostile.attempts(self.bucket, self.other, own, own + "a",
                                                                        neighbours):
            got = attacker.ask(method, path, query, headers, body)
            tried += 1
            if got.status_code == 200 and not got.content and name == "DELETE bucket ?website":
                continue  # MinIO knows no websites, and says yes to everybody
            with self.subTest(name):
                self.assertIn(got.status_code, hostile.REFUSALS, got.text[:300])
                self.assertNotIn(hostile.NEIGHBOUR, got.content)
                self.assertNotIn(b"account_id=1234", got.content.replace(path.encode(), b"").replace(
                    query.encode(), b"") if got.status_code // 100 == 2 else b"")
        self.assertGreaterEqual(tried, 400)
        # Nothing was changed by any of it.
        owner = self.where["users"]["owner"]
        s3 = hostile.client(self.where["s3"], owner["key"], owner["secret"])
        self.assertEqual(sorted(each["Key"] for each in s3.list_objects_v2(Bucket=self.bucket)["Contents"]), sorted(
            ["a", "internal/a"] + [prefix_of(each) + "a" for each in engine_case.ACCOUNTS]))
        self.assertEqual(s3.get_object(Bucket=self.bucket, Key=own + "a")["Body"].read(), b"own rows")

    def test_an_altered_session_token_opens_no_neighbour(self):
        answer = self.session()
        keys = answer["credentials"]
        for at, token in hostile.broken_tokens(keys["sessionToken"], 100):
            attacker = hostile.Attacker(answer["endpoint"], {**keys, "sessionToken": token})
            for query in ("list-type=2", f"list-type=2&prefix={prefix_of('456')}"):
                got = attacker.ask("GET", f"/{self.bucket}", query)
                self.assertIn(got.status_code, hostile.REFUSALS, f"byte {at}: {got.text[:200]}")
            got = attacker.ask("GET", f"/{self.bucket}/{prefix_of('456')}a")
            self.assertIn(got.status_code, hostile.REFUSALS, f"byte {at}: {got.text[:200]}")

    def test_a_session_assumes_nothing(self):
        keys = self.session()["credentials"]
        for gateway in {self.where["sts"], self.where["s3"]}:
            sts = hostile.client(gateway, keys["accessKeyId"], keys["secretAccessKey"], keys["sessionToken"], "sts")
            for role in ("arn:aws:iam:::role/valetkey-123", "arn:aws:iam:::role/valetkey-12",
                         "arn:aws:iam::123456789012:role/valetkey-reader"):
                with self.assertRaises(botocore.exceptions.ClientError):
                    sts.assume_role(RoleArn=role, RoleSessionName="again", DurationSeconds=3600)

    def test_a_token_that_ends_within_a_quarter_of_an_hour_gets_nothing(self):
        brief = self.server.make_token("123", "user@123.example", "--expires", "10m", scopes="export")["token"]
        refused = self.server.get("/v2/export/credentials", brief)
        self.assertEqual(refused.status_code, 403)
        self.assertIn("ends in less than 15m", refused.json()["message"])

    def test_a_session_ends_with_its_token(self):
        brief = self.server.make_token("123", "user@123.example", "--expires", "20m", scopes="export")["token"]
        left = self.session(brief)["credentials"]["expiration"] / 1000 - time.time()
        self.assertTrue(15 * 60 <= left <= 20 * 60, left)

    def test_issuer_check_finds_all_in_order(self):
        said = self.server.run("issuer", "check", "--account", "123")
        self.assertIn("the session opens nothing else", said)
        self.assertNotIn("FAILED", said)

    def test_the_client_works_unchanged_and_names_the_engine(self):
        folder = self.server.folder / "client"
        environment = {**serving.clean_environment(), "VALETKEY_API": self.server.api, "VALETKEY_TOKEN": self.token,
                       "VALETKEY_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder)}
        run = lambda *words: subprocess.run([str(serving.PROGRAMS / "valetkey"), *words], capture_output=True,
                                            text=True, timeout=120, env=environment)
        doctor = run("doctor")
        self.assertEqual(doctor.returncode, 0, doctor.stdout + doctor.stderr)
        self.assertIn({"ceph": "it is Ceph", "minio": "it is MinIO"}[self.where["engine"]], doctor.stdout)
        listed = run("ls")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        self.assertIn("a", listed.stdout)

    def test_a_limited_token_opens_no_more_than_its_limits(self):
        own = prefix_of("78")
        owner = self.where["users"]["owner"]
        owner_s3 = hostile.client(self.where["s3"], owner["key"], owner["secret"])
        self.server.make_account("78")
        make = lambda *limits: self.server.make_token("78", "user@78.example", *limits, scopes="export")["token"]
        if self.where["engine"] == "ceph":
            for limits in (("--type", "decisions"), ("--source", "127.0.0.1")):
                said = self.server.refused("token", "create", "--account", "78", "--user", "user@78.example", "--name",
                                           "limited", *limits).errors
                self.assertIn("bounded by the account's role alone", said)
            return
        keys = [own + below for below in ("type=decisions/a", "type=decisions2/a", "type=events/a", "a")]
        for key in keys:
            owner_s3.put_object(Bucket=self.bucket, Key=key, Body=b"own rows" if key == keys[0] else hostile.NEIGHBOUR)
            self.addCleanup(owner_s3.delete_object, Bucket=self.bucket, Key=key)
        said = self.server.refused("token", "create", "--account", "78", "--user", "user@78.example", "--name",
                                   "limited", "--source", "127.0.0.1").errors
        self.assertIn("X-Forwarded-For", said)
        answer = self.session(make("--type", "decisions"))
        self.assertEqual((answer["s3Path"], answer["prefixes"]), (f"s3://{self.bucket}/{own}", ["type=decisions/"]))
        s3 = self.s3_of(answer)
        self.assertEqual(s3.get_object(Bucket=self.bucket, Key=keys[0])["Body"].read(), b"own rows")
        listed = s3.list_objects_v2(Bucket=self.bucket, Prefix=own + "type=decisions/")
        self.assertEqual([each["Key"] for each in listed["Contents"]], keys[:1])
        attacker = hostile.Attacker(answer["endpoint"], answer["credentials"])
        neighbours = [own + "type=decisions2/", own + "type=events/", own, prefix_of("123")]
        for name, method, path, query, headers, body in hostile.attempts(
                self.bucket, self.other, own + "type=decisions/", keys[0], neighbours):
            got = attacker.ask(method, path, query, headers, body)
            if got.status_code == 200 and not got.content and name == "DELETE bucket ?website":
                continue  # MinIO knows no websites, and says yes to everybody
            with self.subTest(name):
                self.assertIn(got.status_code, hostile.REFUSALS, got.text[:300])
                self.assertNotIn(hostile.NEIGHBOUR, got.content)

    def test_suspending_cuts_off_where_the_engine_can(self):
        self.server.make_account("77")
        token = self.server.make_token("77", "user@77.example", scopes="export")["token"]
        owner = self.where["users"]["owner"]
        hostile.client(self.where["s3"], owner["key"], owner["secret"]).put_object(
            Bucket=self.bucket, Key=prefix_of("77") + "a", Body=b"rows of 77")
        old = self.s3_of(self.session(token))
        key = {"Bucket": self.bucket, "Key": prefix_of("77") + "a"}
        self.assertEqual(old.get_object(**key)["Body"].read(), b"rows of 77")
        said = self.server.ask("account", "suspend", "77")
        cut = self.where["engine"] != "minio"
        self.assertEqual(said["sessions_ended"], cut, said)
        self.assertTrue(serving.eventually(
            lambda: self.server.get("/v2/export/credentials", token).status_code == 401))
        if cut:
            with self.assertRaises(botocore.exceptions.ClientError):
                old.get_object(**key)
        self.server.run("account", "resume", "77")
        self.assertTrue(serving.eventually(
            lambda: self.server.get("/v2/export/credentials", token).status_code == 200))
        fresh = self.s3_of(self.session(token))
        self.assertEqual(fresh.get_object(**key)["Body"].read(), b"rows of 77")
        if cut:  # for good, not until the account's role is back
            with self.assertRaises(botocore.exceptions.ClientError):
                old.get_object(**key)
        owner_s3 = hostile.client(self.where["s3"], owner["key"], owner["secret"])
        owner_s3.delete_object(**key)


if __name__ == "__main__":
    serving.main()
