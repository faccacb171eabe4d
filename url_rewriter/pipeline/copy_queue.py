"""The objects that a copy works on, in a database of its own that ends with the run.

What lasts is elsewhere: the objects at their targets, and the evidence of them in the plan file.
That is all that a later run needs to go on.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from url_rewriter.copying import Choice, CopyStep, Transfer, TransferOutcome, decide
from url_rewriter.evidence import Evidence, SourceEvidence, SourceState, TargetState
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.urls import ObjectRef

_PAGE = 500

# `leader` is the row that stands for all those that are about the same source and target.
_TABLES = """
CREATE TABLE copies (
    id INTEGER PRIMARY KEY, choices TEXT NOT NULL UNIQUE, rank INTEGER NOT NULL DEFAULT 0,
    source_bucket TEXT NOT NULL, source_key TEXT NOT NULL,
    target_bucket TEXT NOT NULL, target_key TEXT NOT NULL,
    target_state TEXT, target_detail TEXT, etag TEXT,
    source_state TEXT, source_detail TEXT, found TEXT, size INTEGER,
    step TEXT, leader INTEGER, outcome TEXT, detail TEXT NOT NULL DEFAULT '',
    forbidden INTEGER NOT NULL DEFAULT 0, passing INTEGER NOT NULL DEFAULT 0,
    written INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX by_source ON copies (source_bucket, source_key);
CREATE INDEX by_target ON copies (target_bucket, target_key);
CREATE INDEX by_leader ON copies (leader);
"""


@dataclass(frozen=True, slots=True)
class CopyTask:
    """One object to be copied, or compared where its target is there already.

    ``info`` is what is known of the source, ``there`` of the target.
    """

    id: int
    step: CopyStep
    source: ObjectRef
    target: ObjectRef
    info: ObjectInfo
    there: ObjectInfo


@dataclass(frozen=True, slots=True)
class Copy:
    """What became of one object, as it is listed; ``outcome`` is "" where nothing did yet."""

    source: ObjectRef
    target: ObjectRef
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class CopyTotals:
    """Objects by outcome, ``pending`` among them, and bytes.

    ``to_copy`` of ``objects`` are missing at their targets and there at their sources, ``size`` is
    theirs together, ``written`` the bytes that were copied. ``forbidden`` and ``passing`` count
    objects that failed so, or are unknown on that account.
    """

    objects: int
    outcomes: dict[str, int]
    to_copy: int
    size: int
    written: int
    forbidden: int
    passing: int

    @property
    def there(self) -> int:
        """How many objects are at their targets."""
        return self.outcomes["copied"] + self.outcomes["already_there"]

    @property
    def pending(self) -> int:
        """How many objects nothing was done about yet."""
        return self.objects - sum(self.outcomes.values())


_UNKNOWN_TARGET = "step IS NULL AND target_state IS NULL"
_UNKNOWN_SOURCE = "step IS NULL AND source_state IS NULL AND target_state <> 'unknown'"


class CopyQueue:
    """Objects to copy, each once, with what was found out about them. Memory stays flat."""

    def __init__(self) -> None:
        # "" is a private database on disk, which SQLite deletes when it is closed.
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.executescript(f"PRAGMA synchronous=OFF; {_TABLES}")

    def add(self, wanted: Iterable[tuple[Choice, ...]]) -> None:
        """Add objects by what they may be, likeliest first."""
        with self._connection:
            self._connection.execute("BEGIN")
            self._connection.executemany(
                "INSERT OR IGNORE INTO copies"
                " (choices, source_bucket, source_key, target_bucket, target_key)"
                " VALUES (?, ?, ?, ?, ?)",
                ((_dump(choices), *_ends(choices[0])) for choices in wanted),
            )

    def close(self) -> None:
        """Forget everything."""
        self._connection.close()

    # -- asking -------------------------------------------------------------------------------

    def count_open(self) -> int:
        """How many objects it is not decided of what to do."""
        return self._count("SELECT count(*) FROM copies WHERE step IS NULL")

    def target_buckets(self) -> list[str]:
        """The buckets that targets are in, as they are likeliest read."""
        rows = self._connection.execute("SELECT DISTINCT target_bucket FROM copies ORDER BY 1")
        return [bucket for (bucket,) in rows]

    def targets(self) -> Iterator[ObjectRef]:
        """The targets that nothing is known of yet, each once."""
        return self._refs("target", _UNKNOWN_TARGET)

    def count_targets(self) -> int:
        """How many targets nothing is known of yet."""
        return self._count_refs("target", _UNKNOWN_TARGET)

    def sources(self) -> Iterator[ObjectRef]:
        """The sources that matter and that nothing is known of yet, each once."""
        return self._refs("source", _UNKNOWN_SOURCE)

    def count_sources(self) -> int:
        """How many sources matter, and nothing is known of them yet."""
        return self._count_refs("source", _UNKNOWN_SOURCE)

    def _count_refs(self, end: str, condition: str) -> int:
        distinct = f"SELECT DISTINCT {end}_bucket, {end}_key FROM copies WHERE {condition}"  # noqa: S608 - of constants
        return self._count(f"SELECT count(*) FROM ({distinct})")  # noqa: S608

    def _refs(self, end: str, condition: str) -> Iterator[ObjectRef]:
        last = ("", "")
        names = f"{end}_bucket, {end}_key"
        while page := self._connection.execute(
            f"SELECT DISTINCT {names} FROM copies WHERE {condition} AND ({names}) > (?, ?)"  # noqa: S608 - of constants
            f" ORDER BY {names} LIMIT ?",
            (*last, _PAGE),
        ).fetchall():
            yield from (ObjectRef(bucket, key) for bucket, key in page)
            last = page[-1]

    def note_targets(self, evidence: Iterable[Evidence]) -> None:
        """Keep what is known of targets."""
        self._update(
            "UPDATE copies SET target_state = ?, target_detail = ?, size = ?, etag = ?"
            " WHERE target_bucket = ? AND target_key = ? AND step IS NULL",
            (
                (each.state, each.detail, each.info.size, each.info.etag, *each.target)
                for each in evidence
            ),
        )

    def note_sources(self, evidence: Iterable[SourceEvidence]) -> None:
        """Keep what is known of sources."""
        self._update(
            "UPDATE copies SET source_state = ?, source_detail = ?, found = ?, forbidden = ?"
            " WHERE source_bucket = ? AND source_key = ? AND step IS NULL",
            (
                (
                    each.state, each.detail, _dump_info(each.info), each.forbidden,
                    each.source.bucket, each.source.key,
                )
                for each in evidence
            ),
        )  # fmt: skip

    # -- deciding -----------------------------------------------------------------------------

    def decide(self) -> None:
        """Decide of each object what to do, or which less likely choice to ask for next."""
        last = 0
        while page := self._connection.execute(
            "SELECT id, choices, rank, target_state, source_state FROM copies"
            " WHERE step IS NULL AND id > ? ORDER BY id LIMIT ?",
            (last, _PAGE),
        ).fetchall():
            last = page[-1][0]
            for row, choices, rank, target, source in page:
                step = decide(TargetState(target or "unknown"), SourceState(source or "unknown"))
                self._take(row, _load(choices), rank, step)

    def _take(self, row: int, choices: tuple[Choice, ...], rank: int, step: CopyStep) -> None:
        if step is CopyStep.NEXT and rank + 1 < len(choices):
            self._choose(row, choices, rank + 1)
            return
        if step is CopyStep.NEXT:
            self._choose(row, choices, 0)
            self._end(row, step, TransferOutcome.GONE, "source_detail")
        elif step is CopyStep.GIVE_UP:
            detail = "iif(target_state = 'unknown', target_detail, source_detail)"
            self._end(row, step, TransferOutcome.UNKNOWN, detail)
        elif step is CopyStep.TRUST:
            detail = "'not compared: ' || source_detail"
            self._end(row, step, TransferOutcome.ALREADY_THERE, detail)
        else:
            self._connection.execute("UPDATE copies SET step = ? WHERE id = ?", (step, row))

    def _choose(self, row: int, choices: tuple[Choice, ...], rank: int) -> None:
        self._connection.execute(
            "UPDATE copies SET rank = ?, source_bucket = ?, source_key = ?, target_bucket = ?,"
            " target_key = ?, target_state = NULL, source_state = NULL WHERE id = ?",
            (rank, *_ends(choices[rank]), row),
        )

    def _end(self, row: int, step: CopyStep, outcome: TransferOutcome, detail: str) -> None:
        self._connection.execute(
            f"UPDATE copies SET step = ?, outcome = ?, detail = coalesce({detail}, '')"  # noqa: S608 - of constants
            " WHERE id = ?",
            (step, outcome, row),
        )

    def settle(self) -> None:
        """Make one task of what is the same, and none of targets that several sources claim."""
        self._connection.execute(
            "UPDATE copies SET leader = (SELECT min(c.id) FROM copies c"
            " WHERE (c.source_bucket, c.source_key, c.target_bucket, c.target_key)"
            " = (copies.source_bucket, copies.source_key, copies.target_bucket, copies.target_key))"
        )
        self._connection.execute(
            "UPDATE copies SET step = 'give up', outcome = 'failed', detail ="
            " 'several sources would become this target; the rules should tell them apart'"
            " WHERE step = 'copy' AND (target_bucket, target_key) IN"
            " (SELECT target_bucket, target_key FROM copies WHERE step = 'copy'"
            " GROUP BY target_bucket, target_key HAVING count(DISTINCT leader) > 1)"
        )

    # -- copying ------------------------------------------------------------------------------

    def tasks(self, step: CopyStep | None = None) -> Iterator[CopyTask]:
        """What is left to do, in the order in which it was found; only one kind, if ``step``."""
        last = 0
        while page := self._connection.execute(
            "SELECT id, step, source_bucket, source_key, target_bucket, target_key, found, size,"
            " etag FROM copies"
            " WHERE outcome IS NULL AND step IN ('copy', 'compare') AND leader = id"
            " AND (? IS NULL OR step = ?) AND id > ? ORDER BY id LIMIT ?",
            (step, step, last, _PAGE),
        ).fetchall():
            last = page[-1][0]
            for row, kind, bucket, key, other, name, found, size, etag in page:
                source, target = ObjectRef(bucket, key), ObjectRef(other, name)
                info, there = ObjectInfo(**json.loads(found)), ObjectInfo(size, etag)
                yield CopyTask(row, CopyStep(kind), source, target, info, there)

    def note(self, task: CopyTask, transfer: Transfer) -> None:
        """Keep the outcome of a task."""
        self._connection.execute(
            "UPDATE copies SET outcome = ?, detail = ?, forbidden = ?, passing = ?, written = ?"
            " WHERE leader = ?",
            (
                transfer.outcome, transfer.detail, transfer.forbidden, transfer.passing,
                transfer.bytes, task.id,
            ),
        )  # fmt: skip

    # -- counting -----------------------------------------------------------------------------

    def totals(self) -> CopyTotals:
        """The outcomes so far; each object counts once."""
        outcomes = {outcome.value: 0 for outcome in TransferOutcome}
        outcomes.update(
            self._connection.execute(
                "SELECT outcome, count(*) FROM copies WHERE leader = id AND outcome IS NOT NULL"
                " GROUP BY outcome"
            )
        )
        row = self._connection.execute(
            "SELECT count(*), sum(step = 'copy'),"
            " sum(iif(step = 'copy', json_extract(found, '$.size'), 0)), sum(written),"
            " sum(forbidden AND outcome IN ('failed', 'unknown')),"
            " sum(passing AND outcome IN ('failed', 'unknown'))"
            " FROM copies WHERE leader = id"
        ).fetchone()
        objects, to_copy, size, written, forbidden, passing = (value or 0 for value in row)
        return CopyTotals(objects, outcomes, to_copy, size, written, forbidden, passing)

    def left(self) -> Iterator[Copy]:
        """The objects that are not at their targets, in the order of the plan."""
        return self._listed("coalesce(outcome, '') NOT IN ('copied', 'already_there')")

    def noted(self) -> Iterator[Copy]:
        """The objects that are at their targets, and of which there is something to say."""
        return self._listed("outcome IN ('copied', 'already_there') AND detail <> ''")

    def _listed(self, condition: str) -> Iterator[Copy]:
        rows = self._connection.execute(
            "SELECT source_bucket, source_key, target_bucket, target_key, coalesce(outcome, ''),"  # noqa: S608 - of constants
            f" detail FROM copies WHERE leader = id AND {condition} ORDER BY id"
        )
        for one, key, other, name, outcome, detail in rows:
            yield Copy(ObjectRef(one, key), ObjectRef(other, name), outcome, detail)

    def _update(self, statement: str, rows: Iterable[tuple[object, ...]]) -> None:
        with self._connection:
            self._connection.execute("BEGIN")
            self._connection.executemany(statement, rows)

    def _count(self, statement: str) -> int:
        return int(self._connection.execute(statement).fetchone()[0])


def _ends(choice: Choice) -> tuple[str, str, str, str]:
    return choice.source.bucket, choice.source.key, choice.target.bucket, choice.target.key


def _dump(choices: tuple[Choice, ...]) -> str:
    return json.dumps([_ends(choice) for choice in choices], ensure_ascii=False)


def _load(text: str) -> tuple[Choice, ...]:
    return tuple(
        Choice(ObjectRef(bucket, key), ObjectRef(other, name))
        for bucket, key, other, name in json.loads(text)
    )


def _dump_info(info: ObjectInfo) -> str:
    return json.dumps(info._asdict(), default=dict)
