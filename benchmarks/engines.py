"""What it costs to spread a scan over Dask's workers: ``python -m benchmarks.engines``.

Streams are replayed from memory: no server and no network is in the figures, only this program, the
engine and the disk. Each engine runs in a process of its own. CPU is that of the driver and of all
workers, without what it takes to start them. ``overhead`` is that CPU over the one of threads.
``of linear`` is what the engine gives on as many free cores: the CPU of threads over that of the
busiest process times the number of workers. ``--documents 10000000`` shows what a plan file and a
driver need at that size.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from google.cloud.firestore_v1 import types

from benchmarks.opinion import Replayed
from benchmarks.scan import RULES
from url_rewriter import stores
from url_rewriter.concurrency.garbage import spare_collector
from url_rewriter.documents import Document
from url_rewriter.engines import Engine, open_engine
from url_rewriter.pipeline.clusters import Cluster
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.requests import Limits
from url_rewriter.pipeline.scan import ScanOptions, make_scan, scan_documents
from url_rewriter.planfile import Draft, Header
from url_rewriter.rules import Rules, digest_of, load_rules, rules_to_json
from url_rewriter.shards import FolderShards
from url_rewriter.stores.base import Checkpoint, Partition, Query
from url_rewriter.stores.firestore import FirestoreReader
from url_rewriter.stores.firestore.framing import Block

T = TypeVar("T")
R = TypeVar("R")

_IN_BLOCK = 500
_TOKEN = b"BBBBBB"
"""Stands for the number of a block, in names and in URLs."""


class ReplayedReader(FirestoreReader):
    """``documents`` documents in ``parts`` parts, a share of which hold a URL."""

    def __init__(self, locator: str) -> None:
        super().__init__(Replayed([]))
        documents, parts, percent = map(int, locator.split("-"))
        self._replayed = locator
        self._parts = parts
        self._blocks = max(1, documents // parts // _IN_BLOCK)
        self._percent = percent

    @property
    def locator(self) -> str:
        """Says how much is replayed."""
        return f"replayed:{self._replayed}"

    def partitions(self, query: Query, count: int) -> Sequence[Partition]:
        """As many as it was made with."""
        return [Partition(f"p{part:03}") for part in range(self._parts)]

    def scan(
        self, query: Query, partition: Partition, after: str | None = None
    ) -> Iterator[Document | Checkpoint]:
        """Read a recorded block over and over."""
        recorded = _record(partition.root, self._percent)
        reader = FirestoreReader(Replayed(_Replay(recorded, self._blocks)))
        return reader.scan(query, partition, after)


@dataclass(frozen=True)
class _Replay(Sequence[Block]):
    """A recorded block as often as it takes, each time with other names."""

    recorded: Block
    times: int

    def __len__(self) -> int:
        return self.times

    def __getitem__(self, place: Any) -> Any:
        raise NotImplementedError

    def __iter__(self) -> Iterator[Block]:
        for number in range(self.times):
            data = self.recorded.data.replace(_TOKEN, b"%06d" % number)
            yield Block(data, self.recorded.spans)
        done = types.RunQueryResponse.pb()(done=True).SerializeToString()
        yield Block(done, [(0, len(done))])


@functools.lru_cache(maxsize=1)
def _record(root: str, percent: int) -> Block:
    """A block of documents of 1.4 KB below a collection."""
    pieces, spans, at = [], [], 0
    for index in range(_IN_BLOCK):
        place = f"{root}/{_TOKEN.decode()}{index:03}"
        name = f"projects/bench/databases/(default)/documents/{place}"
        fields = {f"field{each}": {"string_value": "lorem ipsum " * 8} for each in range(12)}
        if index * percent % 100 < percent:
            url = f"https://storage.googleapis.com/bench-files/{place}.png"
            fields["image"] = {"string_value": url}
        response = types.RunQueryResponse(document={"name": name, "fields": fields})
        message = types.RunQueryResponse.pb(response)
        message.document.update_time.FromSeconds(1_700_000_000 + index)
        message.document.create_time.FromSeconds(1_700_000_000)
        piece = message.SerializeToString()
        pieces.append(piece)
        spans.append((at, at + len(piece)))
        at += len(piece)
    return Block(b"".join(pieces), spans)


def _register() -> None:
    kind = stores.STORES["embedded"]
    stores.STORES["replayed"] = replace(  # type: ignore[index] # only here
        kind, scheme="replayed:", open_reader=ReplayedReader
    )


@dataclass(frozen=True)
class _Registered:
    """Work that knows of the replayed store, in whichever process."""

    work: Callable[[Any], Any]

    def __call__(self, piece: Any) -> Any:
        _register()
        return self.work(piece)


@dataclass(frozen=True)
class _RegisteringEngine:
    engine: Engine

    @property
    def workers(self) -> int:
        return self.engine.workers

    def map(self, work: Callable[[T], R], pieces: Sequence[T]) -> Iterator[tuple[T, R]]:
        return self.engine.map(_Registered(work), pieces)


def measure(engine: str, documents: int, parts: int, percent: int) -> dict[str, float]:
    """Scan into a draft, decide and seal; what that took."""
    spare_collector()
    _register()
    reader = ReplayedReader(f"{documents}-{parts}-{percent}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        rules = _rules(folder)
        scan = make_scan(reader, rules, Limits())
        draft = Draft(folder / "bench.plan", _header(reader, rules))
        options = ScanOptions()
        dask: Any = None
        if engine != "threads":
            dask = stack.enter_context(open_engine(None, int(engine)))
            shards = FolderShards(folder / "shards")
            cluster = Cluster(_RegisteringEngine(dask), shards)  # type: ignore[arg-type] # enough
            spread = cluster.spread_rows(
                draft.scan_id(), reader, rules, Limits(), verifies=False, opaque=None
            )
            options = ScanOptions(spread=spread)
        before = _spent(dask)
        started = time.monotonic()
        scan_documents(scan, draft, NoProgress(), options)
        wall = time.monotonic() - started
        spent = [now - then for now, then in zip(_spent(dask), before, strict=True)]
        scanned = draft.count_scanned()
        draft.settle(scan.planner)
        draft.seal()
        size = (folder / "bench.plan").stat().st_size
    return {
        "wall": wall,
        "driver": spent[0],
        "workers": sum(spent[1:]),
        "busiest": max(spent),
        "documents": scanned,
        "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "plan": size,
    }


def _spent(dask: Any) -> list[float]:
    """CPU seconds of this process, and of each worker."""
    workers = dask.client.run(time.process_time).values() if dask else ()
    return [time.process_time(), *workers]


def _rules(folder: Path) -> Rules:
    path = folder / "rules.yaml"
    path.write_text(RULES)
    return load_rules(path, {})


def _header(reader: FirestoreReader, rules: Rules) -> Header:
    return Header(
        store=reader.locator,
        rules=rules_to_json(rules),
        rules_digest=digest_of(rules),
        endpoint=rules.target.endpoint,
        created_at=datetime.now(UTC).isoformat(),
        version="",
    )


def main() -> None:
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--parts", type=int, default=12)
    parser.add_argument("--percent", type=int, default=5, help="of the documents hold a URL")
    parser.add_argument("--engines", nargs="+", default=["threads", "1", "2", "3"])
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.one, given.documents, given.parts, given.percent)))
        return
    print("| engine | wall s | CPU s, driver + workers | overhead | of linear | RSS MB | plan MB |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    threads = 0.0
    for engine in given.engines:
        command = [sys.executable, "-m", "benchmarks.engines", "--one", engine]
        for name in ("documents", "parts", "percent"):
            command += [f"--{name}", str(getattr(given, name))]
        ended = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ
        )
        got = json.loads(ended.stdout.splitlines()[-1])
        cpu = got["driver"] + got["workers"]
        threads = threads or cpu
        workers = 1 if engine == "threads" else int(engine)
        linear = threads / workers / got["busiest"]
        print(
            f"| {engine} | {got['wall']:.1f} | {got['driver']:.2f} + {got['workers']:.2f} |"
            f" {cpu / threads:.2f} | {linear:.2f} | {got['rss']:.0f} | {got['plan'] / 1e6:.1f} |"
        )


if __name__ == "__main__":
    main()
