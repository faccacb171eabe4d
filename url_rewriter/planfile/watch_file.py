"""What a watch keeps beside its plan file, so that one that was killed goes on where it was.

It is a file of its own, ``FILE.watch``: a watch runs for days, and the plan file is for one process
at a time. It holds no URL.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from url_rewriter.documents import Revision
from url_rewriter.errors import RefusedError, ServiceError
from url_rewriter.planfile.damage import translated
from url_rewriter.planfile.lock import FileLock
from url_rewriter.planfile.schema import transaction
from url_rewriter.watching import QuietClaim

_TABLES = """
CREATE TABLE IF NOT EXISTS about (
    name TEXT PRIMARY KEY, value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS places (
    name TEXT PRIMARY KEY, token BLOB NOT NULL, documents INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS stragglers (
    id INTEGER PRIMARY KEY, document TEXT NOT NULL, revision TEXT NOT NULL,
    written_at TEXT NOT NULL, found_at TEXT NOT NULL, heard INTEGER NOT NULL, urls INTEGER NOT NULL,
    rules TEXT NOT NULL, plan TEXT NOT NULL DEFAULT '', UNIQUE (document, revision)
) STRICT;
"""
_MOMENTS = ("since", "heard_to", "rescanned_to", "rescan_ended")


@dataclass(frozen=True, slots=True)
class Straggler:
    """A document that was written with an old URL after the plan's read time.

    ``written_at`` is by the store's clock; where it tells none, it is when the document was found.
    ``heard``: the stream told it, not a rescan. ``rules`` take its URLs, ``urls`` of them. ``plan``
    is the plan file that it was written from since, "" where it was not.
    """

    document: str
    revision: Revision
    written_at: datetime
    found_at: datetime
    heard: bool
    rules: tuple[str, ...]
    urls: int
    plan: str = ""


class WatchFile:
    """The file of the watch of one plan, for this process alone.

    Raises RefusedError where another watch holds it, or it is that of another plan, ServiceError
    where it cannot be used.
    """

    def __init__(self, plan: Path, seal: str) -> None:
        self.path = plan.with_name(plan.name + ".watch")
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise ServiceError(f"{self.path}: cannot be used: {error.strerror}.") from error
        self._lock = FileLock(self.path)
        try:
            with translated(self.path):
                self._connection = sqlite3.connect(self.path, isolation_level=None)
                self._connection.executescript(
                    f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;{_TABLES}"
                )
            self._require_seal(seal)
        except BaseException:
            self._lock.release()
            raise

    def _require_seal(self, seal: str) -> None:
        if self._about("seal", seal) != seal:
            raise RefusedError(
                f"{self.path} belongs to another plan that had this name. Remove it, and the"
                " watch begins anew."
            )

    def close(self) -> None:
        """Give the file back."""
        self._connection.close()
        self._lock.release()

    # -- stragglers ---------------------------------------------------------------------------

    def add(self, stragglers: Iterable[Straggler]) -> list[Straggler]:
        """Keep stragglers; those that were not known before. It is durable when this returns."""
        with translated(self.path), transaction(self._connection):
            return [each for each in stragglers if self._insert(each)]

    def knows(self, document: str, revision: Revision) -> bool:
        """Whether a straggler was named before."""
        row = self._connection.execute(
            "SELECT 1 FROM stragglers WHERE document = ? AND revision = ?", (document, revision)
        ).fetchone()
        return row is not None

    def stragglers(self) -> list[Straggler]:
        """All stragglers, in the order in which they were named."""
        return self._select("")

    def unwritten(self) -> list[Straggler]:
        """Those that no plan file was made for."""
        return self._select("WHERE plan = ''")

    def note_plan(self, stragglers: Iterable[Straggler], plan: Path) -> None:
        """Keep from which plan file stragglers were written."""
        with translated(self.path), transaction(self._connection):
            self._connection.executemany(
                "UPDATE stragglers SET plan = ? WHERE document = ? AND revision = ?",
                [(str(plan), each.document, each.revision) for each in stragglers],
            )

    # -- how far the watch has come -------------------------------------------------------------

    def keep_claim(self, claim: QuietClaim, listened: Iterable[str]) -> None:
        """Keep what can be said until now."""
        moments = {name: getattr(claim, name) for name in _MOMENTS}
        kept = {name: moment.isoformat() for name, moment in moments.items() if moment}
        value = json.dumps({**kept, "listened": sorted(listened)})
        with translated(self.path):
            self._connection.execute("INSERT OR REPLACE INTO about VALUES ('claim', ?)", (value,))

    def restore_claim(self, claim: QuietClaim, listened: Iterable[str]) -> QuietClaim:
        """The claim that goes on from the kept one; ``claim`` where other groups were heard."""
        kept = json.loads(self._about("claim", "{}"))
        if kept.pop("listened", None) != sorted(listened):
            return claim
        moments = {name: datetime.fromisoformat(text) for name, text in kept.items()}
        return QuietClaim(claim.wanted, claim.longest_step, claim.listens, **moments)

    def keep_places(self, places: Mapping[str, tuple[bytes, int | None]]) -> None:
        """Keep how far each group was heard; everything up to there has to be kept before."""
        rows = [(name, *place) for name, place in places.items()]
        with translated(self.path), transaction(self._connection):
            self._connection.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?)", rows)

    def places(self) -> dict[str, tuple[bytes, int | None]]:
        """How far each group was heard: the token, and how many documents it held."""
        rows = self._connection.execute("SELECT name, token, documents FROM places")
        return {name: (token, documents) for name, token, documents in rows}

    def forget_places(self) -> None:
        """Forget how far groups were heard."""
        with translated(self.path):
            self._connection.execute("DELETE FROM places")

    def _about(self, name: str, default: str) -> str:
        with translated(self.path):
            self._connection.execute("INSERT OR IGNORE INTO about VALUES (?, ?)", (name, default))
            row = self._connection.execute("SELECT value FROM about WHERE name = ?", (name,))
            return str(row.fetchone()[0])

    def _insert(self, each: Straggler) -> bool:
        row = self._connection.execute(
            "INSERT OR IGNORE INTO stragglers"
            " (document, revision, written_at, found_at, heard, urls, rules)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                each.document,
                each.revision,
                each.written_at.isoformat(),
                each.found_at.isoformat(),
                each.heard,
                each.urls,
                json.dumps(each.rules),
            ),
        )
        return row.rowcount > 0

    def _select(self, where: str) -> list[Straggler]:
        rows = self._connection.execute(
            "SELECT document, revision, written_at, found_at, heard, rules, urls, plan"
            f" FROM stragglers {where} ORDER BY id"
        )
        return [
            Straggler(
                document,
                Revision(revision),
                datetime.fromisoformat(written_at),
                datetime.fromisoformat(found_at),
                bool(heard),
                tuple(json.loads(rules)),
                urls,
                plan,
            )
            for document, revision, written_at, found_at, heard, rules, urls, plan in rows
        ]
