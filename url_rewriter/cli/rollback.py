"""``rollback``: undo what apply wrote."""

from __future__ import annotations

from pathlib import Path

from url_rewriter.cli import options
from url_rewriter.cli.completing import complete_document, complete_rule
from url_rewriter.cli.console import Console, Terminal
from url_rewriter.cli.writing import conclude
from url_rewriter.pipeline.consent import Consent
from url_rewriter.pipeline.requests import StoreChoice


@options.command(
    says={
        "--store": "Refuse the plan if it is of another database than this.",
        "--project": "The same for a project, in place of --store.",
        "--database": "The same for a database, beside --project.",
        "--dry-run": "Say what would be put back, and write nothing.",
        "--max-rps": "At most this many writes a second  [default: Firestore's ramp, from 500 "
        "writes a second up].",
    }
)
@options.plan_argument
@options.filter_option(
    "--document",
    metavar="PATH",
    shell_complete=complete_document,
    help="Put back this document only.",
)
@options.filter_option(
    "--rule",
    metavar="NAME",
    shell_complete=complete_rule,
    help="Put back strings with a URL of this rule only.",
)
@options.consent_options
@options.write_pace_option
@options.store_options
@options.output_options
def rollback(
    console: Console,
    *,
    plan_file: Path,
    document: str | None,
    rule: str | None,
    consent: Consent,
    dry_run: bool,
    max_rps: float | None,
    chosen: StoreChoice,
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
    from url_rewriter.pipeline.rollback import RollbackRequest
    from url_rewriter.pipeline.rollback import rollback as roll_back
    from url_rewriter.planfile import WriteFilter

    services = options.make_services(None)
    request = RollbackRequest(
        path=plan_file,
        consent=consent,
        dry_run=dry_run,
        store=chosen.locate(services.environ) if chosen.made else None,
        wanted=WriteFilter(document, rule),
        max_rps=max_rps,
    )
    conclude(console, roll_back(request, services, console.progress(), Terminal(console)))
