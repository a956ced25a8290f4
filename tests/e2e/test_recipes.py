# SPDX-License-Identifier: Apache-2.0
"""The SQL of the documents: every recipe runs as it is printed, and all count the same."""
import collections
import json
import pathlib
import subprocess
import unittest

import code_blocks
import trees
from server import PROGRAMS, ServedCase, clean_environment, main
from test_query import LIBRARY, rows_of

GUIDE = trees.ROOT / "docs" / "guide.md"
WAREHOUSES = trees.ROOT / "docs" / "warehouses.md"
PURCHASES = ["visitors", "buyers", "conversions", "revenue"]


def counted(decisions: list[dict], events: list[dict], experiment: str) -> dict[str, dict]:
    """By variation, in words of Python: a purchase goes to the visitor's last decision of before it."""
    made, visitors = collections.defaultdict(list), collections.defaultdict(set)
    for row in decisions:
        if row["experiment_id"] == experiment:
            made[row["visitor_id"]].append(row)
            visitors[row["variation_id"]].add(row["visitor_id"])
    bought = collections.defaultdict(list)
    for event in events:
        before = [row for row in made[event["visitor_id"]] if row["timestamp"] <= event["timestamp"]]
        if event["event_name"] == "purchase" and before:
            last = max(before, key=lambda row: (row["timestamp"], row["process_timestamp"], row["uuid"]))
            bought[last["variation_id"]].append(event)
    return {variation: {"visitors": len(visitors[variation]),
                        "buyers": len({event["visitor_id"] for event in bought[variation]}),
                        "conversions": len(bought[variation]),
                        "revenue": sum(event.get("revenue") or 0 for event in bought[variation]) / 100}
            for variation in visitors}


