# SPDX-License-Identifier: Apache-2.0
"""What a build costs: a clone of what is committed, compiled from nothing and without ccache, then changed by a line."""
import os
import pathlib
import resource
import shutil
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
LINE = "\n// One more line.\n"


def run(command: list[str], folder: pathlib.Path) -> tuple[float, float]:
    """Seconds, and CPU seconds of everything that the command starts."""
    environment = {**os.environ, "CCACHE_DISABLE": "1"}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (time.monotonic() - started,
            after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def build(bench) -> None:
    clone = bench.folder / "clone"
    subprocess.run(["git", "clone", "--quiet", "--local", str(HERE.parent), str(clone)], check=True)
    try:
        bench.add("build.release_cpu_s", "s", [run(["script/build", "release"], clone)[1]])
        for name, place in [("build.change_cc_s", "src/s3/objects.cc"),
                            ("build.change_header_s", "src/storage/object_store.h")]:
            seconds = []
            for _ in range(3):
                with open(clone / place, "a") as file:
                    file.write(LINE)
                seconds.append(run(["script/build", "release"], clone)[0])
            bench.add(name, "s", seconds)
        bench.add("build.test_cpu_s", "s", [run(["script/build", "test"], clone)[1]])
    finally:
        shutil.rmtree(clone, ignore_errors=True)


PARTS = {"build": build}
