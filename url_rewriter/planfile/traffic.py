"""Old objects that a plan knows, and what usage logs said of requests for them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from url_rewriter.gates import Gate
from url_rewriter.urls import S3_FORMS


@dataclass(frozen=True, slots=True)
class KeptTraffic:
    """The gate over old traffic, and the whole result as JSON members. Times are RFC 3339."""

    gate: Gate
    report: dict[str, Any] = field(repr=False)
    decided_at: str = ""


def insert_traffic(connection: sqlite3.Connection, run: int | None, kept: KeptTraffic) -> None:
    """Add what logs said."""
    connection.execute(
        "INSERT INTO traffic (run, decided_at, gate, report) VALUES (?, ?, ?, ?)",
        (run, kept.decided_at, json.dumps(kept.gate.to_members()), json.dumps(kept.report)),
    )


def newest_traffic(connection: sqlite3.Connection) -> KeptTraffic | None:
    """What logs said last, unless the database was written to since."""
    row = connection.execute(
        "SELECT gate, report, decided_at FROM traffic t WHERE NOT EXISTS (SELECT 1 FROM runs l"
        " WHERE l.id > t.run AND l.command IN ('apply', 'rollback')) ORDER BY id DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    gate, report, decided_at = row
    return KeptTraffic(Gate.from_members(json.loads(gate)), json.loads(report), decided_at)


_S3 = ", ".join(f"'{form}'" for form in sorted(S3_FORMS))
_SOURCES = f"""
SELECT bucket, key, rule FROM occurrences
WHERE rule IS NOT NULL AND key <> '' AND form NOT IN ({_S3})
UNION
SELECT json_extract(c.value, '$[0]'), json_extract(c.value, '$[1]'), o.rule
FROM occurrences o, json_each(o.choices) c
WHERE o.rule IS NOT NULL AND o.choices IS NOT NULL AND o.form NOT IN ({_S3})
"""


def source_objects(connection: sqlite3.Connection) -> Iterator[tuple[str, str, str]]:
    """Bucket, key and rule of every object in Cloud Storage that a URL of the plan may name."""
    yield from connection.execute(_SOURCES)
