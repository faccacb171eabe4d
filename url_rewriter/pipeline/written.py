"""What became of the documents that an apply or a rollback was to write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from url_rewriter.planfile import LeftDocument, Operation, Plan, WriteFilter, WriteTotals


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
    totals, left = plan.count_writes(operation, wanted), tuple(plan.left_documents(operation))
    return Written(path, plan.header.store, operation, dry_run, totals, left)
