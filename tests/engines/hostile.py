# SPDX-License-Identifier: Apache-2.0
"""What the holder of a session might try to see or change more than its own prefix: some hundred requests as data.

Each attempt is a name and a call; what it must not do is succeed. An engine may say 400, 403, 404, 405 or 501, never
2xx with a body that is not the account's own.
"""
import base64
import itertools
import urllib.parse

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import requests
from botocore.config import Config

NEIGHBOUR = b"SECRET OF THE NEIGHBOUR"
BROKEN = 999  # no answer of HTTP
REFUSALS = {BROKEN, 301, 307, 400, 401, 403, 404, 405, 409, 411, 412, 416, 501}


def client(where: str, key: str, secret: str, token: str | None = None, service: str = "s3"):
    return boto3.client(service, endpoint_url=where, aws_access_key_id=key, aws_secret_access_key=secret,
                        aws_session_token=token, region_name="us-east-1",
                        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}))


class Attacker:
    """Signs any method, path and query with a session's credentials, as no SDK would."""

    def __init__(self, endpoint: str, credentials: dict):
        self.endpoint, self.http = endpoint, requests.Session()
        self.credentials = botocore.credentials.Credentials(
            credentials["accessKeyId"], credentials["secretAccessKey"], credentials["sessionToken"])

    def ask(self, method: str, path: str, query: str = "", headers: dict | None = None, body: bytes = b""):
        url = f"{self.endpoint}{path}" + (f"?{query}" if query else "")
        request = botocore.awsrequest.AWSRequest(method, url, data=body, headers=headers or {})
        botocore.auth.S3SigV4Auth(self.credentials, "s3", "us-east-1").add_auth(request)
        prepared = self.http.prepare_request(requests.Request(method, url, headers=dict(request.headers), data=body))
        prepared.url = url  # as it was signed: dots and encodings stay
        try:
            return self.http.send(prepared, timeout=30, allow_redirects=False)
        except requests.ConnectionError as error:
            # Ceph answers some refused requests with headers and no status line.
            self.http = requests.Session()
            broken = requests.Response()
            broken.status_code, broken._content = BROKEN, str(error).encode()
            return broken


