#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""script/demo --engine --once: a bucket of a real engine, opened by a token, as docs/vending.md says."""
import json
import os
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENGINE = json.loads((pathlib.Path(os.environ["VALETKEY_ENGINE"]) / "engine.json").read_text())["engine"]


class Demo(unittest.TestCase):
    def test_it_shows_the_way_in_and_what_the_engine_refuses(self):
        done = subprocess.run([str(ROOT / "script" / "demo"), "--engine", ENGINE, "--once"], capture_output=True,
                              text=True, timeout=170, stdin=subprocess.DEVNULL)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn("part-0.parquet", done.stdout.split("7. The customer reads")[1].split("8. ")[0])
        self.assertEqual(4 if ENGINE == "ceph" else 3, done.stdout.count("403 AccessDenied"), done.stdout)
        self.assertNotRegex(done.stdout, r"vkpat_[0-9A-Za-z]{10}")
        self.assertNotRegex(done.stdout, r'(sessionToken|secretAccessKey)" *: *"[^"…]{20}')


if __name__ == "__main__":
    unittest.main(verbosity=2)
