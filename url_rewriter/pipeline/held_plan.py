"""Holding a plan file that is added to: its lock, its rules, its store, its runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TypeVar

from url_rewriter.documents import Document, Update, WriteResult, WriteStatus
from url_rewriter.errors import RefusedError
from url_rewriter.pipeline.requests import Limits
from url_rewriter.pipeline.scan import make_planner
from url_rewriter.pipeline.write_loop import DocumentWriter
from url_rewriter.planfile import FileLock, Plan, Run
from url_rewriter.planning import Planner
from url_rewriter.rules import Rules, rules_from_json
from url_rewriter.stores.base import DocumentReader

R = TypeVar("R", bound=Run)


@contextmanager
def held_plan(path: Path, *, dry_run: bool) -> Iterator[tuple[Plan, ExitStack]]:
    """The plan at ``path``, for this process alone, its seal intact.

    A dry run works on a copy that is thrown away. What is pushed onto the stack is closed before
    the plan is.
    """
    Plan(path).close()  # says what is wrong with the path before anything else does
    lock = FileLock(path)
    try:
        with closing(Plan(path)) as kept:  # a file that is damaged is not touched
            kept.check()
            kept.check_entries(planned_planner(kept))
        with ExitStack() as stack:
            plan = Plan.copied(path) if dry_run else Plan(path, writable=True)
            stack.callback(plan.close)
            yield plan, stack
    finally:
        lock.release()


@contextmanager
def ending(run: R) -> Iterator[R]:
    """A run that says how it ended."""
    try:
        yield run
    except BaseException as error:
        run.close(type(error).__name__)
        raise
    run.close("done")


def planned_rules(plan: Plan) -> Rules:
    """The rules that a plan was made by."""
    return rules_from_json(plan.header.rules)


def planned_planner(plan: Plan) -> Planner:
    """A planner as the plan was made with."""
    return make_planner(planned_rules(plan), Limits.of(plan.header.invocation))


def require_same_store(plan: Plan, store: DocumentReader) -> None:
    """Raise RefusedError unless the store that was opened is the plan's."""
    planned = (plan.header.store, plan.header.kept_at)
    if planned != (store.locator, store.environment):
        raise RefusedError(
            f"{plan.path} is a plan for {planned[0]} ({planned[1]}), not for {store.locator}"
            f" ({store.environment}). Nothing was written. FIRESTORE_EMULATOR_HOST decides whether"
            " an emulator is meant."
        )


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
