"""Roll back what an apply wrote, where it is still ours."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from url_rewriter.concurrency.interruption import Stop
from url_rewriter.concurrency.rate import WriteRate
from url_rewriter.documents import Document, Edit, Environment
from url_rewriter.pipeline.consent import Consent, Operator, require_consent
from url_rewriter.pipeline.controlled import controlled
from url_rewriter.pipeline.forecast import forecast_writes
from url_rewriter.pipeline.held_plan import (
    DryRunStore,
    ending,
    held_plan,
    planned_planner,
    require_same_store,
)
from url_rewriter.pipeline.outcomes import WriteTask
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.read_back import WriteHistory
from url_rewriter.pipeline.services import Services
from url_rewriter.pipeline.write_loop import DocumentWriter, Writer
from url_rewriter.pipeline.written import Written, nothing_to_put_back, tell_writes
from url_rewriter.planfile import Journal, Operation, WriteFilter
from url_rewriter.planning import Ours, Planner, Replanned, undo, written_targets
from url_rewriter.text import counted


@dataclass(frozen=True, slots=True)
class RollbackRequest:
    """Which plan file to undo; ``wanted`` narrows it to a document or to the URLs of a rule.

    ``store`` must be the plan's, where it is given. At most ``max_rps`` documents are written a
    second.
    """

    path: Path
    consent: Consent = Consent()
    dry_run: bool = False
    store: str | None = None
    wanted: WriteFilter = WriteFilter()
    max_rps: float | None = None


def rollback(
    request: RollbackRequest, services: Services, progress: Progress, operator: Operator
) -> Written:
    """Put back every string that apply wrote; an interrupted rollback is continued.

    Raises RefusedError for another store than the plan's, and ConfigurationError where the operator
    does not agree.
    """
    with (
        held_plan(request.path, dry_run=request.dry_run) as (plan, stack),
        controlled(request.path, "rollback", progress) as listener,
    ):
        store = stack.enter_context(services.store(request.store or plan.header.store))
        require_same_store(plan, store)
        ramp = store.environment is Environment.PRODUCTION
        planned = plan.count_pending(Operation.ROLLBACK, request.wanted)
        if not planned:
            return nothing_to_put_back(plan, request.path, dry_run=request.dry_run)
        progress.note(f"forecast {forecast_writes(planned, ramp=ramp, cap=request.max_rps)}")
        if not request.dry_run:
            question = f"Put back {counted(planned, 'document')} of {store.locator}?"
            require_consent(store, question, request.consent, operator)
        with ending(Journal(plan, Operation.ROLLBACK)) as journal:
            if next(journal.to_roll_back(request.wanted), None) is None:
                return nothing_to_put_back(plan, request.path, dry_run=request.dry_run)
            progress.begin("rollback", "docs", planned)
            with listener.listening(plan.seal, journal.add_controls):
                put_back(
                    journal,
                    DryRunStore(store) if request.dry_run else store,
                    progress,
                    WriteRate(ramp=ramp, cap=request.max_rps),
                    wanted=request.wanted,
                )
            progress.end()
        return tell_writes(
            plan, Operation.ROLLBACK, request.path, dry_run=request.dry_run, wanted=request.wanted
        )


def put_back(
    journal: Journal,
    store: DocumentWriter,
    progress: Progress,
    rate: WriteRate,
    *,
    wanted: WriteFilter = WriteFilter(),
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Put back every string that still reads as it was written, the document written last first.

    ``wanted`` narrows it to a document, or to the strings that hold a URL of one rule. Raises
    InterruptedRunError when asked to stop, between two batches, and ServiceError when the store or
    the disk fails for good; the same call continues.
    """
    policy = _RollbackPolicy(planned_planner(journal.plan), wanted.rule)
    with Stop(progress.warn, pause=pause) as stop:
        tasks = (WriteTask(document, path) for document, path in journal.to_roll_back(wanted))
        Writer(store, journal, policy, progress, rate, stop).run(tasks)


@dataclass(frozen=True, slots=True)
class _RollbackPolicy:
    """Puts back what an apply wrote, or of it the strings with a URL of one rule."""

    planner: Planner
    rule: str | None

    def decide(self, task: WriteTask, fresh: Document, history: WriteHistory) -> Replanned:
        """What putting back means for a document as it is now."""
        return undo(self.planner, self._wanted(history), fresh)

    def expected(self, task: WriteTask, history: WriteHistory) -> int:
        """How many URLs were written and not put back, with those that this rollback put back."""
        live = sum(edit.urls for edit in self._wanted(history).live)
        return live + history.written(Operation.ROLLBACK)

    def already_new(self, task: WriteTask, fresh: Document) -> int:
        """None: what the application put back itself is gone."""
        return 0

    def keeps(self, history: WriteHistory) -> bool:
        """Whether strings of other rules stay as they were written."""
        return len(self._wanted(history).live) < len(history.ours.live)

    def _wanted(self, history: WriteHistory) -> Ours:
        ours = history.ours
        if self.rule is None:
            return ours
        live = tuple(filter(self._is_of_rule, ours.live))
        stay = tuple((edit.value_path, edit.after) for edit in ours.live if edit not in live)
        return replace(
            ours,
            live=live,
            written=tuple(filter(self._is_of_rule, ours.written)),
            standing=tuple(dict.fromkeys((*ours.standing, *stay))),
        )

    def _is_of_rule(self, edit: Edit) -> bool:
        """Whether an edit rewrote a URL that the rule takes, planned before or just then."""
        planned = self.planner.plan_text((), edit.before)
        written = written_targets(self.planner, [edit])
        return any(
            candidate.rule.name == self.rule and candidate.target in written
            for url in (planned.urls if planned else ())
            for candidate in url.candidates
        )
