"""The totals of a plan file, counted from its rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from url_rewriter.documents import ValuePath, format_value_path
from url_rewriter.evidence import TargetState
from url_rewriter.findings import Code
from url_rewriter.planfile.obstacles import UNPROVEN, WAIVED
from url_rewriter.planfile.rows import load_path
from url_rewriter.planning import UrlStatus, UrlSum, sum_plan


class Operation(StrEnum):
    """What writes to the database: each entry of the journal belongs to one."""

    APPLY = "apply"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class RuleTotals:
    """What one rule takes: documents and URLs, and URLs by status.

    ``blocking`` are those of them whose target is not proven, and that the plan may not leave.
    """

    rule: str
    documents: int
    urls: int
    rewrite: int
    missing: int
    unknown: int
    mismatch: int
    blocking: dict[str, int] = field(default_factory=dict)

    @property
    def waived(self) -> int:
        """URLs whose target is not proven, and that the rule says to leave."""
        return self.missing + self.unknown + self.mismatch - sum(self.blocking.values())


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
    by status, the URLs on whose account the plan may not be applied, ``blocking_objects`` the
    targets that they name. ``bases`` are those among ``urls`` that name no object, but all below a
    prefix, by status.
    """

    documents: dict[str, int]
    urls: dict[str, int]
    targets: dict[str, int]
    blocking: dict[str, int]
    rules: tuple[RuleTotals, ...]
    unmapped: tuple[UnmappedBucket, ...]
    findings: dict[str, int]
    bases: dict[str, int] = field(default_factory=dict)
    blocking_objects: dict[str, int] = field(default_factory=dict)

    @property
    def blocked(self) -> bool:
        """Whether the plan may not be applied."""
        return bool(self.blocking)

    def sum_urls(self, rewrite: str = "to rewrite") -> UrlSum:
        """The URLs as a sum; ``rewrite`` says what an old one is that has a target."""
        missing = self.blocking_objects.get(UrlStatus.MISSING, 0)
        return sum_plan(self.urls, self.blocking, missing, rewrite=rewrite)

    @property
    def unproven(self) -> int:
        """URLs whose target is not proven."""
        return sum(self.urls[status] for status in UNPROVEN)

    @property
    def by_word(self) -> dict[str, int]:
        """URLs by the word that people see them counted under; together they are those found."""
        counts = {
            status: self.blocking.get(status, 0) if status in UNPROVEN else count
            for status, count in self.urls.items()
            if status != "found"
        }
        return {**counts, WAIVED: self.waived}

    @property
    def waived(self) -> int:
        """URLs whose target is not proven, and that the rules say to leave."""
        return sum(self.urls[each] - self.blocking.get(each, 0) for each in UNPROVEN)


@dataclass(frozen=True, slots=True)
class FindingCount:
    """How many findings have a code."""

    code: str
    severity: str
    count: int


@dataclass(frozen=True, slots=True)
class EmptyTargets:
    """URLs of objects of 0 bytes that should have some: how many, and the places of the first."""

    count: int = 0
    places: tuple[tuple[str, ValuePath], ...] = ()

    def members(
        self,
        document: Callable[[str], str] = str,
        field: Callable[[ValuePath], str] = format_value_path,
    ) -> dict[str, Any]:
        """This as JSON documents have it, with documents and fields as they may be shown."""
        places = [
            {"document": document(path), "field": field(value_path)}
            for path, value_path in self.places
        ]
        return {"count": self.count, "examples": places}


_EXAMPLES = 3

# A target that was asked for as a less likely reading, and was not taken, counts nowhere.
_NAMED = "SELECT DISTINCT target FROM occurrences WHERE target IS NOT NULL"


def count_scanned(connection: sqlite3.Connection) -> int:
    """How many documents were read so far."""
    return count_one(connection, "SELECT coalesce(sum(documents), 0) FROM partitions")


def count_urls(connection: sqlite3.Connection) -> dict[str, int]:
    """URLs by status; every status is there, with 0 too."""
    statement = "SELECT status, count(*) FROM occurrences GROUP BY status"
    return counts_by_word(connection, statement, UrlStatus)


