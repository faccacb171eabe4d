"""What a plan file knows of each URL: one row with its evidence, its findings and its outcome."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from url_rewriter.copying import Choice
from url_rewriter.documents import ValuePath
from url_rewriter.findings import Code
from url_rewriter.planfile.obstacles import OF_A_PLAN, UNPROVEN, WAIVED, Obstacle
from url_rewriter.planfile.occurrences import load_choices
from url_rewriter.planfile.rows import load_path
from url_rewriter.planfile.views import read_collection
from url_rewriter.planning import UrlStatus
from url_rewriter.urls import ObjectRef


@dataclass(frozen=True, slots=True)
class UrlFilter:
    """Which URLs to list: those that meet every condition that is given (not None).

    ``collection`` is a pattern, as the command line has them.
    """

    status: str | None = None
    rule: str | None = None
    collection: str | None = None
    document: str | None = None
    outcome: str | None = None
    blocking: bool | None = None


@dataclass(frozen=True, slots=True)
class UrlFacts:
    """One URL of a plan and all that the file knows of it. Texts are whole: redact to print.

    ``old`` is the URL as it stands in the document; ``new`` is what replaces it ("" for none).
    ``choices`` are the readings that a rule takes, likeliest first. ``codes`` are those of the
    findings at this URL that its status does not say already. ``state`` to ``detail`` are the
    newest evidence for the target, ``access`` and ``access_detail`` what it gives without
    credentials, ``agreement`` to ``comparison_detail`` how it compares with its source.
    ``operation`` to ``run`` are the last thing done to the document; ``why`` says what of it was
    left. ``gate`` is the gate that the URL stands against, ``obstacle`` what a list calls it there.
    Unknown texts are "".
    """

    id: int
    value_path: ValuePath
    blocks: bool
    choices: tuple[Choice, ...]
    codes: tuple[str, ...]
    size: int | None
    source_size: int | None
    run: int | None
    document: str
    status: str
    form: str
    layer: str
    rule: str
    source_bucket: str
    source_key: str
    target_bucket: str
    target_key: str
    old: str
    new: str
    reading: str
    remark: str
    state: str
    method: str
    checked_at: str
    etag: str
    content_type: str
    detail: str
    access: str
    access_detail: str
    agreement: str
    measure: str
    comparison_detail: str
    revision: str
    operation: str
    outcome: str
    why: str
    gate: str
    obstacle: str

    @property
    def others(self) -> tuple[str, ...]:
        """The targets of the readings that were not taken.

        None for a URL that is rewritten as it is likeliest read: they are of no interest.
        """
        if self.status == UrlStatus.REWRITE and not self.reading:
            return ()
        others = (choice.target for choice in self.choices if choice != self.taken)
        return tuple(f"{target.bucket}/{target.key}" for target in others)

    @property
    def taken(self) -> Choice:
        """The source and the target of the reading that was taken."""
        source = ObjectRef(self.source_bucket, self.source_key)
        return Choice(source, ObjectRef(self.target_bucket, self.target_key))

    @property
    def is_base(self) -> bool:
        """Whether the URL names no object, but all below the prefix that is its target."""
        return self.remark == Code.BASE

    @property
    def waived(self) -> bool:
        """Whether the target is not proven, and the rules say to leave the URL."""
        return self.status in UNPROVEN and not self.blocks

    @property
    def counted_as(self) -> str:
        """The word under which people see the URL counted."""
        return WAIVED if self.waived else self.status


COPIED_SINCE = "copied since: make the plan again"
"""What is said of a URL that the plan takes for missing, and whose object is there by now."""

_COPIED_SINCE = "o.status IN ('missing', 'unknown') AND e.state = 'exists'"

_DETAIL = f"CASE WHEN {_COPIED_SINCE} THEN '{COPIED_SINCE}' ELSE e.detail END"

# Columns in the order of the fields, those of the texts from the ninth on.
_TEXTS = (
    "d.path", "o.status", "o.form", "o.layer", "o.rule", "o.bucket", "o.key", "t.bucket", "t.key",
    "quoted(s.before, o.first, o.past)", "CASE o.status WHEN 'rewrite' THEN o.url END",
    "o.reading", "o.remark", "e.state", "e.method", "e.checked_at", "e.etag", "e.content_type",
    _DETAIL, "a.access", "a.detail", "c.agreement", "c.measure", "c.detail", "d.revision",
    "x.operation", "x.outcome", "x.detail",
)  # fmt: skip

_SAID_BY_STATUS = ", ".join(
    f"'{code}'"
    for code in (
        Code.UNMAPPED,
        Code.MISSING_TARGET,
        Code.UNKNOWN_TARGET,
        Code.MISMATCHED_TARGET,
    )
)

# Findings quote the URL they are about; SQLite makes itself an index for the join.
_JOINS = {
    "t": "LEFT JOIN targets t ON t.id = o.target",
    "e": "LEFT JOIN newest_evidence e ON e.target = o.target",
    "a": "LEFT JOIN newest_access a ON a.target = o.target",
    "c": """LEFT JOIN comparisons c ON c.id = (
        SELECT max(id) FROM comparisons WHERE target = o.target
        AND (o.status = 'migrated' OR (bucket = o.bucket AND key = o.key)))""",
    "x": "LEFT JOIN newest_outcome x ON x.document = d.id",
    "f": f"""LEFT JOIN (
        SELECT document, value_path, detail, group_concat(DISTINCT code) AS codes FROM findings
        WHERE code NOT IN ({_SAID_BY_STATUS}) GROUP BY document, value_path, detail
    ) f ON f.document = d.path AND f.value_path = s.value_path
        AND f.detail = quoted(s.before, o.first, o.past)""",
}


def from_urls(aliases: Iterable[str] = _JOINS) -> str:
    """The FROM clause of a statement over URLs, with the tables that ``aliases`` name.

    Occurrences are ``o``, their strings ``s`` and documents ``d``; of each, ``t`` is the target,
    ``e``, ``a`` and ``c`` the newest evidence, access and comparison, ``x`` the outcome of the
    document, and ``f`` the codes of the findings that quote the URL.
    """
    # Without the CROSS, SQLite may start from another table and lose the order of the occurrences.
    return (
        "FROM occurrences o CROSS JOIN strings s ON s.id = o.string"
        " CROSS JOIN documents d ON d.id = s.document "
    ) + " ".join(_JOINS[alias] for alias in aliases)


_CONDITIONS = {
    "status": "o.status = :status",
    "rule": "o.rule = :rule",
    "collection": "in_collection(d.path, :collection)",
    "document": "o.string IN (SELECT s.id FROM strings s JOIN documents d ON d.id = s.document"
    " WHERE d.path = :document)",
    "outcome": "x.outcome = :outcome",
    "blocking": "o.blocks = :blocking",
}


def list_urls(
    connection: sqlite3.Connection, wanted: UrlFilter, obstacles: Sequence[Obstacle] = OF_A_PLAN
) -> Iterator[UrlFacts]:
    """The wanted URLs in document order, one at a time, with the first obstacle that each meets.

    Raises ConfigurationError for a collection pattern that names nothing.
    """
    if wanted.collection is not None:
        read_collection(wanted.collection)
    given = {name: value for name, value in asdict(wanted).items() if value is not None}
    where = " AND ".join(_CONDITIONS[name] for name in given) or "true"
    return _select(connection, where, obstacles, given)


def list_against(
    connection: sqlite3.Connection, obstacles: Sequence[Obstacle]
) -> Iterator[UrlFacts]:
    """The URLs that meet any of some obstacles, in document order."""
    where = " OR ".join(f"({each.condition})" for each in obstacles) or "false"
    return _select(connection, where, obstacles, {})


def list_numbered(connection: sqlite3.Connection, ids: Iterable[int]) -> Iterator[UrlFacts]:
    """The URLs with these ids, in document order."""
    where = "o.id IN (SELECT value FROM json_each(:ids))"
    return _select(connection, where, OF_A_PLAN, {"ids": json.dumps(sorted(ids))})


def count_against(connection: sqlite3.Connection, obstacle: Obstacle) -> dict[str, int]:
    """How much stands against a gate, by the word for it."""
    aliases = [alias for alias in "xf" if f"{alias}." in obstacle.condition]
    counted = "DISTINCT o.target" if obstacle.by_target else "*"
    return dict(
        connection.execute(
            f"SELECT {obstacle.word}, count({counted}) {from_urls(aliases)}"
            f" WHERE {obstacle.condition} GROUP BY 1 ORDER BY 1"
        )
    )


@dataclass(frozen=True, slots=True)
class UnprovenObject:
    """A target that is not proven: how many URLs mean it, and the place of the first of them.

    ``waived``: the rules say to leave them all.
    """

    target: ObjectRef
    source: ObjectRef
    detail: str
    urls: int
    waived: bool
    document: str
    value_path: ValuePath


def list_unproven(connection: sqlite3.Connection, wanted: UrlFilter) -> Iterator[UnprovenObject]:
    """The targets that the wanted URLs mean, each once, in the order of the first URLs."""
    given = {name: value for name, value in asdict(wanted).items() if value is not None}
    where = " AND ".join(_CONDITIONS[name] for name in given) or "true"
    # SQLite takes the other columns from the row of the minimum.
    statement = f"""
    SELECT min(o.id), count(*), sum(o.blocks), coalesce(t.bucket, ''), coalesce(t.key, ''),
        coalesce(o.bucket, ''), coalesce(o.key, ''),
        coalesce(nullif({_DETAIL}, ''), e.state, ''), d.path, s.value_path
    {from_urls("tex")} WHERE {where} GROUP BY o.target ORDER BY 1
    """
    for _, urls, blocking, *ends, detail, document, path in connection.execute(statement, given):
        target, source = ObjectRef(*ends[:2]), ObjectRef(*ends[2:])
        waived = not blocking
        yield UnprovenObject(target, source, detail, urls, waived, document, load_path(path))


def count_copied_since(connection: sqlite3.Connection) -> int:
    """URLs that the plan takes for missing, and whose objects are there by newer evidence."""
    statement = f"SELECT count(*) {from_urls('e')} WHERE {_COPIED_SINCE}"
    return int(connection.execute(statement).fetchone()[0])


def _select(
    connection: sqlite3.Connection,
    where: str,
    obstacles: Sequence[Obstacle],
    given: Mapping[str, object],
) -> Iterator[UrlFacts]:
    statement = f"""
    SELECT o.id, s.value_path, o.blocks,
o.choices, f.codes, e.size, c.size, x.run, {", ".join(f"coalesce({text}, '')" for text in _TEXTS)},
        {first_met(obstacles, "'{0.gate}'")}, {first_met(obstacles, "{0.word}")}
    {from_urls()} WHERE {where} ORDER BY o.id
    """
    return map(_facts, connection.execute(statement, given))


def first_met(obstacles: Sequence[Obstacle], value: str) -> str:
    """SQL for a value of the first obstacle that a URL meets, '' where it meets none."""
    cases = " ".join(f"WHEN {each.condition} THEN {value.format(each)}" for each in obstacles)
    return f"CASE {cases} ELSE '' END" if cases else "''"


def _facts(row: tuple[object, ...]) -> UrlFacts:
    number, path, blocks, choices, codes, *rest = row
    facts = UrlFacts(
        number,  # type: ignore[arg-type] # the columns are those of the fields
        load_path(str(path)),
        bool(blocks),
        load_choices(str(choices)) if choices else (),
        tuple(sorted(str(codes).split(","))) if codes else (),
        *rest,  # type: ignore[arg-type]
    )
    if not choices and facts.rule:
        return replace(facts, choices=(facts.taken,))
    return facts
