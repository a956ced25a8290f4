#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An export that lies in a real engine's buckets: written from events, read through this server, and by the engine."""
import os
import pathlib
import random
import subprocess
import tempfile
import threading
import time
import unittest
import uuid

import botocore.exceptions
import requests

import engine_case
import hostile
import parts
import server as serving
from deadly_proxy import DeadlyProxy
from load import Load, body, conversion


def configuration(where: dict, bucket: str, inside: str, more: str = "", s3: str = "") -> str:
    return f"""
[s3]
bucket = "{bucket}"
region = "{where['region']}"
{s3}
[objects]
kind = "s3"
endpoint = "{where['s3']}"
internal_bucket = "{inside}"
profile = "owner"
[export]
longest_wait = "1s"
{more}"""


class ObjectsCase(unittest.TestCase):
    def setUp(self):
        self.where = engine_case.engine()
        parts.need_node()
        name = uuid.uuid4().hex[:10]
        self.bucket, self.inside = f"lake-{name}", f"inside-{name}"
        owner = self.where["users"]["owner"]
        self.owner = hostile.client(self.where["s3"], owner["key"], owner["secret"])
        for bucket in (self.bucket, self.inside):
            self.owner.create_bucket(Bucket=bucket)
        folder = pathlib.Path(os.environ["VALETKEY_ENGINE"])
        files = engine_case.aws_files(folder, self.where)
        clean = serving.clean_environment
        serving.clean_environment = lambda: {**clean(), **files}
        self.addCleanup(setattr, serving, "clean_environment", clean)
        self.server = serving.Server(configuration(self.where, self.bucket, self.inside, self.more(),
                                                   self.s3_settings()))
        self.addCleanup(self.server.close)
        self.token = self.server.make_account("123")

    def more(self) -> str:
        return ""

    def s3_settings(self) -> str:
        return ""

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        pages = self.owner.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def send(self, count: int) -> list[str]:
        ids = [str(uuid.uuid4()) for _ in range(count)]
        answer = requests.post(f"{self.server.api}/v1/events", timeout=20, json=body(
            "123", "v", [conversion(each, "bought") for each in ids]))
        self.assertEqual(answer.status_code, 204, answer.text)
        return ids

    def send_named(self, names: list[str]) -> list[str]:
        """One event of each name, so that each has a part of its own."""
        ids = [str(uuid.uuid4()) for _ in names]
        answer = requests.post(f"{self.server.api}/v1/events", timeout=20, json=body(
            "123", "v", [conversion(each, name) for each, name in zip(ids, names)]))
        self.assertEqual(answer.status_code, 204, answer.text)
        return ids

    def rows(self) -> list[str]:
        """The uuids of all rows that the account's sessions reach, read by DuckDB."""
        answer = self.server.exchange(self.token)
        keys, prefix = answer["credentials"], "v1/account_id=123/"
        s3 = hostile.client(answer["endpoint"], keys["accessKeyId"], keys["secretAccessKey"], keys["sessionToken"])
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.server.folder))
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                target = folder / item["Key"].removeprefix(prefix)
                target.parent.mkdir(parents=True, exist_ok=True)
                s3.download_file(self.bucket, item["Key"], str(target))
        return sorted(row["uuid"] for row in parts.read_rows(folder))


