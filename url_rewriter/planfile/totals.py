"""The totals of a plan file, counted from its rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import NamedTuple

from url_rewriter.documents import Outcome
from url_rewriter.evidence import TargetState
from url_rewriter.planfile.obstacles import UNPROVEN
from url_rewriter.planning import UrlStatus


class Operation(StrEnum):
    """What writes to the database: each entry of the journal belongs to one."""

    APPLY = "apply"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class RuleTotals:
    """What one rule takes: documents and URLs, and URLs by status."""

    rule: str
    documents: int
    urls: int
    rewrite: int
    missing: int
    unknown: int
    mismatch: int


@dataclass(frozen=True, slots=True)
class UnmappedBucket:
    """A bucket whose URLs no rule takes."""

    bucket: str
    documents: int
    urls: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The totals of a plan. ``urls["found"]`` is the sum of the URLs of every status.

    ``targets`` counts those that the URLs mean as they were read in the end. ``blocking`` counts,
    by status, the URLs on whose account the plan may not be applied.
    """

    documents: dict[str, int]
    urls: dict[str, int]
    targets: dict[str, int]
    blocking: dict[str, int]
    rules: tuple[RuleTotals, ...]
    unmapped: tuple[UnmappedBucket, ...]
    findings: dict[str, int]

    @property
    def blocked(self) -> bool:
        """Whether the plan may not be applied."""
        return bool(self.blocking)

    @property
    def unproven(self) -> int:
        """URLs whose target is not proven."""
        return sum(self.urls[status] for status in UNPROVEN)

    @property
    def waived(self) -> int:
        """URLs whose target is not proven, and that the rules say to leave."""
        return sum(self.urls[each] - self.blocking.get(each, 0) for each in UNPROVEN)


@dataclass(frozen=True, slots=True)
class WriteTotals:
    """What became of the planned documents in one operation. The outcomes add up to ``planned``
    once the operation is complete; ``pending`` is the difference."""

    planned: int
    outcomes: dict[str, int]
    urls: int

    @property
    def pending(self) -> int:
        """How many planned documents have no outcome yet."""
        return self.planned - sum(self.outcomes.values())

    @property
    def left(self) -> int:
        """How many documents are not as the operation was to leave them."""
        return self.pending + self.outcomes[Outcome.CONFLICT] + self.outcomes[Outcome.FAILED]


class LeftDocument(NamedTuple):
    """A document that was not written as planned, and why."""

    path: str
    outcome: Outcome
    detail: str


@dataclass(frozen=True, slots=True)
class FindingCount:
    """How many findings have a code."""

    code: str
    severity: str
    count: int


# A target that was asked for as a less likely reading, and was not taken, counts nowhere.
_NAMED = "SELECT DISTINCT target FROM occurrences WHERE target IS NOT NULL"


def count_scanned(connection: sqlite3.Connection) -> int:
    """How many documents were read so far."""
    return _one(connection, "SELECT coalesce(sum(documents), 0) FROM partitions")


def count_urls(connection: sqlite3.Connection) -> dict[str, int]:
    """URLs by status; every status is there, with 0 too."""
    statement = "SELECT status, count(*) FROM occurrences GROUP BY status"
    return _counts(connection, statement, UrlStatus)


def summarize(connection: sqlite3.Connection) -> Summary:
    """Count everything a plan says."""
    urls = count_urls(connection)
    targets = _counts(
        connection,
        f"SELECT state, count(*) FROM newest_evidence WHERE target IN ({_NAMED}) GROUP BY state",
        TargetState,
    )
    distinct = _one(connection, f"SELECT count(*) FROM ({_NAMED})")
    targets["unknown"] += distinct - sum(targets.values())
    return Summary(
        documents={
            "scanned": count_scanned(connection),
            "with_urls": _one(connection, "SELECT count(*) FROM documents"),
            "to_write": _one(
                connection,
                "SELECT count(DISTINCT document) FROM strings WHERE after IS NOT NULL",
            ),
        },
        urls={"found": sum(urls.values()), **urls},
        targets={"distinct": distinct, **targets},
        blocking=dict(
            connection.execute(
                "SELECT status, count(*) FROM occurrences WHERE blocks GROUP BY status"
            )
        ),
        rules=tuple(_rules(connection)),
        unmapped=tuple(UnmappedBucket(*row) for row in connection.execute(_UNMAPPED)),
        findings=dict(
            connection.execute("SELECT code, count(*) FROM findings GROUP BY code ORDER BY code")
        ),
    )


@dataclass(frozen=True, slots=True)
class WriteFilter:
    """Which documents a rollback is to put back: those that meet every condition given."""

    document: str | None = None
    rule: str | None = None


WANTED = """
(:document IS NULL OR d.path = :document) AND (:rule IS NULL OR EXISTS (
    SELECT 1 FROM strings s JOIN occurrences o ON o.string = s.id
    WHERE s.document = d.id AND s.after IS NOT NULL AND o.rule = :rule))
"""
"""The condition of a WriteFilter, on documents as ``d``."""

