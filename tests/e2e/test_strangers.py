# SPDX-License-Identifier: Apache-2.0
"""What strangers send: too slow, too much, malformed. The stated answer, never a crash, and others go on."""
import json
import os
import random
import select
import socket
import threading
import time

import requests

import trees
from clients import Clients
from server import BUCKET, LONG, ServedCase, eventually, main

ACCOUNT = "55"
CONFIG = """[limits]
head_timeout = "1s"
idle_timeout = "2s"
body_timeout = "1s"
write_timeout = "2s"
max_connections = 60
auth_failures_burst = 20
auth_failures_interval = "1s"
"""


ABORTED = 'valetkey_http_aborted_total{listener="s3"}'
LARGE = trees.content_of(32 << 20, "large")


class Strangers(ServedCase):
    options = {"config": CONFIG}

    @classmethod
    def prepare(cls):
        cls.token = cls.server.make_account(ACCOUNT)
        tree = trees.plain_tree(cls.server.folder / "tree", {
            f"v1/account_id={ACCOUNT}/small": b"small", f"v1/account_id={ACCOUNT}/large": LARGE})
        cls.server.run("import", str(tree))
        cls.server.start()

    def tearDown(self):
        """Whatever happened, the next customer is served."""
        clients = Clients(self.server, self.server.exchange(self.token), self.server.folder / "c")
        body = clients.boto3().get_object(Bucket=BUCKET, Key=f"v1/account_id={ACCOUNT}/small")["Body"].read()
        self.assertEqual(b"small", body)

    def ports(self):
        return (self.server.api_port, self.server.s3_port, self.server.admin_port)

    def send(self, port: int, data: bytes, wait: float = 5) -> bytes:
        """The answer until the server closes or `wait` is over."""
        with socket.create_connection(("127.0.0.1", port), timeout=wait) as connection:
            got = b""
            try:
                connection.sendall(data)
                while block := connection.recv(65536):
                    got += block
            except OSError:
                pass
            return got

    def test_silent_and_slow_heads_are_ended(self):
        for port in self.ports():
            for data in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "):
                started = time.monotonic()
                got = self.send(port, data)
                self.assertLess(time.monotonic() - started, 4.5, (port, data))
                self.assertTrue(got == b"" or got.startswith(b"HTTP/1.1 408"), got[:80])

    def test_a_reader_of_single_bytes_is_ended(self):
        """It makes progress all the time, but the kernel reports room only when a good part of its buffer is free."""
        clients = Clients(self.server, self.server.exchange(self.token), self.server.folder / "slow")
        url = clients.boto3().generate_presigned_url(
            "get_object", Params={"Bucket": BUCKET, "Key": f"v1/account_id={ACCOUNT}/large"})
        target = url.split(f":{self.server.s3_port}", 1)[1]
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(10)
            connection.connect(("127.0.0.1", self.server.s3_port))
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{self.server.s3_port}\r\n\r\n".encode())
            before, started = self.server.metrics().get(ABORTED, 0), time.monotonic()
            while self.server.metrics().get(ABORTED, 0) == before and time.monotonic() - started < 30:
                self.assertEqual(1, len(connection.recv(1)))
                time.sleep(0.05)
        self.assertEqual(before + 1, self.server.metrics().get(ABORTED, 0))

    def test_a_trickled_head_is_ended(self):
        with socket.create_connection(("127.0.0.1", self.server.s3_port), timeout=5) as connection:
            started = time.monotonic()
            try:
                for byte in b"GET / HTTP/1.1\r\nHost: example\r\n" * 10:
                    connection.send(bytes([byte]))
                    time.sleep(0.1)
                    if time.monotonic() - started > 6:
                        break
            except OSError:
                pass
            self.assertLess(time.monotonic() - started, 5, "a head may not take longer than its limit")

    def test_a_slow_body_is_ended(self):
        started = time.monotonic()
        got = self.send(self.server.api_port, (
            f"POST /v2/tokens HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.token}\r\n"
            "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{").encode())
        self.assertLess(time.monotonic() - started, 4.5)
        self.assertTrue(got == b"" or b" 408 " in got.split(b"\r\n")[0], got[:80])

    def test_huge_heads_are_431(self):
        for port in self.ports():
            for data in (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n",
                         b"GET / HTTP/1.1\r\nHost: x\r\nX-Big: " + b"b" * 200_000 + b"\r\n\r\n",
                         b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 5000 + b"\r\n"):
                self.assertRegex(self.send(port, data)[:40], rb"^HTTP/1.1 (431|414|400) ")

    def test_malformed_requests_are_400(self):
        for port in self.ports():
            for data in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n", b"G\x00T / HTTP/1.1\r\n\r\n",
                         b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: -1\r\nHost: x\r\n\r\n",
                         b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                         b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"):
                got = self.send(port, data)
                self.assertTrue(got == b"" or got[:13] in (b"HTTP/1.1 400 ", b"HTTP/1.1 505 "), (port, data, got[:60]))

    def test_a_huge_body_is_413(self):
        answer = self.server.call("POST", "/v2/tokens", self.token, data=b"x" * 3_000_000,
                                  headers={"Content-Type": "application/json"})
        self.assertEqual((413, "too_large"), (answer.status_code, answer.json()["code"]))

    def test_too_many_connections_are_refused_and_pass(self):
        held = []
        try:
            for _ in range(120):
                held.append(socket.create_connection(("127.0.0.1", self.server.s3_port), timeout=5))
            time.sleep(0.2)
            with self.assertRaises(requests.RequestException):
                answer = requests.get(self.server.s3 + "/", timeout=5)
                if answer.status_code == 503:
                    raise requests.RequestException
        finally:
            for connection in held:
                connection.close()
        time.sleep(0.3)

    def test_failed_authentication_is_limited_without_touching_valid_tokens(self):
        statuses = [self.server.get("/v2/export/credentials", f"vkpat_{n:046}").status_code for n in range(60)]
        self.assertEqual(401, statuses[0])
        self.assertEqual(429, statuses[-1])
        limited = self.server.get("/v2/export/credentials", "nonsense")
        self.assertEqual("rate_limited", limited.json()["code"])
        self.assertGreaterEqual(int(limited.headers["Retry-After"]), 1)
        self.assertEqual("close", limited.headers["Connection"])
        for _ in range(30):
            self.assertEqual(200, self.server.get("/v2/export/credentials", self.token).status_code)

    def test_noise_never_kills_it(self):
        noise = random.Random(7)
        words = [b"GET ", b"HEAD ", b"/", b"%00", b"%2e%2e/", BUCKET.encode(), b"?list-type=2", b"&prefix=", b"\r\n",
                 b" HTTP/1.1\r\n", b"Host: x\r\n", b"Authorization: AWS4-HMAC-SHA256 Credential=", b"Range: bytes=",
                 b"X-Amz-Signature=", b"Transfer-Encoding: chunked\r\n\r\n", b"ffffffffffffffff\r\n", b"\xff\xfe"]
        for _ in range(600 if LONG else 120):
            data = b"".join(noise.choice(words) for _ in range(noise.randrange(1, 14))) + b"\r\n\r\n"
            self.send(noise.choice(self.ports()), data, wait=0.05)
        self.assertIsNone(self.server.process.poll())

    def test_clients_that_vanish_mid_download_leave_nothing(self):
        client = Clients(self.server, self.server.exchange(self.token), self.server.folder / "c").boto3()
        url = client.generate_presigned_url("get_object", Params={
            "Bucket": BUCKET, "Key": f"v1/account_id={ACCOUNT}/small"}, ExpiresIn=600)

        def vanish():
            for _ in range(20):
                answer = requests.get(url, stream=True, timeout=5)
                answer.raw.close()
        threads = [threading.Thread(target=vanish) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        time.sleep(0.5)
        descriptors = len(os.listdir(f"/proc/{self.server.process.pid}/fd"))
        self.assertLess(descriptors, 200)


class StalledBodies(ServedCase):
    """With the limits that people get."""

    @classmethod
    def prepare(cls):
        cls.server.make_account(ACCOUNT)

    def stall(self, until) -> list[int]:
        """120 connections of 3.4 MB that stall, each made again as soon as it is cut; how many were made in their stead."""
        head = b"POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 3450000\r\n\r\n"
        content, sent, again = head + b" " * 3_400_000, {}, [0]

        def begin() -> None:
            one = socket.create_connection(("127.0.0.1", self.server.api_port), timeout=5)
            one.setblocking(False)
            sent[one] = 0

        def attack() -> None:
            for _ in range(120):
                begin()
            while not until.is_set():
                readable, writable, _ = select.select(list(sent), [s for s in sent if sent[s] < len(content)], [], 0.05)
                for one in {*readable, *writable}:
                    try:
                        if one in readable:
                            raise OSError("answered: it is cut")
                        sent[one] += one.send(content[sent[one]:sent[one] + 65536])
                    except OSError:
                        del sent[one]
                        one.close()
                        begin()
                        again[0] += 1
            for one in sent:
                one.close()
        thread = threading.Thread(target=attack)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(until.set)
        return again

    def test_bodies_that_stall_take_what_they_may_and_give_it_up(self):
        over = threading.Event()
        again = self.stall(over)
        held = [self.server.metrics()["valetkey_http_body_bytes"] for _ in range(20) if not time.sleep(0.1)]
        self.assertGreater(max(held), 8 << 20)
        body = json.dumps({"account_id": ACCOUNT, "visitors": []})

        def send(size: int) -> int:
            answer = requests.post(f"{self.server.api}/v1/events", data=body.ljust(size), timeout=20)
            held.append(self.server.metrics()["valetkey_http_body_bytes"])
            self.assertEqual(answer.status_code == 503, "Retry-After" in answer.headers)
            return answer.status_code
        # From the same address, while it goes on: each within its share of the block.
        self.assertEqual([204] * 20, [send(60_000) for _ in range(20)])
        over.set()
        # Those that were waiting are noticed when their turn comes, after 5 s.
        self.assertTrue(eventually(lambda: send(1_000_000) == 204, 30), "they have gone")
        self.assertGreater(again[0], 0, "nothing was cut")
        self.assertLessEqual(max(held), 16 << 20, "120 of 3.4 MB each are 414 MiB")


if __name__ == "__main__":
    main()
