# SPDX-License-Identifier: Apache-2.0
"""Identity providers of which one word is forged: nobody comes in by them."""
import subprocess

import requests

import parts
from server import Server, ServedCase, free_ports, main

CLIENT = "valetkey"
ANN = "ann@example.com"
FORGED = ("state", "nonce", "token-issuer", "audience", "algorithm-none", "algorithm-hs256", "foreign-key", "expired")


class Provider:
    def __init__(self, server: Server, wrong: str):
        """Configures `server`, which is not running, to trust it."""
        [self.port] = free_ports(1)
        self.issuer = f"http://127.0.0.1:{self.port}"
        secret = server.folder / "client-secret"
        secret.write_text("a secret of the client\n")
        secret.chmod(0o600)
        server.config.write_text(f'[api]\npublic_url = "{server.api}"\n[oidc]\nissuer = "{self.issuer}"\n'
                                 f'client_id = "{CLIENT}"\nclient_secret_file = "{secret}"\n')
        self.process = subprocess.Popen(
            ["node", str(parts.HERE / "forging_provider.mjs"), str(self.port), CLIENT,
             f"{server.api}/v2/console/oidc/callback", wrong],
            cwd=parts.ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout.readline().strip() == "ready"

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.process.stdout.close()


class Forged(ServedCase):
    """Whichever word is forged, nobody comes in; with none forged, the same way leads in."""

    @classmethod
    def prepare(cls):
        parts.need_node()
        cls.server.run("account", "create", "1", "--name", "Attic")
        cls.server.run("user", "create", ANN, "--account", "1", "--role", "admin")

    def come_by(self, wrong: str) -> tuple[requests.Response, int]:
        self.server.stop()
        provider = Provider(self.server, wrong)
        try:
            self.server.start()
            browser = requests.Session()
            last = browser.get(f"{self.server.api}/v2/console/oidc/start?next=/export", allow_redirects=False, timeout=20)
            while last.status_code in (302, 303) and not last.headers["Location"].startswith("/"):
                last = browser.get(last.headers["Location"], allow_redirects=False, timeout=20)
            return last, browser.get(f"{self.server.api}/v2/console/session", timeout=20).status_code
        finally:
            provider.close()

    def test_nothing_forged_leads_in(self):
        last, session = self.come_by("nothing")
        self.assertEqual((303, "/export", 200), (last.status_code, last.headers.get("Location"), session))

    def test_forged_words_lead_nowhere(self):
        for wrong in (*FORGED, "issuer", "unverified"):
            with self.subTest(wrong=wrong):
                last, session = self.come_by(wrong)
                self.assertEqual(401, session)
                self.assertRegex(last.headers.get("Location", ""), "^/sign-in#oidc=")


if __name__ == "__main__":
    main()
