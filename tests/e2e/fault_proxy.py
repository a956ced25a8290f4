# SPDX-License-Identifier: Apache-2.0
"""What may stand between a client and a server: a gate that can be shut, and a proxy that drops, delays, truncates,
corrupts, and answers errors of its own, at random from a seed. Both listen on a port of their own on loopback."""
import collections
import dataclasses
import random
import socket
import struct
import threading
import time

HTML = b"<html><head><title>Sign in to the network</title></head></html>"


@dataclasses.dataclass
class Exchange:
    """One request and its answer on the way."""
    head: bytes
    status: int
    answer_head: bytes
    body: bytes

    @property
    def is_document(self) -> bool:
        """An exchange or a listing, not an object."""
        return b"/v2/" in self.head or b"list-type=2" in self.head


def read_head(stream) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline(65536)
        if not line:
            return b""
        head += line
    return head


def reset(connection: socket.socket) -> None:
    """So that the other side sees a broken connection, not an ended one."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Proxy:
    """Answers every connection on `port` with handle(), each on a thread of its own."""

    def __init__(self, upstream: int):
        self.upstream = upstream
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                self.handle(connection)
        except OSError:
            pass  # either side went away: nothing more to pass on

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def handle(self, connection: socket.socket) -> None:
        """Requests without bodies, one after another, by one connection upstream."""
        with socket.create_connection(("127.0.0.1", self.upstream), 10) as above:
            above.settimeout(60)
            below_in, above_in = connection.makefile("rb"), above.makefile("rb")
            while (head := read_head(below_in)) and self.admit(connection):
                above.sendall(head)
                answer_head = read_head(above_in)
                if not answer_head:
                    return
                length = 0
                for line in answer_head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                if head.startswith(b"HEAD "):
                    length = 0
                found = Exchange(head, int(answer_head.split()[1]), answer_head, above_in.read(length))
                if not self.pass_on(connection, found):
                    return

    def admit(self, connection: socket.socket) -> bool:
        """Whether a request goes up at all."""
        return True

    def pass_on(self, connection: socket.socket, found: Exchange) -> bool:
        """Whether the connection goes on."""
        connection.sendall(found.answer_head + found.body)
        return True


class Gate(Proxy):
    """Shut, it breaks every connection, old and new; `refused` counts them."""

    def __init__(self, upstream: int):
        self.open, self.refused = True, 0
        super().__init__(upstream)

    def handle(self, connection: socket.socket) -> None:
        if self.admit(connection):
            super().handle(connection)

    def admit(self, connection: socket.socket) -> bool:
        if self.open:
            return True
        with self.lock:
            self.refused += 1
        reset(connection)
        return False


def answer(status: int, code: str, document: bool) -> bytes:
    """An error as S3, or the API, says it."""
    body = (f'{{"code":"{code}","message":"made up"}}' if document else
            f"<Error><Code>{code}</Code><Message>made up</Message></Error>").encode()
    return f"HTTP/1.1 {status} Made up\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class FaultProxy(Proxy):
    """`rate`: the share of answers that something is done to; `counts` says what was done how often."""
    FAULTS = ("drop", "delay", "truncate", "break", "corrupt", "500", "503", "SlowDown", "ExpiredToken", "html", "less",
              "more")

    def __init__(self, upstream: int, seed: int, rate: float, faults: tuple[str, ...] = FAULTS):
        self.random, self.rate, self.faults = random.Random(seed), rate, faults
        self.counts = collections.Counter()
        super().__init__(upstream)

    def pick(self) -> tuple[str, float]:
        with self.lock:
            fault = self.random.choice(self.faults) if self.random.random() < self.rate else ""
            self.counts[fault or "passed"] += 1
            return fault, self.random.random()

    def pass_on(self, connection: socket.socket, found: Exchange) -> bool:
        fault, share = self.pick()
        made_up = {"500": (500, "InternalError"), "503": (503, "ServiceUnavailable"), "SlowDown": (503, "SlowDown"),
                   "ExpiredToken": (400, "ExpiredToken")}
        is_api = b"/v2/" in found.head
        if fault == "drop":
            return False
        if fault == "delay":
            time.sleep(share / 2)
        elif fault in made_up:
            status, code = made_up[fault]
            connection.sendall(answer(503 if is_api else status, code, is_api))
            return True
        elif fault == "html" and found.is_document:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(HTML) + HTML)
            return True
        elif fault in ("truncate", "break"):
            connection.sendall(found.answer_head + found.body[:int(share * len(found.body))])
            if fault == "break":
                reset(connection)
            return False
        elif fault in ("less", "more") and found.body:
            # Lies about the length: what is left over follows, or the rest never comes.
            told = len(found.body) // 2 if fault == "less" else len(found.body) * 2
            lines = [f"Content-Length: {told}".encode() if line.lower().startswith(b"content-length:") else line
                     for line in found.answer_head.split(b"\r\n")]
            connection.sendall(b"\r\n".join(lines) + found.body)
            return fault == "less"
        elif fault == "corrupt" and found.body:
            at = int(share * len(found.body))
            # Nothing could tell a changed name or key from a true one: documents become unreadable.
            found.body = (found.body[:at] + bytes([found.body[at] ^ 0x40]) + found.body[at + 1:]
                          if not found.is_document else b"\0" * len(found.body))
        return super().pass_on(connection, found)
