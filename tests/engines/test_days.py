#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Days that close and visitors that are erased over a real engine's bucket: the exporter with a clock of its own, which
no server under a moved clock could have, since an engine refuses what is signed at another time."""
import os
import subprocess
import unittest
import uuid

import engine_case
import hostile
import server as serving


class Days(unittest.TestCase):
    def test_days_and_erasures(self):
        where, bucket = engine_case.engine(), f"days-{uuid.uuid4().hex[:10]}"
        owner = where["users"]["owner"]
        s3 = hostile.client(where["s3"], owner["key"], owner["secret"])
        for name in (bucket, f"{bucket}-inside"):
            s3.create_bucket(Bucket=name)
        ran = subprocess.run([str(serving.PROGRAMS / "admin_test"), "--gtest_filter=EngineDays.*"], text=True, timeout=400,
                             capture_output=True, env={**serving.clean_environment(), "VALETKEY_BUCKET": bucket,
                                                       "VALETKEY_ENGINE": os.environ["VALETKEY_ENGINE"]})
        self.assertEqual(ran.returncode, 0, ran.stdout[-4000:] + ran.stderr[-4000:])
        self.assertIn("2 tests", ran.stdout)
        self.assertNotIn("SKIPPED", ran.stdout)


if __name__ == "__main__":
    serving.main()
