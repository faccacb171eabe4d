"""Settling a draft: every URL decided by the evidence that is there.

Nearly every URL has one reading, or its likeliest target is there: SQL decides it by the newest
evidence of that target. Where the likeliest target is missing and others may be meant, the string
is planned again and its URLs are decided one by one. What comes out is what `planning.settle` says
of every string. Settling again starts afresh, whatever an earlier run left behind.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from operator import itemgetter

from url_rewriter.comparison import Agreement
from url_rewriter.evidence import TargetState
from url_rewriter.findings import Code
from url_rewriter.planfile.comparisons import SOURCE_UNKNOWN
from url_rewriter.planfile.evidence import newest_state
from url_rewriter.planfile.findings import put_findings
from url_rewriter.planfile.occurrences import replace_occurrences, row_of
from url_rewriter.planfile.paging import read_pages
from url_rewriter.planfile.rows import load_path
from url_rewriter.planfile.scan_rows import insert_targets
from url_rewriter.planfile.schema import transaction
from url_rewriter.planning import Candidate, Planner, SettledUrl
from url_rewriter.planning.deciding import DECISIONS, Blocks
from url_rewriter.rules import OnMissing, Rules, Unmapped
from url_rewriter.urls import Form, ObjectRef, Occurrence, Reading, Remark, Replacement, rewrite

_PAGE = 500

_BLOCKS = {
    Blocks.NO: "0",
    Blocks.UNLESS_SKIPPED: "o.rule NOT IN (SELECT value FROM json_each(?1))",
    Blocks.YES: "1",
}
# Not by the view of the newest evidence, which takes half as long again: it is asked for every URL.
_DECIDE = """
UPDATE occurrences AS o SET (status, blocks) = (
    SELECT status, CASE status {blocks} END FROM (SELECT {status} AS status)
) WHERE rule IS NOT NULL AND status <> {status}
""".format(
    status="CASE coalesce((SELECT e.state FROM evidence e WHERE e.target = o.target"
    f" ORDER BY e.id DESC LIMIT 1), '{TargetState.UNKNOWN}') "
    + " ".join(f"WHEN '{each.state}' THEN '{each.status}'" for each in DECISIONS)
    + " END",
    blocks=" ".join(f"WHEN '{each.status}' THEN {_BLOCKS[each.blocks]}" for each in DECISIONS),
)

# What a less likely reading decides, or has decided before.
_UNDECIDED = """
INSERT OR IGNORE INTO undecided
SELECT string FROM occurrences
WHERE reading <> '' OR (status = 'missing' AND choices IS NOT NULL)
UNION ALL SELECT id FROM strings WHERE doubtful
"""

_ALREADY_TARGETS = """
UPDATE occurrences AS o SET target = (
    SELECT id FROM targets t WHERE t.bucket = o.bucket AND t.key = o.key
) WHERE status = 'migrated' AND target IS NULL
"""

# A string that is one URL and nothing else. Bytes are counted, since SQLite's length() of a text
# ends at a NUL; where the string holds more bytes than characters, the rest of this module has it.
_WHOLE = """
UPDATE strings AS s SET after = o.url FROM occurrences o
WHERE o.string = s.id AND o.status = 'rewrite' AND o.layer = '' AND o.first = 0
    AND o.past = length(CAST(s.before AS BLOB)) AND o.url <> s.before
"""

_PARTS = """
SELECT id, before FROM strings s WHERE id > ? AND after IS NULL
    AND EXISTS (SELECT 1 FROM occurrences o WHERE o.string = s.id AND o.status = 'rewrite')
