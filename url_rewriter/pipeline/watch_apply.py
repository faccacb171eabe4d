"""Writing stragglers as all documents are: planned, proven, journaled, in plans of their own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from url_rewriter.errors import ChecksFailedError, ServiceError
from url_rewriter.pipeline.apply import ApplyRequest, apply
from url_rewriter.pipeline.consent import Consent, NoOperator
from url_rewriter.pipeline.plan import PlanRequest, plan
from url_rewriter.pipeline.progress import NoProgress, Progress
from url_rewriter.pipeline.requests import Limits
from url_rewriter.pipeline.services import Services
from url_rewriter.pipeline.watch_stragglers import straggler_plan
from url_rewriter.planfile import Plan, Straggler, UrlFilter
from url_rewriter.rules import Rules
from url_rewriter.text import counted

_MOST = 2_000
"""Documents in one plan file."""


@dataclass(frozen=True, slots=True)
class StragglerWriter:
    """Writes stragglers of the plan at ``path``; each batch is a plan file beside it."""

    path: Path
    store: str
    rules: Rules
    fields: tuple[str, ...]
    consent: Consent
    max_rps: float | None
    services: Services
    progress: Progress

    def write(self, stragglers: Sequence[Straggler]) -> tuple[Path | None, list[Straggler]]:
        """Write what can be written; the plan file, and the stragglers that it holds.

        What stands in the way of others, such as a target that is missing, is said, and is left for
        the next time.
        """
        documents = list(dict.fromkeys(each.document for each in stragglers))[:_MOST]
        path = self._free_path()
        while documents:
            try:
                blocked = self._plan_and_apply(path, documents)
            except ServiceError as error:
                self.progress.warn(f"{error} The stragglers are written later.")
                return None, []
            if not blocked:
                done = set(documents)
                return path, [each for each in stragglers if each.document in done]
            documents = [each for each in documents if each not in blocked]
        return None, []

    def _plan_and_apply(self, path: Path, documents: Sequence[str]) -> set[str]:
        """Plan the documents and write them; those that block the plan, where some do."""
        limits = Limits(documents=tuple(documents), fields=self.fields)
        plan(PlanRequest(path, self.store, self.rules, limits=limits), self.services, NoProgress())
        with closing(Plan(path)) as made:
            blocked = {each.document for each in made.urls(UrlFilter(blocking=True))}
        if blocked:
            self.progress.warn(
                f"{counted(len(blocked), 'straggler')} cannot be written: see `url-rewriter show "
                f"{path} --blocking`. It is tried again later."
            )
            return blocked
        request = ApplyRequest(path, self.consent, max_rps=self.max_rps)
        try:
            written = apply(request, self.services, NoProgress(), NoOperator())
        except ChecksFailedError as error:
            self.progress.warn(f"{error} The stragglers are written later.")
            return set(documents)
        self.progress.note(
            f"wrote    {counted(written.totals.outcomes['written'], 'straggler')} from {path}; "
            f"`url-rewriter rollback {path}` undoes it"
        )
        return set()

    def _free_path(self) -> Path:
        """A name beside the plan file that no written plan has."""
        number = 1
        while (path := straggler_plan(self.path, number)).exists() and _is_written(path):
            number += 1
        return path


def _is_written(path: Path) -> bool:
    with closing(Plan(path)) as plan:
        return plan.history().last_operation is not None
