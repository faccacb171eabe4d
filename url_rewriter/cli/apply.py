"""``apply``: write a plan."""

from __future__ import annotations

from pathlib import Path

import click

from url_rewriter.cli import options
from url_rewriter.cli.console import Console, Terminal
from url_rewriter.cli.writing import conclude
from url_rewriter.pipeline.consent import Consent
from url_rewriter.pipeline.requests import StoreChoice


@click.command()
@options.plan_argument
@options.consent_options
@options.option(
    "--canary", type=click.IntRange(min=1), metavar="N",
    help="Write N documents first, spread over the collections, read them back, fetch their new "
    "URLs, and ask before going on.",
)  # fmt: skip
@options.option(
    "--max-age", type=options.Duration(), metavar="DURATION", expose_value=False,
    help="Has no effect any more: every target is asked for just before it is written.",
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
    dry_run: bool,
    canary: int | None,
    max_writes: int | None,
    max_rps: float | None,
    rules_file: Path | None,
    chosen: StoreChoice,
    s3_endpoint: str | None,
    workers: int | None,
) -> None:
    """Write a plan, losing no concurrent edit.

    An interrupted apply is continued by the same command; `rollback` undoes it.

    \b
    Examples:
      url-rewriter apply omi.plan --confirm omi-prod
      url-rewriter apply omi.plan --confirm omi-prod --canary 20

    Exit status 3: the plan is blocked. 5: documents that changed meanwhile were left alone.
    """
    from url_rewriter.pipeline.apply import ApplyRequest
    from url_rewriter.pipeline.apply import apply as apply_plan

    services = options.make_services(s3_endpoint, max_rps, workers)
    request = ApplyRequest(
        path=plan_file,
        consent=consent,
        dry_run=dry_run,
        store=chosen.locate(services.environ) if chosen.made else None,
        rules_file=rules_file,
        canary=canary,
        max_writes=max_writes,
        max_rps=max_rps,
    )
    conclude(console, apply_plan(request, services, console.progress(), Terminal(console)))