_OUTCOMES = (
    "SELECT x.outcome, count(*) FROM newest_outcome x JOIN documents d ON d.id = x.document"
    " WHERE x.operation = :operation AND " + WANTED + " GROUP BY x.outcome"
)

# Written, or perhaps written, and not put back since.
_LIVE = """EXISTS (
    SELECT 1 FROM entries j WHERE j.document = d.id AND j.operation = 'apply'
    AND (j.status IS NULL OR j.status IN ('written', 'unsettled')) AND NOT EXISTS (
        SELECT 1 FROM entries k WHERE k.document = d.id AND k.id > j.id
        AND k.operation = 'rollback' AND k.status = 'written'))"""

_TO_WRITE = {
    Operation.APPLY: "EXISTS (SELECT 1 FROM strings s"
    " WHERE s.document = d.id AND s.after IS NOT NULL)",
    Operation.ROLLBACK: "(EXISTS (SELECT 1 FROM newest_outcome x WHERE x.document = d.id"
    " AND x.operation = 'rollback') OR " + _LIVE + ")",
}

_PENDING = {
    Operation.APPLY: _TO_WRITE[Operation.APPLY] + " AND NOT EXISTS (SELECT 1 FROM newest_outcome x"
    " WHERE x.document = d.id AND x.operation = 'apply'"
    " AND x.outcome IN ('written', 'unchanged'))",
    Operation.ROLLBACK: _LIVE,
}


def count_pending(
    connection: sqlite3.Connection, operation: Operation, wanted: WriteFilter | None = None
) -> int:
    """How many documents ``operation`` would look at now."""
    return _one(
        connection,
        "SELECT count(*) FROM documents d WHERE " + _PENDING[operation] + " AND " + WANTED,
        asdict(wanted or WriteFilter()),
    )


def count_writes(
    connection: sqlite3.Connection, operation: Operation, wanted: WriteFilter | None = None
) -> WriteTotals:
    """What ``operation`` made of the documents it was to write.

    An apply is to write what the plan changes, a rollback what was applied and not put back.
    """
    parameters = {**asdict(wanted or WriteFilter()), "operation": operation}
    planned = _one(
        connection,
        "SELECT count(*) FROM documents d WHERE " + _TO_WRITE[operation] + " AND " + WANTED,
        parameters,
    )
    outcomes = _counts(connection, _OUTCOMES, Outcome, parameters)
    urls = _one(connection, _URLS_WRITTEN, parameters)
    return WriteTotals(planned, outcomes, urls)


def left_documents(connection: sqlite3.Connection, operation: Operation) -> list[LeftDocument]:
    """The documents that ``operation`` did not write as planned, those that are gone among them."""
    rows = connection.execute(
        "SELECT d.path, x.outcome, x.detail FROM newest_outcome x"
        " JOIN documents d ON d.id = x.document"
        " WHERE x.operation = ? AND x.outcome IN ('conflict', 'failed', 'gone') ORDER BY d.id",
        (operation,),
    )
    return [LeftDocument(path, Outcome(outcome), detail) for path, outcome, detail in rows]


def count_findings(connection: sqlite3.Connection) -> list[FindingCount]:
    """Findings by code and severity: errors first, then what is there most."""
    rows = connection.execute(
        "SELECT code, severity, count(*) FROM findings GROUP BY code, severity"
        " ORDER BY instr('error warning info', severity), count(*) DESC, code"
    )
    return [FindingCount(*row) for row in rows]


# What the other operation wrote later is no longer there.
_URLS_WRITTEN = """
SELECT coalesce(sum(urls), 0) FROM entries j
WHERE operation = :operation AND status = 'written' AND NOT EXISTS (
    SELECT 1 FROM entries k WHERE k.document = j.document AND k.id > j.id
    AND k.operation <> j.operation AND k.status = 'written')
"""

_RULES = """
SELECT o.rule, count(DISTINCT s.document), count(*),
       sum(o.status = 'rewrite'), sum(o.status = 'missing'),
       sum(o.status = 'unknown'), sum(o.status = 'mismatch')
FROM occurrences o JOIN strings s ON s.id = o.string
WHERE o.rule IS NOT NULL GROUP BY o.rule ORDER BY o.rule
"""

_UNMAPPED = """
SELECT o.bucket, count(DISTINCT s.document), count(*)
FROM occurrences o JOIN strings s ON s.id = o.string
WHERE o.status = 'unmapped' GROUP BY o.bucket ORDER BY count(*) DESC, o.bucket
"""


def _rules(connection: sqlite3.Connection) -> Iterator[RuleTotals]:
    for row in connection.execute(_RULES):
        yield RuleTotals(*row)


def _counts(
    connection: sqlite3.Connection,
    statement: str,
    words: type[UrlStatus] | type[TargetState] | type[Outcome],
    parameters: Mapping[str, object] | None = None,
) -> dict[str, int]:
    counts = {word.value: 0 for word in words}
    counts.update(connection.execute(statement, dict(parameters or {})))
    return counts


def _one(
    connection: sqlite3.Connection,
    statement: str,
    parameters: Mapping[str, object] | None = None,
) -> int:
    return int(connection.execute(statement, dict(parameters or {})).fetchone()[0])
