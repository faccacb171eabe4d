"""The protocol of document stores. Work that all stores would do alike is done above them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias, runtime_checkable

from url_rewriter.documents import Document, Environment, Revision, Update, WriteResult
from url_rewriter.errors import ConfigurationError
from url_rewriter.opaque import OpaqueWatch
from url_rewriter.second_opinion import SecondOpinion


@dataclass(frozen=True, slots=True)
class Query:
    """Which documents a scan is to yield.

    ``needles`` are lower-case ASCII: a document none of whose text (strings, map keys,
    bytes, its own path), lower-cased, holds one of them is read and counted but not yielded. No
    needles: every document is yielded. ``collections``, ``excluded`` and ``documents`` narrow the
    scan, exactly: a name without a slash means every collection of that name (a collection group),
    a path means one collection, with ``*`` for one segment and ``**`` for any number of them.
    ``read_time`` (aware) asks for the database as it was then. At most ``limit`` documents of a
    partition are read, selected or not. A document that the ``opinion`` suspects is yielded with
    or without a needle. ``opaque`` counts values of the documents read that no search looks into.
    """

    needles: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    read_time: datetime | None = None
    limit: int | None = None
    opinion: SecondOpinion | None = None
    opaque: OpaqueWatch | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How a scan that begins now can read the whole database as it was at one moment.

    With a ``read_time`` a query has to name it. Without one the store reads all of it at once
    anyway, unless ``trouble`` says why it cannot, and what helps.
    """

    read_time: datetime | None = None
    trouble: str = ""


class SnapshotLostError(ConfigurationError):
    """The store no longer keeps the database as it was at a query's read time."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A part of a scan: documents of one root collection, in document path order.

    ``start`` (inclusive) and ``end`` (exclusive) are document paths, or None for the collection's
    first and last. ``**/NAME`` as ``root`` means the collection group of that name. A store that
    has nothing to divide gives one partition with an empty ``root``.
    """

    root: str
    start: str | None = None
    end: str | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything of the partition up to the document path ``last`` has been yielded.

    ``documents`` that the query selects were read since the partition's previous checkpoint, those
    without a needle included, and ``others`` beside them, which are billed too. ``repeated`` ones
    came a second time in a row, and are in neither number. The last checkpoint of a partition says
    ``done``, unless the query's limit ended it.
    """

    partition: Partition
    documents: int
    last: str | None
    done: bool = False
    others: int = 0
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class StoreCounts:
    """How many documents a store counts itself, at a query's read time, to hold a scan against.

    ``ranges`` is of each partition of the scan; ``outside`` of what is in none, nor excluded by
    name; ``unread`` are root collections without a partition. ``trouble`` says why it counts none.
    """

    ranges: tuple[int, ...] = ()
    outside: int = 0
    unread: tuple[str, ...] = ()
    trouble: str = ""


class DocumentReader(Protocol):
    """Reads documents; cannot write. ``audit``, ``plan``, ``verify`` and ``report`` hold only this.

    A query with a read time may raise SnapshotLostError, early or late. Every method raises
    NotPermittedError where the identity may not read, ConfigurationError where
    the database does not exist, and ServiceError when a fault outlasts its retries.
    """

    @property
    def locator(self) -> str:
        """The store in its canonical spelling: ``firestore://project/(default)``."""

    @property
    def environment(self) -> Environment:
        """Disposable for an emulator and the embedded store: no production data can be damaged."""

    def snapshot(self) -> Snapshot:
        """The present moment, by the store's own clock, for a scan to read everything at."""

    def partitions(self, query: Query, count: int) -> Sequence[Partition]:
        """Divide a scan into about ``count`` parts that together yield every document once."""

    def scan(
        self, query: Query, partition: Partition, after: str | None = None
    ) -> Iterator[Document | Checkpoint]:
        """Yield documents in path order, with a checkpoint every few hundred read.

        ``after`` continues behind a checkpoint's ``last``. Documents under missing parents are
        included. ``strings`` and ``fixed`` of a document hold what has a needle (all, without
        needles). A broken stream is resumed where it broke; none is missed, none comes twice.
        """

    def get(self, paths: Sequence[str]) -> dict[str, Document]:
        """Read documents by path, with all their strings. A missing one is left out."""

    def count(self, query: Query) -> int | None:
        """How many documents a scan will read, or None where that is not cheap to know."""

    def count_ranges(self, query: Query, parts: Sequence[Partition]) -> StoreCounts:
        """Have the store count the documents of a scan, by other means than reading them."""

    def close(self) -> None:
        """Give back connections and locks."""


