# SPDX-License-Identifier: Apache-2.0
"""`valetkey sync` that outlives several hour-long credentials while the API is away for a while: once while the old
ones still live, once until after they have ended. The clock moves with the requests, so nothing depends on speed."""
import pathlib
import subprocess
import tempfile
import unittest

import trees
from clock import MovedClock
from fault_proxy import Exchange, Gate, Proxy
from server import PROGRAMS, Server, clean_environment, eventually, main

ACCOUNT = "12"
PREFIX = f"v1/account_id={ACCOUNT}/"
FILES = 400
STEP = 30  # seconds of the clock for each object: three hours and twenty minutes in all


class Clockwork(Proxy):
    """Moves the clock with every object, and tells the minute."""

    def __init__(self, clock: MovedClock, tell):
        self.clock, self.tell = clock, tell
        super().__init__(0)

    def pass_on(self, connection, found: Exchange) -> bool:
        if not found.is_document:
            with self.lock:
                self.clock.move_to(self.clock.seconds + STEP)
                self.tell(self.clock.seconds // 60)
        return super().pass_on(connection, found)


class LongSync(unittest.TestCase):
    def test_outlives_credentials_while_the_api_is_down(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        folder = pathlib.Path(scratch.name)
        clock = MovedClock(folder)
        s3 = Clockwork(clock, self.tell)
        self.addCleanup(s3.close)
        server = Server(f'[s3]\npublic_endpoint = "{s3.url}"\n', prefix=clock.prefix())
        self.addCleanup(server.close)
        s3.upstream = server.s3_port
        self.gate = Gate(server.api_port)
        self.addCleanup(self.gate.close)
        tree = trees.plain_tree(folder / "tree", {
            f"{PREFIX}type=events/date=2026-03-01/event=a/part-{n:05}": trees.content_of(1000 + n, str(n))
            for n in range(FILES)})
        token = server.make_account(ACCOUNT)
        server.run("import", str(tree))
        server.start()
        command = [str(PROGRAMS / "valetkey"), "sync", "--connections", "4", "--output", str(folder / "out"),
                   "type=events/date=2026-03-01/"]
        job = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env={**clean_environment(), **clock.environment, "HOME": str(folder),
                                    "VALETKEY_API": self.gate.url, "VALETKEY_TOKEN": token})
        self.addCleanup(job.kill)
        # The second time the job stands still, for it has nothing valid any more: it asks until the API is back.
        self.assertTrue(eventually(lambda: self.stuck or job.poll() is not None, 60))
        self.assertIsNone(job.poll(), "nothing stopped it")
        seen = self.gate.refused
        self.assertTrue(eventually(lambda: self.gate.refused >= seen + 3, 60))
        stood = clock.seconds
        self.gate.open = True
        _, errors = job.communicate(timeout=120)
        self.assertEqual((0, ""), (job.returncode, errors))
        got = folder / "out" / "type=events" / "date=2026-03-01"
        self.assertEqual(trees.hashes(tree / PREFIX / "type=events" / "date=2026-03-01"), trees.hashes(got))
        self.assertGreaterEqual(clock.seconds, FILES * STEP)
        self.assertLess(stood, 130 * 60, "requests went on with credentials that had ended")
        self.assertGreaterEqual(self.first_refused, 1, "the API was away too early or too late")
        self.assertIn(server.exchanges(), range(4, 6))

    stuck, first_refused = False, 0

    def tell(self, minute: int) -> None:
        """Away from 50 to 58 (the first ones end at 60), and from 100 until the second ones have ended."""
        if minute < 58:
            self.gate.open = minute < 50
            self.first_refused = self.gate.refused
        elif minute < 100:
            self.gate.open = True
        elif not self.stuck:
            self.gate.open = False
            self.stuck = minute >= 117


if __name__ == "__main__":
    main()
