# SPDX-License-Identifier: Apache-2.0
"""The official JavaScript SDK decides and tracks; the export holds what it returned to its caller, no more, no less."""
import collections
import json
import re

import parts
import trees
from parts import HERE, READERS
from server import ServedCase, eventually, main

ACCOUNT, VISITORS = "12", 150
DATAFILE = HERE / "js_sdk_datafile.json"


class Rules:
    """The datafile's rules by key: what the SDK calls by key, the export calls by id."""

    def __init__(self):
        self.datafile = json.loads(DATAFILE.read_text())
        rules = self.datafile["experiments"] + [each for rollout in self.datafile["rollouts"]
                                                for each in rollout["experiments"]]
        self.rules = {rule["key"]: rule for rule in rules}
        self.attributes = {each["key"]: each["id"] for each in self.datafile["attributes"]}
        self.events = {each["key"]: each["id"] for each in self.datafile["events"]}

    def decided(self, call: dict) -> tuple:
        """Campaign, experiment and variation of a decision."""
        if call["ruleKey"] is None:
            return None, None, None
        rule = self.rules[call["ruleKey"]]
        variation = next(each["id"] for each in rule["variations"] if each["key"] == call["variationKey"])
        return rule["layerId"], rule["id"], variation


def text(value) -> str:
    """A JavaScript value as text."""
    return json.dumps(value) if isinstance(value, bool) else str(value)


def pairs(attributes) -> dict:
    """A row's attributes by name, without those that the SDK adds of itself."""
    return {each["name"]: each["value"] for each in attributes if not each["name"].startswith("$opt_")}


def tags_of(row: dict) -> dict:
    """A map, as each reader shows it."""
    tags = row["tags"] or {}
    return {each["key"]: each["value"] for each in tags} if isinstance(tags, list) else tags


