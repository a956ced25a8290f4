#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Credentials of AWS STS: the wire as AWS documents it, each error that it documents, and a service that is away."""
import concurrent.futures
import time
import unittest

import server as serving
import sts_fake

KEYS = {"AKIASERVER": "server-secret"}


def configuration(url: str, more: str = "") -> str:
    return f"""
[s3]
bucket = "lake"
[intake]
enabled = false
[credentials]
max_duration = "6h"
[issuer]
kind = "sts"
endpoint = "{url}"
role_arn = "arn:aws:iam::123456789012:role/valetkey-reader"
external_id = "an external id"
{more}"""


class Vending(unittest.TestCase):
    def setUp(self):
        self.sts = sts_fake.StsFake(KEYS)
        self.sts.external_id = "an external id"
        self.addCleanup(self.sts.close)
        clean = serving.clean_environment
        self.keys = {"AWS_ACCESS_KEY_ID": "AKIASERVER", "AWS_SECRET_ACCESS_KEY": "server-secret"}
        serving.clean_environment = lambda: {**clean(), **self.keys}
        self.addCleanup(setattr, serving, "clean_environment", clean)
        self.server = serving.Server(configuration(self.sts.url))
        self.addCleanup(self.server.close)
        self.token = self.server.make_account("123")

    def ask(self, token: str | None = None, duration: str = "1h"):
        return self.server.get(f"/v2/export/credentials?duration={duration}", token or self.token)

    def test_asks_as_aws_documents_it(self):
        self.server.start()
        answer = self.server.exchange(self.token, "6h")
        self.assertEqual(answer["s3Path"], "s3://lake/v1/account_id=123/")
        self.assertEqual(answer["endpoint"], "https://s3.us-east-1.amazonaws.com")
        self.assertAlmostEqual(answer["credentials"]["expiration"] / 1000, time.time() + 6 * 3600, delta=30)
        form = self.sts.calls[-1]
        self.assertEqual((form["Tags.member.1.Key"], form["Tags.member.1.Value"]), ("account", "123"))
        self.assertIn('"s3:prefix":["v1/account_id=123/*"]', form["Policy"])
        self.assertTrue(form["RoleSessionName"].startswith("123-tok_"))

    def test_equal_questions_at_once_are_one_call(self):
        self.server.start()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = [each.json()["credentials"] for each in pool.map(lambda _: self.ask(), range(16))]
        self.server.secrets += [answers[0]["secretAccessKey"], answers[0]["sessionToken"]]
        self.assertEqual(len({each["accessKeyId"] for each in answers}), 1)
        self.assertEqual(len(self.sts.calls), 1)

    def test_each_documented_error_is_503_with_one_sentence(self):
        self.server.start()
        for code in sts_fake.DOCUMENTED:
            with self.subTest(code):
                self.sts.fault = code
                time.sleep(1.1)  # the last one is remembered for a second
                answer = self.ask()
                self.assertEqual(answer.status_code, 503, answer.text)
                self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
                message = answer.json()["message"]
                self.assertTrue(message.endswith("."), message)
                self.assertNotIn("arn:aws", message)
        self.sts.fault = None
        time.sleep(1.1)
        self.server.exchange(self.token)

    def test_a_service_that_hangs_holds_up_nobody_else(self):
        self.server.start()
        other = self.server.make_token("123", "user@123.example")["token"]
        self.sts.fault = "hang"
        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            began = time.monotonic()
            stuck = [pool.submit(self.ask, self.token, f"{minutes}m") for minutes in range(15, 55)]
            time.sleep(0.5)
            asked = time.monotonic()
            self.assertEqual(self.server.get("/v2/tokens", other).status_code, 200)
            self.assertLess(time.monotonic() - asked, 3)
            statuses = {each.result().status_code for each in stuck}
        self.assertEqual(statuses, {503})
        self.assertLess(time.monotonic() - began, 20)

    def test_html_redirects_and_nobody_are_named_in_the_log(self):
        self.server.start()
        for fault, words in (("html", "not one of STS"), ("redirect", "sts.eu-west-1.amazonaws.com")):
            self.sts.fault = fault
            time.sleep(1.1)
            self.assertEqual(self.ask().status_code, 503)
            self.assertIn(words, self.server.log_text())
        self.sts.fault = "gone"
        time.sleep(1.1)
        answer = self.ask()
        self.assertEqual(answer.status_code, 503)
        self.assertIn("the credential service of the bucket does not answer", answer.json()["message"])

    def test_role_chaining_gives_an_hour_and_says_so(self):
        self.sts.chained = True
        self.server.start()
        answer = self.server.exchange(self.token, "6h")
        self.assertAlmostEqual(answer["credentials"]["expiration"] / 1000, time.time() + 3600, delta=30)
        self.assertIn("sessions live for an hour at most", self.server.log_text())

    def test_wrong_own_keys_are_named_to_the_operator(self):
        self.keys["AWS_SECRET_ACCESS_KEY"] = "another"
        failure = self.server.refused("issuer", "check")
        self.assertIn("FAILED   identity", failure.errors)
        self.assertIn("its secret is wrong", failure.errors)
        del self.keys["AWS_SECRET_ACCESS_KEY"]
        self.assertIn("AWS_SECRET_ACCESS_KEY", self.server.refused("issuer", "check").errors)
        del self.keys["AWS_ACCESS_KEY_ID"]
        self.assertIn("has no AWS credentials of its own", self.server.refused("issuer", "check").errors)

    def test_a_wrong_configuration_is_refused_at_the_start(self):
        for key, value, words in (("prefix", "v1/", "must hold {account}"), ("prefix", "v1/*/{account}/", "pattern"),
                                  ("prefix", "v1/{account}", "ends with '/'"), ("prefix", "日本/{account}/", "Latin-1"),
                                  ("prefix", "v1/$x/{account}/", "pattern"), ("prefix", "v1/?{account}/", "pattern"),
                                  ("role_arn", "reader", "ARN of a role"), ("engine", "azure", "aws, ceph, minio"),
                                  ("engine", "ceph", "must hold {account}")):
            with self.subTest(f"{key} = {value}"):
                text = "\n".join(line for line in configuration(self.sts.url).splitlines()
                                 if not line.startswith(f"{key} "))
                self.server.config.write_text(f'{text}\n{key} = "{value}"\n')
                failure = self.server.refused("serve")
                self.assertIn(words, failure.errors)
                self.assertEqual(len(failure.errors.strip().splitlines()), 1, failure.errors)
        self.server.config.write_text(configuration(self.sts.url).replace("enabled = false", "enabled = true"))
        self.assertIn("set [intake] enabled = false", self.server.refused("serve").errors)

    def test_a_revoked_token_buys_nothing_and_its_sessions_are_spoken_of(self):
        self.server.start()
        made = self.server.make_token("123", "user@123.example")
        self.server.exchange(made["token"])
        said = self.server.ask("token", "revoke", made["id"])
        self.assertFalse(said["sessions_ended"])
        ends = time.mktime(time.strptime(said["sessions_end_by"], "%Y-%m-%dT%H:%M:%SZ")) - time.timezone
        self.assertAlmostEqual(ends, time.time() + 6 * 3600, delta=60)
        self.assertTrue(serving.eventually(lambda: self.ask(made["token"]).status_code == 401, 2))

    def test_a_cut_off_that_failed_is_repeated_and_ends_the_sessions_of_a_whole_family(self):
        self.server.config.write_text(configuration(self.sts.url, f'iam_endpoint = "{self.sts.url}"\n'))
        self.server.start()
        parent = self.server.make_token("123", "user@123.example")
        made = self.server.call("POST", "/v2/tokens", parent["token"], json={"name": "child"})
        self.assertEqual(made.status_code, 201, made.text)
        child = made.json()
        self.server.secrets.append(child["token"])
        self.server.exchange(child["token"])
        self.sts.fault = "ServiceUnavailable"
        failure = self.server.refused("token", "revoke", parent["id"], "--cut-off")
        self.assertEqual(failure.status, 1, failure.errors)
        self.assertIn(f"Token {parent['id']} and 1 token that it created are revoked", failure.errors)
        self.assertIn("could not be ended, and live until", failure.errors)
        self.assertTrue(serving.eventually(lambda: self.ask(child["token"]).status_code == 401, 2))
        self.sts.fault = None
        said = self.server.ask("token", "revoke", parent["id"], "--cut-off")
        self.assertTrue(said["sessions_ended"], said)
        (policy,) = self.sts.policies.values()
        (denied,) = [each["Condition"]["StringEquals"] for each in policy["Statement"]]
        self.assertEqual(denied["aws:PrincipalTag/account"], "123")
        self.assertEqual(set(denied["aws:PrincipalTag/token"]), {parent["id"], child["id"]})
        self.assertEqual([call["Action"] for call in self.sts.calls[-2:]], ["GetRolePolicy", "PutRolePolicy"])
        self.assertEqual(self.ask().status_code, 200, "another token of the account goes on")

    def test_cut_offs_by_several_processes_at_the_same_time_are_all_in_the_policy(self):
        self.server.config.write_text(configuration(self.sts.url, f'iam_endpoint = "{self.sts.url}"\n'))
        self.sts.slowest_put = 0.5
        made = [self.server.make_token("123", "user@123.example")["id"] for _ in range(8)]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            said = list(pool.map(lambda token: self.server.ask("token", "revoke", token, "--cut-off"), made))
        self.assertEqual([True] * 8, [each["sessions_ended"] for each in said])
        (policy,) = self.sts.policies.values()
        denied = []
        for each in policy["Statement"]:
            tokens = each["Condition"]["StringEquals"]["aws:PrincipalTag/token"]
            denied += [tokens] if isinstance(tokens, str) else tokens
        self.assertEqual(sorted(made), sorted(denied))


if __name__ == "__main__":
    serving.main()
