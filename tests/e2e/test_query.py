# SPDX-License-Identifier: Apache-2.0
"""`valetkey query`: SQL over an export, judged by a foreign reader's rows and by our own counting."""
import collections
import csv
import io
import json
import os
import pathlib
import pty
import signal
import subprocess
import tempfile
import time
import unittest

import requests

import trees
from fault_proxy import Gate
from load import NOW, body, conversion
from server import PROGRAMS, ServedCase, clean_environment, eventually, main

LIBRARY = trees.ROOT / "node_modules" / "@duckdb" / "node-bindings-linux-x64" / "libduckdb.so"
DAYS = ["2026-03-01", "2026-03-02", "2026-03-03"]
COLUMNS = ("uuid timestamp process_timestamp visitor_id session_id account_id experiments entity_id attributes user_ip "
           "user_agent referer event_type event_name revenue value quantity tags revision client_engine client_version "
           "date").split()


def rows_of(folder: pathlib.Path) -> list[dict]:
    """Every row below the folder as hyparquet reads it, with its day."""
    done = subprocess.run(["node", str(trees.ROOT / "tests/e2e/read_parts.mjs"), "hyparquet", str(folder)], check=True,
                          capture_output=True, timeout=120, cwd=trees.ROOT)
    rows = [json.loads(line) for line in done.stdout.decode().splitlines()]
    for row in rows:
        row["date"] = row["_part"].split("date=")[1][:10]
    return rows


