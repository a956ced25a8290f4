# SPDX-License-Identifier: Apache-2.0
"""Somebody else's STS and bucket: what an exchange costs when the session is there, how often STS is asked, and how fast
parts go to and through an engine."""
import pathlib
import random
import shutil
import subprocess
import tempfile
import time

import boto3
from botocore.config import Config

import server as serving
import sts_fake
from peers import SERVER_CORE, pinned, request_line
from server import PROGRAMS, Server

KEYS = {"AKIASERVER": "server-secret"}
LIMITS = "[limits]\nthreads = 1\ntoken_requests_per_s = 0\nmax_connections_per_block = 0\naccount_max_requests = 4096\n"
SMALL, LARGE = (10_000, 50 << 10), (4, 512 << 20)


def content_of(size: int, seed: int) -> bytes:
    """Bytes that nothing makes smaller; randbytes() itself ends below 256 MiB."""
    source = random.Random(seed)
    return b"".join(source.randbytes(min(size - at, 16 << 20)) for at in range(0, size, 16 << 20))


def with_environment(more: dict[str, str]):
    clean = serving.clean_environment
    serving.clean_environment = lambda: {**clean(), **more}
    return lambda: setattr(serving, "clean_environment", clean)


def sts_server(url: str) -> Server:
    server = Server(config=f"""{LIMITS}[intake]
enabled = false
[issuer]
kind = "sts"
endpoint = "{url}"
role_arn = "arn:aws:iam::123456789012:role/reader"
""", prefix=tuple(pinned(SERVER_CORE)))
    server.token = server.make_account("1")
    return server.start()


def cached_exchange(bench) -> None:
    """CPU of an exchange whose session is there, against one that this server seals."""
    with sts_fake.StsFake(KEYS) as sts:
        restore = with_environment({"AWS_ACCESS_KEY_ID": "AKIASERVER", "AWS_SECRET_ACCESS_KEY": "server-secret"})
        ours = theirs = None
        try:
            ours, theirs = sts_server(sts.url), bench.serve({})
            line = lambda one: request_line("/v2/export/credentials", {"Authorization": f"Bearer {one.token}"})
            cached, sealed = bench.rotate(lambda: bench.loaded(ours.api, line(ours), bench.pids(ours)),
                                          lambda: bench.loaded(theirs.api, line(theirs), bench.pids(theirs)))
        finally:
            restore()
            for one in (ours, theirs):
                one and one.close()
        asked = len(sts.calls)
    if asked > 2:
        raise RuntimeError(f"STS was asked {asked} times: nothing was cached")
    bench.add("sts.cached_exchange_vs_embedded", "us", [run["cpu_us"] for run in cached],
              [run["cpu_us"] for run in sealed])


def calls(bench) -> None:
    """An hour of 100 tokens with ten clients each, which renew as an SDK does, in the issuer itself."""
    printed = subprocess.run([str(PROGRAMS / "issuer_bench"), "--benchmark_filter=AnHourOfClients",
                              "--benchmark_format=json"], check=True, capture_output=True, text=True, timeout=300).stdout
    found = serving.json.loads(printed)["benchmarks"][0]["calls_per_1000_exchanges"]
    bench.add("sts.calls_per_1000_exchanges", "calls", [found])


class Bucket:
    """Two buckets of a MinIO, and a client of its owner's."""

    def __init__(self, minio):
        self.minio = minio
        self.client = boto3.client("s3", endpoint_url=minio.address, aws_access_key_id=minio.KEY,
                                   aws_secret_access_key=minio.SECRET, region_name="us-east-1",
                                   config=Config(s3={"addressing_style": "path"}))
        for name in ("lake", "inside"):
            self.client.create_bucket(Bucket=name)


def put(bench) -> None:
    """10,000 parts of 50 KiB and four of 512 MiB to MinIO by our store, against rclone copy."""
    minio = bench.minio("s3store.put_vs_rclone", engine=True)
    if minio is None:
        return
    sizes = [(500, SMALL[1]), (2, 64 << 20)] if bench.quick else [SMALL, LARGE]
    folder = pathlib.Path(tempfile.mkdtemp(dir=bench.folder))
    for count, size in sizes:
        for number in range(count):
            (folder / f"{size}-{number:05}").write_bytes(content_of(size, number))
    keys = {"AWS_ACCESS_KEY_ID": minio.KEY, "AWS_SECRET_ACCESS_KEY": minio.SECRET}

    def timed(*words: str) -> float:
        began = time.monotonic()
        subprocess.run(words, check=True, capture_output=True, timeout=1800,
                       env={"PATH": "/usr/bin:/bin", "HOME": str(bench.folder), **keys})
        return time.monotonic() - began

    remote = (f":s3,provider=Minio,env_auth=true,endpoint='{minio.address}',region=us-east-1,no_check_bucket=true:"
              "lake/rclone")
    try:
        Bucket(minio)
        rounds = bench.rounds if bench.quick else 3
        pairs = [(timed(str(PROGRAMS / "put_parts"), minio.address, "lake", "inside", str(folder)),
                  timed("/usr/bin/rclone", "copy", "--ignore-times", str(folder), remote)) for _ in range(rounds)]
    finally:
        minio.stop()
        shutil.rmtree(folder, ignore_errors=True)
    bench.add("s3store.put_vs_rclone", "s", [ours for ours, _ in pairs], [theirs for _, theirs in pairs])


def gateway(bench) -> None:
    """256 MiB through this server's endpoint, against the engine directly: bytes per second."""
    minio = bench.minio("gateway.get_256m_vs_direct", engine=True)
    if minio is None:
        return
    size = (64 if bench.quick else 256) << 20
    key = "v1/account_id=1/large"
    bucket = Bucket(minio)
    bucket.client.put_object(Bucket="lake", Key=key, Body=content_of(size, 1))
    restore = with_environment({"AWS_ACCESS_KEY_ID": minio.KEY, "AWS_SECRET_ACCESS_KEY": minio.SECRET})
    server = Server(config=f"""{LIMITS}[s3]
bucket = "lake"
[intake]
enabled = false
[objects]
kind = "s3"
endpoint = "{minio.address}"
internal_bucket = "inside"
""")
    server.token = server.make_account("1")
    server.start()
    who = server.exchange(server.token)["credentials"]
    ours = boto3.client("s3", endpoint_url=server.s3, aws_access_key_id=who["accessKeyId"],
                        aws_secret_access_key=who["secretAccessKey"], aws_session_token=who["sessionToken"],
                        region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))

    def rate(client) -> float:
        began, got = time.monotonic(), 0
        body = client.get_object(Bucket="lake", Key=key)["Body"]
        while piece := body.read(1 << 20):
            got += len(piece)
        if got != size:
            raise RuntimeError(f"{got} of {size} bytes came")
        return size / (time.monotonic() - began) / 1e6

    try:
        mine, direct = bench.rotate(lambda: rate(ours), lambda: rate(bucket.client))
    finally:
        restore()
        server.close()
        minio.stop()
    bench.add("gateway.get_256m_vs_direct", "MB/s", mine, direct)


PARTS = {"sts": cached_exchange, "sts_calls": calls, "s3store": put, "gateway": gateway}
FIGURES = {"sts.calls_per_1000_exchanges": "sts_calls"}