def summarize(connection: sqlite3.Connection) -> Summary:
    """Count everything a plan says."""
    urls = count_urls(connection)
    targets = counts_by_word(
        connection,
        f"SELECT state, count(*) FROM newest_evidence WHERE target IN ({_NAMED}) GROUP BY state",
        TargetState,
    )
    distinct = count_one(connection, f"SELECT count(*) FROM ({_NAMED})")
    blocking = connection.execute(_BLOCKING).fetchall()
    targets["unknown"] += distinct - sum(targets.values())
    return Summary(
        documents={
            "scanned": count_scanned(connection),
            "with_urls": count_one(connection, "SELECT count(*) FROM documents"),
            "to_write": count_one(
                connection,
                "SELECT count(DISTINCT document) FROM strings WHERE after IS NOT NULL",
            ),
        },
        urls={"found": sum(urls.values()), **urls},
        targets={"distinct": distinct, **targets},
        blocking={status: urls for status, urls, _ in blocking},
        blocking_objects={status: targets for status, _, targets in blocking},
        rules=tuple(_rules(connection)),
        unmapped=tuple(UnmappedBucket(*row) for row in connection.execute(_UNMAPPED)),
        findings=dict(
            connection.execute("SELECT code, count(*) FROM findings GROUP BY code ORDER BY code")
        ),
        bases=_count_bases(connection),
    )


def _count_bases(connection: sqlite3.Connection) -> dict[str, int]:
    found = dict(
        connection.execute(
            "SELECT status, count(*) FROM occurrences WHERE remark = ? GROUP BY status",
            (Code.BASE,),
        )
    )
    counted = {each.value: found.get(each, 0) for each in _OF_BASES}
    return {"found": sum(counted.values()), **counted}


_OF_BASES = (UrlStatus.REWRITE, UrlStatus.MISSING, UrlStatus.UNKNOWN, UrlStatus.MIGRATED)


def read_empty_targets(connection: sqlite3.Connection) -> EmptyTargets:
    """The URLs of objects that are empty and should not be."""
    where = {"code": Code.EMPTY_TARGET.value, "most": _EXAMPLES}
    statement = "SELECT count(*) FROM findings WHERE code = :code"
    rows = connection.execute(
        "SELECT document, value_path FROM findings WHERE code = :code ORDER BY id LIMIT :most",
        where,
    )
    places = tuple((document, load_path(path)) for document, path in rows)
    return EmptyTargets(count_one(connection, statement, where), places)


def count_findings(connection: sqlite3.Connection) -> list[FindingCount]:
    """Findings by code and severity: errors first, then what is there most."""
    rows = connection.execute(
        "SELECT code, severity, count(*) FROM findings GROUP BY code, severity"
        " ORDER BY instr('error warning info', severity), count(*) DESC, code"
    )
    return [FindingCount(*row) for row in rows]


_BLOCKING = (
    "SELECT status, count(*), count(DISTINCT target) FROM occurrences WHERE blocks GROUP BY status"
)

_RULES = """
SELECT o.rule, count(DISTINCT s.document), count(*),
       sum(o.status = 'rewrite'), sum(o.status = 'missing'),
       sum(o.status = 'unknown'), sum(o.status = 'mismatch'),
       sum(o.status = 'missing' AND o.blocks), sum(o.status = 'unknown' AND o.blocks),
       sum(o.status = 'mismatch' AND o.blocks)
FROM occurrences o JOIN strings s ON s.id = o.string
WHERE o.rule IS NOT NULL GROUP BY o.rule ORDER BY o.rule
"""

_UNMAPPED = """
SELECT o.bucket, count(DISTINCT s.document), count(*)
FROM occurrences o JOIN strings s ON s.id = o.string
WHERE o.status = 'unmapped' GROUP BY o.bucket ORDER BY count(*) DESC, o.bucket
"""


def _rules(connection: sqlite3.Connection) -> Iterator[RuleTotals]:
    for *totals, missing, unknown, mismatch in connection.execute(_RULES):
        blocking = dict(zip(UNPROVEN, (missing, unknown, mismatch), strict=True))
        yield replace(RuleTotals(*totals), blocking=blocking)


def counts_by_word(
    connection: sqlite3.Connection,
    statement: str,
    words: type[StrEnum],
    parameters: Mapping[str, object] | None = None,
) -> dict[str, int]:
    """The counts that a statement gives by word; every word is there, with 0 too."""
    counts = {word.value: 0 for word in words}
    counts.update(connection.execute(statement, dict(parameters or {})))
    return counts


def count_one(
    connection: sqlite3.Connection,
    statement: str,
    parameters: Mapping[str, object] | None = None,
) -> int:
    """The one number that a statement gives."""
    return int(connection.execute(statement, dict(parameters or {})).fetchone()[0])
