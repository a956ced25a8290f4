#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Jobs that outlive two sessions of a real engine, each of the shortest life that one has (15 minutes): boto3, which
refreshes by itself, the AWS CLI, Spark's S3A where script/interop has fetched it, and one `valetkey sync`. Half an hour,
so in the long form alone (script/test --long)."""
import os
import pathlib
import subprocess
import sys
import threading
import time
import unittest

import boto3
from botocore.config import Config

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "interop"))

import engine_case  # noqa: E402
import fetch  # noqa: E402
import hostile  # noqa: E402
import server as serving  # noqa: E402
from deadly_proxy import DeadlyProxy  # noqa: E402
from engine_case import prefix_of  # noqa: E402

LIFE, ROUNDS, OBJECTS = 15 * 60, 2, 220
LENGTH = ROUNDS * LIFE + 120


class Refresh(engine_case.EngineCase):
    bucket = "refresh"

    @classmethod
    def setUpClass(cls):
        if not serving.LONG:
            raise unittest.SkipTest("half an hour: script/test --long")
        super().setUpClass()

    def setUp(self):
        self.failures, self.keys, self.calls = [], {}, {}
        owner = self.where["users"]["owner"]
        s3 = hostile.client(self.where["s3"], owner["key"], owner["secret"])
        for number in range(OBJECTS):
            s3.put_object(Bucket=self.bucket, Key=f"{prefix_of('123')}slow/{number:04}", Body=os.urandom(2000))

    def attempt(self, name: str, work) -> None:
        """One call of a job, until the end."""
        end = time.monotonic() + LENGTH
        while time.monotonic() < end and not self.failures:
            try:
                work()
                self.calls[name] = self.calls.get(name, 0) + 1
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told
                self.failures.append(f"{name} after {self.calls.get(name, 0)} calls: {error}")
            time.sleep(5)

    def environment_of_sdk(self) -> dict[str, str]:
        return {**serving.clean_environment(), "AWS_DEFAULT_REGION": self.where["region"],
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.server.api}/v2/export/credentials/container",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN": f"Bearer {self.token}"}

    def by_boto3(self):
        for name, value in self.environment_of_sdk().items():
            if name.startswith("AWS_CONTAINER"):
                os.environ[name] = value
        session = boto3.Session(region_name=self.where["region"])
        client = session.client("s3", endpoint_url=self.where["s3"], config=Config(s3={"addressing_style": "path"}))

        def work():
            client.get_object(Bucket=self.bucket, Key=prefix_of("123") + "a")["Body"].read()
            self.keys[session.get_credentials().get_frozen_credentials().access_key] = True

        return work

    def by_cli(self):
        subprocess.run(["/usr/bin/aws", "--endpoint-url", self.where["s3"], "s3", "cp",
                        f"s3://{self.bucket}/{prefix_of('123')}a", "-"], check=True, capture_output=True, timeout=120,
                       env=self.environment_of_sdk())

    def by_spark(self) -> subprocess.Popen | None:
        """One Spark that lists and reads until the end, with a provider that asks for sessions by itself."""
        try:
            words = [fetch.python("spark"), "-B", fetch.CLIENTS / "spark_reads.py", f"s3a://{self.bucket}/{prefix_of('123')}",
                     str(LENGTH), fetch.jars("spark")]
        except fetch.Skipped as reason:
            print(f"Spark is left out: {reason}", file=sys.stderr)
            return None
        return subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                env={**self.environment_of_sdk(), "INTEROP_ENDPOINT": self.where["s3"],
                                     "HOME": str(self.server.folder)})

    def test_jobs_go_on_across_two_expiries(self):
        # One connection, and an object every few seconds: the sync takes as long as all of it.
        proxy = DeadlyProxy(self.where["s3"])
        proxy.pause = LENGTH / OBJECTS
        self.addCleanup(proxy.close)
        folder = self.server.folder / "slow"
        self.server.config.write_text(self.server.config.read_text().replace(
            f'public_endpoint = "{self.where["s3"]}"', f'public_endpoint = "{proxy.address}"')
            + '[credentials]\nmax_duration = "15m"\ndefault_duration = "15m"\n')
        self.server.stop()
        self.server.start()
        sync = subprocess.Popen(
            [str(serving.PROGRAMS / "valetkey"), "sync", f"s3://{self.bucket}/{prefix_of('123')}slow/", "--output",
             str(folder), "--connections", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**serving.clean_environment(), "VALETKEY_API": self.server.api, "VALETKEY_TOKEN": self.token,
                 "XDG_CACHE_HOME": str(self.server.folder / "cache")})
        spark = self.by_spark()
        jobs = [threading.Thread(target=self.attempt, args=("boto3", self.by_boto3())),
                threading.Thread(target=self.attempt, args=("aws", self.by_cli))]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()
        out, errors = sync.communicate(timeout=600)
        self.assertEqual(self.failures, [])
        self.assertEqual(sync.returncode, 0, errors.decode())
        self.assertEqual(len([path for path in folder.rglob("0*") if path.is_file()]), OBJECTS)
        self.assertGreaterEqual(len(self.keys), ROUNDS + 1, "boto3 had a session for each quarter of an hour")
        self.assertGreater(min(self.calls.values()), 60, self.calls)
        if spark:
            out, errors = spark.communicate(timeout=600)
            self.assertEqual(spark.returncode, 0, errors[-2000:])
            self.assertGreater(int(out.split()[-1]), 60, "Spark read each quarter of a minute or so")


if __name__ == "__main__":
    serving.main()
