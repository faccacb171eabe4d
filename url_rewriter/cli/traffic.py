"""``traffic``: who still fetches old objects."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from url_rewriter.cli import options
from url_rewriter.cli.console import LISTED, Console, printable
from url_rewriter.cli.parameter_types import Moment
from url_rewriter.errors import ChecksFailedError
from url_rewriter.text import counted

if TYPE_CHECKING:
    from url_rewriter.pipeline.traffic import Traffic


@options.command()
@click.argument("logs", metavar="LOG...", nargs=-1, required=True)
@options.input_option(
    "--plan", "plan_file", type=click.Path(path_type=Path, dir_okay=False), required=True,
    metavar="FILE", help="The plan file whose old objects are looked for; it keeps the result.",
)  # fmt: skip
@options.filter_option(
    "--since", type=Moment(), metavar="RFC3339",
    help="The cutover  [default: when the first apply of the plan ended].",
)  # fmt: skip
@options.verdict_option(
    "--days", type=click.IntRange(min=1), default=7, show_default=True, metavar="N",
    help="For so many days no old object must have been asked for.",
)  # fmt: skip
@options.filter_option(
    "--ignore-user-agent", "ignored_agents", multiple=True, metavar="TEXT",
    help="Leave out requests whose user agent holds this text, such as that of a copy. Repeatable.",
)  # fmt: skip
@options.verdict_option(
    "--served-only", is_flag=True,
    help="Requests that got nothing (404, 403...) are told, and do not count.",
)  # fmt: skip
@options.verdict_option(
    "--trust-silence", is_flag=True,
    help="Take an hour without a line of a bucket for one without a request, although its log may "
    "be missing.",
)  # fmt: skip
@options.output_options
def traffic(
    console: Console,
    *,
    logs: tuple[str, ...],
    plan_file: Path,
    since: datetime | None,
    days: int,
    ignored_agents: tuple[str, ...],
    served_only: bool,
    trust_silence: bool,
) -> None:
    """Tell from usage logs of Cloud Storage who still fetches old objects.

    LOG is a file of hourly usage logs (CSV, also gzip), a folder of them, or `-` for standard
    input. The gate `old-traffic` passes when no old object was asked for in the last --days, and
    every hour of them is in the logs of every bucket.

    \b
    Examples:
      url-rewriter traffic logs/ --plan omi.plan
      url-rewriter traffic logs/ --plan omi.plan --since 2026-11-23T02:00:00Z --days 30

    Exit status 3: old objects are still asked for, or the logs do not cover enough.
    """
    from url_rewriter.pipeline.traffic import TrafficRequest
    from url_rewriter.pipeline.traffic import traffic as read_traffic

    request = TrafficRequest(
        plan_file, logs, since, days, ignored_agents, served_only, trust_silence
    )
    found = read_traffic(request, console.progress())
    if console.json:
        console.document("traffic", found.members())
    else:
        _show(console, found)
    if not found.gate.passed:
        raise ChecksFailedError(f"The gate old-traffic does not hold: {_verdict(found)}.")


def _verdict(found: Traffic) -> str:
    gate = found.gate
    return "; ".join(filter(None, (gate.against if gate.count else "", gate.reason)))


def _show(console: Console, found: Traffic) -> None:
    counts = found.counts
    console.table(
        ("day", "bucket", "rule", "requests", "in vain", "not in the plan"),
        [
            (*place, tally.requests, tally.in_vain, tally.unplanned)
            for place, tally in found.by_day().items()
        ],
    )
    requests = sum(tally.requests for tally in counts.by_hour.values())
    console.print(
        f" {counted(counts.lines, 'line')} of {counted(found.files, 'file')} since"
        f" {found.since:%Y-%m-%d %H:%M:%S%z}: {counted(requests, 'request')} for"
        f" {counted(found.fetched, 'old object')}; the plan knows {found.known:,}"
    )
    for each in found.worst[:LISTED]:
        console.say(
            f"  {each.requests:>9,}  gs://{printable(f'{each.bucket}/{each.key}')}  {each.rule}"
        )
    if counts.agents:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in counts.agents.most_common())
        console.print(f" by user agent: {kinds}")
    _show_the_rest(console, found)
    for remark in found.gate.remarks:
        console.say(f"  {remark}")
    if found.gate.passed:
        console.print(
            f"passed  old-traffic: nothing asked for an old object in {found.window.days}"
        )


def _show_the_rest(console: Console, found: Traffic) -> None:
    """What was read and does not count, so that nothing is left out in silence."""
    counts = found.counts
    if counts.before:
        console.say(f"  {counted(counts.before, 'line')} from before the cutover")
    if counts.ignored:
        console.say(f"  {counted(counts.ignored, 'request')} of user agents that are ignored")
    if counts.noise:
        console.say(f"  {counted(counts.noise, 'request')} in vain for names that no URL had")
    for name, count in sorted(counts.elsewhere.items()):
        if count:
            console.say(f"  {counted(count, 'request')} for objects of {name} that no rule takes")
    for name, count in counts.unknown.most_common(LISTED):
        console.say(
            f"  {counted(count, 'line')} of {printable(name)}, which the plan does not know"
        )
    if counts.malformed:
        console.warn(f"{counted(counts.malformed, 'line')} cannot be read:")
        for each in counts.malformed_examples:
            console.say(f"  {printable(each.file)}:{each.line}: {each.why}")
