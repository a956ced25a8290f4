# SPDX-License-Identifier: Apache-2.0
"""People in front of the console: each a page of its own in one real Chromium. What fails says what was on the screen."""
import json
import pathlib
import shutil
import subprocess
import unittest

import parts

ROOT = parts.ROOT
SHOTS = ROOT / "build" / "console-screenshots"


class Browser:
    def __init__(self):
        parts.need_node()
        if not shutil.which("chromium"):
            raise unittest.SkipTest("Chromium is missing: run script/bootstrap test")
        if not (ROOT / "web" / "node_modules" / "axe-core").is_dir():
            raise unittest.SkipTest("the console's packages are missing: script/build installs them")
        self.process = subprocess.Popen(["node", str(parts.HERE / "console_browser.mjs")], cwd=ROOT, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pages = 0

    def ask(self, **step):
        self.process.stdin.write(json.dumps(step) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise AssertionError(f"{step}: {answer['error']}\ncomplaints: {answer.get('complaints')}\non the screen:\n{answer['seen']}")
        return answer["done"]

    def open(self, base: str, **options) -> "Page":
        self.pages += 1
        name = f"page {self.pages}"
        self.ask(do="open", page=name, base=base, **options)
        return Page(self, name)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


class Page:
    def __init__(self, browser: Browser, name: str):
        self.browser, self.name = browser, name

    def act(self, what: str, **more):
        return self.browser.ask(do=what, page=self.name, **more)

    def goto(self, path: str) -> None:
        self.act("goto", path=path)

    def click(self, name: str, role: str = "button", **more) -> None:
        self.act("click", role=role, name=name, **more)

    def link(self, name: str, **more) -> None:
        self.click(name, role="link", **more)

    def fill(self, label: str, value: str) -> None:
        self.act("fill", label=label, value=value)

    def choose(self, name: str, role: str = "radio") -> None:
        self.act("choose", role=role, name=name)

    def wait(self, text: str, exact: bool = False, **more) -> None:
        self.act("wait", text=text, exact=exact, **more)

    def heading(self, name: str, exact: bool = False) -> None:
        self.act("wait", role="heading", name=name, exact=exact)

    def text(self, css: str) -> str:
        return self.act("text", css=css)

    def texts(self, css: str) -> list[str]:
        return self.act("texts", css=css)

    def rows(self, css: str = "table.data tbody tr") -> list[list[str]]:
        return [line.split("\t") for line in self.texts(css)]

    def fetch(self, method: str, path: str, body=None, headers: dict | None = None) -> dict:
        """A request of the page's own origin, with its cookie, as somebody would type it into the console of the browser."""
        told = {"method": method, "headers": {"X-Valetkey-Console": "1", **({"Content-Type": "application/json"} if body is not None else {}),
                                              **(headers or {})}, **({"body": json.dumps(body)} if body is not None else {})}
        return self.act("evaluate", script=f"fetch({json.dumps(path)}, {json.dumps(told)}).then(async (a) => "
                                           "({ status: a.status, text: await a.text() }))")

    def sign_in(self, email: str, password: str) -> None:
        self.goto("/sign-in")
        self.fill("E-mail address", email)
        self.fill("Password", password)
        self.click("Sign in")
        self.act("wait", role="button", name="Sign out")

    def accept(self, link: str, password: str) -> None:
        """An invitation's link, opened as from a mail."""
        self.goto(link)
        self.fill("New password", password)
        self.click("Set password and sign in")
        self.act("wait", role="button", name="Sign out")

    def shot(self, name: str) -> pathlib.Path:
        path = SHOTS / f"{name}.png"
        self.act("shot", path=str(path))
        return path

    def close(self) -> None:
        self.act("close")