class JavaScriptSdk(ServedCase):
    options = {"config": '[export]\nlongest_wait = "1s"\n'}

    @classmethod
    def prepare(cls):
        parts.need_node()
        cls.token = cls.server.make_account(ACCOUNT)
        cls.server.start()
        told = parts.run_node("js_sdk.mjs", f"{cls.server.api}/v1/events", DATAFILE, VISITORS)
        calls = [json.loads(line) for line in told.splitlines()]
        cls.rules = Rules()
        cls.decided = [call for call in calls if call["call"] == "decide"]
        cls.tracked = [call for call in calls if call["call"] == "track"]
        wanted = len(cls.decided) + len(cls.tracked)
        eventually(lambda: cls.exported() >= wanted, seconds=90)
        cls.folder = parts.download(cls.server, ACCOUNT, cls.token)
        cls.rows = {reader: parts.read_rows(cls.folder, reader) for reader in READERS}

    @classmethod
    def exported(cls) -> int:
        return sum(each["rows"] for each in cls.server.ask("export", "status")["accounts"])

    def rows_of(self, reader: str, kind: str) -> list[dict]:
        return [row for row in self.rows[reader] if row["_part"].startswith(f"type={kind}/")]

    def test_decide_arrives_as_decision_rows(self):
        told = collections.Counter(
            (call["visitor"], *self.rules.decided(call), *sorted(
                (name, text(value)) for name, value in call["attributes"].items())) for call in self.decided)
        variations = {self.rules.decided(call)[2] for call in self.decided}
        self.assertGreater(len(variations), 5, "the test would not notice mixed variations")
        for reader in READERS:
            rows = self.rows_of(reader, "decisions")
            got = collections.Counter(
                (row["visitor_id"], *(row[name] or None for name in ("campaign_id", "experiment_id", "variation_id")),
                 *sorted(pairs(row["attributes"]).items())) for row in rows)
            self.assertEqual(told, got, reader)
            for row in rows:
                folder = row["experiment_id"] or "__HIVE_DEFAULT_PARTITION__"
                self.assertIn(f"/experiment={folder}/", row["_part"])
                self.assertEqual(("12", "29", "node-sdk"),
                                 (row["account_id"], row["revision"], row["client_engine"]))
                self.assertEqual({self.rules.attributes[name] for name in pairs(row["attributes"])},
                                 {each["id"] for each in row["attributes"] if each["name"] in self.rules.attributes})

    def test_track_arrives_as_conversion_rows(self):
        def numbers(tags: dict) -> tuple:
            return tags.get("revenue"), tags.get("value")
        told = collections.Counter(
            (call["visitor"], self.rules.events[call["event"]], call["event"], *numbers(call.get("tags") or {}),
             *sorted((name, text(value)) for name, value in (call.get("tags") or {}).items()))
            for call in self.tracked)
        for reader in READERS:
            rows = self.rows_of(reader, "events")
            got = collections.Counter(
                (row["visitor_id"], row["entity_id"], row["event_name"], row["revenue"], row["value"],
                 *sorted(tags_of(row).items())) for row in rows)
            self.assertEqual(told, got, reader)
            self.assertFalse([row for row in rows if row["experiments"]], "today's SDKs send no decisions with track")
        names = {row["_part"].split("/event=")[1].split("/")[0] for row in self.rows_of("duckdb", "events")}
        self.assertEqual({"purchase", "search", "sign up %2F step 2%3F"}, names)

    def test_parts_have_the_schema_of_the_real_export(self):
        """Order and names of columns, physical and converted types, repetition, nesting: but for microseconds and field
        ids, a reader sees no difference."""
        real = parts.schemas_of(trees.real_tree() / "v1" / f"account_id={trees.REAL_ACCOUNT}")
        ours = parts.schemas_of(self.folder)
        for kind in ("decisions", "events"):
            self.assertEqual(1, len(real[kind]), f"the real export has more than one schema of {kind}")
            self.assertEqual(real[kind], [parts.as_milliseconds(schema) for schema in ours[kind]], kind)

    def test_each_event_has_a_uuid_of_its_own(self):
        for reader in READERS:
            uuids = [row["uuid"] for row in self.rows[reader]]
            self.assertEqual(len(self.decided) + len(self.tracked), len(set(uuids)), reader)
            self.assertEqual(len(uuids), len(set(uuids)), reader)

    def test_the_attribution_of_the_guide_gives_the_callers_own_figures(self):
        exposed, told = collections.defaultdict(set), {}
        for call in self.decided:
            _, experiment, variation = self.rules.decided(call)
            if experiment:
                exposed[experiment, variation].add(call["visitor"])
        for (experiment, variation), visitors in exposed.items():
            for event in self.rules.events:
                calls = [call for call in self.tracked if call["event"] == event and call["visitor"] in visitors]
                if calls:
                    revenues = [call["tags"]["revenue"] for call in calls if "revenue" in (call.get("tags") or {})]
                    told[experiment, variation, event] = (
                        len(visitors), len({call["visitor"] for call in calls}), len(calls),
                        sum(revenues) if revenues else None)
        views = [*parts.block_of_guide("CREATE VIEW decisions AS").split(";")[:2],
                 parts.block_of_guide("CREATE VIEW attributed_conversions AS").rstrip(";")]
        ctes = [re.sub(r"^\s*CREATE VIEW (\w+) AS", r"\1 AS (", view) + ")" for view in views]
        sql = f"""WITH {", ".join(ctes)},
            seen AS (SELECT experiment_id, variation_id, count(DISTINCT visitor_id)::INT AS visitors FROM decisions GROUP BY ALL)
            SELECT experiment_id, variation_id, event_name, any_value(visitors) AS visitors,
                   count(DISTINCT visitor_id)::INT AS converted, count(*)::INT AS conversions, sum(revenue)::INT AS revenue
            FROM attributed_conversions JOIN seen USING (experiment_id, variation_id) GROUP BY 1, 2, 3"""
        self.assertEqual(2, sql.count("'data/"))
        rows = parts.query(sql.replace("'data/", f"'{self.folder}/"))
        got = {(row["experiment_id"], row["variation_id"], row["event_name"]):
               (row["visitors"], row["converted"], row["conversions"], row["revenue"]) for row in rows}
        self.assertEqual(told, got)
        self.assertEqual(len(rows), len(got))


if __name__ == "__main__":
    main()
