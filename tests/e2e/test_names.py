# SPDX-License-Identifier: Apache-2.0
"""Whatever events and experiments are called: every document of the S3 endpoint is XML 1.0 to a strict parser, every
name is found again, and no two become one."""
import json
import subprocess
import xml.etree.ElementTree  # expat

import botocore.handlers
import requests

import parts
from clients import Clients
from load import NOW, body, conversion
from server import BUCKET, PROGRAMS, ServedCase, clean_environment, main

ACCOUNT = "12"
PREFIX = f"v1/account_id={ACCOUNT}/"
# Noncharacters, control characters, markup, what XML reads otherwise than it stands, other planes, look-alikes.
HOSTILE = ["a\ufffeb", "a\uffffb", "\uffff", "a\x01b", "a\x1f", "a\x7fb", "a\x85b", "a\u2028b", "a\ufffdb", "a\ufdd0b",
           "a\U0001fffeb", "a\U0010ffffb", "a\t\r\nb", "<&>\"']]>", "%EF%BF%BF", "a%EF%BF%BFb", "a b", "a\ufeffb",
           "x" * 100 + "\uffff", "\uffff" * 40]


class Names(ServedCase):
    @classmethod
    def prepare(cls):
        parts.need_node()
        cls.token = cls.server.make_account(ACCOUNT)
        cls.server.start()
        for number, name in enumerate(HOSTILE):
            decision = {"campaign_id": "1", "experiment_id": name, "variation_id": "3"}
            activation = {"uuid": f"d{number}", "timestamp": NOW, "entity_id": "1", "type": "campaign_activated"}
            answer = requests.post(f"{cls.server.api}/v1/events", timeout=20, data=json.dumps(
                body(ACCOUNT, "v", [activation, conversion(f"c{number}", name)], [decision])))
            assert answer.status_code == 204, (name, answer.text)
        cls.server.run("export")
        cls.clients = Clients(cls.server, cls.server.exchange(cls.token), cls.server.folder / "clients")
        cls.s3 = cls.clients.boto3()
        for operation in ("ListObjects", "ListObjectsV2"):  # as clients that do not know encoding-type
            cls.s3.meta.events.unregister(f"before-parameter-build.s3.{operation}",
                                          botocore.handlers.set_list_objects_encoding_type_url)

    def get(self, operation: str, **parameters) -> requests.Response:
        """Asks as it stands, so that nothing between parses the answer."""
        return requests.get(self.s3.generate_presigned_url(operation, Params={"Bucket": BUCKET, **parameters}),
                            timeout=20)

    def read(self, answer: requests.Response) -> xml.etree.ElementTree.Element:
        try:
            return xml.etree.ElementTree.fromstring(answer.content)
        except xml.etree.ElementTree.ParseError as error:
            raise AssertionError(f"{error}: {answer.text[-2000:]}") from None

    def keys(self, answer: requests.Response) -> list[str]:
        return [element.text for element in self.read(answer).iter() if element.tag.endswith("}Key")]

    def test_a_strict_parser_reads_listings_and_gets_every_key_of_them(self):
        first = self.keys(self.get("list_objects", Prefix=PREFIX))
        second = self.keys(self.get("list_objects_v2", Prefix=PREFIX))
        self.assertEqual(first, second)
        self.assertEqual(2 * len(HOSTILE), len(set(first)))
        for key in first:
            self.assertEqual(200, self.get("get_object", Key=key).status_code, key)

    def test_a_strict_parser_reads_errors_and_what_they_repeat(self):
        for name in ["\x01", "a\ufffe", "\uffff", "\x0b<&>"]:
            for answer in [self.get("get_object", Key=PREFIX + name), self.get("get_object", Key="v1/" + name),
                           self.get("list_objects", Prefix=PREFIX + name, Marker=PREFIX + name, Delimiter=name),
                           self.get("list_objects_v2", Prefix=PREFIX, StartAfter=name, ContinuationToken=name)]:
                self.assertIn(answer.status_code, (200, 400, 403, 404))
                self.read(answer)

    def test_listings_and_objects_state_the_same_second(self):
        for entry in self.s3.list_objects_v2(Bucket=BUCKET, Prefix=PREFIX)["Contents"][:5]:
            self.assertEqual(0, entry["LastModified"].microsecond)
            for operation in (self.s3.head_object, self.s3.get_object):
                self.assertEqual(entry["LastModified"], operation(Bucket=BUCKET, Key=entry["Key"])["LastModified"])

    def test_other_clients_list_and_read_them(self):
        listed = self.clients.s3cmd("ls", "--recursive", f"s3://{BUCKET}/{PREFIX}")
        self.assertEqual(0, listed.returncode, listed.stderr)
        self.assertEqual(2 * len(HOSTILE), len(listed.stdout.strip().split("\n")))
        rows = parts.read_rows(parts.download(self.server, ACCOUNT, self.token))
        self.assertEqual(sorted(HOSTILE), sorted(row["event_name"] for row in rows if "event_name" in row))
        self.assertEqual(sorted(HOSTILE), sorted(row["experiment_id"] for row in rows if "experiment_id" in row))

    def test_each_is_found_by_its_name(self):
        environment = {**clean_environment(), "HOME": str(self.server.folder), "VALETKEY_API": self.server.api,
                       "VALETKEY_TOKEN": self.token}
        for name in [name for name in HOSTILE if "\uffff" in name or "\ufffe" in name]:
            done = subprocess.run([PROGRAMS / "valetkey", "query", "SELECT event_name FROM events", "--event", name,
                                   "--format", "json"], env=environment, capture_output=True, text=True, timeout=120)
            self.assertEqual(0, done.returncode, done.stderr)
            self.assertEqual([name], [row["event_name"] for row in json.loads(done.stdout)])


if __name__ == "__main__":
    main()
