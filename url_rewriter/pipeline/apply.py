"""Apply a plan: write what was planned, proven and journaled first; no concurrent edit is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import islice
from pathlib import Path

from url_rewriter.concurrency.interruption import Stop
from url_rewriter.concurrency.rate import WriteRate
from url_rewriter.documents import Document, Environment
from url_rewriter.errors import ChecksFailedError, IncompleteError, NextStep, RefusedError
from url_rewriter.next_steps import PlanCommands, after_plan
from url_rewriter.objects import ObjectStore, Prove
from url_rewriter.pipeline.canary import choose, look
from url_rewriter.pipeline.consent import Consent, Operator, require_consent
from url_rewriter.pipeline.controlled import controlled
from url_rewriter.pipeline.forecast import forecast_writes
from url_rewriter.pipeline.held_plan import (
    DryRunStore,
    ending,
    held_plan,
    planned_planner,
    planned_rules,
    require_same_store,
)
from url_rewriter.pipeline.last_look import LastLook
from url_rewriter.pipeline.named_endpoint import require_named_endpoint
from url_rewriter.pipeline.outcomes import WriteTask
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.read_back import WriteHistory
from url_rewriter.pipeline.services import Services
from url_rewriter.pipeline.write_loop import DocumentWriter, Writer
from url_rewriter.pipeline.written import Written, tell_writes
from url_rewriter.planfile import (
    Journal,
    Operation,
    Plan,
)
from url_rewriter.planning import (
    Planner,
    Replanned,
    count_already_new,
    find_standing,
    replan,
    tell_blocking,
)
from url_rewriter.rules import Rules, digest_of
from url_rewriter.text import counted


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """Which plan file to write, and how.

    ``store`` and ``rules`` must be the plan's, where they are given. ``canary`` documents are
    written and looked at first. At most ``max_writes`` documents are written, at most ``max_rps`` a
    second.
    """

    path: Path
    consent: Consent = Consent()
    dry_run: bool = False
    store: str | None = None
    rules_file: Path | None = None
    canary: int | None = None
    max_writes: int | None = None
    max_rps: float | None = None


def apply(
    request: ApplyRequest, services: Services, progress: Progress, operator: Operator
) -> Written:
    """Write a plan; an interrupted apply is continued by the same request.

    Raises ChecksFailedError for a plan that is blocked, RefusedError for other rules or another
    store than the plan's, ConfigurationError where the operator does not agree, and IncompleteError
    where the operator stops after the canary.
    """
    with (
        held_plan(request.path, dry_run=request.dry_run) as (plan, stack),
        controlled(request.path, "apply", progress) as listener,
    ):
        rules = planned_rules(plan)
        _require_applicable(plan, rules, request, services)
        store = stack.enter_context(services.store(request.store or plan.header.store))
        require_same_store(plan, store)
        ramp = store.environment is Environment.PRODUCTION
        planned = plan.count_pending(Operation.APPLY)
        tell = partial(tell_writes, plan, Operation.APPLY, request.path, dry_run=request.dry_run)
        if not planned:
            return tell(nothing_left=True)
        writes = min(planned, request.max_writes or planned)
        progress.note(f"forecast {forecast_writes(writes, ramp=ramp, cap=request.max_rps)}")
        if not request.dry_run:
            question = f"Write {counted(writes, 'document')} of {store.locator}?"
            require_consent(store, question, request.consent, operator)
        with ending(Journal(plan, Operation.APPLY)) as journal, ExitStack() as opened:
            opened.enter_context(listener.listening(plan.seal, journal.add_controls))
            writing = PlanWriter(
                journal=journal,
                store=DryRunStore(store) if request.dry_run else store,
                planner=planned_planner(plan),
                objects=cache(lambda: opened.enter_context(services.objects(rules, Prove.HEAD))),
                rate=WriteRate(ramp=ramp, cap=request.max_rps),
            )
            most = request.max_writes
            if request.canary is not None and not request.dry_run:
                canaries = _write_canary(writing, request, progress, operator)
                most = None if most is None else most - canaries
            left = plan.count_pending(Operation.APPLY)
            progress.begin("apply", "docs", left if most is None else min(left, most))
            writing.write(progress, max_writes=most)
            progress.end()
        return tell()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanWriter:
    """Writes the documents of a plan, whose targets ``objects`` is asked for just before."""

    journal: Journal
    store: DocumentWriter
    planner: Planner
    objects: Callable[[], ObjectStore]
    rate: WriteRate
    pause: Callable[[float], None] = time.sleep

    def write(
        self,
        progress: Progress,
        *,
        only: Collection[int] | None = None,
        max_writes: int | None = None,
    ) -> None:
        """Bring every planned document that is not done to an outcome, kept in the journal.

        ``only`` narrows the run to some documents of the plan, ``max_writes`` to so many of those
        that are left. Raises InterruptedRunError when asked to stop, between two batches, and
        ServiceError when the store or the disk fails for good; the same call continues.
        """
        writes = (write for write in self.journal.to_apply() if only is None or write.id in only)
        with Stop(progress.warn, pause=self.pause) as stop:
            looked = LastLook(self.journal, self.objects, self.rate, stop, progress)
            there = looked.passing(islice(writes, max_writes))
            tasks = (WriteTask(write.id, write.path, write.edits, write.kept) for write in there)
            Writer(self.store, self.journal, self, progress, self.rate, stop).run(tasks)

    # -- the policy of an apply ---------------------------------------------------------------

    def decide(self, task: WriteTask, fresh: Document, history: WriteHistory) -> Replanned:
        """What the plan means for a document as it is now."""
        known = partial(self.journal.plan.known_targets, task.document)
        replanned = replan(self.planner, task.edits, task.kept, fresh, known)
        if not replanned.edits:
            return replanned
        standing = find_standing(self.planner, replanned.edits, history.ours, fresh)
        return replace(replanned, standing=standing)

    def expected(self, task: WriteTask, history: WriteHistory) -> int:
        """How many URLs were planned."""
        return sum(edit.urls for edit in task.edits)

    def already_new(self, task: WriteTask, fresh: Document) -> int:
        """How many of the planned URLs stand in the document already."""
        return count_already_new(self.planner, task.edits, fresh)

    def keeps(self, history: WriteHistory) -> bool:
        """An apply leaves nothing that it was not asked for."""
        return False


def _write_canary(
    writing: PlanWriter, request: ApplyRequest, progress: Progress, operator: Operator
) -> int:
    """Write a few documents and look at them; how many.

    Raises IncompleteError where that is the end.
    """
    wanted = request.canary or 0
    chosen = choose(writing.journal.to_apply(), min(wanted, request.max_writes or wanted))
    progress.begin("canary", "docs", len(chosen))
    writing.write(progress, only={write.id for write in chosen})
    progress.end()
    sightings = look(writing.store, writing.journal.plan, chosen)
    trouble = [each for each in sightings if each.trouble]
    for each in trouble:
        progress.note(f"  {each.document} {each.url}".rstrip() + f": {each.trouble}")
    progress.note(
        f"canary   {counted(len(chosen), 'document')} written and read back, "
        f"{counted(sum(bool(each.url) for each in sightings), 'new URL')} fetched, "
        f"{counted(len(trouble), 'trouble')}"
    )
    commands = PlanCommands.of(writing.journal.plan, str(request.path))
    if operator.present:
        goes_on = operator.agrees("Go on?")
    else:
        goes_on = not trouble and request.consent.given
    if not goes_on:
        raise IncompleteError(
            "Stopped after the canary: the same command without --canary goes on."
        ).then(NextStep("Undo it", commands.rollback()), NextStep("Go on", commands.apply()))
    return len(chosen)


def _require_applicable(
    plan: Plan, rules: Rules, request: ApplyRequest, services: Services
) -> None:
    path, rules_file = request.path, request.rules_file
    if rules_file is not None and digest_of(services.read_rules(rules_file)) != digest_of(rules):
        raise RefusedError(
            f"{path} was made by other rules than {rules_file} holds now. Make the plan again."
        )
    summary = plan.summarize()
    if summary.blocked:
        raise ChecksFailedError(
            f"{path} is blocked: {tell_blocking(summary.blocking)}. Nothing was written."
        ).then(*after_plan(PlanCommands.of(plan, str(path)), summary))
    if rules_file is None:
        require_named_endpoint(plan, services)
