# SPDX-License-Identifier: Apache-2.0
"""What contrib/ holds for others' tools fits the programs: every metric that rules and dashboard name is
served, and counters alone are asked for their rate."""
import json
import re

import requests
import yaml

import trees
from server import ServedCase, main

CONTRIB = trees.ROOT / "contrib"
METRIC = re.compile(r"\bvaletkey_[a-z0-9_]+")


def rules() -> list[dict]:
    groups = yaml.safe_load((CONTRIB / "prometheus/valetkey.rules.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict]:
    return json.loads((CONTRIB / "grafana/valetkey.json").read_text())["panels"]


class Metrics(ServedCase):
    options = {"tls": True}

    @classmethod
    def served(cls) -> dict[str, str]:
        text = requests.get(f"{cls.server.admin}/metrics", verify=cls.server.verify, timeout=10).text
        return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))

    def assert_served(self, expression: str) -> None:
        served = self.served()
        named = METRIC.findall(re.sub(r"valetkey_ready, instance", "valetkey_ready", expression))
        self.assertTrue(named or expression.startswith("up{"), expression)
        for name in named:
            kind = served.get(name) or served.get(re.sub(r"_(bucket|count|sum)$", "", name))
            self.assertIsNotNone(kind, f"/metrics has no {name}: {expression}")
            counted = re.search(rf"(rate|increase)\({name}\b", expression)
            self.assertEqual(kind in ("counter", "histogram"), bool(counted), f"{name} is a {kind}: {expression}")

    def test_rules_name_what_is_served(self):
        self.assertGreater(len(rules()), 10)
        for rule in rules():
            with self.subTest(rule=rule["alert"]):
                self.assert_served(rule["expr"])
                self.assertEqual(rule["expr"].count("("), rule["expr"].count(")"))
                self.assertIn(rule["labels"]["severity"], ("warning", "critical"))
                self.assertTrue(rule["annotations"]["summary"])

    def test_the_dashboard_names_what_is_served(self):
        self.assertGreater(len(panels()), 10)
        for panel in panels():
            for target in panel["targets"]:
                with self.subTest(panel=panel["title"]):
                    self.assert_served(target["expr"])
        self.assertEqual(len(panels()), len({(each["gridPos"]["x"], each["gridPos"]["y"]) for each in panels()}))

    def test_what_operations_alert_on_has_a_rule(self):
        section = (trees.ROOT / "docs/operations.md").read_text().split("## Watching")[1].split("\n## ")[0]
        named = set(METRIC.findall("\n".join(line for line in section.splitlines() if line.startswith("|"))))
        self.assertEqual(set(), named - set(METRIC.findall("\n".join(rule["expr"] for rule in rules()))))


if __name__ == "__main__":
    main()
