# SPDX-License-Identifier: Apache-2.0
"""The AWS CLI as anybody types it, endpoint and credentials from the profile or the environment: ls, cp and sync.
usage: aws_cli.py AWS BUCKET PREFIX FOLDER"""
import hashlib
import pathlib
import subprocess
import sys

import job

aws, bucket, prefix, folder = sys.argv[1:]
rounds = iter(range(100))


def run(*words: str) -> str:
    # The runner limits the whole job: under faketime no wait with a limit works.
    done = subprocess.run([aws, "s3", *words], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"aws s3 {words[0]}: {done.stderr.strip()}")
    return done.stdout


def read() -> dict:
    root = f"s3://{bucket}/{prefix}"
    account = "/".join(root.split("/")[:5]) + "/"
    if "PRE type=events/" not in run("ls", account):
        raise SystemExit(f"aws s3 ls {account} does not show type=events/")
    to = pathlib.Path(folder) / str(next(rounds))
    run("sync", "--only-show-errors", root, str(to))
    listed = {line.split(maxsplit=3)[3].removeprefix(prefix) for line in run("ls", "--recursive", root).splitlines()}
    found = {str(path.relative_to(to)): hashlib.sha256(path.read_bytes()).hexdigest()
             for path in to.rglob("*") if path.is_file()}
    if listed != set(found):
        raise SystemExit(f"aws s3 ls shows {len(listed)} objects and sync fetched {len(found)}")
    some = sorted(found)[0]
    run("cp", "--only-show-errors", root + some, str(to) + ".one")
    if hashlib.sha256(pathlib.Path(str(to) + ".one").read_bytes()).hexdigest() != found[some]:
        raise SystemExit("aws s3 cp fetched something else")
    return found


job.for_hours(read)
