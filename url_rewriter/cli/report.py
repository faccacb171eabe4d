"""``report``: what a plan file says, in a format for people or for programs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from url_rewriter.cli import options
from url_rewriter.cli.console import Console
from url_rewriter.cli.steps import say_steps
from url_rewriter.errors import ConfigurationError

if TYPE_CHECKING:
    from url_rewriter.reports import Report

_FORMATS = ("html", "json", "csv", "markdown", "junit", "parquet", "redirects")
_BY_SUFFIX = "auto"


@options.command()
@options.plan_argument
@options.output_option(
    "-o", "--output", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False),
    help="Write the report there, readable by you alone  [default: stdout].",
)  # fmt: skip
@options.output_option(
    "--redact", "pseudonyms", is_flag=True,
    help="Show document ids, and what keys say of people, as pseudonyms.",
)  # fmt: skip
@options.output_options
@options.formats(_BY_SUFFIX, *_FORMATS)
def report(console: Console, *, plan_file: Path, output: Path | None, pseudonyms: bool) -> None:
    """Tell what a plan file says, before or after it was applied.

    Needs neither the database nor the network. Signatures and tokens are never shown. The format is
    that of the suffix of -o, else markdown. The page of a large plan holds a sample of the rows;
    FILE.rows.csv.gz is written beside it and has all.

    \b
    Examples:
      url-rewriter report omi.plan -o omi.html
      url-rewriter report omi.plan --format markdown >> "$GITHUB_STEP_SUMMARY"
      url-rewriter report omi.plan --redact --format csv -o for-the-auditor.csv
    """
    from url_rewriter.next_steps import after_look
    from url_rewriter.planfile import Plan
    from url_rewriter.reports import REPORTS, privacy_of
    from url_rewriter.reports.output import encoded, write, write_report

    name = console.format if console.format != _BY_SUFFIX else _format_of(output, REPORTS)
    chosen = REPORTS[name]
    if output is None and not chosen.SHOWN_ON_TERMINALS:
        _refuse_terminal(name, chosen)
    plan = Plan(plan_file)
    try:
        plan.check()
        privacy = privacy_of(plan, pseudonyms=pseudonyms)
        if output is None:
            write(sys.stdout.buffer, encoded(chosen.render(plan, privacy)))
        elif rest := write_report(plan, privacy, name, output):
            console.say(f"{output}: {name} report of {plan_file}, with some of its rows")
            console.say(f"{rest}: all rows")
        else:
            console.say(f"{output}: {name} report of {plan_file}")
            say_steps(console, after_look(plan, str(plan_file)))
    finally:
        plan.close()


def _format_of(output: Path | None, reports: dict[str, Report]) -> str:
    if output is None:
        return "markdown"
    suffix = output.suffix.lower()
    for name, each in reports.items():
        if suffix in each.SUFFIXES:
            return name
    raise ConfigurationError(
        f"{output}: its suffix names no format. Give --format {'|'.join(reports)}."
    )


def _refuse_terminal(name: str, chosen: Report) -> None:
    if sys.stdout.isatty():
        raise ConfigurationError(
            f"A terminal does not show {name}. Give -o FILE{chosen.SUFFIXES[0]}."
        )