@unittest.skipUnless(LIBRARY.exists(), "libduckdb is not installed: run script/bootstrap")
class Query(ServedCase):
    @classmethod
    def prepare(cls):
        cls.account = trees.SAMPLE_ACCOUNT
        cls.token = cls.server.make_account(cls.account)
        tree = trees.sample_tree(cls.server.folder / "tree")
        cls.mine = tree / "v1" / f"account_id={cls.account}"
        cls.decisions, cls.events = rows_of(cls.mine / "type=decisions"), rows_of(cls.mine / "type=events")
        stray = next((cls.mine / "type=events").rglob("*.parquet"))
        (cls.mine / "type=events" / "of-no-day.parquet").write_bytes(stray.read_bytes())
        cls.server.make_account(trees.SAMPLE_NEIGHBOUR)
        cls.server.run("import", str(tree))
        cls.server.start()

    def setUp(self):
        self.home = self.server.folder / f"home it's-{self.id().rsplit('.', 1)[1]}"
        self.home.mkdir()
        self.cache = self.home / ".cache" / "valetkey" / "query"

    def start(self, *arguments: str, **options) -> subprocess.Popen:
        environment = {**clean_environment(), "HOME": options.pop("home", str(self.home)),
                       "VALETKEY_API": options.pop("api", self.server.api), "VALETKEY_TOKEN": self.token, "TZ": "America/New_York"}
        environment.pop("XDG_CACHE_HOME", None)
        return subprocess.Popen([str(PROGRAMS / "valetkey"), "query", *arguments], cwd=self.home, env=environment,
                                stdin=options.pop("stdin", subprocess.DEVNULL), stdout=options.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE, **options)

    def query(self, *arguments: str, status: int = 0, **options: str) -> tuple[str, str]:
        process = self.start(*arguments, **options)
        out, err = (each.decode() for each in process.communicate(timeout=120))
        self.assertEqual(status, process.returncode, err)
        self.assertNotIn(self.token, err)
        self.assertEqual([], list((self.cache / "running").glob("*")), "a snapshot was left")
        if status == 1:
            self.assertEqual(1, len([line for line in err.splitlines() if "waiting up to" not in line]), err)
        return out, err

    def json(self, *arguments: str) -> list[dict]:
        return json.loads(self.query(*arguments, "--format", "json")[0])

    def parts(self) -> list[str]:
        exports = next((self.cache / "exports").iterdir())
        return sorted(str(path.relative_to(exports)) for path in exports.rglob("*.parquet"))

    # What it answers.
    def test_the_example_counts_what_a_foreign_reader_counts(self):
        out, _ = self.query("SELECT variation_id, count(DISTINCT visitor_id) AS visitors FROM decisions GROUP BY 1 ORDER BY 1",
                            "--start", DAYS[0], "--end", DAYS[1])
        visitors = collections.defaultdict(set)
        for row in self.decisions:
            if row["date"] in DAYS[:2]:
                visitors[row["variation_id"]].add(row["visitor_id"])
        self.assertEqual([["variation_id", "visitors"]] + [[id, str(len(visitors[id]))] for id in sorted(visitors)],
                         list(csv.reader(io.StringIO(out))))
        self.assertTrue(all("type=decisions" in part for part in self.parts()), "it named only decisions")

    def test_attribution_is_the_last_decision_before_the_conversion(self):
        made = collections.defaultdict(list)
        for row in self.decisions:
            made[row["visitor_id"], row["experiment_id"]].append(row)
        experiments = {row["experiment_id"] for row in self.decisions}
        expected = []
        for event in self.events:
            for experiment in experiments:
                before = [row for row in made[event["visitor_id"], experiment] if row["timestamp"] <= event["timestamp"]]
                if before:
                    last = max(before, key=lambda row: (row["timestamp"], row["process_timestamp"], row["uuid"]))
                    expected.append((event["uuid"], experiment, last["variation_id"], last["is_holdback"],
                                     str(event["revenue"])))
        self.assertGreater(len(expected), 1000)
        self.assertLess(len({one[0] for one in expected}), len(self.events), "some conversions have no decision")
        found = self.json("SELECT uuid, experiment_id, variation_id, is_holdback, revenue FROM attributed_conversions")
        self.assertEqual(sorted(expected), sorted(
            (row["uuid"], row["experiment_id"], row["variation_id"], row["is_holdback"], str(row["revenue"])) for row in found))

    def test_options_name_partitions_of_both_types(self):
        out = self.json("SELECT (SELECT count(*) FROM decisions) AS decisions, (SELECT count(*) FROM events) AS events, "
                        "(SELECT list(DISTINCT event_name) FROM events) AS names, (SELECT max(date) FROM events) AS day",
                        "--date", DAYS[0], "--experiment", self.decisions[0]["experiment_id"], "--event",
                        "Sign-up: step 2 (50% off?)")
        self.assertEqual([{"decisions": 400, "events": 400, "names": ["Sign-up: step 2 (50% off?)"], "day": DAYS[0]}], out)
        self.assertEqual(2, len(self.parts()))
        self.assertIn("nothing of --type events", self.query("SELECT count(*) FROM decisions", "--type", "events", status=1)[1])
        self.assertEqual([{"n": 1200 * 3}], self.json("SELECT count(*) AS n FROM decisions"))

    def test_an_empty_selection_is_told(self):
        days = f"the export has decisions and events from {DAYS[0]} to {DAYS[2]}"
        for words, told in [(["--start", "2031-01-01"], "nothing matches --type events --start 2031-01-01: " + days),
                            (["--event", "purchse"], days + "; did you mean purchase?"),
                            (["s3://optimizely-events-data/v1/account_id=" + self.account + "/type=evnts/"], "did you mean type=events/?"),
                            (["s3://optimizely-events-data/v1/account_id=1/"], "the token opens s3://")]:
            self.assertIn(told, self.query("SELECT count(*) FROM events", *words, status=1)[1])
        self.assertIn("did you mean purchase?", self.query("FROM attributed_conversions", "--event", "purchse", status=1)[1])

    def test_parts_are_named_as_paths_prints_them(self):
        top = f"s3://optimizely-events-data/v1/account_id={self.account}/"
        for part in f"{top}type=events/date={DAYS[1]}/", f"events/date={DAYS[1]}/":
            self.assertEqual([{"n": 1600}], self.json("SELECT count(*) AS n FROM events", part))
        out, err = self.query("SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM decisions)", f"{top}type=events/")
        self.assertTrue(out.endswith("\n4800,0\n"), out)
        self.assertIn("there are no decisions in the selection", err)

    def test_the_cache_answers_while_the_service_is_away(self):
        gate = Gate(self.server.api_port)
        self.addCleanup(gate.close)
        sql, day = "SELECT count(*) AS n FROM events", ["--start", DAYS[0], "--end", DAYS[1]]

        def ask(*words: str, status: int = 0) -> tuple[str, str]:
            return self.query(sql, *words, status=status, api=gate.url)
        self.assertIn("ask once without --offline", ask(*day, "--offline", status=1)[1])
        whole = ask(*day)[0]
        gate.open = False
        began = time.monotonic()
        out, err = ask(*day)
        self.assertEqual(whole, out)
        self.assertRegex(err, r"answered from the cache, as the export was at 20[-0-9:TZ]+: ")
        self.assertLess(time.monotonic() - began, 30)
        self.assertEqual("n\n1600\n", ask("--date", DAYS[1])[0])  # a part of what was asked for
        self.assertIn("not the account", ask(*day, "--account-id", "1", status=1)[1])
        for other in ["--date", DAYS[2]], ["--start", DAYS[0]]:
            self.assertNotIn("answered", ask(*other, "--wait", "0", status=1)[1])
        self.assertEqual(whole, ask(*day, "--offline")[0])
        next(path for path in self.cache.rglob("*.parquet") if DAYS[1] in str(path)).unlink()
        self.assertNotIn("answered", ask(*day, "--wait", "0", status=1)[1])
        self.assertEqual("n\n1600\n", ask("--date", DAYS[0])[0])

    def test_no_home_is_needed(self):
        out, err = self.query("SELECT count(*) AS n FROM events", "--date", DAYS[1], home="/dev/null")
        self.assertEqual("n\n1600\n", out)
        self.assertIn("XDG_CACHE_HOME can name another folder", err)
        self.assertEqual([], list(pathlib.Path(tempfile.gettempdir()).glob("valetkey-query-*")))

    def test_a_full_disk_is_told_with_its_folder(self):
        names = ["unshare", "--user", "--map-root-user", "--mount"]
        if subprocess.run([*names, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True).returncode != 0:
            self.skipTest("this machine lets nobody mount in a namespace of their own")
        full = self.server.folder / "full"
        full.mkdir(exist_ok=True)
        script = 'full=$1; shift; mount -t tmpfs -o size=64k none "$full"; XDG_CACHE_HOME=${CACHE:-$XDG_CACHE_HOME} "$@"'

        def fails(*words: str, **environment: str) -> str:
            done = subprocess.run([*names, "sh", "-c", script, "sh", str(full), str(PROGRAMS.resolve() / "valetkey"), *words],
                                  cwd=self.home, capture_output=True, text=True, timeout=120, input=self.token, env={
                                      **clean_environment(), "HOME": str(self.home), "VALETKEY_API": self.server.api,
                                      "XDG_CACHE_HOME": str(self.home), "VALETKEY_TOKEN": self.token, **environment})
            self.assertEqual(1, done.returncode, done.stdout)
            self.assertRegex(done.stderr, r"\Avaletkey: [^\n]*No space left on device[^\n]*\n\Z")
            return done.stderr
        rows = "SELECT repeat('x', 100) FROM events"
        for ending in "csv", "json", "parquet":
            told = fails("query", rows if ending != "parquet" else "SELECT uuid, random() FROM events",
                         "--output", str(full / f"out.{ending}"))
            self.assertIn(f"; make room in {full}, or choose another --output\n", told)
        self.assertIn(f"; make room in {full}/valetkey/query, or let XDG_CACHE_HOME name a folder with more\n",
                      fails("query", rows, CACHE=str(full)))

    def test_show_and_describe_show_the_views_and_nothing_of_ours(self):
        for words in "SHOW TABLES", "show tables;", "FROM (SHOW TABLES)":
            self.assertEqual("name\nattributed_conversions\ndecisions\nevents\n", self.query(words)[0])
        self.assertIn("visitor_id,VARCHAR,", self.query("DESCRIBE events", "--date", DAYS[0])[0])
        self.assertEqual("a\n1\n", self.query("SELECT 1 AS a;  ")[0])

    def test_values_in_every_format(self):
        sql = ("SELECT NULL AS nothing, '' AS empty, 'a\"b,ü' AS text, [1, NULL] AS list, {'k': 'v'} AS struct, "
               "TIMESTAMP '2026-03-01 12:30:00.123' AS plain, TIMESTAMPTZ '2026-03-01 12:30:00+02' AS zoned, 'nan'::DOUBLE AS nan, "
               "9007199254740993 AS big, 'x' || chr(27) || '[31m' AS red")
        self.assertEqual('nothing,empty,text,list,struct,plain,zoned,nan,big,red\n'
                         ',"","a""b,ü","[1, NULL]",{\'k\': v},2026-03-01 12:30:00.123,2026-03-01 10:30:00+00,'
                         'nan,9007199254740993,x\x1b[31m\n', self.query(sql)[0])
        self.assertEqual([{"nothing": None, "empty": "", "text": 'a"b,ü', "list": [1, None], "struct": {"k": "v"},
                           "plain": "2026-03-01 12:30:00.123", "zoned": "2026-03-01 10:30:00+00", "nan": None,
                           "big": 9007199254740993, "red": "x\x1b[31m"}], self.json(sql))
        table = self.query(sql, "--format", "table")[0]
        self.assertIn("NULL", table)
        self.assertIn(r"x\x1b[31m", table)
        self.assertIn("(1 row)", table)
        self.assertEqual("column_name", self.query("DESCRIBE decisions;")[0].split(",")[0])

    def test_a_terminal_gets_a_table(self):
        screen, terminal = pty.openpty()
        process = self.start("SELECT 1 AS one", stdout=terminal)
        _, err = process.communicate(timeout=60)
        os.close(terminal)
        self.assertEqual((0, " one\r\n-----\r\n   1\r\n(1 row)\r\n"), (process.returncode, os.read(screen, 4096).decode()), err)
        os.close(screen)

    def test_a_file_is_whole_or_not_there(self):
        target = self.home / "out.parquet"
        self.query("SELECT uuid, date, \"timestamp\", tags FROM events ORDER BY uuid", "--date", DAYS[0], "--output", str(target))
        rows = subprocess.run(["node", str(trees.ROOT / "tests/e2e/read_parts.mjs"), "hyparquet", str(self.home)],
                              capture_output=True, check=True, timeout=60, cwd=trees.ROOT).stdout.decode().splitlines()
        found = [row for row in map(json.loads, rows) if row["_part"] == "out.parquet"]
        expected = sorted((row for row in self.events if row["date"] == DAYS[0]), key=lambda row: row["uuid"])
        self.assertEqual([(row["uuid"], row["timestamp"], row["tags"]) for row in expected],
                         [(row["uuid"], row["timestamp"], row["tags"]) for row in found])
        before = target.read_bytes()
        half_way = "SELECT CASE WHEN i = 299999 THEN error('half way') ELSE i END AS i FROM range(300000) t(i)"
        for form in ["parquet", "csv", "json"]:
            self.assertIn("half way", self.query(half_way, "--format", form, "--output", str(target), status=1)[1])
            self.assertEqual(before, target.read_bytes())
        self.query("SELECT 1 AS a", "--output", "new.csv")
        self.assertEqual("a\n1\n", (self.home / "new.csv").read_text())
        self.assertEqual({".cache", "out.parquet", "new.csv"}, {path.name for path in self.home.iterdir()})
        self.assertIn("--output", self.query("SELECT 1", "--format", "parquet", status=1)[1])
        self.assertIn("is a folder", self.query("SELECT 1", "--output", str(self.home), status=1)[1])

    # What it refuses.
    def test_wrong_sql_is_one_sentence_before_anything_is_fetched(self):
        for sql, words in [("SELEC 1", "syntax error"), ("SELECT nosuch FROM decisions", '"nosuch" not found'),
                           ("SELECT * FROM event", "does not exist"), ("", "one SELECT"), ("SELECT 1; SELECT 2", "one SELECT")]:
            self.assertIn(words, self.query(sql, status=1)[1])
        self.assertFalse((self.cache / "exports").exists())
        self.assertIn("--start", self.query("SELECT 1", "--start", "tomorrow", status=2)[1])
        self.assertIn("goes with", self.query("SELECT 1", "--type", "events", "--experiment", "1", status=1)[1])

    def test_a_malicious_query_reaches_nothing(self):
        target, neighbour = self.home / "stolen", next(self.mine.rglob("*.parquet"))
        for sql in ["SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM '/etc/passwd'", "SELECT * FROM glob('/etc/*')",
                    f"SELECT * FROM read_parquet('{neighbour}')", f"COPY (SELECT 1) TO '{target}'",
                    f"COPY decisions FROM '{neighbour}'", f"ATTACH '{target}' AS db", "INSTALL httpfs", "LOAD httpfs",
                    "SET enable_external_access = true", "PRAGMA memory_limit = '100GB'", f"EXPORT DATABASE '{target}'",
                    "SELECT * FROM read_csv('http://127.0.0.1:1/x')", "SELECT 1; COPY (SELECT 1) TO 'x'",
                    "DROP VIEW decisions", "EXPLAIN ANALYZE SELECT 1",
                    "SELECT 1) TO '/tmp/x'; --", "SELECT * FROM read_text('../../../../token')"]:
            with self.subTest(sql=sql):
                self.assertRegex(self.query(sql, "--date", DAYS[0], status=1)[1],
                                 "Permission Error|only a SELECT|one SELECT|syntax error|disabled|does not exist|is not an table")
        self.assertEqual({".cache"}, {path.name for path in self.home.iterdir()})

    def test_the_cache_beside_the_selection_is_out_of_sight(self):
        self.query("SELECT count(*) FROM events", "--date", DAYS[0])
        other = next(self.cache.rglob("*.parquet"))
        self.assertRegex(self.query(f"SELECT * FROM read_parquet('{str(other).replace(chr(39), chr(39) * 2)}')", "--date",
                                    DAYS[1], status=1)[1], "Permission Error")
        self.assertEqual([{"n": 1600}], self.json("SELECT count(*) AS n FROM events", "--date", DAYS[1]))

    # The cache.
    def test_the_least_recently_used_go(self):
        def ask(day: str, *more: str) -> str:
            return self.query("SELECT count(*) AS n FROM decisions", "--date", day, "-v", *more)[1]
        self.assertIn("3 parts fetched", ask(DAYS[0]))
        self.assertIn("0 parts fetched", ask(DAYS[0]))
        day_bytes = sum(path.stat().st_size for path in self.cache.rglob("*.parquet"))
        limit = ["--cache-limit", str(int(2.5 * day_bytes))]
        ask(DAYS[1], *limit)
        ask(DAYS[0], *limit)
        ask(DAYS[2], *limit)
        left = collections.Counter(part.split("date=")[1][:10] for part in self.parts())
        self.assertEqual((3, 3), (left[DAYS[0]], left[DAYS[2]]))
        self.assertLess(left[DAYS[1]], 3)
        self.assertLessEqual(sum(path.stat().st_size for path in self.cache.rglob("*.parquet")), 2.5 * day_bytes)
        self.assertIn("0 parts fetched", ask(DAYS[0], *limit))
        self.assertIn("raise --cache-limit", self.query("SELECT 1 FROM decisions", "--cache-limit", "10kb", status=1)[1])

    def test_queries_at_once_do_not_hurt_each_other(self):
        limit = ["--cache-limit", str(int(1.5 * sum(path.stat().st_size for path in self.mine.rglob(f"*{DAYS[0]}/*/*.parquet"))))]
        running = [self.start("SELECT count(*) AS n FROM decisions, range(2000)", "--date", DAYS[i % 3], *limit) for i in range(6)]
        for process in running:
            out, err = process.communicate(timeout=120)
            self.assertEqual((0, b"n\n2400000\n"), (process.returncode, out), err)
        self.assertEqual([], list((self.cache / "running").glob("*")))

    def test_a_killed_query_leaves_nothing_for_long(self):
        process = self.start("SELECT sum(a.i * b.i) FROM range(100000000) a(i), range(100000000) b(i)")
        running = self.cache / "running"
        self.assertTrue(eventually(lambda: list(running.glob("*/spill")), 60))
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=20)
        self.assertTrue(list(running.glob("*")))
        self.query("SELECT 1")

    def test_ctrl_c_ends_a_running_query(self):
        target = self.home / "out.csv"
        target.write_text("before")
        process = self.start("SELECT a.i FROM range(100000000) a(i), range(100000000) b(i)", "--output", str(target))
        self.assertTrue(eventually(lambda: any(path.stat().st_size for path in self.home.glob(".out.csv*")), 60))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual((1, "valetkey: interrupted\n"), (process.returncode, err.decode()))
        self.assertEqual({".cache", "out.csv"}, {path.name for path in self.home.iterdir()})
        self.assertEqual("before", target.read_text())
        self.assertEqual([], list((self.cache / "running").glob("*")))

    def test_sql_from_standard_input(self):
        process = self.start("-", stdin=subprocess.PIPE)
        out, err = process.communicate(b"SELECT 'it''s' AS a -- a remark\n;\n", timeout=60)
        self.assertEqual((0, b"a\nit's\n"), (process.returncode, out), err)


