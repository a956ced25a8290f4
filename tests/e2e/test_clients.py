# SPDX-License-Identifier: Apache-2.0
"""The main job: a token in, an export out, with the clients that people have, every byte compared."""
import hashlib
import tempfile
import unittest
import pathlib

import trees
from clients import Clients, prefix_of, refreshable
from server import BUCKET, ServedCase, main


class Jobs:
    """What every client does with an export; a subclass says which export."""

    @classmethod
    def serve(cls, tree: pathlib.Path, account: str):
        cls.tree = tree / "v1" / f"account_id={account}"
        cls.account = account
        cls.token = cls.server.make_account(account)
        cls.server.run("import", str(tree))
        cls.server.start()
        cls.expected = trees.hashes(cls.tree)

    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.folder = pathlib.Path(self.scratch.name)
        self.clients = Clients(self.server, self.server.exchange(self.token), self.folder / "client")
        self.prefix = prefix_of(self.clients.path)

    def succeeded(self, done):
        self.assertEqual(0, done.returncode, done.stderr + done.stdout)
        return done.stdout

    def test_aws_cli_lists_one_level(self):
        listed = self.succeeded(self.clients.aws("s3", "ls", self.clients.path))
        self.assertEqual({"PRE type=decisions/", "PRE type=events/"}, {line.strip() for line in listed.splitlines()})

    def test_aws_cli_lists_everything(self):
        listed = self.succeeded(self.clients.aws("s3", "ls", "--recursive", self.clients.path))
        keys = {line.split(None, 3)[3].removeprefix(self.prefix) for line in listed.splitlines()}
        self.assertEqual(set(self.expected), keys)

    def test_aws_cli_syncs_every_byte(self):
        self.succeeded(self.clients.aws("s3", "sync", self.clients.path, self.folder / "got"))
        self.assertEqual(self.expected, trees.hashes(self.folder / "got"))

    def test_aws_cli_syncs_a_day_as_the_shell_client_does(self):
        day = sorted({name.split("/")[1] for name in self.expected})[0]
        relative = f"type=decisions/{day}"
        self.succeeded(self.clients.aws("s3", "ls", "--human-readable", f"{self.clients.path}{relative}/"))
        self.succeeded(self.clients.aws("s3", "sync", f"{self.clients.path}{relative}", self.folder / "got"))
        self.assertEqual(trees.hashes(self.tree / relative), trees.hashes(self.folder / "got"))

    def test_aws_cli_copies_one_object(self):
        name = max(self.expected)
        self.succeeded(self.clients.aws("s3", "cp", self.clients.path + name, self.folder / "one"))
        self.assertEqual((self.tree / name).read_bytes(), (self.folder / "one").read_bytes())

    def test_boto3_pages_with_both_lists(self):
        client = self.clients.boto3()
        for operation in ("list_objects", "list_objects_v2"):
            pages = list(client.get_paginator(operation).paginate(
                Bucket=BUCKET, Prefix=self.prefix, PaginationConfig={"PageSize": 3}))
            keys = [item["Key"].removeprefix(self.prefix) for page in pages for item in page.get("Contents", [])]
            self.assertEqual(sorted(self.expected, key=lambda name: name.encode()), keys, operation)
            self.assertGreater(len(pages), 1)

    def test_boto3_sample_reads_everything(self):
        client = refreshable(self.server, self.token)
        listed = client.list_objects(Bucket=BUCKET, Prefix=self.prefix)["Contents"]
        got = {item["Key"].removeprefix(self.prefix):
               hashlib.sha256(client.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()).hexdigest()
               for item in listed}
        self.assertEqual(self.expected, got)
        self.assertEqual({item["Key"].removeprefix(self.prefix): item["Size"] for item in listed},
                         {name: (self.tree / name).stat().st_size for name in self.expected})

    def test_boto3_reads_ranges_and_the_true_md5(self):
        client = self.clients.boto3()
        name = max(self.expected, key=lambda each: (self.tree / each).stat().st_size)
        content = (self.tree / name).read_bytes()
        key = {"Bucket": BUCKET, "Key": self.prefix + name}
        for header, expected in [("bytes=0-0", content[:1]), ("bytes=-8", content[-8:]),
                                 ("bytes=100-", content[100:]), ("bytes=10-99999999", content[10:])]:
            answer = client.get_object(**key, Range=header)
            self.assertEqual(expected, answer["Body"].read(), header)
            self.assertEqual(206, answer["ResponseMetadata"]["HTTPStatusCode"])
        self.assertEqual(f'"{hashlib.md5(content).hexdigest()}"', client.head_object(**key)["ETag"])

    def test_rclone_lists_copies_and_checks(self):
        remote = f"remote:{BUCKET}/{self.prefix.rstrip('/')}"
        listed = self.succeeded(self.clients.rclone("lsf", "-R", "--files-only", remote))
        self.assertEqual(set(self.expected), set(listed.splitlines()))
        self.succeeded(self.clients.rclone("copy", remote, self.folder / "got"))
        self.assertEqual(self.expected, trees.hashes(self.folder / "got"))
        self.succeeded(self.clients.rclone("check", remote, self.tree))

    def test_s3cmd_lists_and_gets(self):
        listed = self.succeeded(self.clients.s3cmd("ls", "--recursive", self.clients.path))
        keys = {line.split(None, 3)[3].removeprefix(self.clients.path) for line in listed.splitlines()}
        self.assertEqual(set(self.expected), keys)
        name = min(name for name in self.expected if name.endswith(".parquet"))
        self.succeeded(self.clients.s3cmd("get", self.clients.path + name, self.folder / "one"))
        self.assertEqual((self.tree / name).read_bytes(), (self.folder / "one").read_bytes())

    def test_curl_signs_a_list_and_needs_the_hash_header(self):
        query = f"list-type=2&prefix={self.prefix.replace('/', '%2F').replace('=', '%3D')}"
        body, status = self.succeeded(self.clients.curl(f"/{BUCKET}?{query}")).rsplit("\n", 1)
        self.assertEqual("200", status, body)
        self.assertEqual(len(self.expected), body.count("<Key>"))
        body, status = self.succeeded(self.clients.curl(f"/{BUCKET}?{query}", hashed=False)).rsplit("\n", 1)
        self.assertEqual("400", status)
        self.assertIn("<Code>InvalidRequest</Code>", body)

    def test_presigned_urls_open_one_object(self):
        name = min(name for name in self.expected if name.endswith(".parquet"))
        by_boto3 = self.clients.boto3().generate_presigned_url(
            "get_object", Params={"Bucket": BUCKET, "Key": self.prefix + name}, ExpiresIn=600)
        by_cli = self.succeeded(self.clients.aws("s3", "presign", self.clients.path + name)).strip()
        for url in (by_boto3, by_cli):
            got = self.folder / "presigned"
            self.succeeded(self.clients.run("curl", "--silent", "--fail", "--output", got, url))
            self.assertEqual((self.tree / name).read_bytes(), got.read_bytes())
            done = self.clients.run("curl", "--silent", url.replace(name.rsplit("/", 1)[1], "other"))
            self.assertIn("SignatureDoesNotMatch", done.stdout)


class Sample(Jobs, ServedCase):
    """The generated export: several days, names that Hive escapes."""

    @classmethod
    def prepare(cls):
        cls.serve(trees.sample_tree(cls.server.folder / "tree"), trees.SAMPLE_ACCOUNT)


class Real(Jobs, ServedCase):
    """A real export as its producer published it."""

    @classmethod
    def setUpClass(cls):
        trees.real_tree()
        super().setUpClass()

    @classmethod
    def prepare(cls):
        cls.serve(trees.real_tree(), trees.REAL_ACCOUNT)


if __name__ == "__main__":
    main()
