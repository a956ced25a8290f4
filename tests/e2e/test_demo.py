# SPDX-License-Identifier: Apache-2.0
"""script/demo --once shows the whole main job and leaves nothing running."""
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import trees
from server import clean_environment, main


class Demo(unittest.TestCase):
    def run_demo(self, *arguments: str) -> str:
        with tempfile.TemporaryDirectory() as scratch:
            keep = pathlib.Path(scratch, "demo")
            done = subprocess.run([str(trees.ROOT / "script" / "demo"), "--once", "--keep", str(keep), *arguments],
                                  capture_output=True, text=True, timeout=280, stdin=subprocess.DEVNULL,
                                  env=clean_environment())
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
            self.assertNotIn("Sanitizer", (keep / "serve.log").read_text())
        return done.stdout

    def test_it_shows_the_main_job_without_a_secret(self):
        said = self.run_demo()
        sent = [json.loads(line) for line in said.splitlines() if line.strip().startswith('{"account"')]
        self.assertEqual(["12345", "123456"], [each["account"] for each in sent])
        self.assertIn(f"every event once: {sum(each['events'] for each in sent)} rows, "
                      f"{sum(each['twice'] for each in sent)} events that came twice removed", said)
        self.assertIn("7 Parquet files", said)
        self.assertIn("event=Sign-up%3A step 2 (50%25 off%3F)/", said)
        self.assertIn("AccessDenied", said)
        self.assertNotRegex(said, r"vkpat_[0-9A-Za-z]{10}")
        self.assertFalse(re.search(r'sessionToken" *: *"[^"…]{20}', said))

    def test_it_shows_a_real_export(self):
        said = self.run_demo("--data", str(trees.real_tree()))
        self.assertIn("6 files, every byte as imported", said)


if __name__ == "__main__":
    main()