ORDER BY id LIMIT ?
"""

_CONDITIONS = {
    Code.MISSING_TARGET: "o.status = 'missing'",
    Code.UNKNOWN_TARGET: f"o.status = 'unknown' AND NOT ({SOURCE_UNKNOWN})",
    Code.MISMATCHED_TARGET: "o.status = 'mismatch'",
    Code.SEVERAL_READINGS: "o.status = 'rewrite' AND o.reading <> ''",
}
_REPAIRABLE = {Code.REPAIRABLE: f"o.status = 'missing' AND o.remark = '{Code.REPAIRABLE}'"}

_DENIED = """
SELECT c.agreement FROM newest_comparison c JOIN targets t ON t.id = c.target
WHERE t.bucket = ? AND t.key = ? AND c.bucket = ? AND c.key = ?
"""


def settle(connection: sqlite3.Connection, planner: Planner) -> None:
    """Decide every URL, and say what each string becomes."""
    for page in _undecided_strings(connection, planner.rules):
        with transaction(connection):
            _settle_strings(connection, planner, page)
    with transaction(connection):
        block = planner.rules.unmapped is Unmapped.BLOCK
        connection.execute(
            "UPDATE occurrences SET blocks = ?1 WHERE status = 'unmapped' AND blocks <> ?1",
            (block,),
        )
        connection.execute(_ALREADY_TARGETS)
    _rewrite_strings(connection)
    with transaction(connection):
        put_findings(connection, _CONDITIONS)
        put_findings(connection, _REPAIRABLE)


def repairable(connection: sqlite3.Connection, planner: Planner) -> Iterator[SettledUrl]:
    """The missing URLs of a settled draft for which a reading that mends them is there."""
    rows = connection.execute(
        "SELECT DISTINCT s.id, s.value_path, s.before FROM occurrences o"
        " JOIN strings s ON s.id = o.string WHERE o.status = 'missing' AND o.remark = ?"
        " ORDER BY s.id",
        (Code.REPAIRABLE,),
    ).fetchall()
    for _, at, text in rows:
        if (planned := planner.plan_text(load_path(at), text)) is not None:
            settled = planner.settle(planned, lambda target: newest_state(connection, target))
            yield from (url for url in settled.urls if url.repair is not None)


def _is_denied(connection: sqlite3.Connection, candidate: Candidate) -> bool:
    row = connection.execute(_DENIED, (*candidate.target, *candidate.reading.source)).fetchone()
    return row is not None and row[0] == Agreement.SOURCE_GONE


def widen(connection: sqlite3.Connection, planner: Planner) -> None:
    """Add the targets that URLs may mean as they are less likely read, where the likeliest target
    is missing."""
    for page in _undecided_strings(connection, planner.rules):
        with transaction(connection):
            for _, at, text in page:
                planned = planner.plan_text(load_path(at), text)
                for url in planned.urls if planned else ():
                    if url.alternatives and _is_missing(connection, url.candidates[0].target):
                        insert_targets(connection, url.alternatives)
                    first = url.occurrence.readings[0].source
                    if url.named_alternatives and _is_missing(connection, first):
                        insert_targets(connection, url.named_alternatives)


def _is_missing(connection: sqlite3.Connection, target: ObjectRef) -> bool:
    return newest_state(connection, target) is TargetState.MISSING


def _undecided_strings(
    connection: sqlite3.Connection, rules: Rules
) -> Iterator[Sequence[tuple[int, str, str]]]:
    """Decide by evidence what it decides; yield the other strings: id, value path and text."""
    skipped = [rule.name for rule in rules.rules if rule.on_missing is OnMissing.SKIP]
    with transaction(connection):
        connection.execute("CREATE TEMP TABLE IF NOT EXISTS undecided (string INTEGER PRIMARY KEY)")
        connection.execute("DELETE FROM undecided")
        connection.execute(_DECIDE, (json.dumps(skipped),))
        connection.execute(_UNDECIDED)
    yield from read_pages(
        lambda last: connection.execute(
            "SELECT s.id, s.value_path, s.before FROM undecided u JOIN strings s ON s.id = u.string"
            " WHERE u.string > ? ORDER BY u.string LIMIT ?",
            (last, _PAGE),
        ).fetchall(),
        0,
        itemgetter(0),
    )


def _is_measured(connection: sqlite3.Connection, string: int) -> bool:
    """Whether the scan left a URL of a string, because offsets name parts of it."""
    row = connection.execute(
        "SELECT 1 FROM occurrences WHERE string = ? AND remark = ?", (string, Remark.TEXT_OFFSETS)
    ).fetchone()
    return row is not None


def _settle_strings(
    connection: sqlite3.Connection, planner: Planner, page: Sequence[tuple[int, str, str]]
) -> None:
    for string, at, text in page:
        planned = planner.plan_text(load_path(at), text, _is_measured(connection, string))
        ids = connection.execute(
            "SELECT id FROM occurrences WHERE string = ? ORDER BY id", (string,)
        ).fetchall()
        urls = (
            planner.settle(
                planned,
                lambda target: newest_state(connection, target),
                lambda candidate: _is_denied(connection, candidate),
            ).urls
            if planned
            else ()
        )
        replace_occurrences(
            connection, [(*row_of(url), row) for url, (row,) in zip(urls, ids, strict=True)]
        )


def _rewrite_strings(connection: sqlite3.Connection) -> None:
    with transaction(connection):
        connection.execute("UPDATE strings SET after = NULL WHERE after IS NOT NULL")
        connection.execute(_WHOLE)
    for page in read_pages(
        lambda last: connection.execute(_PARTS, (last, _PAGE)).fetchall(), 0, itemgetter(0)
    ):
        edits = [
            (after, string)
            for string, before in page
            if (after := _rewritten(connection, string, before)) != before
        ]
        with transaction(connection):
            connection.executemany("UPDATE strings SET after = ? WHERE id = ?", edits)


def _rewritten(connection: sqlite3.Connection, string: int, before: str) -> str:
    rows = connection.execute(
        "SELECT form, layer, bucket, key, first, past, url FROM occurrences"
        " WHERE string = ? AND status = 'rewrite' ORDER BY id",
        (string,),
    )
    replacements = []
    for form, layer, bucket, key, first, past, url in rows:
        reading = Reading(ObjectRef(bucket, key), first, past)
        replacements.append(Replacement(Occurrence(Form(form), layer, (reading,)), reading, url))
    return rewrite(before, replacements)
