"""``plan``: scan, prove every target, seal a plan file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from url_rewriter.cli import options, services
from url_rewriter.cli.console import Console, printable
from url_rewriter.cli.scanning import scan_into
from url_rewriter.cli.sources import describe_sources, open_comparison
from url_rewriter.errors import ChecksFailedError, UrlRewriterError
from url_rewriter.text import counted

if TYPE_CHECKING:
    from url_rewriter.planfile import Invocation, Plan, Summary
    from url_rewriter.rules import Rules


@click.command()
@options.rules_option(required=True)
@options.option(
    "-o", "--output", "plan_file", required=True, metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False), help="The plan file to make.",
)  # fmt: skip
@options.option(
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
    chosen: services.StoreChoice,
    limits: services.Limits,
    s3: services.S3Options,
) -> None:
    """Find every URL, prove every target, and write down exactly what would change.

    Nothing is written to the database. An interrupted plan is continued by the same command.

    \b
    Examples:
      url-rewriter plan --rules rules/omi.yaml --project omi-prod -o omi.plan
      url-rewriter plan --rules rules/omi.yaml -o omi.plan --check-source --check-public

    Exit status 3: a target is missing, or nobody can tell; the plan cannot be applied.
    """
    rules = services.with_on_missing(services.read_rules(rules_file), on_missing)
    with (
        services.open_reader(chosen.locate()) as reader,
        services.open_objects(rules, s3) as objects,
        open_comparison(s3) as compare,
    ):
        _introduce(console, rules, rules_file, reader.locator, limits, s3)
        made, trouble = scan_into(
            plan_file, console, rules, limits, reader, objects, s3,
            compare=compare,
            invocation=_invocation(rules_file, plan_file, on_missing, limits, s3),
        )  # fmt: skip
    _conclude(console, made, trouble)


def _invocation(
    rules_file: Path,
    plan_file: Path,
    on_missing: str | None,
    limits: services.Limits,
    s3: services.S3Options,
) -> Invocation:
    """The options of this command, for the plan file to keep."""
    return limits.invocation(
        rules_file=str(rules_file),
        on_missing=on_missing or "",
        s3_endpoint=s3.endpoint or "",
        prove="" if s3.prove == "auto" else s3.prove,
        check_public=s3.check_public,
        check_content_type=s3.check_content_type,
        check_size=s3.check_size,
        check_source=s3.check_source,
        inventories=s3.inventories,
        output=str(plan_file),
    )


def _introduce(
    console: Console,
    rules: Rules,
    rules_file: Path,
    locator: str,
    limits: services.Limits,
    s3: services.S3Options,
) -> None:
    as_of = f" · as of {limits.read_time:%Y-%m-%d %H:%M:%SZ}" if limits.read_time else ""
    console.say(f"rules    {rules_file} · {len(rules.rules)} rules · sha256 {rules.digest[:8]}")
    console.say(f"source   {printable(locator)}{as_of} · read-only")
    console.say(f"target   {rules.target.endpoint}/{rules.target.bucket}")
    if s3.compares:
        console.say(f"compared with {printable(describe_sources(s3))} · read-only")
    console.say("")


def _conclude(console: Console, plan: Plan, trouble: UrlRewriterError | None) -> None:
    from url_rewriter.reports.json import plan_members

    summary = plan.summarize()
    if console.json:
        console.document("plan", plan_members(plan, summary))
    else:
        show_summary(console, summary)
        _show_comparisons(console, plan)
    plan.close()
    _advise(console, plan.path, summary)
    if trouble is not None:
        raise trouble
    if summary.blocked:
        blocking = counted(sum(summary.blocking.values()), "URL")
        raise ChecksFailedError(f"{blocking} stand against this plan; it cannot be applied.")


RULE_COUNTS = ("documents", "urls", "rewrite", "missing", "unknown", "mismatch")


def show_summary(console: Console, summary: Summary) -> None:
    """The totals of a plan, by rule."""
    if summary.rules:
        console.table(
            ("rule", "documents", "URLs", "exists", "missing", "unknown", "mismatch"),
            [(each.rule, *(getattr(each, name) for name in RULE_COUNTS)) for each in summary.rules],
        )
    for each in summary.unmapped:
        console.print(
            f" unmapped bucket {printable(each.bucket)}: {counted(each.urls, 'URL')} in "
            f"{counted(each.documents, 'document')}"
        )
    documents, urls = summary.documents, summary.urls
    console.print(
        f" {counted(documents['scanned'], 'document')} scanned, {documents['with_urls']:,} with "
        f"URLs; {counted(urls['found'], 'URL')} found: {urls['rewrite']:,} to rewrite in "
        f"{counted(documents['to_write'], 'document')}, {urls['migrated']:,} already migrated, "
        f"{urls['left']:,} left alone"
    )


def _show_comparisons(console: Console, plan: Plan) -> None:
    counts = {word: count for word, count in plan.count_comparisons().items() if count}
    if counts:
        said = ", ".join(f"{count:,} {word}" for word, count in counts.items())
        console.print(f" targets compared with their sources: {said}")


def _advise(console: Console, plan_file: Path, summary: Summary) -> None:
    if not summary.blocked:
        if summary.documents["to_write"]:
            console.say(
                f"\nReady. Nothing was written yet.\n  Apply it    url-rewriter apply {plan_file}"
            )
        else:
            console.say("\nNothing to write.")
        return
    reasons = [
        f"{counted(summary.blocking[status], 'URL')} {words}"
        for status, words in (
            ("missing", "would break, their targets are missing"),
            ("unknown", "cannot be proven, nobody could tell whether their targets are there"),
            ("mismatch", "would name something else than what moved"),
            ("unmapped", "no rule takes"),
        )
        if status in summary.blocking
    ]
    console.say(f"\nPlan blocked: {'; '.join(reasons)}.")
    for status in ("missing", "unknown", "mismatch", "unmapped"):
        if status in summary.blocking:
            console.say(f"  See which     url-rewriter show {plan_file} --status {status}")
    if "missing" in summary.blocking:
        console.say(f"  Copy them     url-rewriter copy {plan_file}")
        console.say(
            f"  or by rclone  url-rewriter show {plan_file} --status missing --format copy-list"
        )
