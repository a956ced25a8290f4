# SPDX-License-Identifier: Apache-2.0
"""The doors to the tables, as clients of our own take them: the Iceberg catalog and its metadata, Delta Sharing. What
they name is exactly what a listing shows, for the holder of the token alone, and ends with the token."""
import base64
import json
import subprocess
import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import requests
from botocore.exceptions import ClientError

import avro
from load import conversion
from server import BUCKET, PROGRAMS, clean_environment, eventually, main
from tables_case import TablesCase, key_of, key_of_url, s3_of
from trees import ROOT

DAY = 86_400_000_000


class Tables(TablesCase):
    # Iceberg.
    def test_the_catalog_names_the_two_tables(self):
        config = self.iceberg("config", params={"warehouse": "whatever"}).json()
        self.assertEqual({"prefix": self.account}, config["overrides"])
        self.assertIn("GET /v1/{prefix}/namespaces/{namespace}/tables/{table}", config["endpoints"])
        self.assertEqual([["export"]], self.iceberg(f"{self.account}/namespaces").json()["namespaces"])
        self.assertEqual([], self.iceberg(f"{self.account}/namespaces?parent=export").json()["namespaces"])
        tables = self.iceberg(f"{self.account}/namespaces/export/tables").json()["identifiers"]
        self.assertEqual(["decisions", "events"], [each["name"] for each in tables])
        self.assertEqual(tables, self.iceberg("namespaces/export/tables").json()["identifiers"], "without a prefix")
        for method, path, status in (("HEAD", "export/tables/events", 204), ("HEAD", "export/tables/none", 404),
                                     ("HEAD", "export", 200), ("HEAD", "none", 404)):
            answer = self.server.call(method, f"/iceberg/v1/{self.account}/namespaces/{path}", self.token)
            self.assertEqual(status, answer.status_code, path)

    def test_a_snapshot_holds_exactly_what_is_listed(self):
        self.send_some()
        for kind, rows in (("decisions", 2), ("events", 3)):
            loaded = self.load(kind)
            files = self.read_files(loaded)
            self.assertEqual(self.listed(kind), {key: file["file_size_in_bytes"] for key, file in files.items()})
            self.assertEqual(rows, sum(file["record_count"] for file in files.values()))
            location = loaded["metadata"]["location"]
            self.assertEqual(f"s3://{BUCKET}/v1/account_id={self.account}/type={kind}", location)
            for path in (loaded["metadata-location"], loaded["metadata"]["snapshots"][0]["manifest-list"]):
                self.assertTrue(path.startswith(location + "/_iceberg/"), path)
            schema = loaded["metadata"]["schemas"][0]
            ids = {field["name"]: field["id"] for field in schema["fields"]}
            for key, file in files.items():
                lower, upper = file["lower_bounds"], file["upper_bounds"]
                for private in ("visitor_id", "uuid", "user_ip", "session_id"):
                    self.assertNotIn(ids[private], lower | upper, "bounds of what identifies a person")
                times = [int.from_bytes(each[ids["process_timestamp"]], "little") for each in (lower, upper)]
                self.assertLessEqual(times[0], times[1])
                self.assertEqual(file["partition"]["process_timestamp_day"], times[0] // DAY)
                name = key.split("/")[4].split("=", 1)[1]
                split = file["partition"]["experiment_id" if kind == "decisions" else "event_name"]
                self.assertEqual(urllib.parse.unquote(name), split)

    def test_metadata_is_read_like_any_object(self):
        self.send_some()
        loaded = self.load()
        client, key = s3_of(loaded["config"]), key_of(loaded["metadata-location"])
        whole = client.get_object(Bucket=BUCKET, Key=key)
        data = whole["Body"].read()
        self.assertEqual(loaded["metadata"], json.loads(data))
        piece = client.get_object(Bucket=BUCKET, Key=key, Range="bytes=5-14")
        self.assertEqual((data[5:15], f"bytes 5-14/{len(data)}"), (piece["Body"].read(), piece["ContentRange"]))
        self.assertEqual(data[-7:], client.get_object(Bucket=BUCKET, Key=key, Range="bytes=-7")["Body"].read())
        for options, code in (({"Range": f"bytes={len(data)}-"}, "InvalidRange"), ({"IfMatch": '"x"'},
                                                                                   "PreconditionFailed")):
            with self.assertRaises(ClientError) as caught:
                client.get_object(Bucket=BUCKET, Key=key, **options)
            self.assertEqual(code, caught.exception.response["Error"]["Code"])
        for odd in ("snap-999999.avro", "999999-00000000-0000-8000-8000-000000000001.metadata.json", "snap-0.avro",
                    "snap-1.avro/", "x", "2020-09-14-g1-p1-s0-n0.avro", "../snap-1.avro"):
            with self.assertRaises(ClientError) as caught:
                client.get_object(Bucket=BUCKET, Key=key.rsplit("/", 1)[0] + "/" + odd)
            self.assertEqual("NoSuchKey", caught.exception.response["Error"]["Code"], odd)

    def test_a_table_that_did_not_change_is_not_sent_again(self):
        self.send_some()
        path = f"{self.account}/namespaces/export/tables/decisions"
        first = self.iceberg(path)
        self.assertEqual(304, self.iceberg(path, headers={"If-None-Match": first.headers["ETag"]}).status_code)
        self.send_some([3])
        self.assertEqual(200, self.iceberg(path, headers={"If-None-Match": first.headers["ETag"]}).status_code)

    def test_snapshots_are_never_mixed_while_publications_commit(self):
        self.send_some()
        stop, faults = threading.Event(), []

        def publish() -> None:
            number = 0
            while not stop.is_set() and number < 8:
                number += 1
                self.send([conversion(f"m{number}-{each}", f"event {each}") for each in range(4)])
                try:
                    self.server.run("export")
                except AssertionError as fault:
                    faults.append(fault)

        publisher = threading.Thread(target=publish)
        publisher.start()
        seen = 0
        while publisher.is_alive():
            files = self.read_files(self.load("events"))
            self.assertGreaterEqual(len(files), seen)
            seen = len(files)
        stop.set()
        publisher.join()
        self.assertEqual([], faults)
        self.assertEqual(set(self.listed("events")), set(self.read_files(self.load("events"))))

    def test_a_plan_reads_in_parallel_what_is_not_made_yet(self):
        self.send_some()
        loaded = [self.load(kind) for kind in ("decisions", "events")]
        paths = []
        for each in loaded:
            [snapshot] = each["metadata"]["snapshots"]
            data = s3_of(each["config"]).get_object(Bucket=BUCKET, Key=key_of(snapshot["manifest-list"]))["Body"].read()
            paths += [snapshot["manifest-list"]] + [row["manifest_path"] for row in avro.read(data)[1]]
        self.server.stop()
        self.server.start()
        client = s3_of(self.load()["config"])

        def get(path: str) -> int:
            return len(client.get_object(Bucket=BUCKET, Key=key_of(path))["Body"].read())

        with ThreadPoolExecutor(8) as pool:
            self.assertNotIn(0, pool.map(get, paths * 6))

    def test_after_an_erasure_nothing_of_before_is_read(self):
        self.send([conversion("c0", "purchase")], visitor="v1")  # a part that others' rows share
        self.send_some()
        refresh = self.shared("events", includeRefreshToken=True)[-1]["endStreamAction"]["refreshToken"]
        page = self.shared("events", maxFiles=1)[-1]["endStreamAction"]["nextPageToken"]
        known = {}
        for kind in ("decisions", "events"):
            loaded = self.load(kind)
            files = self.read_files(loaded)
            urls = {key_of_url(line["file"]["url"]): line["file"]["url"] for line in self.shared(kind)}
            known[kind] = (s3_of(loaded["config"]), self.metadata, files, urls)
        self.server.run("account", "erase-visitor", self.account, "v1")
        for kind, (client, metadata, files, urls) in known.items():
            replaced = set(files) - set(self.listed(kind))
            self.assertEqual(1, len(replaced), "of the parts one held the visitor")
            for key in [*metadata, *replaced]:
                with self.assertRaises(ClientError) as caught:
                    client.get_object(Bucket=BUCKET, Key=key)
                self.assertEqual("NoSuchKey", caught.exception.response["Error"]["Code"], key)
            for key in replaced:
                self.assertEqual(404, requests.get(urls[key], timeout=10).status_code)
            now = self.read_files(self.load(kind))
            self.assertEqual(set(self.listed(kind)), set(now))
            self.assertEqual({"decisions": 1, "events": 3}[kind], sum(file["record_count"] for file in now.values()))
        for wishes in ({"refreshToken": refresh}, {"pageToken": page, "maxFiles": 1}):
            self.refused(self.query("events", **wishes), 400, "INVALID_PARAMETER_VALUE", "changed since")

    def test_quirks_of_clients(self):
        self.refused(self.iceberg(f"{self.account}/namespaces/export%1Fdecisions/tables/snapshots"), 404,
                     "NoSuchTableException")
        self.refused(self.iceberg(f"{self.account}/namespaces/none"), 404, "NoSuchNamespaceException")
        self.refused(self.iceberg(f"{self.account}/namespaces/export/tables/none"), 404, "NoSuchTableException")
        path = f"{self.account}/namespaces/export/tables/events"
        house = self.iceberg(path, headers={"User-Agent": "ClickHouse/26.9.1"}).json()
        self.assertNotIn("s3.endpoint", house["config"])
        other = self.iceberg(path).json()
        self.assertEqual(self.server.s3, other["config"]["s3.endpoint"])
        [vended] = other["storage-credentials"]
        self.assertEqual((f"s3://{BUCKET}/v1/account_id={self.account}/", other["config"]),
                         (vended["prefix"], vended["config"]))
        refresh = self.server.get("/iceberg/" + other["config"]["client.refresh-credentials-endpoint"], self.token)
        self.assertEqual(set(other["config"]), set(refresh.json()["storage-credentials"][0]["config"]))

    def test_every_write_is_refused(self):
        base = f"/iceberg/v1/{self.account}/namespaces"
        for method, path in (("POST", base), ("DELETE", base + "/export"), ("POST", base + "/export/tables"),
                             ("POST", base + "/export/tables/events"), ("DELETE", base + "/export/tables/events"),
                             ("POST", base + "/export/register"), ("POST", base + "/export/tables/events/metrics"),
                             ("POST", f"/iceberg/v1/{self.account}/transactions/commit"),
                             ("POST", base + "/export/properties"), ("PUT", base + "/export/tables/events")):
            self.refused(self.server.call(method, path, self.token, json={}), 403, "Forbidden", "read only")
        for method in ("PUT", "DELETE"):
            self.refused(self.server.call(method, "/delta-sharing/shares", self.token), 403, "PERMISSION_DENIED")

    # Whose it is.
    def test_neighbours_and_strangers_get_nothing(self):
        for path in (f"{self.account}/namespaces/export/tables/events", f"{self.account}/namespaces"):
            self.refused(self.iceberg(path, self.neighbour), 404, "NoSuchWarehouse")
            self.refused(self.server.get(f"/iceberg/v1/{path}"), 401, "NotAuthorized")
            self.refused(self.iceberg(path, "vkpat_" + "0" * 46), 401, "NotAuthorized")
        self.refused(self.sharing(self.table_path("events") + "/metadata", self.neighbour), 404, "NOT_EXIST")
        self.refused(self.query(token=self.neighbour), 404, "NOT_EXIST")
        self.refused(self.server.get("/delta-sharing/shares"), 401, "UNAUTHENTICATED")
        self.send_some()
        loaded = self.load()
        foreign = self.iceberg("2000/namespaces/export/tables/events", self.neighbour).json()["config"]
        with self.assertRaises(ClientError) as caught:
            s3_of(foreign).get_object(Bucket=BUCKET, Key=key_of(loaded["metadata-location"]))
        self.assertEqual("AccessDenied", caught.exception.response["Error"]["Code"])

    def test_a_token_without_export_opens_no_door(self):
        made = self.server.make_token(self.account, f"user@{self.account}.example", scopes="tokens")["token"]
        self.refused(self.iceberg("config", made), 403, "Forbidden", "export")
        self.refused(self.sharing("shares", made), 403, "PERMISSION_DENIED", "export")
        answer = self.server.call("POST", "/iceberg/v1/oauth/tokens", data={
            "grant_type": "client_credentials", "client_id": "x", "client_secret": made})
        self.refused(answer, 403, "invalid_scope")

    def sell(self, form: dict, **options) -> requests.Response:
        return self.server.call("POST", "/iceberg/v1/oauth/tokens", data=form, **options)

    def test_oauth2_sells_a_token_of_an_hour(self):
        form = {"grant_type": "client_credentials", "client_id": "any", "client_secret": self.token,
                "scope": "catalog"}
        sold = self.sell(form)
        self.assertEqual(200, sold.status_code, sold.text)
        document = sold.json()
        self.server.secrets.append(document["access_token"])
        self.assertEqual(("bearer", 3600), (document["token_type"], document["expires_in"]))
        self.assertEqual("no-store", sold.headers["Cache-Control"])
        token = document["access_token"]
        self.assertNotIn(self.token, sold.text)
        self.assertEqual({"prefix": self.account}, self.iceberg("config", token).json()["overrides"])
        self.assertEqual(200, self.sharing("shares", token).status_code)
        self.assertEqual(401, self.server.get("/v2/export/credentials", token).status_code, "it opens tables alone")
        self.assertEqual(401, self.server.get("/v2/tokens", token).status_code)
        basic = base64.b64encode(f"any:{self.token}".encode()).decode()
        again = self.sell({"grant_type": "client_credentials"}, headers={"Authorization": f"Basic {basic}"})
        self.assertEqual(200, again.status_code)
        renewed = self.sell({"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                             "subject_token": token, "subject_token_type": "x"})
        self.assertEqual(200, renewed.status_code, renewed.text)
        self.server.secrets += [again.json()["access_token"], renewed.json()["access_token"]]
        self.refused(self.iceberg("config", token[:-1] + ("A" if token[-1] != "A" else "B")), 401, "", "hour")
        self.refused(self.sell({}), 400, "unsupported_grant_type")
        self.refused(self.sell({"grant_type": "client_credentials"}), 401, "invalid_client", "client_secret")
        self.refused(self.sell({**form, "client_secret": token}), 401, "invalid_client")
        self.refused(self.sell({**form, "client_secret": "wrong"}), 401, "invalid_client")

    def test_revoking_the_token_closes_all_three_doors_within_a_second(self):
        self.send_some()
        email = f"user@{self.account}.example"
        made = self.server.make_token(self.account, email, scopes="export")
        token = made["token"]
        sold = self.sell({"grant_type": "client_credentials", "client_secret": token}).json()["access_token"]
        self.server.secrets.append(sold)
        loaded = self.load(token=token)
        client, key = s3_of(loaded["config"]), key_of(loaded["metadata-location"])
        lines = self.query(token=token).text.splitlines()
        url = json.loads(lines[2])["file"]["url"]
        self.assertEqual(b"PAR1", requests.get(url, timeout=10).content[:4])
        self.server.run("token", "revoke", made["id"])
        ended = time.monotonic()

        def open_doors() -> list[str]:
            found = [name for name, status in (
                ("catalog", self.iceberg("config", token).status_code),
                ("catalog, sold", self.iceberg("config", sold).status_code),
                ("sharing", self.sharing("shares", token).status_code),
                ("url", requests.get(url, timeout=10).status_code)) if status == 200]
            try:
                client.get_object(Bucket=BUCKET, Key=key)
                return found + ["S3"]
            except ClientError:
                return found

        while open_doors():
            self.assertLess(time.monotonic() - ended, 1.0, open_doors())
        self.assertEqual([], open_doors())

    def test_lines_to_paste_name_the_addresses_and_the_token_only_where_it_is_asked_for(self):
        self.send_some()

        def lines(*words: str, status: int = 0) -> str:
            done = subprocess.run([PROGRAMS / "valetkey", "tables", *words], capture_output=True, text=True, timeout=60,
                                  stdin=subprocess.DEVNULL, env={
                                      **clean_environment(), "HOME": str(self.server.folder),
                                      "VALETKEY_API": self.server.api, "VALETKEY_TOKEN": self.token})
            self.assertEqual(status, done.returncode, done.stderr)
            return done.stderr if status else done.stdout

        shown = lines()
        self.assertNotIn(self.token, shown)
        self.assertEqual(8, shown.count("$TOKEN") + shown.count("valetkey configure share"), shown)
        self.assertNotRegex(shown, r"\{(api|s3|bucket|account|region|token)\}")
        whole = lines("--show-token")
        self.assertEqual(shown.replace("$TOKEN", self.token), whole)
        guide = (ROOT / "docs" / "tables.md").read_text()
        for engine in ("duckdb", "pyiceberg", "clickhouse", "trino"):
            own = lines("--engine", engine)
            self.assertIn(own, whole.replace(self.token, "$TOKEN"))
            for line in own.splitlines():
                line = line.replace(self.server.api, "http://127.0.0.1:8080").replace(self.server.s3, "http://127.0.0.1:9000")
                line = line.replace("$TOKEN", "vkpat_…").replace(f"'{self.account}'", "'596780373'")
                if "SELECT" not in line and "print" not in line and "groupby" not in line:
                    self.assertIn(line.strip(), guide, f"docs/tables.md has other lines for {engine}")
        self.assertIn("duckdb", lines("--engine", "none", status=2))
        listed = subprocess.run(["bash", "-e"], input=lines("--engine", "s3", "--show-token"), capture_output=True, text=True,
                                timeout=60, env={**clean_environment(), "HOME": str(self.server.folder)})
        self.assertIn("PRE type=decisions/", listed.stdout, listed.stderr)

    def test_the_audit_says_which_door(self):
        self.send_some()
        self.load()
        self.shared()
        self.iceberg(f"{self.account}/namespaces/export/tables/events/credentials")
        want = {"iceberg.load", "iceberg.credentials", "sharing.query"}
        seen = eventually(lambda: want <= {each["action"] for each in self.server.audit("--account", self.account)})
        self.assertTrue(seen)


if __name__ == "__main__":
    main()
