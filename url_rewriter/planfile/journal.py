"""The journal: what was about to be written, and the result.

An entry is durable before its write is sent. One without a status was sent, or about to be, when a
run ended: only the document can tell whether it was written.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from operator import attrgetter, itemgetter
from typing import Any

from url_rewriter.documents import (
    Edit,
    Outcome,
    Revision,
    UrlOutcome,
    WriteResult,
    WriteStatus,
)
from url_rewriter.planfile.damage import reading
from url_rewriter.planfile.paging import read_pages
from url_rewriter.planfile.plan import Plan
from url_rewriter.planfile.rows import (
    PlannedWrite,
    dump_edits,
    dump_standing,
    load_edits,
    load_standing,
)
from url_rewriter.planfile.runs import Run, now
from url_rewriter.planfile.totals import Operation
from url_rewriter.planfile.write_totals import LEFT_BEFORE, PUT_BACK, WANTED, WriteFilter
from url_rewriter.planning import Standing, place_of
from url_rewriter.urls import ObjectRef


@dataclass(frozen=True, slots=True)
class Intention:
    """A write that is about to be sent: the edits to a document as it was read for it.

    ``created_at`` is when that document was made, None where its store does not tell. ``standing``
    are its strings that name a target of the edits already and are the application's own.
    """

    document: int
    revision: Revision
    edits: tuple[Edit, ...]
    created_at: str | None = None
    standing: Standing = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One write: sent, or about to be. ``status`` is None while the result is not known.

    ``created_at`` is when the document was made that was read for it, None where that is not known;
    ``standing`` are its strings that named a target of the edits before.
    """

    id: int
    operation: Operation
    document: int
    revision: Revision
    edits: tuple[Edit, ...]
    status: WriteStatus | None
    created_at: str | None = None
    standing: Standing = ()

    @property
    def open(self) -> bool:
        """Whether only the document can tell if this was written."""
        return self.status in (None, WriteStatus.UNSETTLED)


@dataclass(frozen=True, slots=True)
class DocumentOutcome:
    """What became of one document and of its URLs, and why where it was left alone.

    ``live``: strings of ours stay there that a rollback was not asked for, or that may still come.
    """

    document: int
    outcome: Outcome
    detail: str = ""
    urls: Mapping[UrlOutcome, int] = field(default_factory=dict)
    live: bool = False


class Journal(Run):
    """A run that writes to the database.

    Every method raises ServiceError when the disk refuses: before a write is sent, never after it
    has been sent without an entry.
    """

    def __init__(self, plan: Plan, operation: Operation) -> None:
        super().__init__(plan, operation)
        self.operation = operation

    def intend(self, intentions: Sequence[Intention]) -> list[int]:
        """Make entries for writes that are about to be sent; durable when this returns.

        They are in the file itself by then, unless another process is reading it: what is cut off
        or damaged at the end of a -wal can only be answers, which the documents give again.
        """
        with self._adding():
            # What the other operation made of these documents ends here.
            self._connection.executemany(
                "INSERT INTO outcomes (document, run, operation, detail)"
                " SELECT document, ?, ?, '' FROM newest_outcome"
                " WHERE document = ? AND operation <> ?",
                [(self._run, self.operation, each.document, self.operation) for each in intentions],
            )
            entries = [self._enter(each) for each in intentions]
        self._move_into_file(_PATIENCE)
        return entries

    def _enter(self, each: Intention) -> int:
        row = self._connection.execute(
            "INSERT INTO journal"
            " (run, operation, document, revision, created_at, edits, standing, urls, sent_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._run, self.operation, each.document, each.revision, each.created_at,
                dump_edits(each.edits), dump_standing(each.standing),
                sum(edit.urls for edit in each.edits), now(),
            ),
        )  # fmt: skip
        return int(row.lastrowid or 0)

    def settle(
        self,
        results: Iterable[tuple[int, WriteResult]],
        outcomes: Iterable[DocumentOutcome],
    ) -> None:
        """Write down the results of entries, and of documents, all or nothing."""
        with self._adding():
            self._connection.executemany(
                "INSERT INTO answers (entry, run, status, revision, detail) VALUES (?, ?, ?, ?, ?)",
                [
                    (entry, self._run, each.status, each.revision, each.detail)
                    for entry, each in results
                ],
            )
            self._connection.executemany(
                "INSERT INTO outcomes (document, run, operation, outcome, detail, urls, live)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        each.document,
                        self._run,
                        self.operation,
                        each.outcome,
                        each.detail,
                        json.dumps(each.urls),
                        each.live,
                    )
                    for each in outcomes
                ],
            )

    def to_apply(self) -> Iterator[PlannedWrite]:
        """Planned writes that are not done yet, in plan order."""
        done = {Outcome.WRITTEN, Outcome.UNCHANGED}
        for page in read_pages(
            lambda last: list(self.plan.writes(last, _PAGE)), 0, attrgetter("id")
        ):
            outcomes = self._outcomes([write.id for write in page])
            yield from (
                write
                for write in page
                if outcomes.get(write.id) not in {(Operation.APPLY, outcome) for outcome in done}
            )

    def to_roll_back(self, wanted: WriteFilter) -> Iterator[tuple[int, str]]:
        """Documents with strings that an apply wrote, or may have written, that are not put back,
        or were left by an earlier rollback; last written first: id and path."""

        def read(last: int) -> list[tuple[int, int, str, bool]]:
            given = {**asdict(wanted), "last": last, "page": _PAGE}
            with reading(self.plan.path):
                return self._connection.execute(_APPLIED, given).fetchall()

        for page in read_pages(read, 1 << 62, itemgetter(0)):
            entries = self.entries([document for _, document, *_ in page])
            yield from (
                (document, path)
                for _, document, path, left in page
                if left or live_edits(entries[document])
            )

    def _outcomes(self, documents: list[int]) -> dict[int, tuple[str, str]]:
        with reading(self.plan.path):
            rows = self._connection.execute(
                "SELECT document, operation, outcome FROM newest_outcome"
                " WHERE document IN (SELECT value FROM json_each(?))",
                (json.dumps(documents),),
            )
            return {document: (operation, outcome) for document, operation, outcome in rows}

    def entries(self, documents: list[int]) -> dict[int, list[Entry]]:
        """The entries of each document, oldest first."""
        entries: dict[int, list[Entry]] = defaultdict(list)
        with reading(self.plan.path):
            for each in map(_entry, self._connection.execute(_ENTRIES, (json.dumps(documents),))):
                entries[each.document].append(each)
        return entries

    def targets_of(self, document: int) -> list[ObjectRef]:
        """The targets that a planned write names."""
        with reading(self.plan.path):
            rows = self._connection.execute(
                "SELECT DISTINCT t.bucket, t.key FROM strings s"
                " JOIN occurrences o ON o.string = s.id AND o.status = 'rewrite'"
                " JOIN targets t ON t.id = o.target WHERE s.document = ?",
                (document,),
            )
            return [ObjectRef(bucket, key) for bucket, key in rows]


