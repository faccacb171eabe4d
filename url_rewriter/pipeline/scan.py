"""Reading a database: into a draft, or into a tally.

Memory stays flat: documents pass through, and what is kept of them is kept in a file, or counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from url_rewriter.documents import Environment
from url_rewriter.engines import Batch, Engine, Part, Scan, Threads
from url_rewriter.errors import ChecksFailedError, ConfigurationError
from url_rewriter.pipeline.forecast import forecast_reads
from url_rewriter.pipeline.mention_index import Mentions
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.requests import Limits
from url_rewriter.planfile import Draft, rows_of
from url_rewriter.planning import Planner, Tally, survey
from url_rewriter.rules import FieldPattern, Rules
from url_rewriter.stores.base import DocumentReader, Partition, Query
from url_rewriter.urls import needles

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


def make_scan(
    reader: DocumentReader, rules: Rules, limits: Limits, *, mentions: bool = False
) -> Scan:
    """The scan that the scope of the rules and the limits describe.

    ``mentions`` are kept where they are asked for. Raises ConfigurationError for a limit that is no
    pattern.
    """
    query = Query(
        needles=needles(rules.grammar),
        collections=limits.collections,
        excluded=(*(each.text for each in rules.scope.collections), *limits.excluded),
        documents=limits.documents,
        read_time=limits.read_time,
    )
    return Scan(reader, query, make_planner(rules, limits, mentions=mentions))


def make_planner(rules: Rules, limits: Limits, *, mentions: bool = False) -> Planner:
    """A planner that looks only at the fields that the limits name."""
    return Planner(rules, tuple(map(_field_pattern, limits.fields)), mentions=mentions)


def _field_pattern(text: str) -> FieldPattern:
    try:
        return FieldPattern(text)
    except ConfigurationError as error:
        raise ConfigurationError(f"--field {text!r}: {error}") from error


def prepare(
    scan: Scan, limits: Limits, workers: int | None, progress: Progress, *, scanned: int = 0
) -> ScanOptions:
    """How the scan is done, once its price was told; ``scanned`` documents were read before."""
    expected = scan.reader.count(scan.query)
    if expected is not None:
        expected = max(0, expected - scanned)
        if scan.reader.environment is Environment.PRODUCTION:
            progress.note(f"forecast {forecast_reads(expected)}")
    return ScanOptions(workers or 1, limits.max_reads, expected)


def scan_documents(
    scan: Scan,
    draft: Draft,
    progress: Progress,
    options: ScanOptions = ScanOptions(),
    *,
    prove_migrated: bool = False,
) -> None:
    """Read the documents of a scan and keep what the rules make of them.

    A draft that was begun by an earlier run is continued behind its last checkpoints. The plan is
    the same, in the same order, whatever the ``options``. ``prove_migrated``: the targets that
    documents already name are to be proven as well. Raises ChecksFailedError when more is to be
    read than may be; what was read until then is kept.
    """
    if not draft.partitions():
        parts = scan.reader.partitions(scan.query, options.workers)
        draft.add_partitions((part.root, part.start, part.end) for part in parts)
    reduce = partial(rows_of, prove_migrated=prove_migrated)
    engine = Threads(scan, reduce, _unfinished(draft), options.workers, options.max_reads)
    for batch in _batches(engine, progress, options):
        draft.add_documents(
            batch.found,
            batch.part.number,
            read=batch.checkpoint.documents,
            last=batch.checkpoint.last,
            done=batch.checkpoint.done,
        )
    warn_of_nothing(scan, draft.count_scanned(), progress)
    if trouble := _left_unread(engine, options):
        raise trouble


def tally_documents(
    scan: Scan,
    progress: Progress,
    options: ScanOptions = ScanOptions(),
    mentions: Mentions | None = None,
) -> tuple[Tally, ChecksFailedError | None]:
    """Read the documents of a scan and count what they hold; with it what ended it early.

    What the planner keeps of mentions goes into ``mentions``.
    """
    tally = Tally()
    parts = scan.reader.partitions(scan.query, options.workers)
    numbered = [Part(number, part, None) for number, part in enumerate(parts, 1)]
    engine = Threads(scan, survey, numbered, options.workers, options.max_reads)
    for batch in _batches(engine, progress, options):
        tally.add(batch.found.tally)
        tally.scanned += batch.checkpoint.documents
        if mentions is not None:
            mentions.add(batch.found.mentions)
    warn_of_nothing(scan, tally.scanned, progress)
    return tally, _left_unread(engine, options)


def warn_of_nothing(scan: Scan, scanned: int, progress: Progress) -> None:
    """Warn where no document was read: the store or the limits may be wrong."""
    if not scanned:
        progress.warn(
            f"no document of {scan.reader.locator} was scanned: is the store right, and the "
            "collections and documents that were named?"
        )


def _batches(engine: Engine[T], progress: Progress, options: ScanOptions) -> Iterator[Batch[T]]:
    progress.begin("scan", "docs", options.expected)
    with engine:
        for batch in engine:
            yield batch
            progress.advance(batch.checkpoint.documents)
    progress.end()


def _left_unread(engine: Engine[T], options: ScanOptions) -> ChecksFailedError | None:
    if not engine.stopped:
        return None
    return ChecksFailedError(
        f"Stopped after reading {engine.read:,} documents, because of --max-reads"
        f" {options.max_reads}."
    )


def _unfinished(draft: Draft) -> Sequence[Part]:
    return [
        Part(number, Partition(root, first, past), last)
        for number, root, first, past, last, done in draft.partitions()
        if not done
    ]
