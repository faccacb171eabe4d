"""``show``: what a plan file holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from url_rewriter.cli import options
from url_rewriter.cli.completing import complete_collection, complete_document, complete_rule
from url_rewriter.cli.console import Console, printable, printable_url
from url_rewriter.cli.plan import show_summary
from url_rewriter.text import counted

if TYPE_CHECKING:
    from url_rewriter.planfile import Plan, UrlFacts, UrlFilter

_STATUSES = ("rewrite", "missing", "unknown", "mismatch", "unmapped", "migrated", "left")
_OUTCOMES = ("written", "unchanged", "conflict", "gone", "failed")


@options.command()
@options.plan_argument
@options.filter_option("--status", type=click.Choice(_STATUSES), help="URLs with this status only.")
@options.filter_option(
    "--rule", metavar="NAME", shell_complete=complete_rule, help="URLs that this rule takes only."
)
@options.filter_option(
    "--collection", metavar="PATTERN", shell_complete=complete_collection,
    help="URLs in this collection only: a name or a path, as for plan.",
)  # fmt: skip
@options.filter_option(
    "--document",
    metavar="PATH",
    shell_complete=complete_document,
    help="URLs in this document only.",
)
@options.filter_option(
    "--outcome", type=click.Choice(_OUTCOMES), help="URLs in documents with this one."
)
@options.filter_option(
    "--blocking", is_flag=True, help="URLs that keep the plan from being applied only."
)
@options.filter_option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="The first N URLs only; no copy list."
)
@options.output_options
@options.formats("text", "json", "copy-list")
def show(
    console: Console,
    *,
    plan_file: Path,
    status: str | None,
    rule: str | None,
    collection: str | None,
    document: str | None,
    outcome: str | None,
    blocking: bool,
    limit: int | None,
) -> None:
    """List the URLs of a plan, all or filtered, without secrets.

    \b
    Examples:
      url-rewriter show omi.plan --blocking --limit 20
      url-rewriter show omi.plan --status missing --rule app-logos --format copy-list > keys.txt

    A copy list names source objects, one a line, for `rclone copy --files-from-raw`: with --rule
    below the folder that the rule moves, otherwise below their buckets. The rclone command that it
    belongs to is said on stderr, since keys change on the way.
    """
    from url_rewriter.pipeline.known_filters import require_known
    from url_rewriter.planfile import Plan, UrlFilter

    plan = Plan(plan_file)
    try:
        plan.check()
        wanted = UrlFilter(status, rule, collection, document, outcome, blocking or None)
        require_known(plan, wanted)
        if console.json:
            _show_json(plan, islice(plan.urls(wanted), limit))
        elif console.format == "copy-list":
            _show_copy_list(console, plan, wanted)
        else:
            filtered = wanted != UrlFilter()
            _show_text(console, plan.urls(wanted), limit)
            if not filtered:
                show_summary(console, plan.summarize())
    finally:
        plan.close()


def _show_copy_list(console: Console, plan: Plan, wanted: UrlFilter) -> None:
    from url_rewriter.pipeline.rclone_list import RcloneList

    listed = RcloneList(plan, wanted)
    for line in listed.lines():
        console.print(line)
    for line in listed.commands():
        console.say(printable(line))
    if listed.left_out:
        console.warn(
            f"{counted(listed.left_out, 'key')} left out, which rclone would take for others: "
            f"`url-rewriter copy {plan.path}` copies them."
        )


def _show_text(console: Console, rows: Iterator[UrlFacts], limit: int | None) -> None:
    from url_rewriter.documents import format_value_path

    number = 0
    for number, row in enumerate(rows, 1):
        if limit is not None and number > limit:
            console.say("More follow; a larger --limit shows them.")
            break
        place = f"{row.document} {format_value_path(row.value_path)}"
        console.print(f"{row.status:<9} {printable(place)}")
        console.print(f"          {printable_url(row.old)}")
        if row.new:
            console.print(f"       -> {printable_url(row.new)}")
        for line in _reasons(row):
            console.print(f"          {printable(line)}")
    if not number:
        console.say("No URL of the plan is of this kind.")


def _reasons(row: UrlFacts) -> Iterator[str]:
    from url_rewriter.evidence import Method

    if row.status in ("missing", "unknown", "mismatch"):
        yield f"target {row.target_bucket}/{row.target_key}: {row.detail or row.state}"
    elif row.method == Method.INVENTORY:
        yield f"target {row.detail} of {row.checked_at}: by inventory, not asked for"
    if row.others:
        taken = row.reading or "the likeliest reading"
        yield f"taken: {taken}; other readings: {', '.join(row.others)}"
    if row.remark:
        yield row.remark
    if row.outcome:
        yield f"document: {row.outcome} {row.why}".rstrip()


def _show_json(plan: Plan, rows: Iterator[UrlFacts]) -> None:
    """One document, written row by row: a plan may hold millions."""
    from url_rewriter.reports.json import plan_members, url_members

    head = json.dumps({"schema": "url-rewriter/show@1", **plan_members(plan, plan.summarize())})
    click.echo(head[:-1] + ', "rows": [', nl=False)
    for number, row in enumerate(rows):
        click.echo((",\n" if number else "\n") + json.dumps(url_members(row)), nl=False)
    click.echo("\n]}")