@unittest.skipUnless(LIBRARY.exists(), "libduckdb is not installed: run script/bootstrap")
class RealExport(ServedCase):
    @classmethod
    def prepare(cls):
        cls.token = cls.server.make_account(trees.REAL_ACCOUNT)
        cls.server.run("import", str(trees.real_tree()))

    def test_it_counts_the_real_export(self):
        done = subprocess.run(
            [str(PROGRAMS / "valetkey"), "query", "--date", "2020-09-14",
             "SELECT count(*) AS n, count(DISTINCT uuid) AS conversions, sum(revenue) AS revenue FROM attributed_conversions"],
            capture_output=True, timeout=120, text=True,
            env={**clean_environment(), "HOME": str(self.server.folder), "VALETKEY_API": self.server.api,
                 "VALETKEY_TOKEN": self.token})
        visitors = {}
        for row in rows_of(trees.REAL / "v1" / f"account_id={trees.REAL_ACCOUNT}" / "type=decisions"):
            visitors[row["visitor_id"]] = min(row["timestamp"], visitors.get(row["visitor_id"], row["timestamp"]))
        events = [row for row in rows_of(trees.REAL / "v1" / f"account_id={trees.REAL_ACCOUNT}" / "type=events")
                  if row["visitor_id"] in visitors and visitors[row["visitor_id"]] <= row["timestamp"]]
        revenue = sum(row.get("revenue") or 0 for row in events)
        self.assertEqual(f"n,conversions,revenue\n{len(events)},{len(events)},{revenue}\n", done.stdout, done.stderr)


