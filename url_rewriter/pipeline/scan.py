"""Reading a database: into a draft, or into a tally.

Memory stays flat: documents pass through, and what is kept of them is kept in a file, or counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from url_rewriter.engines import Batch, Engine, Part, Reducer, Threads
from url_rewriter.errors import ChecksFailedError
from url_rewriter.pipeline.mention_index import Mentions
from url_rewriter.pipeline.progress import Progress
from url_rewriter.planfile import Draft, rows_of
from url_rewriter.planning import Planner, Tally, survey
from url_rewriter.stores.base import DocumentReader, Partition, Query

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How a scan is done, which changes nothing of what it finds.

    ``workers`` is how many streams there are at once; the scan stops at the first checkpoints after
    ``max_reads`` documents. ``expected`` is for progress: how many documents there are, where that
    is known.
    """

    workers: int = 1
    max_reads: int | None = None
    expected: int | None = None


def scan(
    reader: DocumentReader,
    query: Query,
    planner: Planner,
    draft: Draft,
    progress: Progress,
    options: ScanOptions = ScanOptions(),
    *,
    prove_migrated: bool = False,
) -> None:
    """Read the documents of ``query`` and keep what the rules make of them.

    A draft that was begun by an earlier run is continued behind its last checkpoints. The plan is
    the same, in the same order, whatever the ``options``. ``prove_migrated``: the targets that
    documents already name are to be proven as well. Raises ChecksFailedError when more is to be
    read than may be; what was read until then is kept.
    """
    if not draft.partitions():
        parts = reader.partitions(query, options.workers)
        draft.add_partitions((part.root, part.start, part.end) for part in parts)
    reduce = partial(rows_of, prove_migrated=prove_migrated)
    engine = _open(reader, query, planner, reduce, list(_unfinished(draft)), options)
    for batch in _batches(engine, progress, options):
        draft.add_documents(
            batch.found,
            batch.part.number,
            read=batch.checkpoint.documents,
            last=batch.checkpoint.last,
            done=batch.checkpoint.done,
        )
    _require_whole(engine, options)


def tally_documents(
    reader: DocumentReader,
    query: Query,
    planner: Planner,
    tally: Tally,
    progress: Progress,
    options: ScanOptions = ScanOptions(),
    *,
    mentions: Mentions | None = None,
) -> None:
    """Read the documents of ``query`` and count what they hold into ``tally``.

    What the planner keeps of ``mentions`` goes there. Raises ChecksFailedError when more is to be
    read than may be; what was read until then is counted.
    """
    parts = reader.partitions(query, options.workers)
    numbered = [Part(number, part, None) for number, part in enumerate(parts, 1)]
    engine = _open(reader, query, planner, survey, numbered, options)
    for batch in _batches(engine, progress, options):
        tally.add(batch.found.tally)
        tally.scanned += batch.checkpoint.documents
        if mentions is not None:
            mentions.add(batch.found.mentions)
    _require_whole(engine, options)


def _open(
    reader: DocumentReader,
    query: Query,
    planner: Planner,
    reduce: Reducer[T],
    parts: list[Part],
    options: ScanOptions,
) -> Engine[T]:
    return Threads(
        reader, query, planner, reduce, parts, workers=options.workers, max_reads=options.max_reads
    )


def _batches(engine: Engine[T], progress: Progress, options: ScanOptions) -> Iterator[Batch[T]]:
    progress.begin("scan", "docs", options.expected)
    with engine:
        for batch in engine:
            yield batch
            progress.advance(batch.checkpoint.documents)
    progress.end()


def _require_whole(engine: Engine[T], options: ScanOptions) -> None:
    if engine.stopped:
        raise ChecksFailedError(
            f"Stopped after reading {engine.read:,} documents, because of --max-reads"
            f" {options.max_reads}."
        )


def _unfinished(draft: Draft) -> Iterator[Part]:
    for number, root, first, past, last, done in draft.partitions():
        if not done:
            yield Part(number, Partition(root, first, past), last)
