# SPDX-License-Identifier: Apache-2.0
"""`valetkey credential-process` while hours pass: server and client under one moved clock, exchanges counted."""
import json
import subprocess
import unittest

from clock import MovedClock
from server import PROGRAMS, Server, clean_environment, main


class AcrossExpiries(unittest.TestCase):
    def test_credential_process_never_hands_on_what_is_nearly_over(self):
        server = Server()
        try:
            clock = MovedClock(server.folder)
            server.prefix = clock.prefix()
            token = server.make_account(ACCOUNT)
            server.start()
            environment = {**clean_environment(), **clock.environment, "HOME": str(server.folder),
                           "VALETKEY_API": server.api, "VALETKEY_TOKEN": token}
            counted = []
            for minutes in (0, 10, 44, 46, 60, 100, 170):
                clock.move_to(60 * minutes)
                out = subprocess.run([str(PROGRAMS / "valetkey"), "credential-process"], check=True, timeout=60,
                                     capture_output=True, env=environment).stdout
                self.assertEqual(1, json.loads(out)["Version"])
                counted.append(server.exchanges())
            self.assertEqual([1, 1, 1, 2, 2, 3, 4], counted)
        finally:
            server.close()


if __name__ == "__main__":
    main()
