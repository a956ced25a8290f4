# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document that the server serves, against what the server does: every path and method, every status that
a request can provoke, every header and body."""
import re
import unittest

import schema
from server import ServedCase, main

ACCOUNT = "31"
JSON = {"Content-Type": "application/json"}


class Validator(unittest.TestCase):
    """The validator itself finds what is wrong."""

    def test_it_finds_each_kind_of_mistake(self):
        rules = {"type": "object", "required": ["a"], "additionalProperties": False, "properties": {
            "a": {"type": "string", "pattern": "^x", "minLength": 2}, "b": {"type": ["integer", "null"], "minimum": 1},
            "c": {"type": "array", "items": {"enum": ["p"]}, "uniqueItems": True},
            "d": {"type": "string", "format": "date-time"}}}
        self.assertEqual([], schema.problems({"a": "xy", "b": None, "c": ["p"], "d": "2026-01-01T00:00:00Z"}, rules, {}))
        for bad in [[], {}, {"a": 1}, {"a": "yy"}, {"a": "x"}, {"a": "xy", "b": 0}, {"a": "xy", "b": True},
                    {"a": "xy", "z": 1}, {"a": "xy", "c": ["q"]}, {"a": "xy", "c": ["p", "p"]}, {"a": "xy", "d": "now"}]:
            self.assertTrue(schema.problems(bad, rules, {}), bad)
        self.assertTrue(schema.problems(1, {"multipleOf": 2}, {}))


class OpenApi(ServedCase):
    options = {"config": '[limits]\nauth_failures_burst = 3\nauth_failures_interval = "1h"\n'}

    @classmethod
    def prepare(cls):
        cls.token = cls.server.make_account(ACCOUNT)
        cls.export_only = cls.server.make_token(ACCOUNT, f"user@{ACCOUNT}.example", scopes="export")["token"]
        cls.tokens_only = cls.server.make_token(ACCOUNT, f"user@{ACCOUNT}.example", scopes="tokens")["token"]
        cls.server.start()
        cls.document = cls.server.get("/openapi.json").json()
        # The doors of the tables speak as their protocols want; tables.DoorsTest asks each of their routes.
        cls.paths = {path: operations for path, operations in cls.document["paths"].items()
                     if not path.startswith(("/iceberg/", "/delta-sharing/"))}

    def check(self, path: str, method: str, status: int, token: str | None = None, query: str = "", concrete: str = "",
              **options):
        """One request, and whether the document foretold its answer in every part. Status 0: whatever it is."""
        answer = self.server.call(method.upper(), (concrete or path) + query, token, allow_redirects=False, **options)
        place = f"{method} {path}{query} -> {answer.status_code}"
        status = status or answer.status_code
        self.assertEqual(status, answer.status_code, f"{place}: {answer.text}")
        operation = self.document["paths"][path].get(method) or next(
            each for name, each in self.document["paths"][path].items() if name != "parameters")
        self.assertIn(str(status), operation["responses"], f"{place} is not documented")
        documented = schema.resolved(operation["responses"][str(status)], self.document)
        for name, header in documented.get("headers", {}).items():
            if name not in answer.headers and schema.resolved(header, self.document).get("required") is False:
                continue
            self.assertIn(name, answer.headers, place)
            rule = schema.resolved(header, self.document)["schema"]
            value = int(answer.headers[name]) if rule.get("type") == "integer" else answer.headers[name]
            self.assertEqual([], schema.problems(value, rule, self.document), f"{place} {name}")
        self.check_body(answer, documented, place)
        self.covered.add((path, method))
        return answer

    def check_body(self, answer, documented: dict, place: str) -> None:
        content = documented.get("content")
        if not content:
            self.assertEqual("", answer.text, place)
            return
        kind = answer.headers["Content-Type"].split(";")[0]
        self.assertIn(kind, content, place)
        if kind == "application/json":
            self.assertEqual([], schema.problems(answer.json(), content[kind]["schema"], self.document), place)

    def setUp(self):
        self.covered: set[tuple[str, str]] = set()

    def test_every_operation_answers_as_documented(self):
        answer = self.check("/v2/export/credentials", "get", 200, self.token)
        self.server.secrets.append(answer.json()["credentials"]["sessionToken"])
        self.check("/v2/export/credentials", "get", 400, self.token, "?duration=2h")
        self.check("/v2/export/credentials", "get", 403, self.tokens_only)
        self.check("/v2/export/credentials/container", "get", 200, self.token)
        self.check("/v2/export/credentials/container", "get", 403, self.tokens_only)
        self.check("/v2/export/credentials/gcp", "get", 501, self.token)
        self.check("/v2/account", "get", 200, self.token)
        self.check("/v2/tokens", "get", 200, self.token)
        self.check("/v2/tokens", "get", 400, self.token, "?limit=nonsense")
        self.check("/v2/tokens", "get", 403, self.export_only)
        made = self.check("/v2/tokens", "post", 201, self.token, json={"name": "x", "scopes": ["export"]}).json()
        self.server.secrets.append(made["token"])
        self.check("/v2/tokens", "post", 400, self.token, data="{", headers=JSON)
        self.check("/v2/tokens", "post", 403, self.export_only, json={"name": "x"})
        self.check("/v2/tokens", "post", 413, self.token, data="x" * 3_000_000, headers=JSON)
        self.check("/v2/tokens", "post", 415, self.token, data="a=b", headers={"Content-Type": "image/png"})
        self.check("/v2/tokens/{id}", "get", 200, self.token, concrete=f"/v2/tokens/{made['id']}")
        self.check("/v2/tokens/{id}", "get", 404, self.token, concrete="/v2/tokens/tok_0000000000000000")
        self.check("/v2/account/usage", "get", 200, self.token)
        self.check("/v2/account/usage", "get", 400, self.token, "?since=nonsense")
        self.check("/v2/account/usage", "get", 403, self.export_only)
        self.check("/v2/tokens/{id}", "delete", 204, self.token, concrete=f"/v2/tokens/{made['id']}")
        self.check("/v2/tokens/{id}", "delete", 404, self.token, concrete="/v2/tokens/tok_0000000000000000")
        self.check("/v2/tokens/{id}", "delete", 403, self.export_only, concrete=f"/v2/tokens/{made['id']}")
        event = {"account_id": ACCOUNT, "visitors": [{"visitor_id": "v", "snapshots": [
            {"decisions": [], "events": [{"uuid": "u", "timestamp": 1, "key": "k"}]}]}]}
        self.check("/v1/events", "post", 204, None, json=event)
        self.check("/v1/events", "post", 400, None, data="{", headers=JSON)
        self.check("/openapi.json", "get", 200)
        self.check("/", "get", 200)
        documented = {(path, method) for path, operations in self.paths.items()
                      for method in operations if method != "parameters"
                      and "console" not in operations[method]["tags"]}  # those are test_console's
        self.assertEqual(documented, self.covered)

    def test_every_path_tells_its_methods(self):
        for path, operations in self.paths.items():
            concrete = path.replace("{id}", "tok_0000000000000000")
            answer = self.check(path, "patch", 405, self.token, concrete=concrete)
            allowed = set(re.split(r",\s*", answer.headers["Allow"])) - {"OPTIONS"}
            named = {method.upper() for method in operations if method != "parameters"}
            self.assertEqual(named | ({"HEAD"} if "GET" in named else set()), allowed, path)
            if "GET" in named:
                head = self.server.call("HEAD", concrete, self.token)
                self.assertEqual(b"", head.content)
                self.assertIn(str(head.status_code), operations["get"]["responses"])

    def test_failures_of_authentication_are_documented_and_limited(self):
        self.server.stop()  # the other tests have failed here, too, and their failures count for this address
        self.server.start()
        protected = [(path, method) for path, operations in self.paths.items()
                     for method, operation in operations.items() if "401" in operation.get("responses", {})]
        statuses = []
        for path, method in protected:
            concrete = path.replace("{id}", "tok_0000000000000000")
            statuses.append(self.check(path, method, 0, "vkpat_wrong", concrete=concrete).status_code)
        self.assertEqual({401, 429}, set(statuses))
        self.assertGreaterEqual(len(protected), 7)


if __name__ == "__main__":
    main()