def attempts(bucket: str, other_bucket: str, own: str, own_key: str, neighbours: list[str]):
    """(name, method, path, query, headers, body) of each; `neighbours` are prefixes that hold NEIGHBOUR as `a`."""
    quote = urllib.parse.quote
    root = f"/{bucket}"
    lists = ["", own[:-1], own[:-2], "v1", "v", "v1/", "v1/a", "v2/", "v1/account_id=", "/", own.upper(), " " + own,
             "internal/", "internal", "*", "v1/account_id=*", own[:-1] + "*", own[:-1] + "?", *neighbours,
             *[each[:-1] for each in neighbours]]
    for prefix in lists:
        for version, extra in itertools.product(("list-type=2&", ""), ("", "&delimiter=%2F", "&max-keys=1",
                                                                       "&encoding-type=url")):
            query = f"{version}prefix={quote(prefix, safe='')}{extra}"
            yield f"list {prefix!r} {version}{extra}", "GET", root, query, {}, b""
    for query in ("list-type=2", "", f"list-type=2&prefix={quote(own)}&prefix=", f"prefix=&prefix={quote(own)}",
                  f"list-type=2&start-after={quote(own)}", f"list-type=2&Prefix={quote(own)}", "versions",
                  f"versions&prefix={quote(own)}", "uploads", "location", "acl", "policy", "policyStatus", "cors",
                  "lifecycle", "tagging", "website", "versioning", "notification", "encryption", "replication",
                  "logging", "object-lock", "publicAccessBlock", "inventory", "analytics", "metrics", "accelerate",
                  "requestPayment", "ownershipControls"):
        yield f"bucket ?{query}", "GET", root, query, {}, b""
    yield "head bucket", "HEAD", root, "", {}, b""
    yield "list buckets", "GET", "/", "", {}, b""
    for prefix in neighbours:
        key = f"{root}/{prefix}a"
        for method, extra in itertools.product(("GET", "HEAD"), ({}, {"Range": "bytes=0-3"}, {"If-None-Match": '"x"'})):
            yield f"{method} {prefix} {extra}", method, key, "", extra, b""
        for query in ("acl", "tagging", "torrent", "attributes", "versionId=null", "partNumber=1", "retention",
                      "response-content-type=text%2Fplain", "uploads"):
            yield f"read {prefix} ?{query}", "GET", key, query, {}, b""
        yield f"missing of {prefix}", "GET", f"{root}/{prefix}none", "", {}, b""
        yield f"put {prefix}", "PUT", key, "", {}, b"x"
        yield f"delete {prefix}", "DELETE", key, "", {}, b""
        source = quote(f"/{bucket}/{prefix}a")
        yield f"copy {prefix} here", "PUT", f"{root}/{own}stolen", "", {"x-amz-copy-source": source}, b""
        for path in (f"{own}../{prefix.removeprefix('v1/')}a", f"{own}%2e%2e/{prefix.removeprefix('v1/')}a",
                     f"{own}..%2f{prefix.removeprefix('v1/')}a", f"/{prefix}a", f"./{prefix}a", f"{own}/../../{prefix}a",
                     quote(prefix + "a", safe=""), prefix.replace("=", "%3D") + "a"):
            yield f"way {path}", "GET", f"{root}/{path}", "", {}, b""
    for method, query, body in (
            ("PUT", "", b"x"), ("DELETE", "", b""), ("POST", "uploads", b""), ("PUT", "acl", b""),
            ("PUT", "tagging", b"<Tagging><TagSet/></Tagging>"), ("DELETE", "tagging", b""), ("POST", "restore", b""),
            ("PUT", "partNumber=1&uploadId=1", b"x"), ("POST", "uploadId=1", b""), ("DELETE", "uploadId=1", b""),
            ("PUT", "retention", b""), ("PUT", "legal-hold", b""), ("POST", "select&select-type=2", b"")):
        for key in (own_key, own + "new"):
            yield f"{method} own {key} ?{query}", method, f"{root}/{quote(key)}", query, {}, body
    for query, body in (("delete", f"<Delete><Object><Key>{own_key}</Key></Object></Delete>".encode()),
                        ("", b"x")):
        yield f"POST bucket ?{query}", "POST", root, query, {}, body
    for query in ("", "policy", "acl", "cors", "lifecycle", "versioning", "tagging", "website", "encryption",
                  "publicAccessBlock", "logging", "notification"):
        yield f"PUT bucket ?{query}", "PUT", root, query, {}, b""
        yield f"DELETE bucket ?{query}", "DELETE", root, query, {}, b""
    for query in ("list-type=2", f"list-type=2&prefix={quote(own)}", "", "location"):
        yield f"other bucket ?{query}", "GET", f"/{other_bucket}", query, {}, b""
    for prefix in (own, *neighbours):
        yield f"other bucket {prefix}", "GET", f"/{other_bucket}/{prefix}a", "", {}, b""
        yield f"other bucket put {prefix}", "PUT", f"/{other_bucket}/{prefix}a", "", {}, b"x"
    yield "new bucket", "PUT", "/taken-by-a-tenant", "", {}, b""
    for action in ("ListRoles", "GetRole&RoleName=valetkey-123", "ListUsers", "CreateUser&UserName=x",
                   "GetSessionToken", "GetFederationToken&Name=abc"):
        yield f"action {action}", "POST", "/", "", {"Content-Type": "application/x-www-form-urlencoded"}, (
            f"Action={action}&Version=2010-05-08".encode())


def broken_tokens(token: str, places: int):
    """The session token with one bit changed, at so many places spread over it."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    if "." in token:  # a signed text of three parts, each encoded by itself
        places_of_it = [at for at, letter in enumerate(token) if letter in letters]
        for at in places_of_it[::max(1, len(places_of_it) // places)]:
            yield at, token[:at] + letters[letters.index(token[at]) ^ 32] + token[at + 1:]
        return
    padded = token + "=" * (-len(token) % 4)
    raw = bytearray(base64.b64decode(padded.translate(str.maketrans("-_", "+/"))))
    step = max(1, len(raw) // places)
    for at in range(0, len(raw), step):
        changed = bytearray(raw)
        changed[at] ^= 1
        yield at, base64.b64encode(bytes(changed)).decode()
