"""The totals of what was written: what became of each planned document and each of its URLs."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import NamedTuple

from url_rewriter.documents import Outcome, UrlOutcome
from url_rewriter.errors import ReconciliationError
from url_rewriter.planfile.totals import Operation, count_one, count_urls, counts_by_word
from url_rewriter.planning import UrlSum, sum_writes


@dataclass(frozen=True, slots=True)
class WriteTotals:
    """What became of the planned documents in one operation, and of their URLs.

    The outcomes add up to ``planned`` once the operation is complete; ``pending`` is the
    difference. ``urls`` were written. ``by_url`` is what became of each: ``found`` and ``appeared``
    together are the sum of the others.
    """

    planned: int
    outcomes: dict[str, int]
    urls: int
    by_url: dict[str, int]

    @property
    def pending(self) -> int:
        """How many planned documents have no outcome yet."""
        return self.planned - sum(self.outcomes.values())

    def emptied(self) -> WriteTotals:
        """The totals of a run that had nothing to do."""
        none = dict.fromkeys(self.by_url, 0)
        return WriteTotals(0, dict.fromkeys(self.outcomes, 0), 0, none)

    def sum_urls(self, written: str = "written") -> UrlSum:
        """What became of the URLs as a sum; ``written`` says what was done to some."""
        return sum_writes(self.by_url, written)

    def in_words(self) -> list[tuple[str, int]]:
        """What became of the URLs that were found, and of which there are any, for people."""
        return [(part.words, part.urls) for part in self.sum_urls().parts if part.urls]

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

PUT_BACK = "(x.outcome IN ('written', 'unchanged', 'gone') AND NOT x.live)"
"""Whether a rollback has left nothing to put back, by its newest outcome ``x`` for a document."""

LEFT_BEFORE = (
    "EXISTS (SELECT 1 FROM newest_rollback x WHERE x.document = d.id AND NOT " + PUT_BACK + ")"
)
"""Whether the last rollback of a document ``d`` left something, whatever an apply did since."""

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
    " AND x.operation = 'rollback') OR " + _LIVE + " OR " + LEFT_BEFORE + ")",
}

_PENDING = {
    Operation.APPLY: _TO_WRITE[Operation.APPLY] + " AND NOT EXISTS (SELECT 1 FROM newest_outcome x"
    " WHERE x.document = d.id AND x.operation = 'apply'"
    " AND x.outcome IN ('written', 'unchanged'))",
    Operation.ROLLBACK: "(" + _LIVE + " OR " + LEFT_BEFORE + ")",
}


def count_pending(
    connection: sqlite3.Connection, operation: Operation, wanted: WriteFilter | None = None
) -> int:
    """How many documents ``operation`` would look at now."""
    return count_one(
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
    planned = count_one(
        connection,
        "SELECT count(*) FROM documents d WHERE " + _TO_WRITE[operation] + " AND " + WANTED,
        parameters,
    )
    outcomes = counts_by_word(connection, _OUTCOMES, Outcome, parameters)
    urls = count_one(connection, _URLS_WRITTEN.format(which="true"), parameters)
    return WriteTotals(planned, outcomes, urls, _account(connection, operation, urls, parameters))


def _account(
    connection: sqlite3.Connection,
    operation: Operation,
    written: int,
    parameters: Mapping[str, object],
) -> dict[str, int]:
    """What became of each URL, from the outcomes of the documents and the statuses of the plan."""
    told = {**counts_by_word(connection, _URL_OUTCOMES, UrlOutcome, parameters), "written": written}
    stay = dict.fromkeys(("missing", "waived", "unmapped", "left"), 0)
    if operation is Operation.APPLY:
        migrated, *others = connection.execute(_URLS_NOT_WRITTEN).fetchone()
        told["already_new"] += migrated
        stay = dict(zip(stay, others, strict=True))
    pending = count_one(connection, _URLS_PENDING[operation], parameters)
    appeared = told.pop("appeared")
    counts = {**told, **stay, "pending": pending}
    return {"found": sum(counts.values()) - appeared, **counts, "appeared": appeared}


def require_reconciled(connection: sqlite3.Connection) -> None:
    """Raise ReconciliationError unless every URL of an applied plan is in exactly one state.

    The states are counted from what became of the documents, the URLs from the sealed plan, and
    those that were written from the journal.
    """
    accounted = count_writes(connection, Operation.APPLY).by_url["found"]
    found = sum(count_urls(connection).values())
    said = count_one(connection, _URLS_SAID_WRITTEN)
    journaled = count_one(
        connection, _URLS_WRITTEN.format(which=_HAS_OUTCOME), {"operation": Operation.APPLY}
    )
    if (accounted, said) != (found, journaled):
        raise ReconciliationError(
            f"The totals do not reconcile: {found:,} URLs were found, {accounted:,} are accounted"
            f" for; {journaled:,} were journaled as written, {said:,} are counted as written."
        )


def left_documents(connection: sqlite3.Connection, operation: Operation) -> list[LeftDocument]:
    """The documents that ``operation`` did not write as planned, those that are gone among them."""
    rows = connection.execute(
        "SELECT d.path, x.outcome, x.detail FROM newest_outcome x"
        " JOIN documents d ON d.id = x.document"
        " WHERE x.operation = ?"
        " AND (x.outcome IN ('conflict', 'failed', 'gone') OR x.detail <> '') ORDER BY d.id",
        (operation,),
    )
    return [LeftDocument(path, Outcome(outcome), detail) for path, outcome, detail in rows]


# What the other operation wrote later, or dealt with otherwise, is no longer there.
_STANDS = """NOT EXISTS (
    SELECT 1 FROM entries k WHERE k.document = j.document AND k.id > j.id
    AND k.operation <> j.operation AND k.status = 'written')
