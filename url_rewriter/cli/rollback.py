"""``rollback``: undo what apply wrote."""

from __future__ import annotations

from pathlib import Path

import click

from url_rewriter.cli import options, services, writing
from url_rewriter.cli.consent import Consent, ask_consent
from url_rewriter.cli.console import Console, printable
from url_rewriter.documents import Environment
from url_rewriter.text import counted


@click.command()
@options.plan_argument
@options.option("--document", metavar="PATH", help="Put back this document only.")
@options.option("--rule", metavar="NAME", help="Put back strings with a URL of this rule only.")
@options.consent_options
@options.pace_option
@options.store_options
@options.output_options
def rollback(
    console: Console,
    *,
    plan_file: Path,
    document: str | None,
    rule: str | None,
    consent: Consent,
    max_rps: float | None,
    chosen: services.StoreChoice,
) -> None:
    """Put back every string that apply wrote, where it is still ours.

    What was edited since is left alone and listed. An interrupted rollback is continued by the same
    command.

    \b
    Examples:
      url-rewriter rollback omi.plan --confirm omi-prod
      url-rewriter rollback omi.plan --document users/ada --dry-run

    Exit status 5: strings that were edited since were left alone.
    """
    from url_rewriter.concurrency.rate import WriteRate
    from url_rewriter.pipeline.forecast import forecast_writes
    from url_rewriter.pipeline.rollback import rollback as roll_back
    from url_rewriter.planfile import Operation, WriteFilter

    wanted = WriteFilter(document, rule)
    with writing.held_plan(plan_file, dry_run=consent.dry_run) as (plan, stack):
        opened = writing.open_planned_store(stack, plan, chosen)
        ramp = opened.environment is Environment.PRODUCTION
        planned = plan.count_pending(Operation.ROLLBACK, wanted)
        console.say(f"forecast {forecast_writes(planned, ramp=ramp, cap=max_rps)}")
        question = f"Put back {counted(planned, 'document')} of {printable(opened.locator)}?"
        ask_consent(console, opened, question, consent)
        with writing.run_of(plan, Operation.ROLLBACK) as journal:
            progress = console.progress()
            progress.begin("rollback", "docs", planned)
            roll_back(
                journal,
                writing.DryRunStore(opened) if consent.dry_run else opened,
                progress,
                pace=WriteRate(ramp=ramp, cap=max_rps),
                wanted=wanted,
            )
            progress.end()
        writing.conclude(
            console, plan, Operation.ROLLBACK, plan_file, dry_run=consent.dry_run, wanted=wanted
        )