@unittest.skipUnless(LIBRARY.exists(), "libduckdb is not installed: run script/bootstrap")
class BeyondTheDaysNames(ServedCase):
    """Names beyond the day's limit lie together in __other__; to ask for one of them is to look there, too."""
    options = {"config": "[export]\nmax_partitions_a_day = 2\n"}

    @classmethod
    def prepare(cls):
        cls.token = cls.server.make_account("12")
        cls.server.start()
        names = ["n1", "n2", "n3", "n4"]
        events = [conversion(name, name) for name in names]
        seen = [{"uuid": f"d{name}", "timestamp": NOW, "entity_id": name, "type": "campaign_activated"} for name in names]
        decisions = [{"campaign_id": name, "experiment_id": name, "variation_id": "v"} for name in names]
        answer = requests.post(f"{cls.server.api}/v1/events", json=body("12", "ann", events + seen, decisions), timeout=20)
        assert answer.status_code == 204, answer.text
        cls.server.run("export")
        cls.today = cls.server.ask("export", "status")["last_export"][:10]

    def run_client(self, *arguments: str) -> str:
        done = subprocess.run([str(PROGRAMS / "valetkey"), *arguments], capture_output=True, text=True, timeout=60, env={
            **clean_environment(), "HOME": str(self.server.folder), "VALETKEY_API": self.server.api,
            "VALETKEY_TOKEN": self.token}, cwd=self.server.folder)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def test_a_query_sees_the_rows_of_that_name_only(self):
        for name, found in (("n1", ["n1"]), ("n4", ["n4"]), ("__other__", ["n3", "n4"])):
            for options in (("--date", self.today), ("--start", "2020-01-01"), ()):
                self.assertEqual(found, self.run_client(
                    "query", "SELECT event_name FROM events ORDER BY 1", "--event", name, *options).split()[1:])
                self.assertEqual(found, self.run_client(
                    "query", "SELECT experiment_id FROM decisions ORDER BY 1", "--experiment", name, *options).split()[1:])

    def test_the_folder_of_the_others_is_named_where_it_is(self):
        day = f"s3://optimizely-events-data/v1/account_id=12/type=events/date={self.today}/"
        self.assertEqual([f"{day}event=__other__/"],
                         self.run_client("paths", "--date", self.today, "--event", "n4").split())
        self.run_client("sync", "--event", "n4", "--output", "mirror")
        self.assertEqual(["event=__other__"], [path.parent.name for path in (self.server.folder / "mirror").rglob("*.parquet")])


if __name__ == "__main__":
    main()
