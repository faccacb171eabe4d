"""A sealed plan file, as everybody reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from url_rewriter.documents import Edit, Revision, ValuePath
from url_rewriter.errors import RefusedError
from url_rewriter.evidence import TargetState
from url_rewriter.planfile import schema
from url_rewriter.planfile.evidence import newest_state
from url_rewriter.planfile.header import read_header
from url_rewriter.planfile.rows import PlannedWrite, UrlRow, load_path
from url_rewriter.planfile.seal import compute_seal
from url_rewriter.urls import ObjectRef


@dataclass(frozen=True, slots=True)
class UrlFilter:
    """Which URLs to list: those that meet every condition that is given (not None)."""

    status: str | None = None
    rule: str | None = None
    collection: str | None = None
    document: str | None = None
    outcome: str | None = None


class Plan:
    """A plan file at ``path``, open for reading, or for what apply and rollback add to it.

    Raises what ``schema.connect`` raises, and RefusedError for a file that was never sealed, unless
    it is one that goes when the command ends and is not to be ``sealed``.
    """

    def __init__(self, path: Path, *, writable: bool = False, sealed: bool = True) -> None:
        self.path = path
        self.connection = schema.connect(path, writable=writable)
        with schema.translated(path):
            self.header = read_header(self.connection)
            row = self.connection.execute("SELECT value FROM header WHERE name = 'seal'").fetchone()
        if row is None and sealed:
            raise RefusedError(f"{path} was never sealed. Make the plan again.")
        self.seal: str = row[0] if row else ""

    def check_seal(self) -> None:
        """Raise RefusedError if anything the plan says was changed since it was sealed."""
        with schema.translated(self.path):
            broken = compute_seal(self.connection) != self.seal
        if broken:
            raise RefusedError(
                f"{self.path}: the seal is broken: the plan was changed after it was made."
                " Nothing of it is written. Make the plan again."
            )

    def writes(self, after: int = 0, limit: int = -1) -> Iterator[PlannedWrite]:
        """The documents that the plan changes, in the order they were found."""
        rows = self.connection.execute(
            "SELECT id, path, revision FROM documents d WHERE id > ? AND EXISTS"
            " (SELECT 1 FROM strings s WHERE s.document = d.id AND s.after IS NOT NULL)"
            " ORDER BY id LIMIT ?",
            (after, limit),
        )
        for row, path, revision in rows:
            yield PlannedWrite(row, path, Revision(revision), self._edits(row), self._kept(row))

    def _edits(self, document: int) -> tuple[Edit, ...]:
        rows = self.connection.execute(
            "SELECT value_path, before, after, (SELECT count(*) FROM occurrences o"
            " WHERE o.string = s.id AND o.status = 'rewrite') FROM strings s"
            " WHERE document = ? AND after IS NOT NULL ORDER BY id",
            (document,),
        )
        return tuple(Edit(load_path(path), *rest) for path, *rest in rows)

    def _kept(self, document: int) -> frozenset[str]:
        rows = self.connection.execute(
            "SELECT before FROM strings WHERE document = ? AND after IS NULL", (document,)
        )
        return frozenset(before for (before,) in rows)

    def strings_of_rule(self, document: int, rule: str) -> set[str]:
        """The strings of a document, as they were, that hold a URL which the rule takes."""
        rows = self.connection.execute(
            "SELECT s.before FROM strings s JOIN occurrences o ON o.string = s.id"
            " WHERE s.document = ? AND o.rule = ?",
            (document, rule),
        )
        return {before for (before,) in rows}

    def state_of(self, target: ObjectRef) -> TargetState:
        """What the newest evidence says of a target; unknown without any."""
        return newest_state(self.connection, target)

    def doubt_of(self, target: ObjectRef) -> str:
        """What the newest evidence has against a target; "" where it is proven to exist."""
        row = self.connection.execute(
            "SELECT e.state, e.detail FROM targets t JOIN evidence e ON e.target = t.id"
            " WHERE t.bucket = ? AND t.key = ? ORDER BY e.id DESC LIMIT 1",
            (target.bucket, target.key),
        ).fetchone()
        state, detail = row or (TargetState.UNKNOWN, "nobody asked")
        return "" if state == TargetState.EXISTS else f"{state}: {detail}".removesuffix(": ")

    def urls(self, wanted: UrlFilter | None = None) -> Iterator[UrlRow]:
        """The URLs of the plan in document order, one row at a time."""
        wanted = wanted or UrlFilter()
        rows = self.connection.execute(
            _URLS,
            {
                "status": wanted.status,
                "rule": wanted.rule,
                "document": wanted.document,
                "outcome": wanted.outcome,
                "collection": wanted.collection,
            },
        )
        return (_url_row(row) for row in rows)

    def text_of(self, occurrence: int) -> tuple[ValuePath, str, int]:
        """The string that a URL stands in: its value path, its text, and where the URL begins."""
        path, text, first = self.connection.execute(
            "SELECT s.value_path, s.before, o.first FROM occurrences o"
            " JOIN strings s ON s.id = o.string WHERE o.id = ?",
            (occurrence,),
        ).fetchone()
        return load_path(path), text, first

    def count(self, statement: str) -> int:
        """The single number that a SELECT gives."""
        return int(self.connection.execute(statement).fetchone()[0])

    def findings(self) -> Iterator[tuple[str, str, str, str, str]]:
        """Code, severity, document path, value path (as kept) and detail of every finding."""
        yield from self.connection.execute(
            "SELECT code, severity, document, value_path, detail FROM findings ORDER BY id"
        )

    def close(self) -> None:
        """Close the file."""
        self.connection.close()


# A collection is everything between a document's path and its last slash; a name without a slash
# means every collection of that name.
_URLS = """
SELECT o.id, d.path, s.value_path, o.status, o.blocks, o.form, o.layer, o.rule, o.bucket, o.key,
       t.bucket, t.key, s.before, o.first, o.past, o.url, o.reading, o.others, o.remark,
       e.state, e.detail, x.outcome, x.detail
