"""Runs: what adds to a plan file that is sealed, and says that it did."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from url_rewriter import __version__
from url_rewriter.errors import RefusedError
from url_rewriter.evidence import Evidence
from url_rewriter.planfile import chain, schema
from url_rewriter.planfile.controls import insert_controls
from url_rewriter.planfile.damage import translated
from url_rewriter.planfile.endings import end_killed_runs
from url_rewriter.planfile.evidence import insert_evidence
from url_rewriter.planfile.header import whoami
from url_rewriter.planfile.orders import Order
from url_rewriter.planfile.plan import Plan
from url_rewriter.planfile.traffic import KeptTraffic, insert_traffic
from url_rewriter.planfile.verdicts import KeptVerdict, insert_verdict

_PATIENCE = 5.0
"""Seconds to wait, as a run begins, for other processes that read the file."""


class Run:
    """The writable end of a plan file, which its user holds a FileLock on, for one command.

    Every method raises ServiceError when the disk refuses.
    """

    def __init__(self, plan: Plan, command: str) -> None:
        self.plan = plan
        self._connection = plan._connection
        with translated(plan.path):
            self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
        with self._adding():
            end_killed_runs(self._connection)
            row = self._connection.execute(
                "INSERT INTO runs (command, started_at, who, version) VALUES (?, ?, ?, ?)",
                (command, now(), whoami(), __version__),
            )
        self._run = row.lastrowid
        self._show_that_it_began()

    def _show_that_it_began(self) -> None:
        """Put the row of this run into the file itself, before there is anything to lose.

        By it, a copy of the file alone is told from a whole one (see `sidecars`).
        """
        if not self._move_into_file(_PATIENCE):
            raise RefusedError(
                f"{self.plan.path}: another process is reading this plan file. Wait until it has"
                " ended."
            )

    def _move_into_file(self, patience: float) -> bool:
        """Move what was added out of the -wal into the file itself; whether nothing is left there.

        Something is where another process is reading it, and goes on for ``patience`` seconds.
        """
        with translated(self.plan.path):
            self._connection.execute(f"PRAGMA busy_timeout={int(patience * 1000)}")
            (busy, *_) = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    @contextmanager
    def _adding(self) -> Iterator[None]:
        """One transaction that adds rows to chained tables; what was added is bound at its end."""
        with translated(self.plan.path), schema.transaction(self._connection):
            yield
            chain.add_link(self._connection)

    def add_evidence(self, evidence: Iterable[Evidence]) -> None:
        """Keep evidence that was gathered again."""
        gathered = list(evidence)
        with self._adding():
            insert_evidence(self._connection, gathered)

    def add_verdict(self, verdict: KeptVerdict) -> None:
        """Keep what ``verify`` said."""
        with self._adding():
            insert_verdict(self._connection, self._run, replace(verdict, decided_at=now()))

    def add_controls(self, orders: Iterable[Order]) -> None:
        """Keep what the run was asked from outside."""
        with self._adding():
            insert_controls(self._connection, self._run, orders)

    def add_traffic(self, traffic: KeptTraffic) -> None:
        """Keep what usage logs said."""
        with self._adding():
            insert_traffic(self._connection, self._run, replace(traffic, decided_at=now()))

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
