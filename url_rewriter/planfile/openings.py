"""What was opened beside being proven: a sample with credentials, a URL of each rule without."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from url_rewriter.evidence import Access, Evidence, Method, TargetState
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.planfile.paging import read_pages
from url_rewriter.planfile.views import define
from url_rewriter.text import counted
from url_rewriter.urls import ObjectRef

NO_OPEN = "--no-open"
"""The reason where an operator wants no URL to be opened without credentials."""

_NAME = "openings"
_PAGE = 2_000
_BEHIND_ALL = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class RuleOpening:
    """One written URL of a rule, opened without credentials.

    ``access`` is "" where none was tried, or nothing answered; ``detail`` says why that was, or why
    it is not public. ``required``: there is one, and the rule says that it is public.
    """

    rule: str
    access: str
    detail: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Openings:
    """What was opened of a plan's targets.

    ``sampled`` targets were opened with credentials, ``refused`` of them did not open. ``rules``
    are those that were opened without; ``reason`` says why nothing of the kind was tried.
    ``unlisted`` are buckets that may not be listed, where HEAD alone was heard.
    """

    sampled: int = 0
    refused: int = 0
    rules: tuple[RuleOpening, ...] = ()
    reason: str = ""
    unlisted: tuple[str, ...] = ()

    @property
    def asked(self) -> int:
        """The rules of which a URL was opened without credentials."""
        return sum(bool(each.access) for each in self.rules)

    @property
    def public(self) -> int:
        """The rules of which a URL opened without credentials."""
        return sum(each.access == Access.PUBLIC for each in self.rules)

    @property
    def closed(self) -> tuple[RuleOpening, ...]:
        """The rules of which a URL was opened without credentials, and did not open."""
        return tuple(each for each in self.rules if each.access not in ("", Access.PUBLIC))

    @property
    def unmet(self) -> tuple[RuleOpening, ...]:
        """The rules of which a URL must open, and is not known to."""
        return tuple(each for each in self.rules if each.required and each.access != Access.PUBLIC)

    def without_credentials(self) -> str:
        """What opened without credentials, in words that name rules and no URL.

        >>> there = RuleOpening("logos", "public")
        >>> Openings(rules=(there, RuleOpening("v", "", "no target exists"))).without_credentials()
        '1 of 1 rule; not asked of v: no target exists'
        """
        if self.silence:
            return self.in_brief()
        closed = [f"not of {each.rule}: {each.detail}" for each in self.closed]
        silent = [
            f"not asked of {each.rule}: {each.detail}" for each in self.rules if not each.access
        ]
        return "; ".join([self.in_brief(), *closed, *silent])

    def in_brief(self) -> str:
        """What opened without credentials, in words that name no rule either."""
        if self.silence:
            return f"not asked: {self.silence}"
        return f"{self.public} of {counted(self.asked, 'rule')}"

    @property
    def silence(self) -> str:
        """Why no URL of any rule was opened without credentials; "" where one was."""
        if self.reason or not self.rules:
            return self.reason or "there is no rule"
        if self.asked:
            return ""
        return "; ".join(dict.fromkeys(each.detail for each in self.rules))

    def with_credentials(self) -> str:
        """What opened of the sample, in words."""
        if not self.sampled:
            unknown = self.reason and self.reason != NO_OPEN
            return f"not asked: {self.reason if unknown else 'no target exists'}"
        return f"{self.sampled - self.refused:,} of {counted(self.sampled, 'target')}"

    def members(self, shown: Callable[[str], str] = str) -> dict[str, Any]:
        """This as JSON documents have it; names of rules and buckets as they may be ``shown``."""
        return {
            "unlisted": [shown(each) for each in self.unlisted],
            "with_credentials": {"asked": self.sampled, "opened": self.sampled - self.refused},
            "without_credentials": {
                "says": self.in_brief(),
                "rules": len(self.rules),
                "asked": self.asked,
                "opened": self.public,
                "by_rule": [{**asdict(each), "rule": shown(each.rule)} for each in self.rules],
            },
        }

    def to_json(self) -> str:
        """This as the plan file keeps it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Openings:
        """What ``to_json`` wrote."""
        kept = json.loads(text)
        rules = tuple(RuleOpening(**each) for each in kept.pop("rules"))
        return cls(rules=rules, unlisted=tuple(kept.pop("unlisted", ())), **kept)


