# SPDX-License-Identifier: Apache-2.0
"""What the documents tell a newcomer to type, typed as it stands: only addresses, folders and names are another's."""
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

import code_blocks
import trees
from server import PROGRAMS, Server, clean_environment, free_ports, main
from test_query import LIBRARY


def block(document: str, *words: str) -> str:
    """The one block of a document that holds these words."""
    found = [each for each in code_blocks.code_blocks(trees.ROOT / document) if all(word in each for word in words)]
    assert len(found) == 1, f"{document} has {len(found)} blocks with {words}"
    return found[0]


class Typed(unittest.TestCase):
    """A shell in a folder of its own, with the programs in its path."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.environment = {**clean_environment(), "HOME": str(self.folder)}
        self.environment["PATH"] = f"{PROGRAMS.resolve()}:{self.environment['PATH']}"

    def type(self, *blocks: str, replaced: dict[str, str] = {}) -> str:
        """What they print; every line must succeed."""
        text = "set -euo pipefail\n" + "\n".join(blocks)
        for old, new in replaced.items():
            text = text.replace(old, new)
        process = subprocess.Popen(["bash", "-c", text], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        try:
            out, err = process.communicate(timeout=120)
        finally:
            try:  # a server that it started
                os.killpg(process.pid, signal.SIGTERM)
            except ProcessLookupError:
                pass
        self.assertEqual(0, process.returncode, f"{text}\n{out}{err}")
        return out


@unittest.skipUnless(LIBRARY.exists(), "libduckdb is not installed: run script/bootstrap")
class FirstSteps(Typed):
    def test_readme_then_guide(self):
        api, s3, admin = free_ports(3)
        self.environment |= {"VALETKEY_LISTEN_API": f"127.0.0.1:{api}", "VALETKEY_LISTEN_S3": f"127.0.0.1:{s3}",
                             "VALETKEY_LISTEN_ADMIN": f"127.0.0.1:{admin}", "VALETKEY_DUCKDB_LIBRARY": str(LIBRARY),
                             "VALETKEY_EXPORT_DUCKDB_LIBRARY": str(LIBRARY), "VALETKEY_API": f"http://127.0.0.1:{api}"}
        serve = block("README.md", "valetkeyd init", "valetkeyd serve &").replace(
            "valetkeyd serve &", "valetkeyd serve >serve.log 2>&1 &")
        ready = f"until curl -sf http://127.0.0.1:{admin}/readyz >ready; do sleep 0.1; done"
        tokens = block("docs/guide.md", '"user": "ann@example.com"', "/v2/tokens")
        queries = [each for each in code_blocks.code_blocks(trees.ROOT / "docs/guide.md")
                   if each.startswith("valetkey query")]
        out = self.type(
            serve, ready,
            block("README.md", "/v1/events"), "valetkeyd export",
            block("README.md", "/v2/export/credentials?duration=1h", "aws ").split("\n\n")[0], "echo; echo TOKENS", tokens,
            "echo; echo CLIENT; export VALETKEY_TOKEN=$TOKEN",
            block("docs/guide.md", "valetkey sync --type").split("\n", 1)[1],  # after configure, which asks
            "ls data/type=decisions/date=*/experiment=42/", "echo AWS", block("docs/guide.md", "eval", "jq -r"),
            block("docs/guide.md", "s3 presign"), "echo QUERIES", *queries,
            replaced={"/srv/valetkey": f"{self.folder}/srv", "127.0.0.1:8080": f"127.0.0.1:{api}",
                      "127.0.0.1:9000": f"127.0.0.1:{s3}"})
        readme, out = out.split("\nTOKENS\n")
        self.assertIn("204 No Content", readme)
        self.assertIn('"accessKeyId":"ASIA', readme)
        made, out = out.split("\nCLIENT\n")
        for field in ('"token":"vkpat_', '"parent":"tok_', '"user":"ann@example.com"', '"scopes":["export"]'):
            self.assertIn(field, made)
        listed, aws = out.split("AWS\n")
        self.assertIn("experiment=42/part-", listed)
        aws, queries = aws.split("QUERIES\n")
        self.assertIn("X-Amz-Signature=", aws)
        self.assertIn("variation_id,visitors\nB,1\n", queries)
        self.assertIn("B,1,1,1,39.95,39.95\n", queries)
        self.assertIn("42,B,purchase,1,1,39.95\n", queries)


class PrivateCa(Typed):
    def test_the_page_makes_what_every_client_trusts(self):
        page = "docs/private-ca.md"
        names = {"valetkey.example.com, DNS:s3": "localhost, IP:127.0.0.1, DNS:s3", "s3.valetkey.example.com": "s3.localhost"}
        self.type(block(page, "openssl req -x509"), block(page, "server.ext"), replaced=names)
        server = Server(config=f'[tls]\ncertificate = "{self.folder}/server.crt"\nkey = "{self.folder}/server.key"\n')
        self.addCleanup(server.close)
        token = server.make_account("123")
        server.run("import", str(trees.plain_tree(self.folder / "tree", {
            "v1/account_id=123/type=events/date=2026-03-01/event=a/part-0": b"x"})))
        server.scheme, server.certificate = "https", self.folder / "ca.crt"
        server.start()
        self.environment["VALETKEY_TOKEN"] = token
        out = self.type(block(page, "valetkey configure --api", "AWS_CA_BUNDLE"),
                        f"curl -s --cacert ca.crt https://localhost:{server.s3_port}/ >refused", replaced={
            "valetkey configure": "printenv VALETKEY_TOKEN | valetkey configure",  # it asks
            "valetkey.example.com:8080": f"localhost:{server.api_port}",
            "https://s3.valetkey.example.com:9000": f"https://localhost:{server.s3_port}",
            "/etc/ssl/valetkey-ca.crt": f"{self.folder}/ca.crt"})
        self.assertIn("PRE type=events/", out)


if __name__ == "__main__":
    main()
