"""What scanning a Firestore database costs: this tool's commands beside the usual ways to read one.

Makes the data in Google's emulator (Java and its jar are looked for as the tests do), runs every
way in turn, each in a process of its own, and prints a table. CPU is that of the client process,
user and system together; ``net`` is that without what the same process takes for an empty database.
``transport`` is grpc's own client with nothing done to what arrives.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.emulator import Data, load, running_emulator
from benchmarks.readers import READERS

RULES = """
version: 1
target: {endpoint: https://files.example.com, bucket: bench}
rules:
  - name: files
    source: {bucket: bench-files}
    target: {prefix: files/}
"""
EMPTY = "bench-empty"
WALK = "firebase-admin walk"
READER = (sys.executable, "-m", "benchmarks.readers")
TOOL = (sys.executable, "-m", "url_rewriter")

# Nothing listens there: `plan` gives up on its targets, so that proving them is not measured.
NO_S3 = "http://127.0.0.1:9"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took: seconds of CPU and of time, and its greatest size in MB."""

    cpu: float
    wall: float
    memory: float


@dataclass(frozen=True, slots=True)
class Way:
    """One way to read a database; ``{project}`` and ``{plan}`` stand in its command."""

    name: str
    command: tuple[str, ...]
    statuses: tuple[int, ...] = (0,)


def ways(names: Sequence[str], workers: int, folder: Path) -> list[Way]:
    """The tool's two commands and the readers, those of ``names`` only."""
    rules = folder / "rules.yaml"
    rules.write_text(RULES)
    common = ("--rules", str(rules), "--project", "{project}", "--workers", str(workers), "-q")
    tool = [
        Way("audit", (*TOOL, "audit", *common)),
        Way("plan", (*TOOL, "plan", "-o", "{plan}", *common), (0, 1)),
    ]
    every = [*tool, *(Way(name, (*READER, name, "{project}")) for name in READERS)]
    return [way for way in every if way.name in names]


def run(way: Way, project: str, environ: Mapping[str, str]) -> Cost:
    """Run one way in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        places = {"project": project, "plan": f"{folder}/bench.plan"}
        command = [part.format(**places) for part in way.command]
        started = time.monotonic()
        process = subprocess.Popen(
            command, env=dict(environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in way.statuses:
        raise SystemExit(f"{way.name} ended with {process.returncode}")
    wall = time.monotonic() - started
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def median(costs: Sequence[Cost]) -> Cost:
    """Each figure's median."""
    return Cost(
        statistics.median(each.cpu for each in costs),
        statistics.median(each.wall for each in costs),
        statistics.median(each.memory for each in costs),
    )


def measure(
    every: Sequence[Way], data: Data, runs: int, environ: Mapping[str, str]
) -> dict[str, Cost]:
    """Run all ways in alternation and print their table; what each took, its CPU per 100,000 net
    of the empty database."""
    empty: dict[str, list[Cost]] = {way.name: [] for way in every}
    full: dict[str, list[Cost]] = {way.name: [] for way in every}
    for _ in range(runs):
        for way in every:
            empty[way.name].append(run(way, EMPTY, environ))
            full[way.name].append(run(way, data.project, environ))
    net = {name: median(full[name]).cpu - median(costs).cpu for name, costs in empty.items()}
    print(f"\n{data}, median of {runs}\n")
    print("| | CPU s | net | net per 100,000 | x transport | walk / this | wall s | RSS MB |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for way in every:
        cost, mine = median(full[way.name]), net[way.name]
        each = mine * 100_000 / data.documents
        times = f"{mine / net['transport']:.2f}" if "transport" in net else ""
        less = f"{net[WALK] / mine:.0f}" if WALK in net else ""
        print(
            f"| {way.name} | {cost.cpu:.2f} | {mine:.2f} | {each:.2f} | {times} | {less} |"
            f" {cost.wall:.1f} | {cost.memory:.0f} |",
            flush=True,
        )
    return {
        name: replace(median(costs), cpu=net[name] * 100_000 / data.documents)
        for name, costs in full.items()
    }


def show_growth(measured: Mapping[Data, Mapping[str, Cost]]) -> None:
    """One row for each kind of data: net CPU per 100,000 documents, and memory."""
    names = list(next(iter(measured.values())))
    print("\n| documents | bytes | with URLs | " + " | ".join(names) + " |")
    print("|--:|--:|--:|" + "--:|" * len(names))
    for data, costs in measured.items():
        cells = " | ".join(
            f"{costs[name].cpu:.2f} s, {costs[name].memory:.0f} MB" for name in names
        )
        print(f"| {data.documents:,} | {data.size:,} | {data.share:.0%} | {cells} |", flush=True)


def main() -> None:
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--documents", type=int, nargs="+", default=[100_000], help="how many; several: growth")
    add("--size", type=int, nargs="+", default=[1400], help="bytes of one document")
    add("--share", type=float, nargs="+", default=[0.05], help="part of them that holds old URLs")
    add("--runs", type=int, default=3)
    add("--workers", type=int, default=1, help="of audit and plan")
    add("--heap", default="8g", help="for the emulator's Java")
    add("--ways", nargs="+", default=["audit", "plan", *READERS], help="in place of all of them")
    arguments = parser.parse_args()
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        every = ways(arguments.ways, arguments.workers, Path(folder))
        for documents, size, share in itertools.product(
            arguments.documents, arguments.size, arguments.share
        ):
            data = Data(documents, size, share)
            # An emulator for each, since it keeps everything in memory.
            with running_emulator(arguments.heap) as host:
                load(host, data)
                environ = {
                    **os.environ,
                    "FIRESTORE_EMULATOR_HOST": host,
                    "S3_ENDPOINT_URL": NO_S3,
                    "AWS_ACCESS_KEY_ID": "none",
                    "AWS_SECRET_ACCESS_KEY": "none",
                }
                measured[data] = measure(every, data, arguments.runs, environ)
    if len(measured) > 1:
        show_growth(measured)


if __name__ == "__main__":
    main()
