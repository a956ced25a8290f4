# SPDX-License-Identifier: Apache-2.0
"""Between a server and its bucket: passes requests on as they are, and at the chosen one kills the server, or takes its time."""
import http.client
import http.server
import threading
import time
import urllib.parse


class DeadlyProxy:
    """`kill` is called once, at the n-th request that changes something: before it is passed on, or after it was."""

    def __init__(self, engine: str):
        self.engine = urllib.parse.urlsplit(engine).netloc
        self.lock, self.changes, self.at, self.after, self.kill = threading.Lock(), 0, 0, False, None
        self.pause = 0.0  # before an object is passed back
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                proxy.pass_on(self)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def arm(self, at: int, after: bool, kill) -> None:
        with self.lock:
            self.changes, self.at, self.after, self.kill = 0, at, after, kill

    def fires(self, method: str) -> bool:
        with self.lock:
            if method in ("GET", "HEAD"):
                return False
            self.changes += 1
            return self.changes == self.at and self.kill is not None

    def pass_on(self, request) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        fires = self.fires(request.command)
        if fires and not self.after:
            self.kill()
            request.close_connection = True
            return
        there = http.client.HTTPConnection(self.engine, timeout=60)
        try:
            there.putrequest(request.command, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():  # Host as it was signed
                there.putheader(name, value)
            there.endheaders(body)
            answer = there.getresponse()
            content = answer.read()
        finally:
            there.close()
        if fires:
            self.kill()
            request.close_connection = True
            return
        if request.command == "GET" and "?" not in request.path:
            time.sleep(self.pause)
        try:
            request.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                    request.send_header(name, value)
            length = answer.getheader("Content-Length") if request.command == "HEAD" else str(len(content))
            if length is not None:
                request.send_header("Content-Length", length)
            request.end_headers()
            request.wfile.write(content)
        except OSError:
            request.close_connection = True  # killed meanwhile

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
