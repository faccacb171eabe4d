"""``copy``: bring missing objects from Cloud Storage to where the rewritten URLs will name them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from url_rewriter.cli import options
from url_rewriter.cli.completing import complete_collection, complete_document, complete_rule
from url_rewriter.cli.console import LISTED, Console, Terminal, printable
from url_rewriter.cli.parameter_types import Size
from url_rewriter.cli.steps import say_steps, typed
from url_rewriter.errors import NextStep
from url_rewriter.pipeline.requests import ProofOptions
from url_rewriter.text import counted, sized

if TYPE_CHECKING:
    from url_rewriter.pipeline.copy import Copied
    from url_rewriter.pipeline.copy_queue import Copy, CopyQueue


@options.command(
    "copy",
    says={
        "--s3-endpoint": "Where objects are copied to  [default: $S3_ENDPOINT_URL, else the "
        "endpoint that the rules write]."
    },
)
@options.plan_argument
@options.filter_option(
    "--status", type=click.Choice(["missing", "unknown"]), default="missing", show_default=True,
    help="Objects of URLs that the plan calls so. Both ends are asked for again in any case.",
)  # fmt: skip
@options.filter_option(
    "--rule",
    metavar="NAME",
    shell_complete=complete_rule,
    help="Objects of URLs that this rule takes only.",
)
@options.filter_option(
    "--collection", metavar="PATTERN", shell_complete=complete_collection,
    help="Of URLs in this collection only: a name or a path, as for plan.",
)  # fmt: skip
@options.filter_option(
    "--document",
    metavar="PATH",
    shell_complete=complete_document,
    help="Of URLs in this document only.",
)
@options.write_option("--yes", is_flag=True, help="Do not ask.")
@options.write_option(
    "--dry-run",
    is_flag=True,
    help="Say what would be copied, and how many bytes.",
)
@options.write_option(
    "--max-bytes", type=Size(), metavar="SIZE",
    help="Copy at most this much, such as 20G; the same command goes on.",
)  # fmt: skip
@options.pace_option(
    "--workers", type=click.IntRange(1, 256), metavar="N",
    help="Objects copied at once; each needs some 20 MiB of memory  [default: 8].",
)  # fmt: skip
@options.pace_option(
    "--max-rps", type=click.FloatRange(min=0, min_open=True), metavar="N",
    help="At most this many requests a second to the object store that is written to.",
)  # fmt: skip
@options.endpoint_option
@options.output_options
def copy(
    console: Console,
    *,
    plan_file: Path,
    status: str,
    rule: str | None,
    collection: str | None,
    document: str | None,
    yes: bool,
    dry_run: bool,
    max_bytes: int | None,
    workers: int | None,
    max_rps: float | None,
    s3_endpoint: str | None,
) -> None:
    """Copy the objects that a plan says are missing, from Cloud Storage itself.

    They keep their content type, cache headers and metadata; CRC32C is compared before they become
    visible; each is then proven with head_object, and the evidence added to the plan file. Nothing
    is ever overwritten: what is at a target already is left alone and compared. An interrupted copy
    is continued by the same command.

    \b
    Examples:
      url-rewriter copy omi.plan --dry-run
      url-rewriter copy omi.plan --rule app-logos --yes

    Exit status 5: objects that are gone, forbidden or not the same were left, and are listed.
    """
    from url_rewriter.pipeline.copy import CopyRequest
    from url_rewriter.pipeline.copy import copy as copy_objects
    from url_rewriter.pipeline.copy_queue import CopyQueue
    from url_rewriter.planfile import UrlFilter

    wanted = UrlFilter(status, rule, collection, document)
    request = CopyRequest(plan_file, wanted, yes, dry_run, max_bytes, workers)
    services = options.make_services(s3_endpoint, max_rps, proof=ProofOptions("head"))
    with closing(CopyQueue()) as queue:
        copied = copy_objects(request, services, queue, console.progress(), Terminal(console))
        if console.json:
            _show_json(copied, queue)
        else:
            _show_text(console, copied, queue)
    _advise(console, copied)


def _advise(console: Console, copied: Copied) -> None:
    """Say what follows. Raises what kept objects from being copied."""
    from url_rewriter.next_steps import CopyEnd, after_copy

    totals, gone = copied.totals, copied.totals.outcomes["gone"]
    waiting = copied.dry_run and totals.pending > 0
    copy_them = (NextStep("Copy them", typed(dry_run=False)),) if waiting else ()
    if copied.failure is not None:
        end = CopyEnd(
            there=0 if copied.dry_run else totals.there,
            gone=gone,
            more=not copied.dry_run and totals.objects > totals.there + gone,
            blocked=copied.blocked,
            again=typed(),
        )
        steps = after_copy(copied.commands, end)
        raise copied.failure.then(*copy_them, *steps)
    if waiting:
        says = "Nothing was copied."
    elif copied.unproven:
        says = "Every object asked for is there. The plan was sealed before: make it again."
    else:
        says = "Nothing is missing."
    plan_again = NextStep("Plan again", copied.commands.plan())
    apply = NextStep("Apply it", copied.commands.apply())
    console.say(f"\n{says}")
    say_steps(console, copy_them or ((plan_again,) if copied.unproven else (apply,)))


def _show_json(copied: Copied, queue: CopyQueue) -> None:
    """One document, written row by row: a plan may miss millions of objects."""
    totals = copied.totals
    members = {
        "schema": "url-rewriter/copy@1",
        "plan": str(copied.path),
        "store": copied.store,
        "endpoint": copied.endpoint,
        "dry_run": copied.dry_run,
        "objects": {
            "wanted": totals.objects,
            "to_copy": totals.to_copy,
            **totals.outcomes,
            "pending": totals.pending,
        },
        "bytes": {"to_copy": totals.size, "copied": totals.written},
    }
    click.echo(json.dumps(members)[:-1], nl=False)
    for name, rows in (("left", queue.left()), ("notes", queue.noted())):
        click.echo(f', "{name}": [', nl=False)
        for number, row in enumerate(rows):
            click.echo((",\n" if number else "\n") + json.dumps(_members(row)), nl=False)
        click.echo("]", nl=False)
    click.echo("}")


def _members(row: Copy) -> dict[str, Any]:
    return {
        "source": {"bucket": row.source.bucket, "key": row.source.key},
        "target": {"bucket": row.target.bucket, "key": row.target.key},
        "outcome": row.outcome or "pending",
        "detail": row.detail,
    }


_WORDS = {"already_there": "already there"}


def _show_text(console: Console, copied: Copied, queue: CopyQueue) -> None:
    totals, dry_run = copied.totals, copied.dry_run
    rows = [(_WORDS.get(name, name), count) for name, count in totals.outcomes.items()]
    pending = "would be copied" if dry_run else "pending"
    console.table(("outcome", "objects"), [*rows, (pending, totals.pending)])
    size = totals.size if dry_run else totals.written
    would = "would be copied" if dry_run else "copied"
    console.print(f" {counted(totals.objects, 'object')} missing, {sized(size)} {would}")
    for line in _first_lines(queue):
        console.say(line)


def _first_lines(queue: CopyQueue) -> Iterator[str]:
    for number, row in enumerate(chain(queue.left(), queue.noted())):
        if number == LISTED:
            yield "  ... and more: --format json lists all"
            return
        place = printable(f"{row.source.bucket}/{row.source.key}")
        outcome = _WORDS.get(row.outcome, row.outcome or "pending")
        yield f"  {outcome:<13} {place}  {printable(row.detail)}".rstrip()