def write_openings(connection: sqlite3.Connection, openings: Openings) -> None:
    """Keep what was opened; again means afresh."""
    connection.execute("INSERT OR REPLACE INTO header VALUES (?, ?)", (_NAME, openings.to_json()))


def read_openings(connection: sqlite3.Connection) -> Openings:
    """What was opened; of a plan of before this was kept, nothing."""
    row = connection.execute("SELECT value FROM header WHERE name = ?", (_NAME,)).fetchone()
    return Openings.from_json(row[0]) if row else Openings(reason="the plan does not tell")


_PROVEN = """
SELECT t.bucket, t.key, e.state, e.method, e.checked_at, e.size, e.etag, e.content_type
FROM targets t JOIN evidence e ON e.target = t.id
WHERE t.bucket = :bucket AND t.key >= :first AND t.key < :past AND e.state = 'exists'
    AND e.id = (SELECT max(id) FROM evidence WHERE target = t.id)
"""
_BY_HASH = """
    AND crc32(CAST(t.key AS BLOB)) <= :highest
ORDER BY crc32(CAST(t.key AS BLOB)), t.key LIMIT :most
"""
_IN_ORDER = "ORDER BY t.key LIMIT :most"


def sample_proven(connection: sqlite3.Connection, prefix: ObjectRef, most: int) -> list[Evidence]:
    """At most ``most`` of the targets below a prefix that exist, as their evidence has them.

    Chosen by a hash of their keys: the same ones whenever it is asked for.
    """
    define(connection, "crc32", zlib.crc32, 1)
    below = {"bucket": prefix.bucket, "first": prefix.key, "past": prefix.key + _BEHIND_ALL}
    (count,) = connection.execute(
        "SELECT count(*) FROM targets WHERE bucket = :bucket AND key >= :first AND key < :past",
        below,
    ).fetchone()
    found: list[Evidence] = []
    # Of millions, only those with a low hash are looked at any closer.
    for highest in (2**32 * 16 * most // max(count, 1), 2**32):
        bounds = {**below, "highest": highest, "most": most}
        found = [_evidence(row) for row in connection.execute(_PROVEN + _BY_HASH, bounds)]
        if len(found) == most or highest >= 2**32:
            break
    return found


def all_proven(connection: sqlite3.Connection, prefix: ObjectRef) -> Iterator[Evidence]:
    """The targets below a prefix that exist, page by page, as their evidence has them."""

    def read(first: str) -> list[tuple[Any, ...]]:
        bounds = {"bucket": prefix.bucket, "first": first, "past": prefix.key + _BEHIND_ALL}
        return connection.execute(_PROVEN + _IN_ORDER, {**bounds, "most": _PAGE}).fetchall()

    for page in read_pages(read, prefix.key, lambda row: f"{row[1]}\0"):
        yield from map(_evidence, page)


def _evidence(row: tuple[Any, ...]) -> Evidence:
    bucket, key, state, method, checked_at, size, etag, content_type = row
    return Evidence(
        ObjectRef(bucket, key), TargetState(state), Method(method),
        datetime.fromisoformat(checked_at), ObjectInfo(size, etag, content_type),
    )  # fmt: skip


_WRITTEN = """
SELECT t.bucket, t.key, min(o.url) FROM json_each(:targets) w
JOIN targets t ON t.bucket = json_extract(w.value, '$[0]')
    AND t.key = json_extract(w.value, '$[1]')
JOIN occurrences o ON o.target = t.id AND o.status IN ('rewrite', 'migrated')
    AND o.remark IS NOT 'base'
GROUP BY t.id
"""


def find_written(
    connection: sqlite3.Connection, targets: Iterable[ObjectRef]
) -> dict[ObjectRef, str]:
    """Those of some targets that documents name, or will: the URL that is written, "" where
    documents have it already."""
    wanted = json.dumps(list(targets))
    rows = connection.execute(_WRITTEN, {"targets": wanted})
    return {ObjectRef(bucket, key): url or "" for bucket, key, url in rows}
