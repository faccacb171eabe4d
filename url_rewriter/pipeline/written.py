"""What became of the documents that an apply or a rollback was to write."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from url_rewriter.next_steps import PlanCommands
from url_rewriter.planfile import LeftDocument, Operation, Plan, WriteFilter, WriteTotals


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of every planned document and URL, and the documents that were ``left``.

    ``nothing_left``: there was nothing to write, or to put back. ``done_at`` is then when the last
    run that wrote anything ended. ``commands`` are those over the plan file.
    """

    path: Path
    store: str
    operation: Operation
    dry_run: bool
    totals: WriteTotals
    left: tuple[LeftDocument, ...]
    commands: PlanCommands
    nothing_left: bool = False
    done_at: str = ""

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
    nothing_left: bool = False,
) -> Written:
    """What the journal of ``plan``, or of its copy in a dry run, says; ``path`` is the plan's.

    ``nothing_left``: the run had nothing to do. Raises ReconciliationError where an apply's totals
    do not add up.
    """
    if operation is Operation.APPLY:
        plan.require_reconciled()
    totals, left = plan.count_writes(operation, wanted), tuple(plan.left_documents(operation))
    return Written(
        path=path,
        store=plan.header.store,
        operation=operation,
        dry_run=dry_run,
        totals=totals,
        left=left,
        commands=PlanCommands.of(plan, str(path)),
        nothing_left=nothing_left,
        done_at=plan.history().written_at(operation) if nothing_left else "",
    )


def nothing_to_put_back(plan: Plan, path: Path, *, dry_run: bool) -> Written:
    """What a rollback says that has nothing to do: nothing was applied, or all was put back."""
    totals = plan.count_writes(Operation.ROLLBACK).emptied()
    return Written(
        path=path,
        store=plan.header.store,
        operation=Operation.ROLLBACK,
        dry_run=dry_run,
        totals=totals,
        left=(),
        commands=PlanCommands.of(plan, str(path)),
        nothing_left=True,
        done_at=plan.history().written_at(Operation.ROLLBACK),
    )
