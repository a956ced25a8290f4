# SPDX-License-Identifier: Apache-2.0
"""The client `valetkey` as a person uses it: listings, mirrors that survive kill -9, strangers' files and odd names, and
what it says where something is wrong."""
import email.utils
import http.server
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time
import unittest

from client_case import ACCOUNT, OTHER, UNKNOWN_TOKEN, ClientCase, files_of
from server import BUCKET, PROGRAMS, ServedCase, clean_environment, main

REAL = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data"


class Liar(http.server.BaseHTTPRequestHandler):
    """A service whose one object is not what its listing says."""
    protocol_version = "HTTP/1.1"
    key, etag, size = "", "", 0
    stated = None  # else the length that an answer announces, after which it says no more

    def do_GET(self):
        here = f"http://127.0.0.1:{self.server.server_port}"
        body = b"abc"
        if self.path.startswith("/v2/export/credentials"):
            body = json.dumps({"credentials": {"accessKeyId": "A", "secretAccessKey": "s", "sessionToken": "t",
                                               "expiration": int(time.time() + 3600) * 1000},
                               "s3Path": f"s3://b/v1/account_id={ACCOUNT}/", "endpoint": here}).encode()
        elif "list-type=2" in self.path:
            body = (f"<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>v1/account_id={ACCOUNT}/{self.key}"
                    f"</Key><ETag>&quot;{self.etag}&quot;</ETag><Size>{self.size}</Size></Contents>"
                    "</ListBucketResult>").encode()
        lies = self.stated is not None and body == b"abc"
        self.send_response(200)
        self.send_header("Content-Length", str(self.stated if lies else len(body)))
        self.end_headers()
        self.wfile.write(body[:0] if lies else body)
        if lies:
            time.sleep(45)

    def log_message(self, *_):
        pass


