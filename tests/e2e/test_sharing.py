# SPDX-License-Identifier: Apache-2.0
"""Delta Sharing, as a client of our own takes it: every part once, page by page, by hints, for the holder alone."""
import json
import time
import urllib.parse

import requests

from load import NOW, conversion
from server import BUCKET, main
from tables_case import TablesCase, key_of_url


class Sharing(TablesCase):
    def test_a_share_names_the_two_tables(self):
        share = f"account-{self.account}"
        self.assertEqual([share], [each["name"] for each in self.sharing("shares").json()["items"]])
        self.assertEqual(share, self.sharing(f"shares/{share}").json()["share"]["name"])
        schemas = self.sharing(f"shares/{share}/schemas").json()["items"]
        self.assertEqual([{"name": "export", "share": share}], schemas)
        for path in (f"shares/{share}/all-tables", f"shares/{share}/schemas/export/tables"):
            self.assertEqual(["decisions", "events"],
                             [each["name"] for each in self.sharing(path).json()["items"]])
        for path in ("", "shares/none", f"shares/{share}/schemas/none/tables", self.table_path("none") + "/version",
                     self.table_path("events") + "/none", "shares/%ff"):
            self.assertIn(self.sharing(path).status_code, (400, 404), path)

    def test_a_query_hands_out_every_part_once(self):
        self.send_some()
        for kind in ("decisions", "events"):
            version = int(self.sharing(self.table_path(kind) + "/version").headers["Delta-Table-Version"])
            files = [line["file"] for line in self.shared(kind)]
            parts, total = {}, 0
            for file in files:
                parsed = urllib.parse.urlsplit(file["url"])
                parts[urllib.parse.unquote(parsed.path).removeprefix(f"/{BUCKET}/")] = file["size"]
                self.assertEqual(version, file["version"])
                lives = int(urllib.parse.parse_qs(parsed.query)["X-Amz-Expires"][0])
                left = file["expirationTimestamp"] / 1000 - time.time()
                self.assertLessEqual(lives, 3600)
                self.assertLess(abs(lives - left), 30)
                fetched = requests.get(file["url"], timeout=10)
                self.assertEqual((200, file["size"]), (fetched.status_code, len(fetched.content)))
                total += json.loads(file["stats"])["numRecords"]
                self.assertIn(f"date={file['partitionValues']['date']}/", parsed.path.replace("%3D", "="))
                self.assertNotIn("visitor_id", json.loads(file["stats"])["minValues"])
            self.assertEqual(self.listed(kind), parts)
            self.assertEqual({"decisions": 2, "events": 3}[kind], total)

    def test_pages_go_on_where_they_were_while_parts_change(self):
        self.send_some()
        want = set(self.listed("events"))
        got, token = [], None
        while True:
            lines = self.shared("events", maxFiles=1, **({"pageToken": token} if token else {}))
            got += [key_of_url(line["file"]["url"]) for line in lines[:-1]]
            self.assertLessEqual(len(lines), 2)
            token = lines[-1]["endStreamAction"].get("nextPageToken")
            if not token:
                break
            if len(got) == 1:
                self.send([conversion("late", "purchase")])
                self.server.run("export")
        self.assertEqual(sorted(want), sorted(got))
        again = self.shared("events", includeRefreshToken=True)
        refresh = again[-1]["endStreamAction"]["refreshToken"]
        self.send([conversion("later", "purchase")])
        self.server.run("export")
        same = self.shared("events", refreshToken=refresh, includeRefreshToken=True)
        self.assertEqual([line["file"]["id"] for line in again[:-1]], [line["file"]["id"] for line in same[:-1]])

    def test_hints_leave_out_files_and_bad_ones_are_named(self):
        self.send_some()
        today = time.strftime("%Y-%m-%d", time.gmtime(NOW / 1000))

        def hint(op: str, day: str) -> str:
            return json.dumps({"op": op, "children": [{"op": "column", "name": "date", "valueType": "date"},
                                                      {"op": "literal", "value": day, "valueType": "date"}]})

        self.assertEqual(3, len(self.shared("events", jsonPredicateHints=hint("greaterThanOrEqual", today))))
        self.assertEqual(0, len(self.shared("events", jsonPredicateHints=hint("lessThan", "2020-01-01"))))
        self.assertEqual(0, len(self.shared("events", predicateHints=["date = '2020-01-01'"])))
        self.assertEqual(3, len(self.shared("events", predicateHints=["1 = 0; DROP TABLE x"])))
        self.assertEqual(1, len(self.shared("events", limitHint=1)))
        for wishes in ({"maxFiles": 0}, {"maxFiles": 10 ** 30}, {"maxFiles": "all"}, {"jsonPredicateHints": "{"},
                       {"jsonPredicateHints": "[" * 5000}, {"version": 10 ** 9}, {"pageToken": "AAAA"},
                       {"timestamp": "2020-01-01T00:00:00Z"}, {"startingVersion": 0}):
            self.refused(self.query("events", **wishes), 400, "INVALID_PARAMETER_VALUE")
        self.assertEqual(4, len(self.shared("events", maxFiles=2 ** 62)), "as many as a page may have, and its end")
        huge = self.query("events", jsonPredicateHints="x" * 100_000)
        self.assertEqual(413, huge.status_code)
        raw = self.server.call("POST", f"/delta-sharing/{self.table_path('events')}/query", self.token, data="{")
        self.refused(raw, 400, "INVALID_PARAMETER_VALUE")


if __name__ == "__main__":
    main()
