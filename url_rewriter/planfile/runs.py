"""Runs: what adds to a plan file that is sealed, and says that it did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from url_rewriter import __version__
from url_rewriter.evidence import Evidence
from url_rewriter.planfile import chain, schema
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
        with self._adding():
            row = self._connection.execute(
                "INSERT INTO runs (command, started_at, who, version) VALUES (?, ?, ?, ?)",
                (command, now(), whoami(), __version__),
            )
        self._run = row.lastrowid

    @contextmanager
    def _adding(self) -> Iterator[None]:
        """One transaction that adds rows to chained tables; what was added is bound at its end."""
        with schema.translated(self.plan.path), schema.transaction(self._connection):
            yield
            chain.add_link(self._connection)

    def add_evidence(self, evidence: Iterable[Evidence]) -> None:
        """Keep evidence that was gathered again."""
        gathered = list(evidence)
        with self._adding():
            insert_evidence(self._connection, gathered)

    def close(self, result: str) -> None:
        """End the run, saying how."""
        with self._adding():
            self._connection.execute(
                "INSERT INTO endings (run, ended_at, result) VALUES (?, ?, ?)",
                (self._run, now(), result),
            )


def now() -> str:
    """This moment, as plan files keep it."""
    return datetime.now(UTC).isoformat()
