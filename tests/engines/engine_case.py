# SPDX-License-Identifier: Apache-2.0
"""A real engine with a bucket that somebody else fills, and a valetkeyd that vends credentials for it."""
import json
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "e2e"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import hostile  # noqa: E402
import server as serving  # noqa: E402

ACCOUNTS = ("123", "12", "1234", "456")


def engine() -> dict:
    """What VALETKEY_ENGINE says of the engine that runs; a test without one is skipped."""
    folder = os.environ.get("VALETKEY_ENGINE", "")
    path = pathlib.Path(folder) / "engine.json"
    if not folder or not path.exists():
        raise unittest.SkipTest("no engine runs here")
    return json.loads(path.read_text())


def prefix_of(account: str) -> str:
    return f"v1/account_id={account}/"


def fill_bucket(where: dict, bucket: str, other: str) -> None:
    """As the engine's owner would: the same key for each account, and what no account may read."""
    owner = where["users"]["owner"]
    s3 = hostile.client(where["s3"], owner["key"], owner["secret"])
    for name in (bucket, other):
        s3.create_bucket(Bucket=name)
        for account in ACCOUNTS:
            content = hostile.NEIGHBOUR if account != "123" or name == other else b"own rows"
            s3.put_object(Bucket=name, Key=prefix_of(account) + "a", Body=content)
        s3.put_object(Bucket=name, Key="internal/a", Body=hostile.NEIGHBOUR)
        s3.put_object(Bucket=name, Key="a", Body=hostile.NEIGHBOUR)


def aws_files(folder: pathlib.Path, where: dict) -> dict[str, str]:
    """The server's own keys, as an operator has them: two profiles of a credentials file."""
    path = folder / "aws-credentials"
    users = where["users"]
    path.write_text("".join(f"[{name}]\naws_access_key_id = {users[name]['key']}\n"
                            f"aws_secret_access_key = {users[name]['secret']}\n" for name in ("issuer", "roles", "owner")))
    path.chmod(0o600)
    return {"AWS_SHARED_CREDENTIALS_FILE": str(path), "AWS_CONFIG_FILE": "/dev/null"}


def configuration(where: dict, bucket: str, more: str = "") -> str:
    role = "arn:aws:iam:::role/valetkey-{account}" if where["engine"] == "ceph" else (
        "arn:aws:iam::123456789012:role/valetkey-reader")
    return f"""
[s3]
bucket = "{bucket}"
public_endpoint = "{where['s3']}"
region = "{where['region']}"
[intake]
enabled = false
[issuer]
kind = "sts"
engine = "{where['engine']}"
endpoint = "{where['sts']}"
role_arn = "{role}"
trusted_user_arn = "arn:aws:iam:::user/issuer"
profile = "issuer"
roles_profile = "roles"
{more}"""


class EngineCase(unittest.TestCase):
    """One server in front of the engine, with accounts 123 and 12, for all tests of a class."""
    bucket = "lake"

    @classmethod
    def setUpClass(cls):
        cls.where = engine()
        cls.bucket = f"{cls.bucket}-{os.getpid()}"
        cls.other = f"other-{os.getpid()}"
        fill_bucket(cls.where, cls.bucket, cls.other)
        cls.folder = pathlib.Path(os.environ["VALETKEY_ENGINE"])
        os.environ.update(cls.environment())
        cls.server = serving.Server(configuration(cls.where, cls.bucket))
        cls.token = cls.server.make_account("123")
        cls.server.make_account("12")
        cls.server.start()

    @classmethod
    def environment(cls) -> dict[str, str]:
        files = aws_files(cls.folder, cls.where)
        serving.clean_environment = cls._with(serving.clean_environment, files)
        return {}

    @staticmethod
    def _with(clean, more: dict[str, str]):
        return lambda: {**clean(), **more}

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def session(self, token: str | None = None, duration: str = "1h") -> dict:
        return self.server.exchange(token or self.token, duration)

    def s3_of(self, answer: dict):
        keys = answer["credentials"]
        return hostile.client(answer["endpoint"], keys["accessKeyId"], keys["secretAccessKey"], keys["sessionToken"])
