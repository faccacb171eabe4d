"""``plan``: scan, prove every target, seal a plan file."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from url_rewriter.cli import options
from url_rewriter.cli.annotations import annotate_plan
from url_rewriter.cli.completing import PlanFile
from url_rewriter.cli.console import Console, printable
from url_rewriter.cli.steps import say_steps
from url_rewriter.errors import ChecksFailedError
from url_rewriter.pipeline.requests import Limits, StoreChoice
from url_rewriter.text import counted

if TYPE_CHECKING:
    from url_rewriter.pipeline.plan import MadePlan
    from url_rewriter.pipeline.services import Services
    from url_rewriter.planfile import EmptyTargets, Openings, Summary


@options.command(
    says={
        "--rules": "The rules that say which objects moved where.",
        "--max-reads": "Read at most N documents, those that are left out below a collection that "
        "is read included. What was read until then is kept, and the same command goes on from "
        "there.",
    }
)
@options.rules_option(required=True)
@options.output_option(
    "-o", "--output", "plan_file", required=True, metavar="FILE",
    type=PlanFile(), help="The plan file to make.",
)  # fmt: skip
@options.evidence_option(
    "--on-missing", type=click.Choice(["block", "skip"]),
    help="What a missing target does to the plan, whatever the rules say.",
)  # fmt: skip
@options.store_options
@options.scan_options
@options.object_options
@options.output_options
def plan(
    console: Console,
    *,
    rules_file: Path,
    plan_file: Path,
    on_missing: str | None,
    chosen: StoreChoice,
    limits: Limits,
    services: Services,
) -> None:
    """Find every URL, prove every target, and write down exactly what would change.

    Nothing is written to the database. An interrupted plan is continued by the same command.

    \b
    Examples:
      url-rewriter plan --rules rules.yaml --project omi-prod -o omi.plan
      url-rewriter plan --rules rules.yaml -o omi.plan --check-source --check-public

    Exit status 3: a target is missing or not known; the plan cannot be applied.
    """
    from url_rewriter.concurrency.garbage import spare_collector
    from url_rewriter.pipeline.plan import PlanRequest
    from url_rewriter.pipeline.plan import plan as make_plan
    from url_rewriter.rules import OnMissing

    spare_collector()
    request = PlanRequest(
        path=plan_file,
        store=chosen.locate(services.environ),
        rules=services.read_rules(rules_file),
        rules_file=rules_file,
        limits=limits,
        on_missing=OnMissing(on_missing) if on_missing else None,
    )
    made = make_plan(request, services, console.progress())
    if console.json:
        _show_json(console, made.path)
    else:
        show_summary(console, made.summary)
        if made.read_at.text:
            console.print(f" documents were read {made.read_at.text}")
        _show_comparisons(console, made.comparisons)
        show_openings(console, made.openings)
        show_empty(console, made.empty)
        if made.proof:
            console.print(f" targets proven: {printable(made.proof)}")
    annotate_plan(made.summary, request.rules, rules_file)
    if made.trouble is not None:
        raise made.trouble
    _advise(console, made)


def _show_json(console: Console, plan_file: Path) -> None:
    from url_rewriter.planfile import Plan
    from url_rewriter.reports.json import plan_members

    with closing(Plan(plan_file)) as plan:
        console.document("plan", plan_members(plan, plan.summarize()))


UNPROVEN = ("missing", "unknown", "mismatch")


def show_summary(console: Console, summary: Summary) -> None:
    """The totals of a plan, by rule."""
    if summary.rules:
        console.table(
            ("rule", "documents", "URLs", "exists", *UNPROVEN, "waived"),
            [
                (
                    each.rule,
                    each.documents,
                    each.urls,
                    each.rewrite,
                    *(each.blocking.get(status, 0) for status in UNPROVEN),
                    each.waived,
                )
                for each in summary.rules
            ],
        )
    for each in summary.unmapped:
        console.print(
            f" unmapped bucket {printable(each.bucket)}: {counted(each.urls, 'URL')} in "
            f"{counted(each.documents, 'document')}"
        )
    documents = summary.documents
    console.print(
        f" {counted(documents['scanned'], 'document')} scanned, {documents['with_urls']:,} with "
        f"URLs, {documents['to_write']:,} to write"
    )
    console.print(f" {summary.sum_urls()}")
    if bases := summary.bases.get("found"):
        console.print(
            f" base URLs and templates among them: {bases:,}, "
            f"{summary.bases['rewrite']:,} to rewrite, {summary.bases['missing']:,} missing"
        )


def _show_comparisons(console: Console, comparisons: dict[str, int]) -> None:
    said = ", ".join(f"{count:,} {word}" for word, count in comparisons.items() if count)
    if said:
        console.print(f" targets compared with their sources: {said}")


def show_openings(console: Console, openings: Openings) -> None:
    """What was opened of the targets, with credentials and without."""
    if openings.unlisted:
        buckets = ", ".join(map(repr, openings.unlisted))
        console.print(f" confirmed by a listing: not asked: bucket {buckets} may not be listed")
    console.print(f" opened with credentials: {openings.with_credentials()}")
    without = printable(openings.without_credentials())
    console.print(f" opened without credentials: {without}")


def show_empty(console: Console, empty: EmptyTargets) -> None:
    """The URLs whose objects are empty and should not be, if there are any."""
    from url_rewriter.documents import format_value_path

    if empty.count:
        each = (f"{name} {format_value_path(path)}" for name, path in empty.places)
        places = printable("; ".join(each))
        console.print(
            f" empty-target: {counted(empty.count, 'URL')} of objects of 0 bytes: {places}"
        )


def _advise(console: Console, made: MadePlan) -> None:
    """Say what follows. Raises what stands against the plan."""
    from url_rewriter.planning import tell_blocking

    summary = made.summary
    if summary.blocked:
        says = f"Plan blocked: {tell_blocking(summary.blocking)}."
        raise ChecksFailedError(says).then(*made.next_steps)
    staying = summary.sum_urls().tell_staying()
    stays = f" What stays as it is: {staying}." if staying else ""
    if summary.documents["to_write"]:
        urls = counted(summary.urls["rewrite"], "URL")
        documents = counted(summary.documents["to_write"], "document")
        console.say(f"\nReady: {urls} in {documents} to rewrite. Nothing was written yet.{stays}")
    elif summary.documents["scanned"]:
        console.say(f"\nNothing to write.{stays}")
    else:
        console.say("\nNothing to write: no document was read.")
    say_steps(console, made.next_steps)
