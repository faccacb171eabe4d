"""Runs: what adds to a plan file that is sealed, and says that it did."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime

from url_rewriter import __version__
from url_rewriter.evidence import Evidence
from url_rewriter.planfile import schema
from url_rewriter.planfile.evidence import insert_evidence
from url_rewriter.planfile.header import whoami
from url_rewriter.planfile.plan import Plan


class Run:
    """The writable end of a plan file, which its user holds a FileLock on, for one command.

    Every method raises ServiceError when the disk refuses.
    """

    def __init__(self, plan: Plan, command: str) -> None:
        self.plan = plan
        self._connection = plan._connection
        with schema.translated(plan.path):
            self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
            with schema.transaction(self._connection):
                row = self._connection.execute(
                    "INSERT INTO runs (command, started_at, who, version) VALUES (?, ?, ?, ?)",
                    (command, now(), whoami(), __version__),
                )
        self._run = row.lastrowid

    def add_evidence(self, evidence: Iterable[Evidence]) -> None:
        """Keep evidence that was gathered again."""
        with schema.translated(self.plan.path), schema.transaction(self._connection):
            insert_evidence(self._connection, evidence)

    def close(self, result: str) -> None:
        """End the run, saying how."""
        with schema.translated(self.plan.path):
            with schema.transaction(self._connection):
                self._connection.execute(
                    "UPDATE runs SET ended_at = ?, result = ? WHERE id = ?",
                    (now(), result, self._run),
                )
            with suppress(sqlite3.OperationalError):  # a reader has it open: it stays in two files
                self._connection.execute("PRAGMA journal_mode=DELETE")


def now() -> str:
    """This moment, as plan files keep it."""
    return datetime.now(UTC).isoformat()
