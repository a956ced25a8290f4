# SPDX-License-Identifier: Apache-2.0
"""What the clients meet: a real server with two accounts, one whose export comes from the demo's events and one of
plain files, and the ways in which credentials reach a tool. Server and clients read one clock, which a job moves."""
import collections
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import parts  # noqa: E402
import trees  # noqa: E402
from clock import MovedClock  # noqa: E402
from server import BUCKET, PROGRAMS, Server, clean_environment, eventually  # noqa: E402

TABLES, FILES, SDKS = "12345", "123456", "12"  # 12: the account of tests/e2e/js_sdk_datafile.json
DAY = "type=events/date=2026-03-01/"
SECONDS = 75  # how long a job goes on that no clock can be moved for
LIVES = "1m"  # credentials of such a job
WAYS = {"P": "by a profile", "L": "under the credentials server", "A": "by the container endpoint",
        "E": "by exported variables"}


class Stage:
    def __init__(self, real_time: bool = False, lives: str = LIVES, seconds: float = SECONDS):
        """`real_time`: for clients that no faketime reaches (Go) or that it slows down (the JVM). Credentials live for so
        long, jobs for some seconds longer."""
        self.scratch = tempfile.TemporaryDirectory(prefix="valetkey-interop-")
        self.folder = pathlib.Path(self.scratch.name)
        self.clock = MovedClock(self.folder)
        self.faked = {"INTEROP_SECONDS": str(seconds)} if real_time else self.clock.environment
        config = '[export]\nlongest_wait = "1s"\n'
        if real_time:
            config += "[credentials]\n" + "".join(f'{each}_duration = "{lives}"\n' for each in ("min", "default", "max"))
        self.server = Server(config=config, prefix=self.clock.prefix())
        try:
            self.fill()
        except BaseException:
            self.close()
            raise

    def fill(self) -> None:
        self.tokens = {account: self.server.make_account(account) for account in (TABLES, FILES, SDKS)}
        trees.plain_tree(self.folder / "tree" / f"v1/account_id={FILES}" / DAY, {
            f"event={name}/part-{number:05}": trees.content_of(9 << 20 if (name, number) == ("a", 0) else 900 + number, name)
            for name in ("a", "Sign-up%3A step 2 (50%25 off%3F)", "é+&") for number in range(5)})
        self.hashes = trees.hashes(self.folder / "tree" / f"v1/account_id={FILES}" / DAY)
        self.server.run("import", str(self.folder / "tree"))
        self.server.start()
        self.send_events()

    def take_in(self, folder: pathlib.Path, account: str) -> None:
        """An export that was published elsewhere, as parts that Iceberg's readers get right."""
        self.tokens[account] = self.server.make_account(account)
        self.server.run("import", str(folder))
        self.server.run("export", "rewrite")

    def send_events(self) -> None:
        """The demo's events; what their export holds, as a reader says that none of the clients is built on."""
        parts.need_node()
        sent = subprocess.run(["node", ROOT / "script" / "send_events.mjs", f"{self.server.api}/v1/events", "--accounts",
                               TABLES, "--visitors", "200"], check=True, capture_output=True, text=True, timeout=120)
        self.wanted = json.loads(sent.stdout.splitlines()[0])
        count = self.wanted["decisions"] + self.wanted["conversions"]
        if not eventually(lambda: self.rows_exported() >= count, seconds=60):
            raise AssertionError(f"{count} events were sent and {self.rows_exported()} rows exported")
        self.truth = summary_of(self.rows_of(TABLES))
        assert (self.truth["decisions"], self.truth["conversions"]) == (
            self.wanted["decisions"], self.wanted["conversions"]), self.truth

    def rows_of(self, account: str) -> list[dict]:
        home = pathlib.Path(tempfile.mkdtemp(dir=self.folder))
        words, environment = self.way("A", account, home)
        subprocess.run([*words, "valetkey", "sync", "--output", home / "got"], env=environment, check=True,
                       capture_output=True, timeout=120)
        return parts.read_rows(home / "got", "hyparquet")

    def rows_exported(self) -> int:
        return sum(each["rows"] for each in self.server.ask("export", "status")["accounts"])

    # The ways: (words before the command, environment). `home` is the client's own folder.
    def way(self, way: str, account: str, home: pathlib.Path) -> tuple[list[str], dict[str, str]]:
        token = home / "token"
        token.touch(0o600)
        token.write_text(self.tokens[account])
        environment = {**clean_environment(), **self.faked, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"),
                       "VALETKEY_API": self.server.api, "VALETKEY_TOKEN_FILE": str(token)}
        environment |= {"PATH": f"{PROGRAMS.resolve()}:{environment['PATH']}", "INTEROP_ENDPOINT": self.server.s3}
        return getattr(self, f"way_{way}")(environment, account, home)

    def way_P(self, environment, account, home):
        environment["AWS_CONFIG_FILE"] = str(home / "aws")
        subprocess.run([PROGRAMS.resolve() / "valetkey", "configure", "aws", "--profile", "valetkey"], check=True,
                       env=environment, capture_output=True, timeout=60)
        return [], {**environment, "AWS_PROFILE": "valetkey"}

    def way_L(self, environment, account, home):
        return [str(PROGRAMS.resolve() / "valetkey"), "credentials-server", "--exec", "--"], environment

    def way_A(self, environment, account, home):
        return [], {**environment, "AWS_ENDPOINT_URL_S3": self.server.s3, "AWS_REGION": "us-east-1",
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.server.api}/v2/export/credentials/container",
                    "AWS_CONTAINER_AUTHORIZATION_TOKEN": f"Bearer {self.tokens[account]}"}

    def way_E(self, environment, account, home):
        found = self.server.exchange(self.tokens[account])
        names = {"accessKeyId": "AWS_ACCESS_KEY_ID", "secretAccessKey": "AWS_SECRET_ACCESS_KEY",
                 "sessionToken": "AWS_SESSION_TOKEN"}
        return [], {**environment, "AWS_ENDPOINT_URL_S3": found["endpoint"], "AWS_REGION": found["region"],
                    **{name: found["credentials"][key] for key, name in names.items()}}

    def close(self) -> None:
        try:
            self.server.close()
        finally:
            self.scratch.cleanup()


def tags_of(row: dict) -> dict:
    tags = row["tags"] or {}
    return {each["key"]: each["value"] for each in tags} if isinstance(tags, list) else tags


def milliseconds(text: str) -> int:
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def summary_of(rows: list[dict]) -> dict:
    """What every reader of tables must find: counts and values of each kind of column."""
    decisions = [row for row in rows if row["_part"].startswith("type=decisions/")]
    conversions = [row for row in rows if row["_part"].startswith("type=events/")]
    return {"decisions": len(decisions), "conversions": len(conversions),
            "visitors": len({row["visitor_id"] for row in decisions}),
            "variations": dict(sorted(collections.Counter(row["variation_id"] for row in decisions).items())),
            "names": dict(sorted(collections.Counter(row["event_name"] for row in conversions).items())),
            "revenue": sum(row["revenue"] or 0 for row in conversions),
            "value": round(sum(row["value"] or 0 for row in conversions), 2),
            "shoes": sum(tags_of(row).get("category") == "shoes" for row in conversions),
            "plans": sum(any(each["name"] == "plan" for each in row["attributes"]) for row in conversions),
            "first": min(milliseconds(row["timestamp"]) for row in conversions)}
