"""``apply``: write a plan."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from url_rewriter.cli import options, services, session
from url_rewriter.cli.console import Console, printable
from url_rewriter.cli.wording import counted
from url_rewriter.errors import ChecksFailedError, RefusedError

if TYPE_CHECKING:
    from url_rewriter.objects import ObjectStore
    from url_rewriter.planfile import Plan
    from url_rewriter.rules import Rules


@click.command()
@options.plan_argument
@options.consent_options
@options.option(
    "--max-age", type=options.Duration(), default="24h", show_default=True, metavar="DURATION",
    help="Prove targets again whose evidence is older, before they are written.",
)  # fmt: skip
@options.rules_option(required=False)
@options.store_options
@options.object_options
@options.workers_option
@options.output_options
def apply(
    console: Console,
    *,
    plan_file: Path,
    consent: services.Consent,
    max_age: timedelta,
    rules_file: Path | None,
    store: str | None,
    project: str | None,
    database: str | None,
    s3_endpoint: str | None,
    max_rps: float | None,
    workers: int | None,
) -> None:
    """Write a plan, losing nobody's concurrent edit.

    An interrupted apply is continued by the same command; `rollback` undoes it.

    \b
    Example:
      url-rewriter apply omi.plan --confirm omi-prod

    Exit status 3: the plan is blocked. 5: documents that changed meanwhile were left alone.
    """
    from url_rewriter.pipeline.apply import apply as apply_plan
    from url_rewriter.planfile import Operation

    with session.held_plan(plan_file, dry_run=consent.dry_run) as (plan, stack):
        rules = services.planned_rules(plan)
        _require_applicable(plan_file, plan, rules, rules_file)
        opened = session.open_planned_store(stack, plan, store, project, database)
        planned = plan.count("SELECT count(DISTINCT document) FROM strings WHERE after IS NOT NULL")
        question = f"Write {counted(planned, 'document')} of {printable(opened.locator)}?"
        services.ask_consent(console, opened, question, consent)
        with session.run_of(plan, Operation.APPLY) as journal:
            progress = console.progress()
            progress.begin("apply", "docs", planned)
            apply_plan(
                journal,
                session.DryRunStore(opened) if consent.dry_run else opened,
                services.Limits.from_json(plan.header.limits).planner(rules),
                lambda: _objects(stack, rules, s3_endpoint, workers, max_rps),
                progress,
                max_age=max_age,
            )
            progress.end()
        session.conclude(console, plan, Operation.APPLY, plan_file, dry_run=consent.dry_run)
    if not consent.dry_run:
        console.say(f"\n  Check it    url-rewriter verify {plan_file}")
        console.say(f"  Undo it     url-rewriter rollback {plan_file}")


def _objects(
    stack: ExitStack,
    rules: Rules,
    s3_endpoint: str | None,
    workers: int | None,
    max_rps: float | None,
) -> ObjectStore:
    return stack.enter_context(services.open_objects(rules, s3_endpoint, workers, max_rps))


def _require_applicable(plan_file: Path, plan: Plan, rules: Rules, rules_file: Path | None) -> None:
    from url_rewriter.planfile import summarize

    if rules_file is not None and services.read_rules(rules_file).digest != rules.digest:
        raise RefusedError(
            f"{plan_file} was made by other rules than {rules_file} holds now. Make the plan again."
        )
    blocking = summarize(plan.connection).blocking
    if blocking:
        raise ChecksFailedError(
            f"{plan_file} is blocked: {counted(blocking, 'URL')} stand against it; nothing was "
            f"written. See `url-rewriter show {plan_file}`, then make the plan again."
        )
