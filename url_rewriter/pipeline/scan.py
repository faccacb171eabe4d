"""ReadTimes a database: into a draft, or into a tally.

Memory stays flat: documents pass through, and what is kept of them is kept in a file, or counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from url_rewriter.documents import Environment
from url_rewriter.engines import Batch, Part, Reducer, Scan, ScanRun, Threads
from url_rewriter.errors import ChecksFailedError, ConfigurationError
from url_rewriter.opaque import OpaqueWatch
from url_rewriter.pipeline.census import PartsRead
from url_rewriter.pipeline.forecast import forecast_reads
from url_rewriter.pipeline.mention_index import Mentions
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.read_times import ReadTimes
from url_rewriter.pipeline.requests import Limits
from url_rewriter.planfile import Draft, ReadAt, rows_of
from url_rewriter.planning import ADDRESS_NEEDLES, Discovery, Planner, Tally, discover, survey
from url_rewriter.rules import FieldPattern, Rules
from url_rewriter.stores.base import DocumentReader, Partition, Query, SnapshotLostError
from url_rewriter.text import counted
from url_rewriter.urls import needles

T = TypeVar("T")

_UNREAD = ReadAt()


class ScanSpread(Protocol):
    """Spreads a scan over the workers of an engine."""

    def run(self, scan: Scan, parts: Sequence[Part], most: int | None) -> ScanRun[Any]:
        """The batches of some parts, of which ``most`` documents may be read."""


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """How a scan is done, which changes nothing of what it finds.

    ``workers`` is how many streams there are at once; the scan stops at the first checkpoints after
    ``max_reads`` documents. ``expected`` is for progress: how many documents there are, where that
    is known. ``reading`` gives the read time; without it each part is read as it is then. With
    ``spread`` the scan is cut into ``workers`` parts, and workers elsewhere read them.
    """

    workers: int = 1
    max_reads: int | None = None
    expected: int | None = None
    reading: ReadTimes | None = None
    spread: ScanSpread | None = None

    def begin(self, scan: Scan) -> Scan:
        """The scan as of the moment that it is to be read at."""
        return self.reading.begin(scan) if self.reading else scan


def make_scan(
    reader: DocumentReader,
    rules: Rules,
    limits: Limits,
    *,
    mentions: bool = False,
    discovers: Sequence[str] | None = None,
    verifies: bool = False,
    opaque: OpaqueWatch | None = None,
) -> Scan:
    """The scan that the scope of the rules and the limits describe.

    ``mentions`` are kept where they are asked for; ``discovers`` looks for addresses too, and for
    these buckets; ``verifies``: see ``Planner``; ``opaque`` counts values that no search looks
    into. Raises ConfigurationError for a limit that is no pattern.
    """
    planner = make_planner(rules, limits, mentions=mentions, discovers=discovers, verifies=verifies)
    wanted = needles(rules.grammar)
    if discovers is not None:
        wanted = (*wanted, *ADDRESS_NEEDLES, *discovers)
    query = Query(
        needles=wanted,
        collections=limits.collections,
        excluded=(*(each.text for each in rules.scope.collections), *limits.excluded),
        documents=limits.documents,
        read_time=limits.read_time,
        opinion=None if mentions else planner.opinion,
        opaque=opaque,
    )
    return Scan(reader, query, planner)


def make_planner(
    rules: Rules,
    limits: Limits,
    *,
    mentions: bool = False,
    discovers: Sequence[str] | None = None,
    verifies: bool = False,
) -> Planner:
    """A planner that looks only at the fields that the limits name."""
    fields = tuple(map(_field_pattern, limits.fields))
    return Planner(rules, fields, mentions=mentions, discovers=discovers, verifies=verifies)


def _field_pattern(text: str) -> FieldPattern:
    try:
        return FieldPattern(text)
    except ConfigurationError as error:
        raise ConfigurationError(f"--field {text!r}: {error}") from error


def prepare(
    scan: Scan,
    limits: Limits,
    workers: int | None,
    progress: Progress,
    *,
    scanned: int = 0,
    read_at: ReadAt = _UNREAD,
    keep: Callable[[ReadAt], None] = lambda read_at: None,
) -> ScanOptions:
    """How the scan is done, once its price was told.

    ``scanned`` documents were read before, at ``read_at``. ``keep`` is told of each moment that
    documents are read at.
    """
    expected = scan.reader.count(scan.query)
    if expected is not None:
        expected = max(0, expected - scanned)
        if scan.reader.environment is Environment.PRODUCTION:
            progress.note(f"forecast {forecast_reads(expected)}")
    reading = ReadTimes(progress, read_at, keep)
    return ScanOptions(workers or 1, limits.max_reads, expected, reading)


def read_at_of(options: ScanOptions) -> ReadAt:
    """At which moments a scan that was done so read the database."""
    return options.reading.read_at if options.reading else ReadAt()


def scan_documents(
    scan: Scan,
    draft: Draft,
    progress: Progress,
    options: ScanOptions = ScanOptions(),
    *,
    prove_migrated: bool = False,
) -> PartsRead:
    """Read the documents of a scan and keep what the rules make of them.

    A draft that was begun by an earlier run is continued behind its last checkpoints. The plan is
    the same, in the same order, whatever the ``options``. ``prove_migrated``: the targets that
    documents already name are to be proven as well. Returns what was read of each part in this
    run. Raises ChecksFailedError when more is to be read than may be; what was read until then is
    kept.
    """
    scan = options.begin(scan)
    if not draft.partitions():
        parts = scan.reader.partitions(scan.query, options.workers)
        draft.add_partitions((part.root, part.start, part.end) for part in parts)
    reduce = partial(rows_of, prove_migrated=prove_migrated)
    passes = Passes(scan, reduce, lambda: _unfinished(draft), options, progress)
    read, repeated = dict.fromkeys((each.partition for each in _unfinished(draft)), 0), 0
    for batch in passes:
        read[batch.part.partition] += batch.checkpoint.documents + batch.checkpoint.others
        repeated += batch.checkpoint.repeated
        draft.add_documents(
            batch.found,
            batch.part.number,
            read=batch.checkpoint.documents,
            last=batch.checkpoint.last,
            done=batch.checkpoint.done,
        )
    warn_of_nothing(scan, draft.count_scanned(), progress)
    if passes.trouble is not None:
        raise passes.trouble
    return PartsRead(scan, read, repeated, renewed=len(read_at_of(options).moments) > 1)


def tally_documents(
    scan: Scan,
    progress: Progress,
    options: ScanOptions = ScanOptions(),
    mentions: Mentions | None = None,
    discovery: Discovery | None = None,
) -> tuple[Tally, ChecksFailedError | None]:
    """Read the documents of a scan and count what they hold; with it what ended it early.

    What the planner keeps of mentions goes into ``mentions``, what documents show of buckets and
    addresses into ``discovery``.
    """
    tally = Tally()
    scan = options.begin(scan)
    parts = scan.reader.partitions(scan.query, options.workers)
    left = {number: Part(number, part, None) for number, part in enumerate(parts, 1)}
    reduce = survey if discovery is None else discover
    passes = Passes(scan, reduce, lambda: list(left.values()), options, progress)
    for batch in passes:
        if batch.checkpoint.done:
            del left[batch.part.number]
        else:
            left[batch.part.number] = replace(batch.part, after=batch.checkpoint.last)
        tally.add(batch.found.tally)
        tally.scanned += batch.checkpoint.documents
        if mentions is not None:
            mentions.add(batch.found.mentions)
        if discovery is not None and batch.found.discovery is not None:
            discovery.add(batch.found.discovery)
    warn_of_nothing(scan, tally.scanned, progress)
    return tally, passes.trouble


def warn_of_nothing(scan: Scan, scanned: int, progress: Progress) -> None:
    """Warn where no document was read: the store or the limits may be wrong."""
    if not scanned:
        progress.warn(
            f"no document of {scan.reader.locator} was scanned: is the store right, and the "
            "collections and documents that were named?"
        )


class Passes(Generic[T]):
    """The batches of all parts that are left, in one pass, or in several.

    Another pass begins, with the parts that are unfinished then, where the store no longer keeps
    the moment that the scan is read at. ``trouble``: ``max_reads`` left parts unread.
    """

    def __init__(
        self,
        scan: Scan,
        reduce: Reducer[T],
        unfinished: Callable[[], Sequence[Part]],
        options: ScanOptions,
        progress: Progress,
    ) -> None:
        self._scan = scan
        self._reduce = reduce
        self._unfinished = unfinished
        self._options = options
        self._progress = progress
        self._read = 0
        self.trouble: ChecksFailedError | None = None

    def __iter__(self) -> Iterator[Batch[T]]:
        self._progress.begin("scan", "docs", self._options.expected)
        while True:
            engine = self._engine()
            try:
                with engine:
                    for batch in engine:
                        yield batch
                        self._progress.advance(batch.checkpoint.documents)
            except SnapshotLostError as error:
                if self._options.reading is None or self._scan.query.read_time is None:
                    raise
                self._read += engine.read
                self._scan = self._options.reading.renew(self._scan, error)
            else:
                break
        self._progress.end()
        if engine.stopped:
            self.trouble = ChecksFailedError(
                f"Stopped after reading {counted(self._read + engine.read, 'document')}, because "
                f"of --max-reads {self._options.max_reads}."
            )

    def _engine(self) -> ScanRun[T]:
        most = self._options.max_reads
        left = None if most is None else most - self._read
        if self._options.spread is not None:
            return self._options.spread.run(self._scan, self._unfinished(), left)
        return Threads(self._scan, self._reduce, self._unfinished(), self._options.workers, left)


def _unfinished(draft: Draft) -> Sequence[Part]:
    return [
        Part(number, Partition(root, first, past), last)
        for number, root, first, past, last, done in draft.partitions()
        if not done
    ]
