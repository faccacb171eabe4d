"""How fast usage logs are read, and how much memory that takes.

    python -m benchmarks.traffic [--lines 1000000 10000000] [--objects 100000] [--shares 0.1 1]

Generates a log, in which a share of the lines asks for objects of the plan, and counts it in a
process of its own. Prints lines a second of processor time, the peak of resident memory, and how
many lines a second Python's csv module alone reads.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import random
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from url_rewriter.usage_logs.counting import LogCounter
from url_rewriter.usage_logs.files import opened_log
from url_rewriter.usage_logs.known_objects import KnownObject, KnownObjects

BEGIN = 1_790_000_000_000_000
AGENTS = (
    "Mozilla/5.0 (Windows NT 6.2; Win64; x64) AppleWebKit/537.36 Chrome/102.0.5005.177",
    "okhttp/4.9.1", "Java/1.8.0_171,gzip(gfe)", "Photos/3 CFNetwork/1410 Darwin/22.6.0",
)  # fmt: skip


def generate(lines: int, objects: int, share: float) -> Iterator[bytes]:
    """Lines as Cloud Storage writes them, some 380 bytes each, a few milliseconds apart."""
    chance = random.Random(7)
    moment = BEGIN
    for number in range(lines):
        moment += chance.randrange(1, 120_000)
        bucket = "old-bucket" if chance.random() < share else "other-bucket"
        key = f"users/{chance.randrange(objects)}/picture {number % 7}.png"
        operation = "GET_Object" if number % 10 else "PUT_Object"
        status = 200 if number % 9 else 404
        yield (
            f'"{moment}","203.0.113.9","1","","GET","/{bucket}/{key.replace(" ", "%20")}?x=1",'
            f'"{status}","0","277","488000","storage.googleapis.com","https://shop.example/",'
            f'"{AGENTS[number % 4]}","ADPycduvHuLfdAtc-f-Uyl-AONU9elsqMfPUaul2F0vpty_e_YDJ67",'
            f'"{operation}","{bucket}","{key}"\n'
        ).encode()


def measure(path: str, objects: int) -> None:
    """Count a log; print what that took."""
    known = KnownObjects(
        KnownObject("old-bucket", f"users/{number}/picture {part}.png", "images")
        for number in range(objects)
        for part in range(6)
    )
    counter = LogCounter(known, {"old-bucket": [("", "images")]}, 0)
    began = time.process_time()
    with opened_log(path) as lines:
        counter.read(path, lines)
    counts = counter.finish()
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    asked = sum(tally.requests for tally in counts.by_hour.values())
    print(f"{counts.lines / seconds:>12,.0f} {asked:>12,} {peak:>8,}", end="", flush=True)


def measure_csv(path: str) -> None:
    """Read a log with the csv module, and do nothing with it."""
    began = time.process_time()
    with Path(path).open(newline="", encoding="utf-8") as file:
        lines = sum(1 for _ in csv.reader(file))
    print(f" {lines / (time.process_time() - began):>12,.0f}", flush=True)


def main() -> None:
    """Measure as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--objects", type=int, default=100_000)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.1, 1.0])
    given = parser.parse_args()
    print(f"{'lines':>12} {'share':>6} {'lines/CPU s':>12} {'asked':>12} {'RSS MB':>8} {'csv':>12}")
    users = max(1, given.objects // 6)
    for lines in given.lines:
        for share in given.shares:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "usage.csv")
                with path.open("wb") as file:
                    file.writelines(generate(lines, users, share))
                print(f"{lines:>12,} {share:>6} ", end="", flush=True)
                in_a_process(measure, str(path), users)
                in_a_process(measure_csv, str(path))


def in_a_process(task: Callable[..., None], *arguments: object) -> None:
    """Run a task in a process of its own, whose memory is its alone."""
    process = multiprocessing.get_context("spawn").Process(target=task, args=arguments)
    process.start()
    process.join()


if __name__ == "__main__":
    main()
