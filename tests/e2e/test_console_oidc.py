# SPDX-License-Identifier: Apache-2.0
"""Signing in to the console at a real identity provider: npm's oidc-provider, driven through its own forms."""
import pathlib
import re
import subprocess
import unittest
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

from server import ServedCase, Server, clean_environment, eventually, free_ports

HERE = pathlib.Path(__file__).resolve().parent
SECRET = "a-client-secret-of-the-tests-000"


class Oidc(ServedCase):
    @classmethod
    def setUpClass(cls):
        if not (HERE.parents[1] / "node_modules/oidc-provider").exists():
            raise unittest.SkipTest("npm's oidc-provider is not installed: run script/bootstrap test")
        cls.port = free_ports(1)[0]
        super().setUpClass()

    @classmethod
    def prepare(cls):
        server: Server = cls.server
        secret = server.folder / "client_secret"
        secret.write_text(SECRET + "\n")
        secret.chmod(0o600)
        server.config.write_text(
            f'[api]\npublic_url = "{server.api}"\n[oidc]\nissuer = "http://127.0.0.1:{cls.port}"\n'
            f'client_id = "console"\nclient_secret_file = "{secret}"\npasswords = false\n')
        server.make_account("12345", "ada@example.com")
        server.run("user", "create", "unverified@example.com", "--account", "12345", "--role", "member")
        server.run("user", "create", "gone@example.com", "--account", "12345", "--role", "member")
        server.run("user", "disable", "gone@example.com")
        cls.provider = subprocess.Popen(
            ["node", str(HERE / "oidc_provider.mjs"), str(cls.port), f"{server.api}/v2/console/oidc/callback"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env={**clean_environment(), "PATH": "/usr/local/bin:/usr/bin:/bin"})
        cls.addClassCleanup(cls.provider.wait, 20)
        cls.addClassCleanup(cls.provider.kill)
        cls.addClassCleanup(cls.provider.stdout.close)
        assert "ready" in cls.provider.stdout.readline()
        server.start()

    def leave(self, browser: requests.Session, path: str = "/export") -> requests.Response:
        start = browser.get(f"{self.server.api}/v2/console/oidc/start?next={path}", allow_redirects=False, timeout=20)
        self.assertEqual(start.status_code, 302, start.text)
        return start

    def sign_in(self, email: str, browser: requests.Session, path: str = "/export") -> str:
        """Through the provider's forms until it sends the browser back: that address, not yet followed."""
        answer = browser.get(self.leave(browser, path).headers["Location"], allow_redirects=False, timeout=20)
        for _ in range(12):
            if answer.is_redirect:
                to = urljoin(answer.url, answer.headers["Location"])
                if to.startswith(self.server.api):
                    return to
                answer = browser.get(to, allow_redirects=False, timeout=20)
                continue
            action = re.search(r'<form[^>]*action="([^"]+)"', answer.text).group(1)
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text).group(1)
            answer = browser.post(urljoin(answer.url, action), allow_redirects=False, timeout=20,
                                  data={"prompt": prompt, "login": email, "password": "any"})
        self.fail("the provider never sent the browser back")

    def come_back(self, browser: requests.Session, address: str) -> str:
        answer = browser.get(address, allow_redirects=False, timeout=20)
        self.assertEqual(answer.status_code, 303, answer.text)
        return answer.headers["Location"]

    def session(self, browser: requests.Session) -> requests.Response:
        return browser.get(f"{self.server.api}/v2/console/session", timeout=20)

    def test_who_is_known_is_let_in_and_sent_where_they_wanted_to_go(self):
        with requests.Session() as browser:
            self.assertEqual(self.come_back(browser, self.sign_in("ada@example.com", browser, "/tokens/new")),
                             "/tokens/new")
            self.assertEqual(self.session(browser).json()["user"]["email"], "ada@example.com")

    def test_who_is_unknown_disabled_or_unverified_is_not(self):
        for email, reason in (("nobody@example.com", "unknown_user"), ("gone@example.com", "unknown_user"),
                              ("unverified@example.com", "unverified")):
            with self.subTest(email), requests.Session() as browser:
                self.assertEqual(self.come_back(browser, self.sign_in(email, browser)), f"/sign-in#oidc={reason}")
                self.assertEqual(self.session(browser).status_code, 401)

    def test_an_address_counts_once_and_in_its_own_browser(self):
        with requests.Session() as browser, requests.Session() as other:
            address = self.sign_in("ada@example.com", browser)
            self.leave(other)  # a browser with a cookie of its own
            self.assertEqual(self.come_back(other, address), "/sign-in#oidc=expired")
            self.assertEqual(self.session(other).status_code, 401)
            kept = {cookie.name: cookie.value for cookie in browser.cookies if cookie.name.endswith("sign-in")}
            self.assertEqual(self.come_back(browser, address), "/export", "another browser spoils nothing")
            self.assertEqual(self.come_back(browser, address), "/sign-in#oidc=expired")
            # With the cookie of before, as somebody has it who read it on its way.
            with requests.Session() as thief:
                thief.cookies.update(kept)
                self.assertEqual(len(kept), 1)
                self.assertEqual(self.come_back(thief, address), "/sign-in#oidc=expired")
                self.assertEqual(self.session(thief).status_code, 401)

    def test_a_forged_code_is_refused(self):
        with requests.Session() as browser:
            state = parse_qs(urlsplit(self.leave(browser).headers["Location"]).query)["state"][0]
            back = f"{self.server.api}/v2/console/oidc/callback?code=forged&state={state}"
            self.assertIn(self.come_back(browser, back), ("/sign-in#oidc=failed", "/sign-in#oidc=expired"))

    def test_nobody_is_sent_to_another_site(self):
        with requests.Session() as browser:
            address = self.sign_in("ada@example.com", browser, "//evil.example")
            self.assertEqual(self.come_back(browser, address), "/")

    def test_passwords_are_off_where_the_operator_says_so(self):
        config = requests.get(f"{self.server.api}/v2/console/config", timeout=20).json()
        self.assertEqual((config["password_sign_in"], config["oidc"]["start"]), (False, "/v2/console/oidc/start"))
        answer = requests.post(f"{self.server.api}/v2/console/session", timeout=20,
                               json={"email": "ada@example.com", "password": "any"},
                               headers={"X-Valetkey-Console": "1", "Sec-Fetch-Site": "same-origin"})
        self.assertEqual(answer.status_code, 403)


if __name__ == "__main__":
    unittest.main()
