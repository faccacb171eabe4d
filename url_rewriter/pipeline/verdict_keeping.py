"""Keeping the verdict of ``verify`` where its plan is, or in a file of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from url_rewriter.errors import RefusedError, ServiceError
from url_rewriter.pipeline.held_plan import ending
from url_rewriter.pipeline.progress import Progress
from url_rewriter.planfile import FileLock, KeptVerdict, Plan, Run


@dataclass(frozen=True, slots=True)
class JudgedPlan:
    """A plan that was applied, as gates are judged by it.

    ``disturbed`` says why it cannot be judged: another process works with it, or has written to it
    while the database was read. ``writable``: it is held by this process, and keeps the verdict.
    """

    plan: Plan | None
    disturbed: str = ""
    writable: bool = False


@contextmanager
def plan_to_judge(seen: Plan, progress: Progress) -> Iterator[JudgedPlan]:
    """The plan that was opened before a scan, ``seen``, as it is now, for this process alone.

    One that this process may not write to is judged as it was, and keeps no verdict.
    """
    path, before = seen.path, seen.chain_head()
    try:
        lock = FileLock(path)
    except RefusedError:
        yield JudgedPlan(seen, "another process is working with the plan file")
        return
    except ServiceError as error:
        progress.warn(f"{error} The verdict is not kept there.")
        yield JudgedPlan(seen)
        return
    try:
        seen.close()  # to be one file in the end, none of its readers may be left
        with closing(Plan(path)) as kept:
            kept.check()
            changed = kept.chain_head() != before
        disturbed = "the plan file was written to while the database was read" if changed else ""
        with closing(Plan(path, writable=True)) as plan:
            yield JudgedPlan(plan, disturbed, writable=not disturbed)
    finally:
        lock.release()


def keep_verdict(plan: Plan, verdict: KeptVerdict) -> None:
    """Add a verdict to a plan file that this process holds."""
    with ending(Run(plan, "verify")) as run:
        run.add_verdict(verdict)


def keep_scan(fresh: Plan, path: Path, verdict: KeptVerdict) -> None:
    """Make a plan file of a fresh scan, with its verdict."""
    fresh.keep_as(path)
    lock = FileLock(path)
    try:
        with closing(Plan(path, writable=True)) as plan:
            keep_verdict(plan, verdict)
    finally:
        lock.release()
