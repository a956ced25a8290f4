# SPDX-License-Identifier: Apache-2.0
"""Account 12 beside account 123: no client, and no crafted request, sees the neighbour or learns a name of its."""
import re
from urllib.parse import quote, unquote_to_bytes

import requests
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

import trees
from clients import Clients
from server import BUCKET, ServedCase, main

MINE, NEIGHBOUR = "12", "123"
SECRET_NAME = "neighbours-launch-codename"


class Isolation(ServedCase):
    @classmethod
    def prepare(cls):
        tree = trees.plain_tree(cls.server.folder / "tree", {
            f"v1/account_id={MINE}/type=events/date=2026-03-01/event=mine/part-0.parquet.txt": b"mine",
            f"v1/account_id={MINE}/type=events/date=2026-03-01/event=mine/part-1.parquet.txt": b"mine too",
            f"v1/account_id={NEIGHBOUR}/type=events/date=2026-03-01/event={SECRET_NAME}/part-0.txt": b"theirs",
            f"v1/account_id=1/type=events/date=2026-03-01/event={SECRET_NAME}/part-0.txt": b"theirs",
        })
        for account in (MINE, NEIGHBOUR, "1"):
            token = cls.server.make_account(account)
            if account == MINE:
                cls.token = token
            elif account == NEIGHBOUR:
                cls.other_token = token
        cls.server.run("import", str(tree))
        cls.server.start()
        cls.mine = Clients(cls.server, cls.server.exchange(cls.token), cls.server.folder / "mine")
        cls.theirs = Clients(cls.server, cls.server.exchange(cls.other_token), cls.server.folder / "theirs")
        cls.their_key = f"v1/account_id={NEIGHBOUR}/type=events/date=2026-03-01/event={SECRET_NAME}/part-0.txt"

    def signed(self, path_and_query: str, method: str = "GET", clients: Clients | None = None,
               headers: dict | None = None, query_form: bool = False) -> requests.Response:
        """A request for exactly this path and query, with a correct signature."""
        who = (clients or self.mine).credentials
        path, _, query = path_and_query.partition("?")
        # Signed as the service understands it: decoded once, then encoded in the one canonical way.
        canonical = quote(unquote_to_bytes(path), safe="/~")
        request = AWSRequest(method, f"{self.server.s3}{canonical}?{query}".rstrip("?"), headers=dict(headers or {}))
        signer = S3SigV4QueryAuth if query_form else S3SigV4Auth
        signer(Credentials(who["accessKeyId"], who["secretAccessKey"], who["sessionToken"]), "s3",
               "us-east-1").add_auth(request)
        prepared = requests.Request(method, "http://x/", headers=dict(request.headers.items())).prepare()
        prepared.url = request.url.replace(canonical, path, 1)  # as typed: requests would normalise it
        return requests.Session().send(prepared, timeout=20)

    def assert_denied(self, answer: requests.Response, *statuses: int):
        self.assertIn(answer.status_code, statuses or (403,), answer.text)
        # An error repeats what was asked for, which the asker knew.
        said = re.sub(r"<(Resource|Key)>.*?</\1>", "", answer.text)
        self.assertNotIn(SECRET_NAME, said)
        self.assertNotIn("theirs", said)

    def test_every_client_is_denied_the_neighbour(self):
        url = f"s3://{BUCKET}/v1/account_id={NEIGHBOUR}/"
        folder = self.server.folder / "stolen"
        for name, done in {
            "aws ls": self.mine.aws("s3", "ls", url),
            "aws sync": self.mine.aws("s3", "sync", url, folder),
            "aws cp": self.mine.aws("s3", "cp", f"s3://{BUCKET}/{self.their_key}", folder / "x"),
            "s3cmd": self.mine.s3cmd("ls", url),
            "rclone": self.mine.rclone("copy", f"remote:{BUCKET}/v1/account_id={NEIGHBOUR}", folder),
        }.items():
            with self.subTest(client=name):
                self.assertNotEqual(0, done.returncode, done.stdout)
                self.assertRegex(done.stderr + done.stdout, r"AccessDenied|Forbidden|403")
                self.assertNotIn("part-0", done.stdout)
        self.assertEqual({}, trees.hashes(folder))

    def test_boto3_is_denied_the_neighbour(self):
        client = self.mine.boto3()
        for call in [lambda: client.list_objects(Bucket=BUCKET, Prefix=f"v1/account_id={NEIGHBOUR}/"),
                     lambda: client.list_objects_v2(Bucket=BUCKET, Prefix=f"v1/account_id={MINE}"),
                     lambda: client.list_objects_v2(Bucket=BUCKET, Prefix=""),
                     lambda: client.list_objects_v2(Bucket=BUCKET, Delimiter="/"),
                     lambda: client.list_objects_v2(Bucket=BUCKET, Prefix="v1/", Delimiter="/"),
                     lambda: client.get_object(Bucket=BUCKET, Key=self.their_key),
                     lambda: client.list_buckets(),
                     lambda: client.put_object(Bucket=BUCKET, Key=f"v1/account_id={MINE}/x", Body=b""),
                     lambda: client.delete_object(Bucket=BUCKET, Key=f"v1/account_id={MINE}/x"),
                     lambda: client.list_objects_v2(Bucket="another", Prefix=f"v1/account_id={MINE}/")]:
            with self.assertRaises(ClientError) as caught:
                call()
            self.assertEqual("AccessDenied", caught.exception.response["Error"]["Code"])

    def test_the_missing_slash_is_explained(self):
        answer = self.signed(f"/{BUCKET}?list-type=2&prefix=v1%2Faccount_id%3D{MINE}")
        self.assert_denied(answer)
        self.assertIn("/", re.search(r"<Message>(.*?)</Message>", answer.text).group(1))

    def test_paths_are_never_normalised_into_the_neighbour(self):
        mine, theirs = f"/{BUCKET}/v1/account_id={MINE}", self.their_key.split("/", 2)[2]
        for path in [f"{mine}/../account_id={NEIGHBOUR}/{theirs}", f"{mine}/%2e%2e/account_id={NEIGHBOUR}/{theirs}",
                     f"{mine}%2F..%2Faccount_id={NEIGHBOUR}%2F{theirs}", f"{mine}//../../account_id={NEIGHBOUR}/{theirs}",
                     f"/{BUCKET}//{self.their_key}", f"/{BUCKET}/./{self.their_key}",
                     f"/{BUCKET}/v1%2faccount_id={NEIGHBOUR}/{theirs}", f"/{BUCKET}/v1/account_id%3D{NEIGHBOUR}/{theirs}",
                     f"/{BUCKET}/v1/account_id={MINE}%00{NEIGHBOUR}/{theirs}", f"/{self.their_key}",
                     f"{mine}{'3'}/{theirs}"]:
            with self.subTest(path=path):
                answer = self.signed(path)
                self.assert_denied(answer, 400, 403, 404)
                self.assertNotIn("SignatureDoesNotMatch", answer.text)

    def test_repeated_and_smuggled_parameters_do_not_widen_a_list(self):
        mine = f"v1%2Faccount_id%3D{MINE}%2F"
        theirs = f"v1%2Faccount_id%3D{NEIGHBOUR}%2F"
        for query in [f"list-type=2&prefix={mine}&prefix={theirs}", f"list-type=2&prefix={theirs}&prefix={mine}",
                      f"list-type=2&prefix={mine}&Prefix={theirs}", f"prefix={mine}&marker=&marker={theirs}"]:
            with self.subTest(query=query):
                answer = self.signed(f"/{BUCKET}?{query}")
                self.assertNotIn(SECRET_NAME, answer.text)
                self.assertNotIn("theirs", answer.text)

    def test_markers_outside_the_prefix_reveal_nothing(self):
        mine = f"v1%2Faccount_id%3D{MINE}%2F"
        for more in [f"marker=v1%2Faccount_id%3D1%2F", "marker=v1%2Faccount_id%3D12", "marker=a", "marker=z",
                     f"list-type=2&start-after=v1%2Faccount_id%3D{NEIGHBOUR}%2F", "list-type=2&start-after=%20",
                     "delimiter=e", "delimiter=account_id", "list-type=2&delimiter=12"]:
            with self.subTest(more=more):
                answer = self.signed(f"/{BUCKET}?{'&'.join(sorted([*more.split('&'), 'prefix=' + mine]))}")
                self.assertEqual(200, answer.status_code, answer.text)
                for key in re.findall(r"<Key>(.*?)</Key>", answer.text):
                    self.assertTrue(key.startswith(f"v1/account_id={MINE}/"), key)
                self.assertNotIn(SECRET_NAME, answer.text)

    def test_continuation_tokens_belong_to_one_account_and_list(self):
        client = self.theirs.boto3()
        prefix = f"v1/account_id={MINE}/"
        token = self.mine.boto3().list_objects_v2(Bucket=BUCKET, Prefix=prefix, MaxKeys=1)["NextContinuationToken"]
        for clients, asked in [(self.theirs, f"v1/account_id={NEIGHBOUR}/"), (self.mine, prefix + "type=events/")]:
            with self.assertRaises(ClientError) as caught:
                clients.boto3().list_objects_v2(Bucket=BUCKET, Prefix=asked, ContinuationToken=token)
            self.assertEqual("InvalidArgument", caught.exception.response["Error"]["Code"])
        del client

    def test_a_copied_session_token_is_useless_with_another_key(self):
        mixed = {**self.mine.answer, "credentials": {**self.mine.credentials,
                                                     "sessionToken": self.theirs.credentials["sessionToken"]}}
        client = Clients(self.server, mixed, self.server.folder / "mixed").boto3()
        with self.assertRaises(ClientError) as caught:
            client.list_objects_v2(Bucket=BUCKET, Prefix=f"v1/account_id={NEIGHBOUR}/")
        self.assertEqual("InvalidToken", caught.exception.response["Error"]["Code"])

    def test_a_bit_flipped_anywhere_in_a_session_token_is_refused(self):
        token = self.mine.credentials["sessionToken"]
        path = f"/{BUCKET}?list-type=2&prefix=v1%2Faccount_id%3D{MINE}%2F"
        for position in range(len(token)):
            flipped = token[:position] + ("B" if token[position] == "A" else "A") + token[position + 1:]
            mixed = {**self.mine.answer, "credentials": {**self.mine.credentials, "sessionToken": flipped}}
            answer = self.signed(path, clients=Clients(self.server, mixed, self.server.folder / "mixed"))
            self.assertEqual((position, 400, True), (position, answer.status_code, "InvalidToken" in answer.text))

    def test_presigned_urls_reach_no_further(self):
        self.assert_denied(self.signed(f"/{BUCKET}/{self.their_key}", query_form=True))
        mine = self.signed(f"/{BUCKET}/v1/account_id={MINE}/type=events/date=2026-03-01/event=mine/part-0.parquet.txt",
                           query_form=True)
        self.assertEqual((200, "mine"), (mine.status_code, mine.text))

    def test_writes_of_every_kind_are_denied(self):
        for method, path in [("PUT", "x"), ("POST", "x?uploads"), ("DELETE", "x"), ("POST", "?delete"),
                             ("PUT", "?acl"), ("PUT", "?policy")]:
            with self.subTest(method=method, path=path):
                answer = self.signed(f"/{BUCKET}/v1/account_id={MINE}/{path}", method)
                self.assert_denied(answer)

    def test_rest_tokens_do_not_cross_accounts(self):
        theirs = self.server.get("/v2/tokens", self.other_token).json()["tokens"]
        listed = self.server.get("/v2/tokens", self.token).json()["tokens"]
        self.assertFalse({token["id"] for token in theirs} & {token["id"] for token in listed})
        answer = self.server.call("DELETE", f"/v2/tokens/{theirs[0]['id']}", self.token)
        self.assertEqual(404, answer.status_code, answer.text)
        self.assertEqual(200, self.server.get("/v2/account", self.other_token).status_code)


if __name__ == "__main__":
    main()
