# SPDX-License-Identifier: Apache-2.0
"""The S3 clients that people have, each used as its manual says."""
import pathlib
import subprocess

import boto3
import botocore.config
import botocore.credentials
import botocore.session

from server import BUCKET, Server, clean_environment


class Clients:
    """Clients with one exchanged set of credentials."""

    def __init__(self, server: Server, answer: dict, folder: pathlib.Path):
        self.server, self.answer, self.folder = server, answer, folder
        self.credentials = answer["credentials"]
        self.path = answer["s3Path"]
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        more = {"AWS_CA_BUNDLE": str(self.server.certificate)} if self.server.scheme == "https" else {}
        return {**clean_environment(), "AWS_ACCESS_KEY_ID": self.credentials["accessKeyId"],
                "AWS_SECRET_ACCESS_KEY": self.credentials["secretAccessKey"],
                "AWS_SESSION_TOKEN": self.credentials["sessionToken"], **more}

    def run(self, *command: str, timeout: float = 120, more: dict | None = None) -> subprocess.CompletedProcess:
        return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, env={**self.environment, **(more or {})}, cwd=self.folder)

    def aws(self, *arguments: str, **options) -> subprocess.CompletedProcess:
        return self.run("/usr/bin/aws", "--endpoint-url", self.server.s3, *arguments, **options)

    def boto3(self, **config):
        return boto3.session.Session().client(
            "s3", endpoint_url=self.server.s3, region_name="us-east-1", verify=self.server.verify,
            aws_access_key_id=self.credentials["accessKeyId"],
            aws_secret_access_key=self.credentials["secretAccessKey"],
            aws_session_token=self.credentials["sessionToken"],
            config=botocore.config.Config(retries={"max_attempts": 1}, signature_version="s3v4",
                                          s3={"addressing_style": "path"}, **config))

    def rclone(self, *arguments: str, **options) -> subprocess.CompletedProcess:
        """`remote:` is the endpoint."""
        settings = {"RCLONE_CONFIG": "/dev/null", "RCLONE_CONFIG_REMOTE_TYPE": "s3",
                    "RCLONE_CONFIG_REMOTE_PROVIDER": "Other", "RCLONE_CONFIG_REMOTE_ENV_AUTH": "true",
                    "RCLONE_CONFIG_REMOTE_ENDPOINT": self.server.s3, "RCLONE_CONFIG_REMOTE_REGION": "us-east-1"}
        return self.run("rclone", "--retries", "1", "--low-level-retries", "1", *arguments, more=settings, **options)

    def s3cmd(self, *arguments: str, **options) -> subprocess.CompletedProcess:
        config = self.folder / "s3cfg"
        host = self.server.s3.split("//")[1]
        config.write_text(
            f"[default]\naccess_key = {self.credentials['accessKeyId']}\n"
            f"secret_key = {self.credentials['secretAccessKey']}\n"
            f"access_token = {self.credentials['sessionToken']}\nhost_base = {host}\nhost_bucket = {host}\n"
            f"use_https = {self.server.scheme == 'https'}\nbucket_location = us-east-1\n")
        config.chmod(0o600)
        return self.run("s3cmd", "--config", config, *arguments, **options)

    def curl(self, url_path: str, *arguments: str, hashed: bool = True, **options) -> subprocess.CompletedProcess:
        """curl --aws-sigv4 with a config file, so that no secret is on a command line. Prints body, then a line
        with the status."""
        config = self.folder / "curlrc"
        lines = [f'user = "{self.credentials["accessKeyId"]}:{self.credentials["secretAccessKey"]}"',
                 f'header = "x-amz-security-token: {self.credentials["sessionToken"]}"',
                 'aws-sigv4 = "aws:amz:us-east-1:s3"', "silent", r'write-out = "\n%{http_code}"']
        if hashed:
            lines.append('header = "x-amz-content-sha256: UNSIGNED-PAYLOAD"')
        config.write_text("\n".join(lines) + "\n")
        config.chmod(0o600)
        return self.run("curl", "--config", config, *arguments, self.server.s3 + url_path, **options)


def prefix_of(path: str) -> str:
    """The key prefix of an s3Path."""
    assert path.startswith(f"s3://{BUCKET}/"), path
    return path.removeprefix(f"s3://{BUCKET}/")


def refreshable(server: Server, token: str):
    """A boto3 client as the published sample makes it: botocore fetches again before the credentials expire."""
    def fetch():
        import datetime
        answer = server.exchange(token, "1h")["credentials"]
        expiry = datetime.datetime.fromtimestamp(answer["expiration"] / 1000, datetime.timezone.utc)
        return {"access_key": answer["accessKeyId"], "secret_key": answer["secretAccessKey"],
                "token": answer["sessionToken"], "expiry_time": expiry.isoformat()}
    session = botocore.session.get_session()
    session._credentials = botocore.credentials.RefreshableCredentials.create_from_metadata(
        metadata=fetch(), refresh_using=fetch, method="sts-assume-role")
    session.set_config_variable("region", "us-east-1")
    return boto3.session.Session(botocore_session=session).client(
        "s3", endpoint_url=server.s3, verify=server.verify,
        config=botocore.config.Config(retries={"max_attempts": 1}))
