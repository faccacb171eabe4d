"""``rollback``: undo what apply wrote."""

from __future__ import annotations

from pathlib import Path

import click

from url_rewriter.cli import options, services, session
from url_rewriter.cli.console import Console, printable
from url_rewriter.cli.wording import counted


@click.command()
@options.plan_argument
@options.consent_options
@options.store_options
@options.output_options
def rollback(
    console: Console,
    *,
    plan_file: Path,
    consent: services.Consent,
    store: str | None,
    project: str | None,
    database: str | None,
) -> None:
    """Put back every string that apply wrote, where it is still ours.

    What was edited since is left alone and listed. An interrupted rollback is continued by the same
    command.

    \b
    Example:
      url-rewriter rollback omi.plan --confirm omi-prod

    Exit status 5: strings that were edited since were left alone.
    """
    from url_rewriter.pipeline.rollback import rollback as roll_back
    from url_rewriter.planfile import Operation, count_writes

    with session.held_plan(plan_file, dry_run=consent.dry_run) as (plan, stack):
        opened = session.open_planned_store(stack, plan, store, project, database)
        written = count_writes(plan.connection, Operation.ROLLBACK).planned
        question = f"Put back {counted(written, 'document')} of {printable(opened.locator)}?"
        services.ask_consent(console, opened, question, consent)
        with session.run_of(plan, Operation.ROLLBACK) as journal:
            progress = console.progress()
            progress.begin("rollback", "docs", written)
            roll_back(journal, session.DryRunStore(opened) if consent.dry_run else opened, progress)
            progress.end()
        session.conclude(console, plan, Operation.ROLLBACK, plan_file, dry_run=consent.dry_run)
