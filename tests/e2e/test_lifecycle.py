# SPDX-License-Identifier: Apache-2.0
"""Starting, stopping and what stops a server: each bad surrounding ends with one clear sentence and loses nothing."""
import os
import signal
import socket
import ssl
import subprocess
import time
import unittest

import requests

import trees
from clients import Clients
from server import BUCKET, Server, main

ACCOUNT = "88"
PREFIX = f"v1/account_id={ACCOUNT}/"


class Lifecycle(unittest.TestCase):
    def make_server(self, large: int = 0, **options) -> Server:
        server = Server(**options)
        self.addCleanup(server.close)
        self.token = server.make_account(ACCOUNT)
        files = {f"{PREFIX}small": b"small"}
        if large:
            files[f"{PREFIX}large"] = trees.content_of(large, "large")
        self.tree = trees.plain_tree(server.folder / "tree", files)
        server.run("import", str(self.tree))
        return server

    def refused_serve(self, server: Server, *arguments: str) -> str:
        """What a serve that must not start says: one sentence, exit 1."""
        failure = server.refused("serve", *arguments)
        self.assertEqual(1, failure.status, failure.errors)
        lines = [line for line in failure.errors.strip().splitlines() if line]
        self.assertLessEqual(len(lines), 3, failure.errors)
        return failure.errors

    def test_sigterm_lets_a_running_download_finish(self):
        size = 24 << 20
        server = self.make_server(large=size).start()
        url = Clients(server, server.exchange(self.token), server.folder / "c").boto3().generate_presigned_url(
            "get_object", Params={"Bucket": BUCKET, "Key": f"{PREFIX}large"}, ExpiresIn=600)
        with requests.get(url, stream=True, timeout=20) as answer:
            got = [answer.raw.read(1 << 16)]
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            self.assertIsNone(server.process.poll(), "it ended while a download was running")
            with self.assertRaises(OSError):
                socket.create_connection(("127.0.0.1", server.s3_port), timeout=2).close()
            while block := answer.raw.read(1 << 20):
                got.append(block)
        self.assertEqual(trees.content_of(size, "large"), b"".join(got))
        self.assertEqual(0, server.process.wait(timeout=20))
        server.process = None

    def test_shutdown_has_a_limit(self):
        server = self.make_server(large=64 << 20, config='[limits]\nshutdown_grace = "1s"').start()
        url = Clients(server, server.exchange(self.token), server.folder / "c").boto3().generate_presigned_url(
            "get_object", Params={"Bucket": BUCKET, "Key": f"{PREFIX}large"}, ExpiresIn=600)
        with requests.get(url, stream=True, timeout=20) as answer:
            answer.raw.read(1)
            started = time.monotonic()
            server.stop()
            self.assertLess(time.monotonic() - started, 8)

    def test_tls_is_reloaded_on_sighup(self):
        server = self.make_server(tls=True).start()
        def serial() -> int:
            context = ssl.create_default_context(cafile=server.certificate)
            with socket.create_connection(("127.0.0.1", server.s3_port), timeout=5) as plain:
                with context.wrap_socket(plain, server_hostname="localhost") as secured:
                    return int(secured.getpeercert()["serialNumber"], 16)
        self.assertEqual(1, serial())
        server.make_certificate(serial=2)
        server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                if serial() == 2:
                    break
            except ssl.SSLError:
                pass
            time.sleep(0.05)
        self.assertEqual(2, serial())
        good = server.certificate.read_bytes()
        server.certificate.write_text("not a certificate")
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        server.certificate.write_bytes(good)
        self.assertEqual(2, serial(), "a bad certificate must not replace a good one")
        with self.assertRaises((requests.RequestException, OSError)):
            requests.get(f"http://127.0.0.1:{server.s3_port}/", timeout=5).raise_for_status()

    def test_busy_port_is_named(self):
        server = self.make_server()
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            said = self.refused_serve(server, "--api-listen", f"127.0.0.1:{port}", "--s3-listen", "127.0.0.1:0",
                                      "--admin-listen", "127.0.0.1:0")
        self.assertIn(str(port), said)

    def test_missing_and_readable_keyrings_are_refused(self):
        server = self.make_server()
        keyring = server.folder / "data.keyring"
        keyring.chmod(0o644)
        self.assertRegex(self.refused_serve(server), r"(?i)keyring.*(mode|read|chmod|600)")
        keyring.chmod(0o600)
        keyring.rename(server.folder / "hidden")
        self.assertRegex(self.refused_serve(server), r"(?i)keyring")
        (server.folder / "hidden").rename(keyring)
        server.start()

    def test_a_folder_that_was_never_initialised_is_refused(self):
        server = self.make_server()
        server.data.rename(server.folder / "elsewhere")
        self.assertIn("init", self.refused_serve(server))
        (server.folder / "elsewhere").rename(server.data)

    def test_unknown_settings_and_open_listeners_are_refused(self):
        server = self.make_server()
        server.config.write_text("[s3]\nbukket = \"x\"\n")
        self.assertIn("bukket", self.refused_serve(server))
        server.config.write_text("")
        self.assertRegex(self.refused_serve(server, "--api-listen", "0.0.0.0:0"), r"TLS|insecure_listen")
        self.assertEqual(2, server.refused("serve", "--no-such-flag").status)
        self.assertEqual(2, server.refused("no-such-command").status)

    def test_a_full_disk_fails_an_import_and_loses_nothing(self):
        if os.geteuid() != 0:
            self.skipTest("mounting a small file system needs root")
        server = self.make_server(config="[limits]\nmin_free_bytes = 0")  # it would not call itself ready
        mount = server.folder / "small"
        mount.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(mount)],
                          capture_output=True).returncode != 0:
            self.skipTest("no right to mount a file system here")
        self.addCleanup(subprocess.run, ["umount", "-l", str(mount)], check=False, capture_output=True)
        server.data = mount / "data"
        server.run("init")
        self.token = server.make_account(ACCOUNT)
        server.run("import", str(self.tree))
        large = trees.plain_tree(server.folder / "large", {
            f"{PREFIX}part-{n}": trees.content_of(4 << 20, str(n)) for n in range(6)})
        said = server.refused("import", str(large))
        self.assertEqual(1, said.status)
        self.assertRegex(said.errors, r"(?i)no space|full")
        server.run("check")
        server.start()
        client = Clients(server, server.exchange(self.token), server.folder / "c").boto3()
        self.assertEqual(b"small", client.get_object(Bucket=BUCKET, Key=f"{PREFIX}small")["Body"].read())
        server.stop()
        server.check_traces()

    def test_a_read_only_folder_is_refused_with_one_sentence(self):
        if os.geteuid() != 0:
            self.skipTest("mounting read-only needs root")
        server = self.make_server()
        if subprocess.run(["mount", "--bind", str(server.data), str(server.data)],
                          capture_output=True).returncode != 0:
            self.skipTest("no right to mount a file system here")
        self.addCleanup(subprocess.run, ["umount", "-l", str(server.data)], check=False, capture_output=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", str(server.data)], check=True, capture_output=True)
        self.assertRegex(self.refused_serve(server), r"(?i)read-only|not writable|cannot write")
        self.assertEqual(1, server.refused("import", str(self.tree)).status)
        subprocess.run(["umount", "-l", str(server.data)], check=True, capture_output=True)
        server.run("check")

    def test_two_servers_do_not_share_a_port_quietly(self):
        server = self.make_server().start()
        other = self.make_server()
        said = self.refused_serve(other, "--api-listen", f"127.0.0.1:{server.api_port}", "--s3-listen", "127.0.0.1:0",
                                  "--admin-listen", "127.0.0.1:0")
        self.assertIn(str(server.api_port), said)

    def test_two_servers_do_not_take_events_into_one_folder(self):
        server = self.make_server().start()
        said = self.refused_serve(server, "--api-listen", "127.0.0.1:0", "--s3-listen", "127.0.0.1:0",
                                  "--admin-listen", "127.0.0.1:0")
        self.assertIn("[intake] enabled = false", said)

    def test_health_and_metrics_answer(self):
        server = self.make_server().start()
        self.assertEqual(200, requests.get(f"{server.admin}/healthz", timeout=5).status_code)
        server.exchange(self.token)
        names = {name.split("{")[0] for name in server.metrics()}
        self.assertTrue(any("disk" in name for name in names), names)
        self.assertTrue(all(name.startswith(("valetkey_", "process_", "exposer_")) for name in names), names)


if __name__ == "__main__":
    main()