_PAGE = 500
_PATIENCE = 0.2
"""Seconds that a batch waits for other processes that read the file."""

_ENTRIES = (
    "SELECT id, operation, document, revision, created_at, edits, status, standing FROM entries"
    " WHERE document IN (SELECT value FROM json_each(?)) ORDER BY id"
)

_APPLIED = (
    "SELECT max(j.id), d.id, d.path, "
    + LEFT_BEFORE
    + " FROM journal j JOIN documents d ON d.id = j.document"
    " LEFT JOIN newest_outcome x ON x.document = d.id AND x.operation = 'rollback'"
    " WHERE j.operation = 'apply' AND NOT coalesce("
    + PUT_BACK
    + ", 0) AND "
    + WANTED
    + " GROUP BY d.id HAVING max(j.id) < :last ORDER BY max(j.id) DESC LIMIT :page"
)


def _entry(row: tuple[Any, ...]) -> Entry:
    number, operation, document, revision, created_at, edits, status, standing = row
    return Entry(
        number,
        Operation(operation),
        document,
        Revision(revision),
        load_edits(edits),
        WriteStatus(status) if status else None,
        created_at,
        load_standing(standing),
    )


def live_edits(entries: Sequence[Entry]) -> tuple[Edit, ...]:
    """The edits of a document that were applied and not put back since, newest first.

    ``entries`` are in the order they were made. An entry that was never settled counts: it may have
    been written, and putting back looks first.
    """
    live: list[Edit] = []
    for entry in entries:
        if entry.status in (WriteStatus.STALE, WriteStatus.REFUSED):
            continue
        if entry.operation is Operation.APPLY:
            live.extend(entry.edits)
            continue
        if entry.open:
            continue
        for edit in entry.edits:
            _take_back(live, edit)
    return tuple(reversed(live))


def _take_back(live: list[Edit], edit: Edit) -> None:
    """Drop the edits that ``edit`` undid, newest first: they lead from one text to the other."""
    text = edit.before
    while text != edit.after and (undone := _find(live, edit, text)) is not None:
        text = live.pop(undone).before


def _find(live: Sequence[Edit], edit: Edit, text: str) -> int | None:
    """The newest edit that wrote a text: at the same place, else where an array moved it."""
    alike = [
        (each.value_path == edit.value_path, each.before == edit.after, index)
        for index, each in enumerate(live)
        if each.after == text and place_of(each.value_path) == place_of(edit.value_path)
    ]
    return max(alike)[-1] if alike else None
