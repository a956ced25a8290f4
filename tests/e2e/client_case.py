# SPDX-License-Identifier: Apache-2.0
"""For tests of the client `valetkey`: a served export of many files, a neighbour, and a HOME for each test."""
import json
import pathlib
import random
import subprocess

from server import PROGRAMS, ServedCase, clean_environment

ACCOUNT, OTHER = "596780373", "5967803730"
UNKNOWN_TOKEN = "vkpat_00000000000000000000000000000000000000004gY0XI"  # well formed


def files_of(folder: pathlib.Path) -> dict[str, bytes]:
    """Content by name, without the client's own folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file() and ".valetkey" not in path.parts}


def make_tree(folder: pathlib.Path, account: str, files: int, size: int) -> dict[str, bytes]:
    made, rng = {}, random.Random(7)
    for i in range(files):
        day = f"type=events/date=2026-01-{1 + i % 4:02}"
        made[f"{day}/event=buy now+%25 ü/part-{i:05}.bin"] = rng.randbytes(size)
    made["type=events/date=2026-01-01/_SUCCESS"] = b""
    made["type=decisions/date=2026-01-02/experiment=42/part-00000.bin"] = rng.randbytes(70_000_000)
    for name, content in made.items():
        path = folder / "v1" / f"account_id={account}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return made


class ClientCase(ServedCase):
    @classmethod
    def prepare(cls):
        cls.token = cls.server.make_account(ACCOUNT)
        cls.tree = make_tree(cls.server.folder / "tree", ACCOUNT, 300, 50_000)
        cls.server.run("import", str(cls.server.folder / "tree"))
        other = cls.server.folder / "other" / "v1" / f"account_id={OTHER}" / "type=events"
        other.mkdir(parents=True)
        (other / "secret").write_bytes(b"not yours")
        cls.server.make_account(OTHER)
        cls.server.run("import", str(cls.server.folder / "other"))
        cls.server.start()

    def setUp(self):
        self.home = self.server.folder / f"home-{self.id().rsplit('.', 1)[1]}"
        self.home.mkdir()
        self.token_file = self.home / "token"
        self.token_file.write_text(self.token + "\n")
        self.token_file.chmod(0o600)

    def exchanges(self) -> int:
        return self.server.exchanges()

    @property
    def environment(self) -> dict[str, str]:
        return {**clean_environment(), "HOME": str(self.home), "VALETKEY_API": self.server.api,
                "VALETKEY_TOKEN_FILE": str(self.token_file)}

    def start(self, *arguments: str, more: dict | None = None, **options) -> subprocess.Popen:
        return subprocess.Popen([str(PROGRAMS / "valetkey"), *arguments], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.home,
                                env={**self.environment, **(more or {})}, **options)

    def run_tool(self, *arguments: str, status: int = 0, more: dict | None = None) -> tuple[bytes, str]:
        process = self.start(*arguments, more=more)
        out, err = process.communicate(timeout=120)
        self.assertEqual(status, process.returncode, err.decode())
        self.assertNotIn(self.token, err.decode())
        if status == 1:
            self.assertEqual("", out.decode())
            told = [line for line in err.decode().splitlines() if not line.startswith("valetkey: waiting up to ")]
            self.assertEqual(1, len(told), err.decode())
        return out, err.decode()

    def sync(self, *arguments: str, **options) -> tuple[dict, list[dict]]:
        out, _ = self.run_tool("sync", "--json", "--output", str(self.home / "out"), *arguments, **options)
        events = [json.loads(line) for line in out.decode().splitlines()]
        self.assertEqual("done", events[-1]["event"])
        return events[-1], events[:-1]
