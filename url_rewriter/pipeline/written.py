"""What became of the documents that an apply or a rollback was to write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from url_rewriter.planfile import Operation, Plan, WriteFilter, WriteTotals, count_writes


@dataclass(frozen=True, slots=True)
class LeftDocument:
    """A document that was not written as planned, and why."""

    path: str
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of every planned document, and those that were ``left``."""

    path: Path
    store: str
    operation: Operation
    dry_run: bool
    totals: WriteTotals
    left: tuple[LeftDocument, ...]

    @property
    def unfinished(self) -> int:
        """How many documents were left as they were, and may be written by another run."""
        outcomes = self.totals.outcomes
        return self.totals.pending + outcomes["conflict"] + outcomes["failed"]

    @property
    def all_gone(self) -> bool:
        """Whether there were documents to write and none of them is there."""
        return 0 < self.totals.planned == self.totals.outcomes["gone"]


def tell_writes(
    plan: Plan,
    operation: Operation,
    path: Path,
    *,
    dry_run: bool,
    wanted: WriteFilter | None = None,
) -> Written:
    """What the journal of ``plan``, or of its copy in a dry run, says; ``path`` is the plan's."""
    totals = count_writes(plan.connection, operation, wanted)
    rows = plan.connection.execute(
        "SELECT d.path, x.outcome, x.detail FROM outcomes x JOIN documents d ON d.id = x.document"
        " WHERE x.operation = ? AND x.outcome IN ('conflict', 'failed', 'gone') ORDER BY d.id",
        (operation,),
    )
    left = tuple(LeftDocument(*row) for row in rows)
    return Written(path, plan.header.store, operation, dry_run, totals, left)
