# SPDX-License-Identifier: Apache-2.0
"""A clock that a test moves: server and clients, under faketime, read the same offset from one file. Time-outs and
sleeps stay real (the monotonic clock is left alone), so that a slow machine breaks nothing."""
import os
import pathlib
import subprocess
import time
import unittest


class MovedClock:
    def __init__(self, folder: pathlib.Path):
        found = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        if not found:
            raise unittest.SkipTest("faketime is missing: run script/bootstrap")
        self.file = folder / "offset"
        self.move_to(0)
        self.environment = {"LD_PRELOAD": str(found[0]), "FAKETIME_TIMESTAMP_FILE": str(self.file),
                            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def move_to(self, seconds: int) -> None:
        """So far ahead of the real time, or behind it; a reader sees the old or the new offset, never half of one."""
        self.seconds = seconds
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        os.replace(fresh, self.file)

    def follow(self, job: subprocess.Popen, folder: pathlib.Path, step: int, patience: float = 150) -> int:
        """Moves on by `step` seconds for each file that arrives in the folder, until the job ends, and gives its exit
        code: the slower the machine, the slower the clock, and no request outlives the moment of its signature."""
        start, end = self.seconds, time.monotonic() + patience
        while job.poll() is None:
            if time.monotonic() > end:
                job.kill()
                raise AssertionError(f"the job did not end within {patience} s: {job.args}")
            arrived = sum(len(names) for _, _, names in os.walk(folder))
            # Much may have arrived since the last look; a request that was signed before it must still be young.
            self.move_to(max(self.seconds, min(start + step * arrived, self.seconds + 300)))
            time.sleep(0.02)
        return job.returncode

    def prefix(self) -> tuple[str, ...]:
        return ("env", *(f"{name}={value}" for name, value in self.environment.items()))
