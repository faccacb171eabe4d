"""What commands share that add to a plan file: holding it, runs, the totals at the end."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from url_rewriter.cli import services
from url_rewriter.cli.console import Console, printable
from url_rewriter.documents import Document, Update, WriteResult, WriteStatus
from url_rewriter.errors import IncompleteError
from url_rewriter.text import counted

if TYPE_CHECKING:
    from url_rewriter.pipeline.write_loop import DocumentWriter
    from url_rewriter.planfile import Journal, Operation, Plan, Run, WriteFilter
    from url_rewriter.stores.base import DocumentStore

R = TypeVar("R", bound="Run")


@contextmanager
def held_plan(path: Path, *, dry_run: bool) -> Iterator[tuple[Plan, ExitStack]]:
    """The plan at ``path``, for this process alone, its seal intact.

    A dry run works on a copy that is thrown away. What is pushed onto the stack is given back
    before the plan is.
    """
    from url_rewriter.planfile import FileLock, Plan, copy

    Plan(path).close()  # says what is wrong with the path before anything else does
    lock = FileLock(path)
    try:
        with ExitStack() as stack:
            if dry_run:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                copy(path, folder / path.name)
                path = folder / path.name
            plan = Plan(path, writable=True)
            stack.callback(plan.close)
            plan.check_seal()
            yield plan, stack
    finally:
        lock.release()


def open_planned_store(stack: ExitStack, plan: Plan, chosen: services.StoreChoice) -> DocumentStore:
    """The store that a plan is for. Raises RefusedError where the options name another one."""
    locator = chosen.locate() if chosen.made else plan.header.store
    opened = stack.enter_context(services.open_store(locator))
    services.require_same_store(plan, opened)
    return opened


@contextmanager
def run_of(plan: Plan, operation: Operation) -> Iterator[Journal]:
    """A run of the journal that says how it ended."""
    from url_rewriter.planfile import Journal

    with ending(Journal(plan, operation)) as journal:
        yield journal


@contextmanager
def ending(run: R) -> Iterator[R]:
    """A run that says how it ended."""
    try:
        yield run
    except BaseException as error:
        run.close(type(error).__name__)
        raise
    run.close("done")


class DryRunStore:
    """A store that answers as if it had written, and has not."""

    def __init__(self, store: DocumentWriter) -> None:
        self._store = store

    def get(self, paths: Sequence[str]) -> dict[str, Document]:
        """The documents as they are."""
        return self._store.get(paths)

    def write(self, updates: Sequence[Update]) -> list[WriteResult]:
        """Say that everything was written."""
        return [
            WriteResult(each.document.path, WriteStatus.WRITTEN, each.document.revision)
            for each in updates
        ]


def conclude(
    console: Console,
    plan: Plan,
    operation: Operation,
    path: Path,
    *,
    dry_run: bool,
    wanted: WriteFilter | None = None,
) -> None:
    """Show what became of every document. Raises IncompleteError where some were left."""
    totals = plan.count_writes(operation, wanted)
    if console.json:
        console.document(
            operation.value,
            {
                "plan": str(path),
                "store": plan.header.store,
                "dry_run": dry_run,
                "documents": {"planned": totals.planned, **totals.outcomes},
                "urls": {"written": totals.urls},
                "left": [
                    {"document": path, "outcome": outcome, "detail": detail}
                    for path, outcome, detail in plan.left_documents(operation)
                ],
            },
        )
    else:
        console.table(("outcome", "documents"), list(totals.outcomes.items()))
        would = "would be " if dry_run else ""
        console.print(
            f" {counted(totals.planned, 'document')} planned, {counted(totals.urls, 'URL')} "
            f"{would}{'rewritten' if operation == 'apply' else 'put back'}"
        )
        _list_left(console, plan, operation)
    if totals.planned and totals.outcomes["gone"] == totals.planned:
        console.warn(
            "every planned document is gone: is this the database that the plan was made from?"
        )
    if totals.left:
        raise IncompleteError(
            f"{counted(totals.left, 'document')} left as they were."
            " Running the same command again is safe."
        )


_LISTED = 20


def _list_left(console: Console, plan: Plan, operation: Operation) -> None:
    left = plan.left_documents(operation)
    for path, outcome, detail in left[:_LISTED]:
        console.say(f"  {outcome:<9} {printable(path)}  {printable(detail)}".rstrip())
    if len(left) > _LISTED:
        console.say(f"  ... and {len(left) - _LISTED:,} more: url-rewriter show --outcome")
