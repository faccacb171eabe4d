"""One part of a scan, read by a worker of an engine, and kept as a shard.

The name of the shard is a hash of the part's range and of everything else that its content depends
on: a part that is read once more, by another worker or another run of the command, is the same one.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, BinaryIO

from url_rewriter import stores
from url_rewriter.engines import Scan, asked_to_stop
from url_rewriter.errors import RefusedError
from url_rewriter.opaque import OpaqueKind, OpaqueValues, OpaqueWatch
from url_rewriter.pipeline.requests import Limits
from url_rewriter.pipeline.scan import make_scan
from url_rewriter.pipeline.shard_places import open_shards
from url_rewriter.planfile import FoundRows, rows_of
from url_rewriter.planning import Discovery, PlannedDocument, Survey, Tally, discover, survey
from url_rewriter.rules import Rules, rules_from_json
from url_rewriter.shards import read_lines, write_lines
from url_rewriter.stores.base import Checkpoint, DocumentReader, Partition, ReadWhole

_FORMAT = "scan@1"


@dataclass(frozen=True, slots=True)
class ScanTask:
    """A part to read, as plain values that may go to any machine.

    ``scan`` is the id of the scan, ``kept_at`` the environment of the store, ``state`` that of a
    store that is read whole. ``verifies`` and ``watches`` (for opaque values) are of a scan that
    verifies, ``discovers`` of one that counts. At most ``limit`` documents are read.
    """

    scan: str
    shards: str
    s3_endpoint: str | None
    store: str
    kept_at: str
    state: str
    rules: str
    limits: Limits
    verifies: bool = False
    watches: bool = False
    discovers: tuple[str, ...] | None = None
    partition: Partition = Partition("")
    after: str | None = None
    limit: int | None = None
    read_time: datetime | None = None

    @property
    def name(self) -> str:
        """The shard's name."""
        depends = [
            _FORMAT, self.scan, self.store, self.kept_at, self.state, self.rules, str(self.limits),
            self.verifies, self.watches, self.partition.root, self.partition.start,
            self.partition.end, self.after, self.limit,
            self.read_time.isoformat() if self.read_time else None,
        ]  # fmt: skip
        return f"{self.scan}/{hashlib.sha256(json.dumps(depends).encode()).hexdigest()}"


def read_part(task: ScanTask) -> str:
    """Read a part and put its shard, unless that is there; return its name."""
    shards = open_shards(task.shards, os.environ, task.s3_endpoint)
    if shards.has(task.name):
        return task.name
    reader = _reader_of(task)
    opaque = OpaqueWatch() if task.watches else None
    scan = _make_scan(reader, task, opaque)
    with tempfile.TemporaryFile() as file:
        if not _write_part(file, scan, task, opaque):
            return ""
        shards.put(task.name, file)
    return task.name


def tally_part(task: ScanTask) -> tuple[Survey, Checkpoint]:
    """Count what a part holds."""
    scan = _make_scan(_reader_of(task), task, None)
    reduce = survey if task.discovers is None else discover
    tally, discovery = Tally(), None if task.discovers is None else Discovery()
    total = Checkpoint(task.partition, 0, task.after)
    for planned, at in _batches(scan, task):
        if asked_to_stop():
            break
        found = reduce(planned)
        tally.add(found.tally)
        if discovery is not None and found.discovery is not None:
            discovery.add(found.discovery)
        total = Checkpoint(
            task.partition, total.documents + at.documents, at.last or total.last, at.done,
            total.others + at.others, total.repeated + at.repeated,
        )  # fmt: skip
    return Survey(tally, (), discovery), total


def read_shard(
    task: ScanTask, file: BinaryIO, opaque: OpaqueWatch | None
) -> Iterator[tuple[FoundRows, Checkpoint]]:
    """What a shard holds, checkpoint by checkpoint; what it counted goes into ``opaque``."""
    lines = read_lines(file, task.name)
    next(lines, None)
    for line in lines:
        if isinstance(line, dict):
            if opaque is not None:
                for kind, *values in line["opaque"]:
                    opaque.add(OpaqueValues(OpaqueKind(kind), *values))
            continue
        documents, last, done, others, repeated, found = line
        checkpoint = Checkpoint(task.partition, documents, last, done, others, repeated)
        yield FoundRows(*found), checkpoint


def _write_part(file: BinaryIO, scan: Scan, task: ScanTask, opaque: OpaqueWatch | None) -> bool:
    """Write a part's shard; False where it is wanted no more."""
    stopped = False

    def lines() -> Iterator[Any]:
        nonlocal stopped
        yield {"shard": _FORMAT, "store": task.store}
        for planned, at in _batches(scan, task):
            found = rows_of(planned, prove_migrated=task.verifies)
            if asked_to_stop():
                stopped = True
                return
            yield [at.documents, at.last, at.done, at.others, at.repeated, found]
        if opaque is not None:
            counted = opaque.found()
            yield {"opaque": [[str(v.kind), v.collection, v.document, v.count] for v in counted]}

    write_lines(file, lines())
    return not stopped


def _batches(scan: Scan, task: ScanTask) -> Iterator[tuple[list[PlannedDocument], Checkpoint]]:
    query = replace(scan.query, limit=task.limit, read_time=task.read_time)
    kept: list[PlannedDocument] = []
    read = 0
    for item in scan.reader.scan(query, task.partition, task.after):
        if isinstance(item, Checkpoint):
            yield kept, item
            kept = []
            read += item.documents + item.others
            if task.limit is not None and read >= task.limit:
                return
        else:
            planned = scan.planner.plan_document(item)
            if any(planned[1:]):
                kept.append(planned)


def _make_scan(reader: DocumentReader, task: ScanTask, opaque: OpaqueWatch | None) -> Scan:
    return make_scan(
        reader, _rules(task.rules), task.limits, discovers=task.discovers,
        verifies=task.verifies, opaque=opaque,
    )  # fmt: skip


def _reader_of(task: ScanTask) -> DocumentReader:
    """The store, as this worker reaches it. Raises RefusedError where it is another one."""
    reader = _open_reader(task.store)
    if reader.environment != task.kept_at:
        raise RefusedError(
            f"A worker takes {task.store} for {reader.environment}, and the driver for"
            f" {task.kept_at}: give both the same FIRESTORE_EMULATOR_HOST, or none."
        )
    if isinstance(reader, ReadWhole) and reader.state() != task.state:
        raise RefusedError(
            f"{task.store} is not in the state that the scan began with, or a worker has another"
            " file of that name. Run the command again."
        )
    return reader


@functools.lru_cache(maxsize=2)
def _open_reader(locator: str) -> DocumentReader:
    """A reader that the process keeps: each part would connect anew."""
    return stores.open_reader(locator)


@functools.lru_cache(maxsize=2)
def _rules(text: str) -> Rules:
    return rules_from_json(text)