class Tool(ClientCase):
    # A token that opens a part.
    def test_a_limited_token_gets_what_there_is_for_it(self):
        made = self.server.make_token(ACCOUNT, f"user@{ACCOUNT}.example", "--type", "decisions", "--prefix",
                                      "type=decisions/date=2026-01-02/", "--source", "127.0.0.0/8", scopes="export")
        self.assertEqual((["type=decisions/date=2026-01-02/"], ["127.0.0.0/8"]), (made["prefixes"], made["sources"]))
        self.token_file.write_text(made["token"])
        opened = "type=decisions/date=2026-01-02/"
        mine = {name: content for name, content in self.tree.items() if name.startswith(opened)}
        paths = self.run_tool("paths")[0].decode().split()
        self.assertEqual([f"s3://{BUCKET}/v1/account_id={ACCOUNT}/{opened}"], paths)
        self.assertIn(f"PRE {opened}experiment=42/", " ".join(self.run_tool("ls")[0].decode().split()))
        done, _ = self.sync()
        self.assertEqual(mine, files_of(self.home / "out"))
        doctor = self.run_tool("doctor")[0].decode()
        self.assertIn(f"of it only {opened}", doctor)
        self.assertRegex(doctor, "ok +limits +refused")
        _, errors = self.run_tool("paths", "--type", "events", status=1)
        self.assertIn(f"the token opens only {opened} of s3://{BUCKET}/v1/account_id={ACCOUNT}/", errors)
        audited = [each for each in self.server.audit() if each["subject"] == made["id"]]
        self.assertEqual(f"{opened} from 127.0.0.0/8", audited[0]["detail"])
        elsewhere = self.server.make_token(ACCOUNT, f"user@{ACCOUNT}.example", "--source", "192.0.2.0/24",
                                           scopes="export")["token"]
        self.token_file.write_text(elsewhere)
        _, errors = self.run_tool("ls", status=1)
        self.assertIn("limited to other networks than that of 127.0.0.1", errors)

    # Looking.
    def test_paths_ls_and_cat(self):
        base = f"s3://{BUCKET}/v1/account_id={ACCOUNT}/"
        self.assertEqual(f"{base}type=events/date=2026-01-01/\n",
                         self.run_tool("paths", "--type", "events", "--date", "2026-01-01")[0].decode())
        self.assertEqual([f"{base}type=events/date=2026-01-0{day}/" for day in (2, 3)],
                         self.run_tool("paths", "--type", "events", "--start", "2026-01-02", "--end",
                                       "2026-01-03")[0].decode().split())
        self.assertIn("PRE experiment=42/", self.run_tool("ls", "--type", "decisions", "--date", "2026-01-02")[0].decode())
        name = next(name for name in self.tree if "buy" in name)
        self.assertEqual(self.tree[name], self.run_tool("cat", name)[0])

    def test_parts_are_named_as_paths_prints_them(self):
        day = "type=events/date=2026-01-01/"
        path = self.run_tool("paths", "--type", "events", "--date", "2026-01-01")[0].decode().strip()
        wanted = {name for name in self.tree if name.startswith(day)}
        for part in [path, path.rstrip("/"), day, "events/date=2026-01-01/", f"v1/account_id={ACCOUNT}/{day}"]:
            self.assertEqual(path.rstrip("/"), self.run_tool("paths", part)[0].decode().strip().rstrip("/"))
            events = self.sync(part, "--dry-run")[1]
            self.assertEqual(wanted, {each["name"] for each in events if each["event"] == "would_fetch"})
        self.assertIn(b"_SUCCESS", self.run_tool("ls", path)[0])
        self.assertEqual(self.run_tool("ls")[0], self.run_tool("ls", f"s3://{BUCKET}/v1/account_id={ACCOUNT}")[0])
        self.assertEqual(b"", self.run_tool("cat", path + "_SUCCESS")[0])
        for other in [f"s3://{BUCKET}/v1/account_id={OTHER}/", f"s3://{BUCKET}/", "s3://other/x", f"v1/account_id={OTHER}/type=events/"]:
            for command in "ls", "paths", "load", "cat":
                self.assertIn(f"the token opens s3://{BUCKET}/v1/account_id={ACCOUNT}/ and not {other}",
                              self.run_tool(command, other, status=1)[1])
        self.assertIn("goes behind --output", self.run_tool("sync", path, "./data", status=2)[1])
        self.assertIn("valetkey only reads from S3", self.run_tool("sync", "-o", "s3://b/x", status=1)[1])

    def test_nothing_matched_is_told_with_what_there_is(self):
        days = "the export has decisions on 2026-01-02 and events from 2026-01-01 to 2026-01-04"
        for words, told in [
                (["--start", "2026-03-01", "--end", "2026-03-31"], "--start 2026-03-01 --end 2026-03-31: " + days),
                (["--last", "30d"], "--last 30d: " + days), (["--date", "yesterday"], days),
                (["--event", "bye now+% ü"], "--event bye now+% ü: " + days + "; did you mean buy now+% ü?"),
                (["--event", "purchase"], "; its events are buy now+% ü"),
                (["--experiment", "777"], "; its experiments are 42"),
                (["--experiment", "42", "--date", "2026-01-03"], "; experiment 42 is there on 2026-01-02"),
                (["evnts/"], "did you mean type=events/?"),
                (["type=evens/date=2026-01-01/"], "did you mean type=events/?"),
                (["type=events/date=2025-01-01/"], "type=events/ has date=2026-01-01/ to date=2026-01-04/")]:
            for command in ["ls"], ["paths"], ["sync", "-o", str(self.home / "out")]:
                with self.subTest(words=words, command=command):
                    self.assertIn(told, self.run_tool(*command, *words, status=1)[1])
        self.assertIn("--only-complete leaves none", self.run_tool(
            "sync", "--type", "decisions", "--only-complete", status=1)[1])

    # Mirrors.
    def test_a_mirror_is_exact_and_the_second_fetches_nothing(self):
        done, _ = self.sync()
        self.assertEqual(len(self.tree), done["fetched"])
        self.assertEqual(self.tree, files_of(self.home / "out"))
        done, _ = self.sync()
        self.assertEqual((0, len(self.tree)), (done["fetched"], done["unchanged"]))
        changed = self.home / "out" / next(name for name in self.tree if "buy" in name)
        changed.write_bytes(b"x" * 50_000)
        self.assertEqual(1, self.sync()[0]["fetched"])
        self.assertEqual(self.tree, files_of(self.home / "out"))

    def test_selections(self):
        days = ["--type", "events", "--start", "2026-01-01", "--end", "2026-01-02"]
        done, events = self.sync(*days, "--dry-run")
        self.assertFalse((self.home / "out").exists())
        self.assertEqual(0, done["fetched"])
        self.assertEqual(151, len([each for each in events if each["event"] == "would_fetch"]))
        self.assertEqual(76, self.sync(*days, "--only-complete")[0]["fetched"])
        self.assertEqual(1, self.sync("--type", "events", "--date", "2026-01-02", "--include", "*part-00001*")[0]["fetched"])
        self.assertIn("76 objects are selected, and --include, --exclude or --only-complete leaves none of them",
                      self.run_tool("sync", "--date", "2026-01-02", "--exclude", "*.bin", status=1)[1])
        self.assertEqual(1, self.sync("--experiment", "42")[0]["fetched"])

    def test_delete_takes_only_what_the_export_could_have(self):
        out = self.home / "out"
        self.sync("--type", "events", "--date", "2026-01-01")
        (out / "type=events/date=2026-01-01/old.bin").write_bytes(b"old")
        (out / "type=events/date=2026-01-03").mkdir()
        (out / "type=events/date=2026-01-03/kept.bin").write_bytes(b"other day")
        (out / "notes.txt").write_bytes(b"mine")
        self.assertEqual(1, self.sync("--type", "events", "--date", "2026-01-01", "--delete")[0]["deleted"])
        left = files_of(out)
        self.assertNotIn("type=events/date=2026-01-01/old.bin", left)
        self.assertEqual({b"other day", b"mine"}, {left["type=events/date=2026-01-03/kept.bin"], left["notes.txt"]})

    def test_kill_9_leaves_only_whole_files_and_is_resumed(self):
        out = self.home / "out"
        process = self.start("sync", "--connections", "1", "--type", "events", "--output", str(out))
        deadline = time.monotonic() + 60
        while len(list(out.rglob("*.bin"))) < 20 and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=20)
        there = files_of(out)
        self.assertGreater(300, len(there))
        self.assertEqual({name: self.tree[name] for name in there}, there)
        done, _ = self.sync("--type", "events")
        self.assertEqual(len(there), done["unchanged"])
        self.assertEqual({name: content for name, content in self.tree.items() if name.startswith("type=events/")},
                         files_of(out))

    def test_ctrl_c_leaves_only_whole_files(self):
        out = self.home / "out"
        process = self.start("sync", "--connections", "1", "--type", "events", "--output", str(out))
        deadline = time.monotonic() + 60
        while len(list(out.rglob("*.bin"))) < 5 and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        self.assertEqual((1, True), (process.returncode, b"interrupted" in err), err)
        there = files_of(out)
        self.assertEqual({name: self.tree[name] for name in there}, there)

    def test_what_stands_in_the_way_stays(self):
        name = next(name for name in self.tree if "buy" in name)
        out = self.home / "out"
        out.mkdir()
        (out / "type=events").write_bytes(b"mine")
        self.assertIn("type=events is a file where a folder should be",
                      self.run_tool("sync", "--output", str(out), "type=events/", status=1)[1])
        self.assertEqual({"type=events": b"mine"}, files_of(out))
        (out / "type=events").unlink()
        (out / name).mkdir(parents=True)
        self.assertIn("is a folder where a file should be", self.run_tool("sync", "--output", str(out), status=1)[1])
        self.assertTrue((out / name).is_dir())

    def test_two_into_one_folder(self):
        first = self.start("sync", "--connections", "1", "--type", "events", "--output", str(self.home / "out"))
        deadline = time.monotonic() + 60
        while not list((self.home / "out").rglob("*.bin")) and time.monotonic() < deadline:
            time.sleep(0.005)
        os.kill(first.pid, signal.SIGSTOP)
        try:
            _, err = self.run_tool("sync", "--output", str(self.home / "out"), status=1)
        finally:
            os.kill(first.pid, signal.SIGCONT)
        self.assertIn("another valetkey is writing", err)
        self.assertEqual(0, (first.communicate(timeout=60), first.returncode)[1])

    # What goes wrong.
    def test_one_sentence_for_what_is_wrong(self):
        (self.home / "file").write_text("x")
        html = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Html", (http.server.BaseHTTPRequestHandler,), {
            "do_GET": lambda self: (self.send_response(200), self.end_headers(), self.wfile.write(b"<html>proxy</html>")),
            "log_message": lambda *_: None}))
        threading.Thread(target=html.serve_forever, daemon=True).start()
        wrong = {"VALETKEY_TOKEN": UNKNOWN_TOKEN}
        for arguments, more, words in [
                (["auth"], {"VALETKEY_TOKEN_FILE": "", "VALETKEY_API": ""}, "there is no token"),
                (["auth"], wrong, "refuses the token"),
                (["auth"], {"VALETKEY_TOKEN": UNKNOWN_TOKEN[:-1], "VALETKEY_API": "http://127.0.0.1:1"}, "the token is mistyped"),
                (["auth"], {"VALETKEY_TOKEN": "not-of-our-form"}, "refuses the token: The personal access token is mistyped"),
                (["auth"], {"VALETKEY_API": f"http://127.0.0.1:{html.server_port}"}, "not an exchange"),
                (["auth"], {"VALETKEY_API": "http://example.com"}, "in the clear"),
                (["auth", "--account-id", OTHER], {}, "not the account"),
                (["ls", "nothing/"], {}, "nothing matches nothing/: the export has type=decisions/ to type=events/"),
                (["cat", "type=events/none"], {}, "nothing matches type=events/none: type=events/ has date=2026-01-01/ to date="),
                (["cat", "type=events/"], {}, "is a folder: name one object of it"),
                (["cat", f"../account_id={OTHER}/type=events/secret"], {}, "a path of this machine"),
                (["sync", "--output", str(self.home / "file")], {}, "is a file")]:
            with self.subTest(arguments=arguments, words=words):
                self.assertIn(words, self.run_tool(*arguments, status=1, more=more)[1])
        html.shutdown()
        for arguments, words in [(["sync", "--connections", "0"], "--connections"),
                                 (["ls", "--type", "events", "--date", "tomorrow"], "--date takes a date such as"),
                                 (["query", "select 1", "--start", "2026-13-01"], "--start takes"),
                                 (["sync", "--start", "2026-01-02", "--end", "2026-01-01"], "after")]:
            with self.subTest(arguments=arguments, words=words):
                self.assertIn(words, self.run_tool(*arguments, status=2)[1])
        self.assertIn("there is no command `synk`; did you mean `sync`?", self.run_tool("synk", status=2)[1])

    def test_what_cannot_pass_ends_at_once_with_the_sentence_of_doctor(self):
        banner = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=lambda: [banner.accept()[0].sendall(b"SSH-2.0-x\r\n") for _ in range(99)], daemon=True).start()
        self.addCleanup(banner.close)
        with socket.create_server(("127.0.0.1", 0)) as gone:
            port = gone.getsockname()[1]
        for api, words in [(f"http://127.0.0.1:{port}", "nothing takes connections at 127.0.0.1:"),
                           (self.server.api.replace("http", "https"), "this port does not speak TLS"),
                           (f"http://127.0.0.1:{banner.getsockname()[1]}", "no HTTP server"),
                           (self.server.s3, "not as an exchange does")]:
            more = {"VALETKEY_API": api}
            said, began = self.start("doctor", more=more).communicate(timeout=60)[0].decode(), time.monotonic()
            for command in ["ls"], ["sync"], ["cat", "x"], ["paths"], ["auth"], ["credential-process"], ["query", "SELECT 1"], [
                    "configure", "--token-file", str(self.token_file)], ["credentials-server"]:
                with self.subTest(api=api, command=command):
                    sentence = self.run_tool(*command, more=more, status=1)[1].removeprefix("valetkey: ").strip()
                    self.assertIn(words, sentence)
                    self.assertIn(sentence, said)
            self.assertLess(time.monotonic() - began, 45)

    def test_what_may_pass_is_waited_for_as_long_as_told(self):
        busy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Busy", (http.server.BaseHTTPRequestHandler,), {
            "do_GET": lambda self: (self.send_response(503), self.end_headers()), "log_message": lambda *_: None}))
        threading.Thread(target=busy.serve_forever, daemon=True).start()
        self.addCleanup(busy.shutdown)
        more = {"VALETKEY_API": f"http://127.0.0.1:{busy.server_port}"}
        for words, variable, least, most in [(["--wait", "0"], "1h", 0, 2), (["--wait", "4s"], "", 4, 7), ([], "500ms", 0.5, 3)]:
            began = time.monotonic()
            err = self.run_tool("ls", *words, more={**more, "VALETKEY_WAIT": variable}, status=1)[1]
            self.assertIn("answers 503", err)
            self.assertTrue(least <= time.monotonic() - began < most, time.monotonic() - began)
            self.assertEqual(least == 4, "waiting up to 1 s more" in err, err)
        self.assertIn("--wait takes a whole number and a unit", self.run_tool("ls", "--wait", "soon", status=2)[1])

    def test_no_home_is_needed(self):
        needed = {"VALETKEY_API": self.server.api, "VALETKEY_TOKEN_FILE": "", "VALETKEY_TOKEN": "\ufeffBearer " + self.token}
        for home in "", "/dev/null", "/proc/none":
            for name in "ls", "credential-process":
                out, err = self.run_tool(name, more={**needed, "HOME": home})
                self.assertTrue(out)
                self.assertEqual(name == "credential-process", "XDG_CACHE_HOME" in err, err)

    def test_a_lying_endpoint_writes_nothing(self):
        liar = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
        threading.Thread(target=liar.serve_forever, daemon=True).start()
        md5 = "900150983cd24fb0d6963f7d28e17f72"  # of abc
        api = {"VALETKEY_API": f"http://127.0.0.1:{liar.server_port}"}
        out = self.home / "a" / "b" / "out"
        for key, etag, size, words in [("type=events/x", "0" * 32, 3, "MD5"), ("type=events/x", md5, 10, "states 3 bytes where 10"),
                                       ("type=events/x", md5, 2, "states 3 bytes where 2"), ("../evil", md5, 3, "cannot be a file"),
                                       ("type=events/../../evil", md5, 3, "cannot be a file"),
                                       ("%2Fevil", md5, 3, "cannot be a file"), ("a%00b", md5, 3, "cannot be a file"),
                                       ("a%1B[2J/../b", md5, 3, r"a\?\[2J/\.\./b.*refused as a file name"),
                                       (".valetkey/state", md5, 3, "cannot be a file"),
                                       *((key, md5, 3, "cannot be a file") for key in (
                                           "type=events//x", "type=events/./x", "..", "type=events/..", "%00",
                                           "type=events/" + "x" * 256))]:
            with self.subTest(key=key, words=words):
                Liar.key, Liar.etag, Liar.size = key, etag, size
                self.assertRegex(self.run_tool("sync", "--output", str(out), status=1, more=api)[1], words)
                self.assertEqual({}, files_of(self.home / "a"))
                self.assertFalse(list(self.home.rglob("evil")))
        Liar.key, Liar.etag, Liar.size = "type=events/folder/", md5, 3  # what some tools make to show a folder
        self.assertIn("nothing matches", self.run_tool("sync", "--output", str(out), more=api, status=1)[1])
        self.assertEqual({}, files_of(self.home / "a"))
        Liar.key, Liar.etag, Liar.size = "type=events/x", "0" * 32, 3
        self.assertIn("what was written is wrong", self.start("cat", "type=events/x", more=api).communicate(timeout=60)[1].decode())
        Liar.key, Liar.etag, Liar.size = "type=events/x", md5, 3
        self.run_tool("sync", "--output", str(out), more=api)
        self.assertEqual({"b/out/type=events/x"}, set(files_of(self.home / "a")))
        Liar.key, Liar.etag, Liar.size, Liar.stated = "type=events/y", md5, 3, 10**12
        self.addCleanup(setattr, Liar, "stated", None)
        for command in ["sync", "--output", str(out)], ["cat", "type=events/y"]:
            began = time.monotonic()
            self.assertIn("states 1000000000000 bytes where 3", self.run_tool(*command, status=1, more=api)[1])
            self.assertLess(time.monotonic() - began, 40)  # not by a connection that has ended
        liar.shutdown()

    def test_a_wait_is_told_and_that_it_is_over(self):
        class Away(Liar):
            """Not there until it is told to be."""
            key, etag, size, there = "type=events/x", "900150983cd24fb0d6963f7d28e17f72", 3, threading.Event()

            def do_GET(self):
                if self.there.is_set():
                    return super().do_GET()
                self.send_response(502)
                self.send_header("Content-Length", "0")
                self.end_headers()

        away = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Away)
        threading.Thread(target=away.serve_forever, daemon=True).start()
        self.addCleanup(away.shutdown)
        api = f"http://127.0.0.1:{away.server_port}"
        process = self.start("sync", "--json", "--output", str(self.home / "out"), more={"VALETKEY_API": api})
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        self.addCleanup(watchdog.cancel)
        self.assertRegex(process.stderr.readline().decode(), f"^valetkey: waiting up to 15 minutes more: {api} answers 502")
        Away.there.set()
        out, err = process.communicate(timeout=60)
        self.assertEqual(0, process.returncode, err)
        self.assertRegex(err.decode(), r"^valetkey: going on after [0-9]+ s\n$")
        self.assertEqual(["fetched", "done"], [json.loads(line)["event"] for line in out.splitlines()])

    def test_doctor(self):
        report = self.run_tool("doctor")[0].decode()
        self.assertNotIn("FAIL", report)
        for check in ("API name", "API connection", "API answer", "clock", "endpoint name", "endpoint connection", "token, exchange", "endpoint", "signature", "list", "ranged read", "write", "neighbour"):
            self.assertRegex(report, f"(?m)^ok   {check}")
        process = self.start("doctor", more={"VALETKEY_TOKEN": UNKNOWN_TOKEN})
        out, _ = process.communicate(timeout=60)
        self.assertEqual(1, process.returncode)
        self.assertRegex(out.decode(), "(?m)^FAIL token, exchange .*refuses the token")
        for api, words in [("https://name.invalid", "API name .*does not resolve .*DNS"),
                           ("http://127.0.0.1:1", "API connection .*127.0.0.1:1 .*is the server running"),
                           (self.server.api.replace("http", "https"), "API TLS .*TLS"),
                           (f"http://127.0.0.1:{self.late_clock()}", "clock .*timedatectl")]:
            with self.subTest(api=api):
                process = self.start("doctor", more={"VALETKEY_API": api})
                out, _ = process.communicate(timeout=60)
                self.assertEqual(1, process.returncode)
                self.assertRegex(out.decode(), "(?m)^FAIL " + words)

    def late_clock(self) -> int:
        """The port of a server that lives an hour ago."""
        late = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Late", (http.server.BaseHTTPRequestHandler,), {
            "do_GET": lambda self: (self.send_response(404), self.end_headers()), "log_message": lambda *_: None,
            "date_time_string": lambda *_: email.utils.formatdate(time.time() - 3600, usegmt=True)}))
        threading.Thread(target=late.serve_forever, daemon=True).start()
        self.addCleanup(late.shutdown)
        return late.server_port


@unittest.skipUnless(REAL.exists(), "the real export is not there")
class RealExport(ServedCase):
    @classmethod
    def prepare(cls):
        cls.token = cls.server.make_account(ACCOUNT)
        cls.server.run("import", str(REAL))
        cls.server.start()

    def test_sync_brings_every_object(self):
        out = self.server.folder / "out"
        subprocess.run([str(PROGRAMS / "valetkey"), "sync", "--output", str(out)], check=True, timeout=120,
                       stdout=subprocess.DEVNULL,
                       env={**clean_environment(), "VALETKEY_API": self.server.api, "VALETKEY_TOKEN": self.token})
        self.assertEqual(files_of(REAL / "v1" / f"account_id={ACCOUNT}"), files_of(out))
        self.assertEqual(6, len(files_of(out)))


if __name__ == "__main__":
    main()
