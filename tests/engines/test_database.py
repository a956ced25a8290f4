#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The unit tests that need a PostgreSQL, on a real one: the wrapper's own, and the suites of the stores on it."""
import json
import os
import pathlib
import subprocess
import sys
import unittest

PROGRAMS = pathlib.Path(os.environ["VALETKEY_PROGRAMS"])
TESTS = {"postgres_test": "*", "control_test": "*Postgres*", "exporter_test": "*Postgres*"}


def environment() -> dict[str, str]:
    folder = os.environ.get("VALETKEY_ENGINE", "")
    path = pathlib.Path(folder) / "engine.json"
    if not folder or not path.exists():
        raise unittest.SkipTest("no PostgreSQL runs here")
    where = json.loads(path.read_text())
    return {**os.environ, "VALETKEY_POSTGRES": f"{where['url']}&passfile={where['passfile']}"}


class UnitTests(unittest.TestCase):
    def test_all_pass_and_none_is_skipped(self):
        for program, tests in TESTS.items():
            with self.subTest(program):
                done = subprocess.run([PROGRAMS / program, f"--gtest_filter={tests}"], env=environment(), text=True,
                                      capture_output=True, timeout=240)
                self.assertEqual(done.returncode, 0, done.stdout[-4000:] + done.stderr[-1000:])
                self.assertNotIn("SKIPPED", done.stdout)
                self.assertIn("PASSED", done.stdout)


if __name__ == "__main__":
    if not os.environ.get("VALETKEY_ENGINE"):
        sys.exit(77)
    unittest.main()
