# SPDX-License-Identifier: Apache-2.0
"""s5cmd: one command that fetches everything, then one process that is given a command a second.
usage: s5cmd_objects.py S5CMD BUCKET PREFIX FOLDER"""
import hashlib
import json
import os
import pathlib
import subprocess
import sys

import job

s5cmd, bucket, prefix, folder = sys.argv[1:]
command = [s5cmd, "--endpoint-url", os.environ["INTEROP_ENDPOINT"]]
root, to = f"s3://{bucket}/{prefix}", pathlib.Path(folder)
to.mkdir(parents=True)
subprocess.run([*command, "cp", root + "*", f"{to}/all/"], check=True, stdout=subprocess.DEVNULL, timeout=120)
found = {str(path.relative_to(to / "all")): hashlib.sha256(path.read_bytes()).hexdigest()
         for path in (to / "all").rglob("*") if path.is_file()}
running = subprocess.Popen([*command, "run"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
asked = 0
for _ in job.hops():
    running.stdin.write(f"cp {root}event=a/part-00001 {to}/again-{asked}\n")
    running.stdin.flush()
    asked += 1
running.stdin.close()
if running.wait(timeout=120):
    raise SystemExit(f"s5cmd run ended with {running.returncode}")
if len(list(to.glob("again-*"))) != asked:
    raise SystemExit(f"s5cmd run fetched {len(list(to.glob('again-*')))} of {asked}")
print(json.dumps(found))
