"""The verdicts of ``verify`` that a plan file keeps, and whether the newest one still counts."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from url_rewriter.gates import Gate, Readiness


@dataclass(frozen=True, slots=True)
class KeptVerdict:
    """What ``verify`` said of the live database, and of what it said it.

    ``decided_at`` is RFC 3339, in UTC; ``version`` is the program's. ``counts`` holds documents,
    URLs and targets by word. ``read_at`` to ``limits`` are of the scan; ``rules_digest`` is of the
    rules that it was judged by.
    """

    readiness: Readiness
    headline: str
    gates: tuple[Gate, ...]
    counts: dict[str, dict[str, int]]
    read_at: str
    read_remark: str
    limits: str
    rules_digest: str
    decided_at: str = ""
    version: str = ""


def insert_verdict(connection: sqlite3.Connection, run: int | None, kept: KeptVerdict) -> None:
    """Add a verdict of a run; the newest one counts."""
    gates = json.dumps([gate.to_members() for gate in kept.gates])
    connection.execute(
        "INSERT INTO verdicts (run, decided_at, readiness, headline, gates, counts, read_at,"
        " read_remark, limits, rules_digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            run,
            kept.decided_at,
            kept.readiness,
            kept.headline,
            gates,
            json.dumps(kept.counts),
            kept.read_at,
            kept.read_remark,
            kept.limits,
            kept.rules_digest,
        ),
    )


_VERDICTS = """
SELECT v.readiness, v.headline, v.gates, v.counts, v.read_at, v.read_remark, v.limits,
       v.rules_digest, v.decided_at, r.version
FROM verdicts v JOIN runs r ON r.id = v.run
"""

# A later run of another command may have changed what was judged.
_NEWEST = f"""
{_VERDICTS}
WHERE NOT EXISTS (SELECT 1 FROM runs l WHERE l.id > v.run
                  AND l.command NOT IN ('verify', 'traffic'))
ORDER BY v.id DESC LIMIT 1
"""


def newest_verdict(connection: sqlite3.Connection) -> KeptVerdict | None:
    """The newest verdict, unless something was written or copied since."""
    row = connection.execute(_NEWEST).fetchone()
    return None if row is None else _verdict(row)


def all_verdicts(connection: sqlite3.Connection) -> list[KeptVerdict]:
    """Every verdict, in the order in which they were kept."""
    return list(map(_verdict, connection.execute(f"{_VERDICTS} ORDER BY v.id")))


def _verdict(row: tuple[Any, ...]) -> KeptVerdict:
    readiness, headline, gates, counts, *rest = row
    return KeptVerdict(
        Readiness(readiness),
        headline,
        tuple(map(Gate.from_members, json.loads(gates))),
        json.loads(counts),
        *rest,
    )
