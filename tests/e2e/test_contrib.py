# SPDX-License-Identifier: Apache-2.0
"""What contrib/ holds for others' tools fits the programs: every metric that rules and dashboard name is served, every
setting and port of the container files is ours, and the manifests have only fields that Kubernetes knows, and refer to
nothing that is missing."""
import copy
import json
import re
import shutil
import subprocess
import tempfile
import unittest

import requests
import yaml

import manifests
import trees
from server import PROGRAMS, ServedCase, Server, clean_environment, main

CONTRIB = trees.ROOT / "contrib"
METRIC = re.compile(r"\bvaletkey_[a-z0-9_]+")
VENDING = """
[intake]
enabled = false
[issuer]
kind = "sts"
endpoint = "http://127.0.0.1:1"
role_arn = "arn:aws:iam::123456789012:role/reader"
"""
OF_AWS = {"AWS_SHARED_CREDENTIALS_FILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
FIELDS = {  # of the kinds that our manifests use: those that must be there
    "ConfigMap": ("v1", ["data"]),
    "Service": ("v1", ["spec.selector", "spec.ports"]),
    "PodDisruptionBudget": ("policy/v1", ["spec.maxUnavailable", "spec.selector.matchLabels"]),
    "NetworkPolicy": ("networking.k8s.io/v1", ["spec.podSelector", "spec.policyTypes", "spec.ingress"]),
    "StatefulSet": ("apps/v1", ["spec.serviceName", "spec.selector.matchLabels", "spec.template.metadata.labels",
                                "spec.template.spec.containers", "spec.volumeClaimTemplates"])}


def rules() -> list[dict]:
    groups = yaml.safe_load((CONTRIB / "prometheus/valetkey.rules.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict]:
    return json.loads((CONTRIB / "grafana/valetkey.json").read_text())["panels"]


def settings() -> set[str]:
    """Every environment variable that stands for a key of the configuration, and those of the command line."""
    text = subprocess.run([str(PROGRAMS / "valetkeyd"), "config", "--markdown"], check=True, capture_output=True, text=True,
                          timeout=60, env=clean_environment()).stdout
    keys = re.findall(r"\| `\[(\w+)\] (\w+)`", text)
    return {f"VALETKEY_{section}_{key}".upper() for section, key in keys} | {
        "VALETKEY_DATA_DIR", "VALETKEY_CONFIG", "VALETKEY_KEYRING"}


def at(document: dict, path: str):
    for name in path.split("."):
        document = document[name]
    return document


class Metrics(ServedCase):
    options = {"tls": True}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        vending = Server(VENDING)
        cls.addClassCleanup(vending.close)
        cls.kinds = {name: kind for server in (vending.start(), cls.server) for name, kind in cls.served(server).items()}

    @staticmethod
    def served(server: Server) -> dict[str, str]:
        text = requests.get(f"{server.admin}/metrics", verify=server.verify, timeout=10).text
        return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))

    def assert_served(self, expression: str) -> None:
        named = METRIC.findall(re.sub(r"valetkey_ready, instance", "valetkey_ready", expression))
        self.assertTrue(named or expression.startswith("up{"), expression)
        for name in named:
            kind = self.kinds.get(name) or self.kinds.get(re.sub(r"_(bucket|count|sum)$", "", name))
            self.assertIsNotNone(kind, f"/metrics has no {name}: {expression}")
            counted = re.search(rf"(rate|increase)\({name}\b", expression)
            self.assertEqual(kind in ("counter", "histogram"), bool(counted), f"{name} is a {kind}: {expression}")

    def test_rules_name_what_is_served(self):
        self.assertGreater(len(rules()), 10)
        for rule in rules():
            with self.subTest(rule=rule["alert"]):
                self.assert_served(rule["expr"])
                self.assertIn(rule["labels"]["severity"], ("warning", "critical"))
                self.assertTrue(rule["annotations"]["summary"])

    def test_the_dashboard_names_what_is_served(self):
        self.assertGreater(len(panels()), 10)
        for panel in panels():
            for target in panel["targets"]:
                with self.subTest(panel=panel["title"]):
                    self.assert_served(target["expr"])
        self.assertEqual(len(panels()), len({(each["gridPos"]["x"], each["gridPos"]["y"]) for each in panels()}))

    @unittest.skipUnless(shutil.which("promtool"), "needs promtool, of Debian's package prometheus")
    def test_prometheus_reads_rules_and_dashboard(self):
        self.assertEqual("", self.refused_by_prometheus((CONTRIB / "prometheus/valetkey.rules.yaml").read_text()))
        asked = [re.sub(r"\$__\w+", "5m", target["expr"]) for panel in panels() for target in panel["targets"]]
        self.assertEqual("", self.refused_by_prometheus(self.as_rules(asked)))
        self.assertIn("parse error", self.refused_by_prometheus(self.as_rules(["sum(valetkey_ready"])))

    @staticmethod
    def as_rules(expressions: list[str]) -> str:
        rules = [{"record": f"panel:{n}", "expr": each} for n, each in enumerate(expressions)]
        return yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]})

    @staticmethod
    def refused_by_prometheus(rules: str) -> str:
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(rules)
            file.flush()
            done = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True, timeout=60)
        return "" if done.returncode == 0 else done.stdout + done.stderr

    def test_what_operations_alert_on_has_a_rule(self):
        section = (trees.ROOT / "docs/operations.md").read_text().split("## Watching")[1].split("\n## ")[0]
        named = set(METRIC.findall("\n".join(line for line in section.splitlines() if line.startswith("|"))))
        self.assertEqual(set(), named - set(METRIC.findall("\n".join(rule["expr"] for rule in rules()))))


