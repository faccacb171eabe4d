"""``apply``: write a plan."""

from __future__ import annotations

from pathlib import Path

import click

from url_rewriter.cli import options
from url_rewriter.cli.console import Console, Terminal
from url_rewriter.cli.parameter_types import Duration
from url_rewriter.cli.writing import conclude
from url_rewriter.pipeline.consent import Consent
from url_rewriter.pipeline.requests import StoreChoice


@options.command(
    says={
        "--rules": "Refuse the plan if it was made by other rules than these.",
        "--store": "Refuse the plan if it is of another database than this.",
        "--project": "The same for a project, in place of --store.",
        "--database": "The same for a database, beside --project.",
        "--dry-run": "Read, decide and ask for every target, but write nothing.",
        "--s3-endpoint": "Where every target is asked for just before its write  [default: "
        "$S3_ENDPOINT_URL, else the endpoint that the rules write].",
        "--workers": "Targets asked for at once  [default: 256].",
    }
)
@options.plan_argument
@options.consent_options
@options.write_option(
    "--canary", type=click.IntRange(min=1), metavar="N",
    help="Write N documents first, spread over the collections, read them back, fetch their new "
    "URLs, and ask before going on.",
)  # fmt: skip
@options.evidence_option(
    "--max-age", type=Duration(), metavar="DURATION", expose_value=False,
    help="Has no effect any more: every target is asked for just before it is written.",
)  # fmt: skip
@options.write_option(
    "--max-writes", type=click.IntRange(min=1), metavar="N",
    help="Write at most N documents; the same command goes on.",
)  # fmt: skip
@options.write_pace_option
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
