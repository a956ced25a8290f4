# SPDX-License-Identifier: Apache-2.0
"""For tests of the doors to the tables: an account of its own for each test, and clients of our own for each door."""
import json
import urllib.parse

import boto3
import requests
from botocore.config import Config

import avro
from load import NOW, body, conversion
from server import BUCKET, ServedCase


def s3_of(config: dict):
    """A client as an engine makes it of what the catalog vends."""
    return boto3.session.Session().client(
        "s3", endpoint_url=config["s3.endpoint"], region_name=config["client.region"],
        aws_access_key_id=config["s3.access-key-id"], aws_secret_access_key=config["s3.secret-access-key"],
        aws_session_token=config["s3.session-token"],
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}))


def key_of(path: str) -> str:
    assert path.startswith(f"s3://{BUCKET}/"), path
    return path.removeprefix(f"s3://{BUCKET}/")


def key_of_url(url: str) -> str:
    return urllib.parse.unquote(urllib.parse.urlsplit(url).path).removeprefix(f"/{BUCKET}/")


class TablesCase(ServedCase):
    number = 200

    @classmethod
    def prepare(cls):
        cls.server.start()
        cls.neighbour = cls.server.make_account("2000")

    def setUp(self):
        type(self).number += 1
        self.account = str(self.number)
        self.token = self.server.make_account(self.account)

    # What is there.
    def send(self, events: list[dict], decisions: list[dict] | None = None, visitor: str = "ann") -> None:
        answer = requests.post(f"{self.server.api}/v1/events", timeout=20,
                               json=body(self.account, visitor, events, decisions))
        self.assertEqual(204, answer.status_code, answer.text)

    def send_some(self, numbers=(1, 2)) -> None:
        """Two decisions and three conversions, of names that need care."""
        for number in numbers:
            self.send([{"uuid": f"d{number}", "timestamp": NOW, "entity_id": "4", "type": "campaign_activated",
                        "key": "campaign_activated"}],
                      [{"campaign_id": "4", "experiment_id": f"4{number}", "variation_id": "B",
                        "is_campaign_holdback": False}], f"v{number}")
        self.send([conversion("c1", "purchase", revenue=4200), conversion("c2", "Sign-up: step 2 (50% off?)"),
                   conversion("c3", "ünïcode/näme")])
        self.server.run("export")

    def listed(self, kind: str) -> dict[str, int]:
        """The parts that S3 lists, with their sizes."""
        found = self.server.exchange(self.token)
        secret = found["credentials"]
        client = s3_of({"s3.endpoint": self.server.s3, "client.region": "us-east-1",
                        "s3.access-key-id": secret["accessKeyId"],
                        "s3.secret-access-key": secret["secretAccessKey"],
                        "s3.session-token": secret["sessionToken"]})
        keys = {}
        for page in client.get_paginator("list_objects_v2").paginate(
                Bucket=BUCKET, Prefix=f"v1/account_id={self.account}/type={kind}/"):
            keys |= {each["Key"]: each["Size"] for each in page.get("Contents", [])}
        self.assertFalse([key for key in keys if "_iceberg" in key], "metadata is listed")
        return {key: size for key, size in keys.items() if key.endswith(".parquet")}

    # The doors.
    def iceberg(self, path: str, token: str | None = None, **options) -> requests.Response:
        return self.server.get(f"/iceberg/v1/{path}", token or self.token, **options)

    def load(self, table: str = "decisions", token: str | None = None) -> dict:
        answer = self.iceberg(f"{self.account}/namespaces/export/tables/{table}", token)
        self.assertEqual(200, answer.status_code, answer.text)
        loaded = answer.json()
        self.server.secrets += [loaded["config"]["s3.secret-access-key"], loaded["config"]["s3.session-token"]]
        return loaded

    def read_files(self, loaded: dict) -> dict[str, dict]:
        """The data files of a snapshot by key, read as an engine reads them; lengths are held against the lists."""
        client = s3_of(loaded["config"])
        self.metadata = [key_of(loaded["metadata-location"])]

        def get(path: str) -> bytes:
            self.metadata.append(key_of(path))
            answer = client.get_object(Bucket=BUCKET, Key=key_of(path))
            data = answer["Body"].read()
            head = client.head_object(Bucket=BUCKET, Key=key_of(path))
            self.assertEqual((len(data), answer["ETag"]), (head["ContentLength"], head["ETag"]))
            return data

        [snapshot] = loaded["metadata"]["snapshots"]
        header, manifests = avro.read(get(snapshot["manifest-list"]))
        self.assertEqual(str(snapshot["snapshot-id"]), header["snapshot-id"])
        files = {}
        for manifest in manifests:
            data = get(manifest["manifest_path"])
            self.assertEqual(manifest["manifest_length"], len(data))
            about, entries = avro.read(data)
            self.assertEqual(str(manifest["partition_spec_id"]), about["partition-spec-id"])
            self.assertEqual(manifest["existing_files_count"], len(entries))
            for entry in entries:
                self.assertEqual(0, entry["status"])
                self.assertLessEqual(entry["sequence_number"], loaded["metadata"]["last-sequence-number"])
                file = entry["data_file"]
                self.assertNotIn(key_of(file["file_path"]), files, "a part is listed twice")
                files[key_of(file["file_path"])] = file
        self.assertEqual(int(snapshot["summary"]["total-data-files"]), len(files))
        self.assertEqual(int(snapshot["summary"]["total-records"]), sum(f["record_count"] for f in files.values()))
        return files

    def sharing(self, path: str, token: str | None = None, **options) -> requests.Response:
        return self.server.get(f"/delta-sharing/{path}", token or self.token, **options)

    def table_path(self, table: str) -> str:
        return f"shares/account-{self.account}/schemas/export/tables/{table}"

    def query(self, table: str = "decisions", token: str | None = None, **wishes) -> requests.Response:
        return self.server.call("POST", f"/delta-sharing/{self.table_path(table)}/query", token or self.token,
                                json=wishes)

    def shared(self, table: str = "decisions", **wishes) -> list[dict]:
        answer = self.query(table, **wishes)
        self.assertEqual(200, answer.status_code, answer.text)
        lines = [json.loads(line) for line in answer.text.splitlines()]
        self.assertEqual(["protocol", "metaData"], [next(iter(line)) for line in lines[:2]])
        return lines[2:]

    def refused(self, answer: requests.Response, status: int, word: str = "", says: str = "") -> None:
        self.assertEqual(status, answer.status_code, answer.text)
        document = answer.json()
        if "error" in document and isinstance(document["error"], dict):
            self.assertEqual(status, document["error"]["code"])
            kind, message = document["error"]["type"], document["error"]["message"]
        elif "error" in document:
            kind, message = document["error"], document["error_description"]
        else:
            kind, message = document["errorCode"], document["message"]
        self.assertIn(word, kind)
        self.assertIn(says, message)
        self.assertRegex(message, r"^\S.*\.$")