AND NOT EXISTS (
    SELECT 1 FROM newest_outcome y WHERE y.document = j.document AND y.operation <> j.operation)"""

_URLS_WRITTEN = (
    "SELECT coalesce(sum(urls), 0) FROM entries j"
    " WHERE operation = :operation AND status = 'written' AND {which} AND " + _STANDS
)

_HAS_OUTCOME = """EXISTS (SELECT 1 FROM newest_outcome x
    WHERE x.document = j.document AND x.operation = j.operation)"""

_URL_OUTCOMES = (
    "SELECT u.key, sum(u.value) FROM newest_outcome x JOIN documents d ON d.id = x.document,"
    " json_each(x.urls) u WHERE x.operation = :operation AND " + WANTED + " GROUP BY u.key"
)

_URLS_SAID_WRITTEN = """
SELECT coalesce(sum(json_extract(x.urls, '$.written')), 0) FROM newest_outcome x
WHERE x.operation = 'apply'
"""

# Those that are not proven are waived, or stand against the plan.
_URLS_NOT_WRITTEN = """
SELECT coalesce(sum(status = 'migrated'), 0),
       coalesce(sum(status IN ('missing', 'unknown', 'mismatch') AND blocks), 0),
       coalesce(sum(status IN ('missing', 'unknown', 'mismatch') AND NOT blocks), 0),
       coalesce(sum(status = 'unmapped'), 0), coalesce(sum(status = 'left'), 0)
FROM occurrences
"""

_APPLIED = f"""coalesce((SELECT sum(j.urls) FROM entries j WHERE j.document = d.id
    AND j.operation = 'apply' AND j.status = 'written' AND {_STANDS}), 0)"""

_NO_OUTCOME = """NOT EXISTS (SELECT 1 FROM newest_outcome x
    WHERE x.document = d.id AND x.operation = '{}')"""

_URLS_PENDING = {
    Operation.APPLY: (
        f"SELECT coalesce(sum(max(0, p.urls - {_APPLIED})), 0) FROM documents d JOIN ("
        " SELECT s.document, count(*) AS urls FROM occurrences o JOIN strings s ON s.id = o.string"
        " WHERE o.status = 'rewrite' GROUP BY s.document) p"
        f" ON p.document = d.id WHERE {_NO_OUTCOME.format('apply')}"
    ),
    Operation.ROLLBACK: (
        f"SELECT coalesce(sum({_APPLIED}), 0) FROM documents d"
        f" WHERE {_NO_OUTCOME.format('rollback')} AND {_LIVE} AND {WANTED}"
    ),
}