class Manifests:
    """Of `file`, below contrib/kubernetes."""
    file = ""

    def setUp(self):
        self.documents = list(yaml.safe_load_all((CONTRIB / "kubernetes" / self.file).read_text()))
        self.by_kind = {document["kind"]: document for document in self.documents}

    def test_every_object_has_what_its_kind_needs(self):
        for document in self.documents:
            version, needed = FIELDS[document["kind"]]
            self.assertEqual(version, document["apiVersion"])
            self.assertRegex(document["metadata"]["name"], r"^[a-z][a-z0-9-]*$")
            for path in needed:
                self.assertTrue(at(document, path), f"{document['kind']}: {path}")

    def test_no_object_has_a_field_that_its_kind_lacks(self):
        for document in self.documents:
            self.assertEqual([], manifests.problems(document, document["kind"], document["kind"]))

    def test_a_misspelt_field_and_a_wrong_type_are_found(self):
        stateful = copy.deepcopy(self.by_kind["StatefulSet"])
        container = stateful["spec"]["template"]["spec"]["containers"][0]
        container["livenessProbe"]["periodSecond"] = container["livenessProbe"].pop("periodSeconds")
        stateful["spec"]["replicas"] = "1"
        probe = "StatefulSet.spec.template.spec.containers[0].livenessProbe"
        self.assertEqual(["StatefulSet.spec.replicas: '1' must be of type int",
                          f"{probe}.periodSecond: Probe has no such field"],
                         manifests.problems(stateful, "StatefulSet", "StatefulSet"))

    def test_the_stateful_set_fits_together(self):
        stateful = self.by_kind["StatefulSet"]["spec"]
        pod = stateful["template"]["spec"]
        labels = stateful["template"]["metadata"]["labels"]
        self.assertEqual(stateful["selector"]["matchLabels"], labels)
        volumes = {each["name"] for each in pod["volumes"]} | {
            each["metadata"]["name"] for each in stateful["volumeClaimTemplates"]}
        ports = {port["name"] for port in pod["containers"][0]["ports"]}
        for container in [*pod["containers"], *pod["initContainers"]]:
            self.assertEqual(volumes, {each["name"] for each in container["volumeMounts"]})
            self.assertEqual(set(), {each["name"] for each in container["env"]} - settings() - OF_AWS)
            self.assertTrue(container["securityContext"]["readOnlyRootFilesystem"])
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            self.assertIn(pod["containers"][0][probe]["httpGet"]["port"], ports)
        services = {each["metadata"]["name"]: each["spec"] for each in self.documents if each["kind"] == "Service"}
        self.assertIn(stateful["serviceName"], services)
        for service in services.values():
            self.assertEqual(labels, service["selector"])
            self.assertEqual(set(), {port["targetPort"] for port in service["ports"]} - ports)

    def test_every_path_lies_where_something_is_mounted(self):
        pod = self.by_kind["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]
        mounts = [each["mountPath"] for each in pod["volumeMounts"]]
        named = [each["value"] for each in pod["env"]] + re.findall(
            r"/(?:etc|var)/[\w./-]+", self.by_kind["ConfigMap"]["data"]["valetkey.toml"])
        self.assertGreater(len(named), 3)
        for path in named:
            self.assertTrue(any(path == mount or path.startswith(mount + "/") for mount in mounts), path)

    def test_its_configuration_is_one(self):
        known, section = settings(), ""
        for line in self.by_kind["ConfigMap"]["data"]["valetkey.toml"].splitlines():
            if line.startswith("["):
                section = line.strip("[]")
            else:
                self.assertIn(f"VALETKEY_{section}_{line.split(' =')[0]}".upper(), known)


class OneNode(Manifests, unittest.TestCase):
    file = "valetkey.yaml"


class ThreeNodes(Manifests, unittest.TestCase):
    file = "cluster.yaml"

    def test_a_disruption_takes_one_at_a_time(self):
        budget, stateful = self.by_kind["PodDisruptionBudget"]["spec"], self.by_kind["StatefulSet"]["spec"]
        self.assertEqual((1, 3), (budget["maxUnavailable"], stateful["replicas"]))
        self.assertEqual(budget["selector"], stateful["selector"])


class Compose(unittest.TestCase):
    def test_the_cluster_fits_together(self):
        compose = yaml.safe_load((CONTRIB / "cluster.compose.yaml").read_text())
        services, volumes = compose["services"], compose["volumes"]
        ours = {name: each for name, each in services.items() if each["image"].startswith("localhost/")}
        self.assertEqual(3, sum(each["command"] == ["serve"] for each in ours.values()))
        for name, service in services.items():
            with self.subTest(service=name):
                self.assertEqual(set(), set(service.get("depends_on", {})) - set(services))
                self.assertEqual(set(), {each.split(":")[0] for each in service.get("volumes", [])} - set(volumes))
                for port in service.get("ports", []):
                    self.assertTrue(port.startswith("127.0.0.1:"))
        for service in ours.values():
            self.assertEqual(set(), set(service["environment"]) - settings() - OF_AWS)
            self.assertEqual(0o440, service["secrets"][0]["mode"])
        folders = [each["volumes"][0] for each in ours.values() if each["command"] == ["serve"]]
        self.assertEqual(3, len(set(folders)), "a data folder of its own for each node")

    def test_compose_names_our_settings_and_ports(self):
        compose = yaml.safe_load((CONTRIB / "compose.yaml").read_text())
        image = re.search(r"^CONFIG = (\{.*?^\})", (trees.ROOT / "script/image").read_text(), re.MULTILINE | re.DOTALL).group(1)
        version = re.search(r"project\(valetkey VERSION ([\d.]+)", (trees.ROOT / "CMakeLists.txt").read_text()).group(1)
        for service in compose["services"].values():
            self.assertEqual(f"localhost/valetkey:{version}", service["image"])
            self.assertEqual(set(), set(service["environment"]) - settings())
            self.assertEqual(set(), {volume.split(":")[0] for volume in service["volumes"]} - set(compose["volumes"]))
        for port in compose["services"]["valetkey"]["ports"]:
            self.assertTrue(port.startswith("127.0.0.1:"))
            self.assertIn(f'"{port.rsplit(":", 1)[1]}/tcp"', image)
        self.assertEqual(set(), set(re.findall(r"VALETKEY_\w+", image)) - settings())


if __name__ == "__main__":
    main()