class Recipes:
    """Over the export `tree` of `account`, which has decisions of `experiment` and purchases."""
    account = experiment = ""

    @classmethod
    def prepare(cls):
        cls.token = cls.server.make_account(cls.account)
        tree = cls.tree()
        cls.server.run("import", str(tree))
        cls.server.start()
        cls.environment = {**clean_environment(), "HOME": str(cls.server.folder), "VALETKEY_API": cls.server.api,
                           "VALETKEY_TOKEN": cls.token}
        mine = tree / "v1" / f"account_id={cls.account}"
        cls.expected = counted(rows_of(mine / "type=decisions"), rows_of(mine / "type=events"), cls.experiment)
        # Where the documents have it: ./data.
        cls.client("sync", "--output", "data")

    @classmethod
    def client(cls, *arguments: str) -> str:
        done = subprocess.run([str(PROGRAMS / "valetkey"), *arguments], cwd=cls.server.folder, env=cls.environment,
                              capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise AssertionError(f"valetkey {arguments}: {done.stderr}")
        return done.stdout

    def mine(self, text: str) -> str:
        """A recipe of this account and experiment instead of those of the documents."""
        return (text.replace("s3://optimizely-events-data/v1/account_id=123/", "data/").replace("'42'", f"'{self.experiment}'")
                .replace("experiment=42/", f"experiment={self.experiment}/"))

    def duckdb(self, statements: list[str]) -> list[dict]:
        """The rows of the last statement."""
        program = ("const { DuckDBInstance } = await import('@duckdb/node-api'); process.chdir(process.argv[1]);"
                   "const connection = await (await DuckDBInstance.create(':memory:')).connect();"
                   "let answer; for (const sql of JSON.parse(process.argv[2])) answer = await connection.runAndReadAll(sql);"
                   "console.log(JSON.stringify(answer.getRowObjectsJson()));")
        done = subprocess.run(["node", "--input-type=module", "--eval", program, "--", str(self.server.folder),
                               json.dumps([self.mine(each) for each in statements])],
                              cwd=trees.ROOT, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        self.assertEqual(0, done.returncode, done.stderr)
        return json.loads(done.stdout)

    def agree(self, recipe: str, rows: list[dict]) -> None:
        """What a recipe says of a variation's visitors and purchases is what we counted."""
        rows = [row for row in rows if row.get("experiment_id", self.experiment) == self.experiment
                and row.get("event_name", "purchase") == "purchase"]
        columns = [name for name in PURCHASES if name in rows[0]]
        self.assertTrue(columns, f"a recipe that counts nothing we know of: {recipe}")
        found = {row["variation_id"]: [float(row[name]) for name in columns] for row in rows}
        expected = {variation: [float(figures[name]) for name in columns]
                    for variation, figures in self.expected.items() if "visitors" in columns or figures["conversions"]}
        self.assertEqual(expected, found, recipe)

    def test_queries_of_the_client_agree(self):
        recipes = [each for each in code_blocks.client_queries(GUIDE) if "variation_id" in " ".join(each)]
        self.assertGreaterEqual(len(recipes), 3)
        for recipe in recipes:
            with self.subTest(recipe=recipe):
                arguments = [self.experiment if each == "42" else each for each in recipe]
                self.agree(recipe, json.loads(self.client(*arguments, "--format", "json")))

    def test_queries_over_files_agree(self):
        statements = code_blocks.sql_statements(GUIDE)
        views = [each for each in statements if each.startswith("CREATE VIEW")]
        self.assertEqual({"decisions", "events", "attributed_conversions"}, {each.split()[2] for each in views})
        views.sort(key=lambda each: "attributed" in each)  # it needs the others
        recipes = [each for each in statements if not each.startswith("CREATE VIEW")]
        self.assertGreaterEqual(len(recipes), 3)
        for recipe in recipes:
            with self.subTest(recipe=recipe):
                self.agree(recipe, self.duckdb([*views, recipe]))

    def test_the_view_of_warehouses_has_the_rows_of_the_client(self):
        files = [each for each in code_blocks.sql_statements(GUIDE)
                 if each.startswith(("CREATE VIEW decisions", "CREATE VIEW events"))]
        view, *recipes = code_blocks.sql_statements(WAREHOUSES)
        self.assertTrue(recipes)
        for recipe in recipes:
            self.agree(recipe, self.duckdb([*files, view, recipe]))
        digest = "SELECT count(*)::INT AS n, bit_xor(hash(uuid, experiment_id, variation_id, decided_at))::VARCHAR AS rows FROM attributed_conversions"
        self.assertEqual(json.loads(self.client("query", "--format", "json", digest)),
                         self.duckdb([*files, view, digest]))

    def test_the_rows_for_a_warehouse_are_flat(self):
        export, = [each for each in code_blocks.client_queries(WAREHOUSES) if "--output" in each]
        self.client(*export)
        total = self.duckdb(["SELECT count(*)::INT AS conversions, sum(revenue) AS revenue FROM 'conversions.parquet' "
                             "WHERE experiment_id = '42' AND event_name = 'purchase'"])[0]
        self.assertEqual(sum(each["conversions"] for each in self.expected.values()), total["conversions"])
        self.assertAlmostEqual(sum(each["revenue"] for each in self.expected.values()), total["revenue"], 2)


@unittest.skipUnless(LIBRARY.exists(), "libduckdb is not installed: run script/bootstrap")
class OverASample(Recipes, ServedCase):
    """Visitors who see several variations, and buy before and after they do."""
    account, experiment = trees.SAMPLE_ACCOUNT, "18786493712"

    @classmethod
    def tree(cls) -> pathlib.Path:
        return trees.sample_tree(cls.server.folder / "tree")

    def test_the_sample_tells_rules_apart(self):
        decisions = rows_of(self.server.folder / "data" / "type=decisions")
        seen = collections.defaultdict(set)
        for row in decisions:
            seen[row["visitor_id"], row["experiment_id"]].add(row["variation_id"])
        self.assertTrue(any(len(each) > 1 for each in seen.values()))
        events = rows_of(self.server.folder / "data" / "type=events")
        attributed = sum(each["conversions"] for each in self.expected.values())
        self.assertIn(attributed, range(1, sum(row["event_name"] == "purchase" for row in events)))


@unittest.skipUnless(LIBRARY.exists(), "libduckdb is not installed: run script/bootstrap")
class OverARealDay(Recipes, ServedCase):
    account, experiment = trees.REAL_ACCOUNT, "18786493712"

    @classmethod
    def tree(cls) -> pathlib.Path:
        return trees.real_tree()

    def test_its_figures_are_known(self):
        found = self.expected["18802093142"]
        self.assertEqual((326, 151_510.22), (found["conversions"], found["revenue"]))


if __name__ == "__main__":
    main()