class Objects(ObjectsCase):
    def test_events_come_out_of_the_bucket(self):
        self.server.start()
        ids = self.send(40)
        self.server.run("export")
        self.assertEqual(self.rows(), sorted(ids))
        keys = self.keys(self.bucket)
        self.assertTrue(keys and all(key.startswith("v1/account_id=123/") for key in keys), keys)
        self.assertTrue(all(key.startswith("internal/") for key in self.keys(self.inside)))
        self.assertTrue(self.keys(self.inside))
        info = self.owner.head_object(Bucket=self.bucket, Key=keys[0])
        self.assertGreater(int(info["Metadata"]["rows"]), 0)
        usage = self.server.ask("account", "usage", "123")
        self.assertIn(f'"objects": {len(keys)}', serving.json.dumps(usage))

    def test_the_gateway_serves_ranges_and_refuses_the_neighbour(self):
        self.server.start()
        self.send(10)
        self.server.run("export")
        answer = self.server.exchange(self.token)
        self.assertEqual(answer["endpoint"], self.server.s3)
        keys = answer["credentials"]
        s3 = hostile.client(self.server.s3, keys["accessKeyId"], keys["secretAccessKey"], keys["sessionToken"])
        key = self.keys(self.bucket, "v1/account_id=123/")[0]
        whole = self.owner.get_object(Bucket=self.bucket, Key=key)
        content = whole["Body"].read()
        got = s3.get_object(Bucket=self.bucket, Key=key)
        self.assertEqual((got["Body"].read(), got["ETag"]), (content, whole["ETag"]))
        part = s3.get_object(Bucket=self.bucket, Key=key, Range="bytes=3-20")["Body"].read()
        self.assertEqual(part, content[3:21])
        for refused in (lambda: s3.list_objects_v2(Bucket=self.bucket, Prefix="v1/account_id=1234/"),
                        lambda: s3.get_object(Bucket=self.bucket, Key="internal/a"),
                        lambda: s3.put_object(Bucket=self.bucket, Key=key, Body=b"x")):
            with self.assertRaises(botocore.exceptions.ClientError):
                refused()
        token = self.server.ask("token", "list", "--account", "123")["tokens"][0]["id"]
        self.server.run("token", "revoke", token)
        time.sleep(1)
        with self.assertRaises(botocore.exceptions.ClientError):
            s3.get_object(Bucket=self.bucket, Key=key)

    def test_large_objects_go_through_with_little_memory(self):
        self.server.start()
        content = random.Random(3).randbytes(40 << 20)
        self.owner.put_object(Bucket=self.bucket, Key="v1/account_id=123/large", Body=content)
        keys = self.server.exchange(self.token)["credentials"]
        s3 = hostile.client(self.server.s3, keys["accessKeyId"], keys["secretAccessKey"], keys["sessionToken"])
        self.assertEqual(s3.get_object(Bucket=self.bucket, Key="v1/account_id=123/large")["Body"].read(), content)

    def test_every_acknowledged_event_survives_kill_9_once(self):
        load = None
        moments = random.Random(7)
        ids: set[str] = set()
        for _ in range(100 if serving.LONG else 8):
            self.server.start()
            load = Load(self.server.api, 2, "123")
            with load:
                time.sleep(moments.uniform(0.3, 2.0))
                self.server.kill()
            ids |= load.acknowledged
        self.server.start()
        self.server.run("export")
        rows = self.rows()
        self.assertEqual(len(rows), len(set(rows)), "no event twice")
        self.assertFalse(ids - set(rows), "no acknowledged event is missing")

    def test_every_acknowledged_event_survives_a_death_at_every_step_once(self):
        proxy = DeadlyProxy(self.where["s3"])
        self.addCleanup(proxy.close)
        self.server.config.write_text(self.server.config.read_text().replace(self.where["s3"], proxy.address))
        ids, deaths, rounds = [], 0, 100 if serving.LONG else 12
        for turn in range(rounds):
            step, after = turn // 2 % 25 + 1, turn % 2 == 1
            dead = threading.Event()
            self.server.start()
            proxy.arm(step, after, lambda: (self.server.process.kill(), dead.set()))
            ids += self.send_named([f"name {turn}-{number}" for number in range(3)])
            export = subprocess.Popen(self.server.command("export"), stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, env=serving.clean_environment())
            self.assertTrue(serving.eventually(lambda: dead.is_set() or export.poll() is not None, 120))
            proxy.arm(0, False, None)
            deaths += dead.is_set()
            if dead.is_set():
                export.kill()
                self.server.kill()
            else:
                self.server.stop()
            export.wait(timeout=20)
        self.assertGreaterEqual(deaths, 8 if not serving.LONG else 30)
        self.server.start()
        self.server.run("export")
        self.assertEqual(self.rows(), sorted(ids))
        self.server.run("check")

    def test_check_reads_every_part_and_compares_rows_with_the_ledger(self):
        self.server.start()
        self.send_named(["one", "two", "three"])
        self.server.run("export")
        self.assertIn("all is well", self.server.run("check"))
        key = next(key for key in self.keys(self.bucket) if key.endswith(".parquet"))
        whole = self.owner.get_object(Bucket=self.bucket, Key=key)
        content, kept = whole["Body"].read(), whole["Metadata"]
        put = lambda key, body: self.owner.put_object(Bucket=self.bucket, Key=key, Body=body, Metadata=kept)

        def found() -> str:
            return self.server.refused("check").errors

        self.owner.delete_object(Bucket=self.bucket, Key=key)
        self.assertIn("1 of 3 exported rows are missing", found())
        put(key, content)
        put(key.replace("part-00000-", "part-00001-"), content)
        self.assertIn("some are there twice", found())
        self.owner.delete_object(Bucket=self.bucket, Key=key.replace("part-00000-", "part-00001-"))
        altered = bytearray(content)
        altered[8] ^= 1
        put(key, bytes(altered))
        self.assertIn(f"{key}: its bytes are not those that were written", found())
        put(key, content[:-9])
        self.assertIn(key, found())
        put(key, content)
        self.assertIn("all is well", self.server.run("check"))
        seen = self.keys(self.inside, "internal/seen/")[0]
        self.owner.delete_object(Bucket=self.inside, Key=seen)
        self.assertIn(seen, found())
        self.assertIn("is given up", self.server.run("check", "--repair"))
        self.assertIn("all is well", self.server.run("check"))

    def test_what_looks_after_files_says_that_there_are_none(self):
        for command in (("backup", str(self.server.folder / "b")), ("keys", "rewrap"),
                        ("import", str(self.server.folder))):
            errors = self.server.refused(*command).errors
            self.assertIn(f"the parts lie in the bucket {self.bucket}", errors)
            self.assertEqual(len(errors.strip().splitlines()), 1, errors)

    def test_events_wait_while_the_bucket_is_away(self):
        right = self.server.config.read_text()
        self.server.config.write_text(right.replace(self.where["s3"], "http://127.0.0.1:9"))
        self.server.start(wait=False)
        ready = lambda: requests.get(f"{self.server.admin}/readyz", timeout=10)
        self.assertTrue(serving.eventually(lambda: self._status(ready) == 503, 60))
        ids = self.send(5)
        self.server.stop()
        self.server.config.write_text(right)
        self.server.start()
        self.server.run("export")
        self.assertEqual(self.rows(), sorted(ids))

    @staticmethod
    def _status(ask) -> int:
        try:
            return ask().status_code
        except requests.RequestException:
            return 0


class Vendor(ObjectsCase):
    """The vendor's form whole: events in, parts in the engine's bucket, sessions of the engine."""

    def more(self) -> str:
        role = "arn:aws:iam:::role/vendor-{account}" if self.where["engine"] == "ceph" else (
            "arn:aws:iam::123456789012:role/valetkey-reader")
        return f"""
[issuer]
kind = "sts"
engine = "{self.where['engine']}"
endpoint = "{self.where['sts']}"
role_arn = "{role}"
trusted_user_arn = "arn:aws:iam:::user/issuer"
profile = "issuer"
roles_profile = "roles"
"""

    def s3_settings(self) -> str:
        return f'public_endpoint = "{self.where["s3"]}"'

    def test_a_token_reads_from_the_engine_what_was_sent_here(self):
        self.server.start()
        ids = self.send(20)
        self.server.run("export")
        answer = self.server.exchange(self.token)
        self.assertEqual(answer["endpoint"], self.where["s3"])
        self.assertEqual(self.rows(), sorted(ids))


if __name__ == "__main__":
    serving.main()
