"""``show``: what a plan file holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from url_rewriter.cli import options
from url_rewriter.cli.completing import complete_collection, complete_document, complete_rule
from url_rewriter.cli.console import Console, printable, printable_url
from url_rewriter.cli.pager import fitted, print_lines
from url_rewriter.cli.plan import show_summary
from url_rewriter.cli.steps import say_steps
from url_rewriter.errors import NextStep
from url_rewriter.text import counted

if TYPE_CHECKING:
    from url_rewriter.planfile import Plan, UnprovenObject, UrlFacts, UrlFilter

_STATUSES = ("rewrite", "missing", "unknown", "mismatch", "unmapped", "migrated", "left")
_OF_OBJECTS = ("missing", "unknown", "mismatch")
_MARGIN = 10
_OUTCOMES = ("written", "unchanged", "conflict", "gone", "failed")


@dataclass(frozen=True, slots=True)
class Listing:
    """How a list is shown: at most ``limit`` of it, by a pager where ``paged``."""

    limit: int | None
    paged: bool


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
@options.output_option(
    "--no-pager", is_flag=True,
    help="Print a list that is longer than the terminal too, in place of paging it with $PAGER.",
)  # fmt: skip
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
    no_pager: bool,
) -> None:
    """List the URLs of a plan, all or filtered, without secrets.

    \b
    Examples:
      url-rewriter show omi.plan --blocking --limit 20
      url-rewriter show omi.plan --status missing --rule app-logos --format copy-list > keys.txt

    With --status missing, unknown or mismatch the text lists objects, each once, with how many URLs
    mean it. On a terminal the middle of a long URL is left out; in a pipe, in a file and in JSON
    URLs are whole.

    A copy list names source objects, one a line, for `rclone copy --files-from-raw`: with --rule
    below the folder that the rule moves, otherwise below their buckets. The rclone command that it
    belongs to is said on stderr, since keys change on the way.
    """
    from url_rewriter.next_steps import after_look
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
            found = _show_text(console, plan, wanted, Listing(limit, paged=not no_pager))
            steps = after_look(plan, str(plan_file))
            if wanted == UrlFilter():
                show_summary(console, plan.summarize())
            if found or wanted == UrlFilter():
                say_steps(console, steps)
            else:
                _say_nothing_found(console, plan)
    finally:
        plan.close()


def _say_nothing_found(console: Console, plan: Plan) -> None:
    from url_rewriter.next_steps import PlanCommands

    console.say("No URL of the plan is of this kind.")
    say_steps(console, [NextStep("List all", PlanCommands.of(plan).show())])


def _show_copy_list(console: Console, plan: Plan, wanted: UrlFilter) -> None:
    from url_rewriter.next_steps import PlanCommands
    from url_rewriter.pipeline.rclone_list import RcloneList

    listed = RcloneList(plan, wanted)
    empty = True
    for line in listed.lines():
        empty = False
        console.print(line)
    if empty and not listed.left_out:
        _say_nothing_found(console, plan)
        return
    for line in listed.commands():
        console.say(printable(line))
    if listed.left_out:
        console.warn(
            f"{counted(listed.left_out, 'key')} left out, which rclone would take for others: "
            f"`url-rewriter copy {plan.path}` copies them."
        )
    say_steps(console, [NextStep("Then plan again", PlanCommands.of(plan).plan())])


def _show_text(console: Console, plan: Plan, wanted: UrlFilter, listing: Listing) -> bool:
    """The URLs; where only missing ones are asked for, their objects, each once.

    Returns whether there is anything to list.
    """
    if wanted.status in _OF_OBJECTS:
        blocks = map(_object_lines, plan.unproven(wanted))
    else:
        blocks = map(_lines, plan.urls(wanted))
    first = next(blocks, None)
    if first is None:
        return False
    limited = islice(chain([first], blocks), listing.limit)
    print_lines(console, chain.from_iterable(limited), paged=listing.paged)
    if listing.limit is not None and next(blocks, None) is not None:
        console.say("More follow; a larger --limit shows them.")
    return True


def _object_lines(each: UnprovenObject) -> Iterator[str]:
    from url_rewriter.documents import format_value_path

    yield fitted(printable(f"{each.target.bucket}/{each.target.key}"), 0)
    source = printable(f"{each.source.bucket}/{each.source.key}")
    detail = printable(each.detail)
    yield f"  {detail}; from {fitted(source, len(detail) + 9)}"
    place = printable(f"{each.document} {format_value_path(each.value_path)}")
    urls = f"{counted(each.urls, 'URL')}{', waived' if each.waived else ''}"
    yield f"  {urls}{', such as in' if each.urls > 1 else ' in'} {place}"


def _lines(row: UrlFacts) -> Iterator[str]:
    from url_rewriter.documents import format_value_path

    place = f"{row.document} {format_value_path(row.value_path)}"
    yield f"{row.status:<9} {printable(place)}"
    yield f"          {fitted(printable_url(row.old), _MARGIN)}"
    if row.new:
        yield f"       -> {fitted(printable_url(row.new), _MARGIN)}"
    for line in _reasons(row):
        yield f"          {printable(line)}"


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