@runtime_checkable
class ReadWhole(Protocol):
    """A reader of a store that is read whole, at once, and that keeps no earlier state."""

    def state(self) -> str:
        """What names the state that the store is in now: another one after every change."""


@dataclass(frozen=True, slots=True)
class OtherDatabases:
    """The ``locators`` of the project's other databases; ``trouble``: why they are not known."""

    locators: tuple[str, ...] = ()
    trouble: str = ""


@runtime_checkable
class DatabaseLister(Protocol):
    """A reader of one database of several, which can tell the others."""

    def other_databases(self) -> OtherDatabases:
        """The databases beside this one. Never raises: nothing depends on it."""


@dataclass(frozen=True, slots=True)
class ListenPlace:
    """How far a collection group was heard: the server's ``token`` to go on from.

    ``documents``: how many it held then, as far as that is known.
    """

    token: bytes
    documents: int | None = None


@dataclass(frozen=True, slots=True)
class ToldDocument:
    """A document was written, or is told once more; it holds a needle."""

    document: Document


@dataclass(frozen=True, slots=True)
class HeardTo:
    """All that was written up to ``moment``, and stands, was told; ``places`` go on from there."""

    moment: datetime
    places: Mapping[str, ListenPlace]


@dataclass(frozen=True, slots=True)
class StreamBroken:
    """The stream was cut, fell silent or began anew; it is listened to again. Nothing is lost."""

    why: str


@dataclass(frozen=True, slots=True)
class NotHeard:
    """A collection group that the server does not let be listened to."""

    group: str
    why: str


StreamEvent: TypeAlias = ToldDocument | HeardTo | StreamBroken | NotHeard


class Listening(Protocol):
    """Tells what is written to some collection groups, for as long as it is iterated.

    A stream that breaks or falls silent is resumed where it was. Iterating raises what a
    DocumentReader raises for good; the other methods may be called from any thread.
    """

    def __iter__(self) -> Iterator[StreamEvent]:
        """What the stream tells, until it is closed."""

    def sound(self) -> None:
        """Have a stream that may be idle say up to when it has told everything."""

    def start_over(self) -> None:
        """Forget how far it was heard: everything is told anew, at the price of reading it."""

    def close(self) -> None:
        """End the stream."""


@runtime_checkable
class Listens(Protocol):
    """A reader of a store that tells what is written to it, and when a document was."""

    def listen(
        self, query: Query, groups: Sequence[str], places: Mapping[str, ListenPlace]
    ) -> Listening:
        """Listen to collection groups, from ``places`` on where they were heard before.

        Of the documents that the query selects those with a needle are told. A group without a
        place is told whole first, or, with a read time of the query, what was written since.
        """

    def written_at(self, revision: Revision) -> datetime:
        """When the write was done that made a revision."""


class DocumentStore(DocumentReader, Protocol):
    """Reads and writes documents."""

    def write(self, updates: Sequence[Update]) -> list[WriteResult]:
        """Write each update with its revision as precondition; answers in the order of ``updates``.

        Updates name distinct documents. Each succeeds or fails on its own: a refused one does not
        take others with it. Only the strings that are edited change; everything else in the
        document keeps its exact type and bits. Passing faults are not retried here: they are
        answered as unsettled, and the caller reads the document back. Raises NotPermittedError when
        this identity may not write.
        """