FROM occurrences o
JOIN strings s ON s.id = o.string
JOIN documents d ON d.id = s.document
LEFT JOIN targets t ON t.id = o.target
LEFT JOIN evidence e ON e.id = (SELECT max(id) FROM evidence WHERE target = t.id)
LEFT JOIN outcomes x ON x.document = d.id
WHERE (:status IS NULL OR o.status = :status)
  AND (:rule IS NULL OR o.rule = :rule)
  AND (:document IS NULL OR d.path = :document)
  AND (:outcome IS NULL OR x.outcome = :outcome)
  AND (:collection IS NULL OR rtrim(d.path, replace(d.path, '/', '')) = :collection || '/'
       OR (instr(:collection, '/') = 0
           AND '/' || rtrim(d.path, replace(d.path, '/', '')) LIKE '%/' || :collection || '/'))
ORDER BY o.id
"""


def _url_row(row: tuple[object, ...]) -> UrlRow:
    before, first, past = str(row[12]), int(str(row[13])), int(str(row[14]))
    text = ["" if value is None else str(value) for value in row]
    # What else a URL might have meant is of interest where its likeliest reading did not hold.
    others = row[17] if row[3] != "rewrite" or row[16] else None
    return UrlRow(
        id=int(text[0]),
        document=text[1],
        value_path=load_path(text[2]),
        status=text[3],
        blocks=bool(row[4]),
        form=text[5],
        layer=text[6],
        rule=text[7],
        source_bucket=text[8],
        source_key=text[9],
        target_bucket=text[10],
        target_key=text[11],
        old=before[first:past],
        new=text[15] if row[3] == "rewrite" else "",
        reading=text[16],
        others=tuple(json.loads(str(others))) if others else (),
        remark=text[18],
        state=text[19],
        detail=text[20],
        outcome=text[21],
        outcome_detail=text[22],
    )
