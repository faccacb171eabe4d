"""``watch``: who still writes old URLs, after the plan was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from url_rewriter.cli import options
from url_rewriter.cli.completing import complete_collection
from url_rewriter.cli.console import LISTED, Console, Terminal, printable
from url_rewriter.cli.parameter_types import Duration, Moment
from url_rewriter.documents import collection_of, collection_pattern
from url_rewriter.errors import ChecksFailedError, NextStep
from url_rewriter.pipeline.consent import Consent
from url_rewriter.pipeline.requests import StoreChoice
from url_rewriter.text import counted, spell_duration

if TYPE_CHECKING:
    from url_rewriter.pipeline.watch import Watched


@options.command(
    says={
        "--store": "Refuse the plan if it is of another database than this.",
        "--project": "The same for a project, in place of --store.",
        "--database": "The same for a database, beside --project.",
        "--workers": "Parts of a rescan that are read at once  [default: 1].",
        "--max-rps": "With --apply: at most this many writes a second.",
    }
)
@options.plan_argument
@options.verdict_option(
    "--quiet-for", "--quiet", type=Duration(), metavar="DURATION",
    help="End, with exit status 0, when no old URL was written for so long  [default: 24h, without "
    "--until].",
)  # fmt: skip
@options.verdict_option(
    "--until", type=Moment(), metavar="RFC3339",
    help="End then: with exit status 3 where old URLs were written, or where it was not quiet for "
    "as long as --quiet asks.",
)  # fmt: skip
@options.scan_option(
    "--every", type=Duration(), metavar="DURATION", default="15m", show_default=True,
    help="How often everything is read again, which is billed: what is not listened to is found "
    "by that, and what is listened to is checked.",
)  # fmt: skip
@options.scan_option(
    "--collection", "collections", multiple=True, metavar="PATTERN",
    shell_complete=complete_collection,
    help="Listen to this collection too, beside those that the plan found URLs in. Repeatable.",
)  # fmt: skip
@options.verdict_option(
    "--verify-every", type=Duration(), metavar="DURATION",
    help="Judge the gates of verify so often; the plan file keeps each verdict.",
)  # fmt: skip
@options.write_option(
    "--apply", "applies", is_flag=True,
    help="Plan, prove and write what is found, after each rescan, by a plan file of its own: "
    "FILE.stragglers-1.plan, which rollback takes.",
)  # fmt: skip
@options.write_option(
    "--yes", is_flag=True,
    help="With --apply: do not ask. Enough on an emulator and on the embedded store.",
)  # fmt: skip
@options.write_option(
    "--confirm", metavar="PROJECT",
    help="With --apply: do not ask: the project to write to. Required on a real one.",
)  # fmt: skip
@options.write_pace_option
@options.store_options
@options.endpoint_option
@options.workers_option
@options.output_options
@options.quiet_is_a_time
def watch(
    console: Console,
    *,
    plan_file: Path,
    quiet_for: timedelta | None,
    until: datetime | None,
    every: timedelta,
    collections: tuple[str, ...],
    verify_every: timedelta | None,
    applies: bool,
    yes: bool,
    confirm: str | None,
    max_rps: float | None,
    chosen: StoreChoice,
    s3_endpoint: str | None,
    workers: int | None,
) -> None:
    """Report every document that is written with an old URL, until it is quiet.

    It begins where the plan was read. Collections that held URLs are listened to; everything is
    read again now and then. A watch that was interrupted goes on with the same command, and names
    each straggler once: FILE.watch keeps them.

    \b
    Examples:
      url-rewriter watch omi.plan
      url-rewriter watch omi.plan --quiet 48h --verify-every 6h
      url-rewriter watch omi.plan --apply --confirm omi-prod --until 2026-12-01T06:00:00Z

    Exit status 0: quiet, or without --quiet nothing was written until then. 3: old URLs were
    written, it was not quiet for long enough, or the last verification failed.
    """
    from url_rewriter.concurrency.garbage import spare_collector
    from url_rewriter.next_steps import command
    from url_rewriter.pipeline.watch import WatchRequest
    from url_rewriter.pipeline.watch import watch as watch_database

    spare_collector()
    services = options.make_services(s3_endpoint, max_rps, workers)
    request = WatchRequest(
        path=plan_file,
        store=chosen.locate(services.environ) if chosen.made else None,
        collections=collections,
        every=every,
        quiet=quiet_for,
        until=until,
        applies=applies,
        consent=Consent(yes, confirm),
        verify_every=verify_every,
        max_rps=max_rps,
    )
    found = watch_database(request, services, console.progress(), Terminal(console))
    if console.json:
        _show_json(console, found)
    else:
        _show_text(console, found)
    if found.trouble is not None:
        raise found.trouble
    if not found.passed:
        error = ChecksFailedError(f"{_headline(found)}.")
        if any(not each.plan for each in found.stragglers):
            error.then(NextStep("Write them", command("watch", str(plan_file), "--apply")))
        raise error
    console.say(f"\n{_headline(found)}.")


def _headline(found: Watched) -> str:
    """What the watch came to, in a sentence without its end."""
    named = counted(len(found.stragglers), "straggler")
    wanted = found.quiet_wanted
    if found.verifications and not found.verifications[-1].passed:
        return f"The gates do not hold: {printable(found.verifications[-1].verdict.headline)}"
    if found.quiet and wanted is not None:
        lasting = spell_duration(wanted)
        return f"Quiet: no old URL was written for {lasting}, up to {_time(found.covered_to)}"
    if wanted is not None:
        return f"Not quiet for {spell_duration(wanted)}: {named} in all"
    if found.stragglers:
        return f"{named} since {_time(found.since)}"
    return f"No old URL was written since {_time(found.since)}, as far as was looked"


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%SZ}" if moment else "-"


def _show_json(console: Console, found: Watched) -> None:
    console.document(
        "watch",
        {
            "plan": str(found.path),
            "store": found.store,
            "since": found.since.isoformat(),
            "passed": found.passed,
            "quiet": found.quiet,
            "quiet_wanted": spell_duration(found.quiet_wanted) if found.quiet_wanted else None,
            "quiet_since": found.quiet_since.isoformat() if found.quiet_since else None,
            "covered_to": found.covered_to.isoformat() if found.covered_to else None,
            "named": found.named,
            "stragglers": [
                {
                    "document": each.document,
                    "collection": collection_of(each.document),
                    "revision": each.revision,
                    "written_at": each.written_at.isoformat(),
                    "found_at": each.found_at.isoformat(),
                    "by": "listening" if each.heard else "rescan",
                    "rules": list(each.rules),
                    "urls": each.urls,
                    "plan": each.plan or None,
                }
                for each in found.stragglers
            ],
            "rescans": found.rescans,
            "documents_read": found.documents,
            "listened": list(found.listened),
            "not_listened": found.unheard,
            "contradictions": found.contradictions,
            "verifications": [
                {"verdict": each.verdict.readiness, "headline": printable(each.verdict.headline)}
                for each in found.verifications
            ],
            "plans": [str(path) for path in found.plans],
            "not_looked_at": list(_outside(found)),
        },
    )


def _show_text(console: Console, found: Watched) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    for each in found.stragglers:
        for rule in each.rules:
            counts[collection_pattern(each.document), rule] += 1
    if counts:
        rows = [(*key, count) for key, count in sorted(counts.items(), key=lambda row: -row[1])]
        console.table(("collection", "rule", "stragglers"), rows)
    named = counted(len(found.stragglers), "straggler")
    console.print(f" {named} since {_time(found.since)}, {found.named:,} of them in this run")
    read = counted(found.documents, "document")
    console.print(f" {counted(found.rescans, 'rescan')}, {read} read")
    for each in found.stragglers[-LISTED:]:
        rules = ", ".join(each.rules)
        console.print(f"   {_time(each.written_at)}  {printable(each.document)}  {rules}")
    for line in _outside(found):
        console.print(f" not looked at: {printable(line)}")
    if found.contradictions:
        times = counted(found.contradictions, "time")
        console.print(f" the stream was contradicted by a rescan, {times}")


def _outside(found: Watched) -> Iterator[str]:
    """What the watch did not look at, in words."""
    if found.listened:
        yield (
            f"what is written and written over again between two rescans, outside of "
            f"{', '.join(found.listened)}"
        )
    else:
        yield "what is written and written over again between two rescans"
    for group, why in found.unheard.items():
        yield f"the stream of {group}: {why}"
    for each in found.outside:
        where = f"{each.text or each.document}"
        yield f"{where}: {each.why}" + (f" ({each.count:,})" if each.count > 1 else "")
