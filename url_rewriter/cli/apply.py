"""``apply``: write a plan."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from url_rewriter.cli import options, services, writing
from url_rewriter.cli.consent import Consent, ask_consent, may_ask
from url_rewriter.cli.console import Console, printable
from url_rewriter.documents import Environment
from url_rewriter.errors import ChecksFailedError, IncompleteError, RefusedError
from url_rewriter.text import counted

if TYPE_CHECKING:
    from url_rewriter.concurrency.rate import WriteRate
    from url_rewriter.objects import ObjectStore
    from url_rewriter.pipeline.write_loop import DocumentWriter
    from url_rewriter.planfile import Journal, Plan
    from url_rewriter.planning import Planner
    from url_rewriter.rules import Rules


@click.command()
@options.plan_argument
@options.consent_options
@options.option(
    "--canary", type=click.IntRange(min=1), metavar="N",
    help="Write N documents first, spread over the collections, read them back, fetch their new "
    "URLs, and ask before going on.",
)  # fmt: skip
@options.option(
    "--max-age", type=options.Duration(), default="24h", show_default=True, metavar="DURATION",
    help="Prove targets again whose evidence is older, before they are written.",
)  # fmt: skip
@options.option(
    "--max-writes", type=click.IntRange(min=1), metavar="N",
    help="Write at most N documents; the same command goes on.",
)  # fmt: skip
@options.pace_option
@options.rules_option(required=False)
@options.store_options
@options.endpoint_option
@options.workers_option
@options.output_options
def apply(
    console: Console,
    *,
    plan_file: Path,
    consent: Consent,
    canary: int | None,
    max_age: timedelta,
    max_writes: int | None,
    max_rps: float | None,
    rules_file: Path | None,
    chosen: services.StoreChoice,
    s3_endpoint: str | None,
    workers: int | None,
) -> None:
    """Write a plan, losing nobody's concurrent edit.

    An interrupted apply is continued by the same command; `rollback` undoes it.

    \b
    Examples:
      url-rewriter apply omi.plan --confirm omi-prod
      url-rewriter apply omi.plan --confirm omi-prod --canary 20

    Exit status 3: the plan is blocked. 5: documents that changed meanwhile were left alone.
    """
    from url_rewriter.concurrency.rate import WriteRate
    from url_rewriter.pipeline.forecast import forecast_writes
    from url_rewriter.planfile import Operation

    with writing.held_plan(plan_file, dry_run=consent.dry_run) as (plan, stack):
        rules = services.planned_rules(plan)
        _require_applicable(plan_file, plan, rules, rules_file)
        opened = writing.open_planned_store(stack, plan, chosen)
        s3 = services.S3Options(s3_endpoint, max_rps, workers=workers)
        ramp = opened.environment is Environment.PRODUCTION
        planned = plan.count_pending(Operation.APPLY)
        writes = min(planned, max_writes or planned)
        console.say(f"forecast {forecast_writes(writes, ramp=ramp, cap=max_rps)}")
        question = f"Write {counted(writes, 'document')} of {printable(opened.locator)}?"
        ask_consent(console, opened, question, consent)
        with writing.run_of(plan, Operation.APPLY) as journal:
            run = _Run(
                console=console,
                journal=journal,
                store=writing.DryRunStore(opened) if consent.dry_run else opened,
                planner=services.Limits.of(plan.header.invocation).planner(rules),
                objects=cache(lambda: stack.enter_context(services.open_objects(rules, s3))),
                pace=WriteRate(ramp=ramp, cap=max_rps),
                max_age=max_age,
            )
            if canary is not None and not consent.dry_run:
                run.canary(canary, consent)
            run.write("apply", writes, max_writes=max_writes)
        writing.conclude(console, plan, Operation.APPLY, plan_file, dry_run=consent.dry_run)
    if not consent.dry_run:
        console.say(f"\n  Check it    url-rewriter verify {plan_file}")
        console.say(f"  Undo it     url-rewriter rollback {plan_file}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One apply: what it writes with, and its canary."""

    console: Console
    journal: Journal
    store: DocumentWriter
    planner: Planner
    objects: Callable[[], ObjectStore]
    pace: WriteRate
    max_age: timedelta

    def write(
        self,
        stage: str,
        total: int,
        *,
        only: Collection[int] | None = None,
        max_writes: int | None = None,
    ) -> None:
        """Write what is left of the plan, or of ``only``."""
        from url_rewriter.pipeline.apply import apply as apply_plan

        progress = self.console.progress()
        progress.begin(stage, "docs", total)
        apply_plan(
            self.journal,
            self.store,
            self.planner,
            self.objects,
            progress,
            pace=self.pace,
            max_age=self.max_age,
            only=only,
            max_writes=max_writes,
        )
        progress.end()

    def canary(self, count: int, consent: Consent) -> None:
        """Write a few documents and look at them. Raises IncompleteError where that is the end."""
        from url_rewriter.pipeline.canary import choose, look

        chosen = choose(self.journal.to_apply(), count)
        self.write("canary", len(chosen), only={write.id for write in chosen})
        sightings = look(self.store, self.journal.plan, chosen)
        trouble = [each for each in sightings if each.trouble]
        for each in trouble:
            where = f"{each.document} {each.url}".rstrip()
            self.console.say(f"  {printable(where)}: {printable(each.trouble)}")
        self.console.say(
            f"canary   {counted(len(chosen), 'document')} written and read back, "
            f"{counted(sum(bool(each.url) for each in sightings), 'new URL')} fetched, "
            f"{counted(len(trouble), 'trouble')}"
        )
        if not self._goes_on(trouble=bool(trouble), consent=consent):
            raise IncompleteError(
                f"Stopped after the canary. `url-rewriter rollback {self.journal.plan.path}` undoes"
                " it; the same command without --canary goes on."
            )

    def _goes_on(self, *, trouble: bool, consent: Consent) -> bool:
        if may_ask(self.console):
            return click.confirm("Go on?", err=True, default=False)
        return not trouble and (consent.yes or consent.confirm is not None)


def _require_applicable(plan_file: Path, plan: Plan, rules: Rules, rules_file: Path | None) -> None:
    if rules_file is not None and services.read_rules(rules_file).digest != rules.digest:
        raise RefusedError(
            f"{plan_file} was made by other rules than {rules_file} holds now. Make the plan again."
        )
    blocking = sum(plan.summarize().blocking.values())
    if blocking:
        raise ChecksFailedError(
            f"{plan_file} is blocked: {counted(blocking, 'URL')} stand against it; nothing was "
            f"written. See `url-rewriter show {plan_file}`, then make the plan again."
        )
