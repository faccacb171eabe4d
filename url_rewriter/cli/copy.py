"""``copy``: bring missing objects from Cloud Storage to where the rewritten URLs will name them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from url_rewriter.cli import options, services, writing
from url_rewriter.cli.consent import may_ask
from url_rewriter.cli.console import Console, printable
from url_rewriter.documents import Environment
from url_rewriter.errors import (
    ChecksFailedError,
    ConfigurationError,
    IncompleteError,
    NotPermittedError,
    RefusedError,
    ServiceError,
)
from url_rewriter.text import counted, sized

if TYPE_CHECKING:
    from url_rewriter.objects import ObjectStore, ObjectWriter
    from url_rewriter.pipeline.copy_queue import Copy, CopyList, CopyTotals
    from url_rewriter.planfile import Plan, Run, Uploads, UrlFilter
    from url_rewriter.rules import Rules
    from url_rewriter.sources import SourceReader

_EMULATOR = "STORAGE_EMULATOR_HOST"


@click.command(name="copy")
@options.plan_argument
@options.option(
    "--status", type=click.Choice(["missing", "unknown"]), default="missing", show_default=True,
    help="Objects of URLs that the plan calls so. Both ends are asked for again in any case.",
)  # fmt: skip
@options.option("--rule", metavar="NAME", help="Objects of URLs that this rule takes only.")
@options.option(
    "--collection", metavar="PATTERN",
    help="Of URLs in this collection only: a name or a path, as for plan.",
)  # fmt: skip
@options.option("--document", metavar="PATH", help="Of URLs in this document only.")
@options.option("--yes", is_flag=True, help="Do not ask.")
@options.option("--dry-run", is_flag=True, help="Say what would be copied, and how many bytes.")
@options.option(
    "--max-bytes", type=options.Size(), metavar="SIZE",
    help="Copy at most this much, such as 20G; the same command goes on.",
)  # fmt: skip
@options.option(
    "--workers", type=click.IntRange(1, 256), metavar="N",
    help="Objects copied at once; each needs some 20 MiB of memory  [default: 8].",
)  # fmt: skip
@options.option(
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
    from url_rewriter.planfile import UrlFilter

    if not (yes or dry_run or may_ask(console)):
        raise ConfigurationError("Nobody to ask whether to copy: give --yes, or --dry-run.")
    s3 = services.S3Options(s3_endpoint, max_rps, prove="head")
    wanted = UrlFilter(status, rule, collection, document)
    with writing.held_plan(plan_file, dry_run=dry_run) as (plan, stack):
        rules = services.planned_rules(plan)
        _refuse_unknown_rule(rules, rule)
        _refuse_an_emulator_for_production(plan)
        session = _Session(console, plan, rules, s3, stack, workers)
        with writing.ending(session.run):
            copies = session.survey(wanted)
            if dry_run:
                session.foretell()
            elif session.agree(yes=yes):
                session.copy(max_bytes)
        _conclude(console, plan, plan_file, copies, session.endpoint, dry_run=dry_run)


class _Session:
    """One run of the command: what it opened, and the objects it works on."""

    def __init__(
        self,
        console: Console,
        plan: Plan,
        rules: Rules,
        s3: services.S3Options,
        stack: ExitStack,
        workers: int | None,
    ) -> None:
        from url_rewriter.pipeline.copy import WORKERS
        from url_rewriter.pipeline.copy_queue import CopyList
        from url_rewriter.planfile import Run

        self._console = console
        self._plan = plan
        self._rules = rules
        self._s3 = s3
        self._stack = stack
        self._workers = workers or WORKERS
        self.endpoint = services.s3_settings(rules, s3).endpoint
        self._objects: ObjectStore = stack.enter_context(services.open_objects(rules, s3))
        self._source: SourceReader = stack.enter_context(services.open_cloud_storage(None))
        self._copies: CopyList = CopyList()
        stack.callback(self._copies.close)
        self.run: Run = Run(plan, "copy")

    def survey(self, wanted: UrlFilter) -> CopyList:
        """Find out what there is to do."""
        from url_rewriter.pipeline.copy import choices_of, survey

        planner = services.Limits.of(self._plan.header.invocation).planner(self._rules)
        self._copies.add(choices_of(self._plan, planner, wanted))
        progress = self._console.progress()
        survey(self._copies, self._source, self._objects, self.run, progress)
        return self._copies

    def foretell(self) -> None:
        """Say what a copy would find, without copying."""
        from url_rewriter.pipeline.copy import compare_what_is_there

        compare_what_is_there(self._copies)

    def agree(self, *, yes: bool) -> bool:
        """Say what it costs, and have the operator agree; False where there is nothing to do."""
        from url_rewriter.pipeline.forecast import forecast_copy

        totals = self._copies.totals()
        if not totals.pending:
            return False
        self._console.say(f"forecast {forecast_copy(totals.to_copy, totals.size)}")
        if yes or not totals.to_copy:
            return True
        objects = f"{counted(totals.to_copy, 'object')} ({sized(totals.size)})"
        if not click.confirm(f"Copy {objects} to {printable(self.endpoint)}?", err=True):
            raise ConfigurationError("Not confirmed. Nothing was copied.")
        return True

    def copy(self, max_bytes: int | None) -> None:
        """Do what there is to do."""
        from url_rewriter.pipeline.copy import Copier
        from url_rewriter.planfile import Uploads

        with ExitStack() as stack:
            uploads = Uploads(self._plan.path)
            stack.callback(uploads.close)
            writer = stack.enter_context(services.open_writer(self._rules, self._s3, uploads))
            self._give_up_what_was_left(writer, uploads)
            copier = Copier(
                self._copies, self._source, writer, self._objects, self.run,
                workers=self._workers, max_bytes=max_bytes,
            )  # fmt: skip
            copier.copy(self._console.progress())

    def _give_up_what_was_left(self, writer: ObjectWriter, uploads: Uploads) -> None:
        """End the uploads in parts that a killed run of this plan began; nobody else's."""
        for target, upload in uploads.left():
            if why := writer.give_up(target, upload):
                self._console.warn(
                    f"an upload of {target.key} that an earlier run began could not be given up: "
                    f"{why}. It takes room in bucket {target.bucket}, and shows as no object."
                )


def _refuse_unknown_rule(rules: Rules, name: str | None) -> None:
    names = [rule.name for rule in rules.rules]
    if name is not None and name not in names:
        raise ConfigurationError(f"--rule {name}: the plan's rules are {', '.join(names)}.")


def _refuse_an_emulator_for_production(plan: Plan) -> None:
    """Objects of an emulator must not end up where production's URLs will point."""
    if os.environ.get(_EMULATOR) and plan.header.kept_at == Environment.PRODUCTION:
        raise RefusedError(
            f"{plan.path} is a plan for production, and {_EMULATOR} names an emulator: unset it."
            " Nothing was copied."
        )


def _conclude(
    console: Console, plan: Plan, path: Path, copies: CopyList, endpoint: str, *, dry_run: bool
) -> None:
    totals = copies.totals()
    if console.json:
        _show_json(plan, path, copies, totals, endpoint, dry_run=dry_run)
    else:
        _show_text(console, copies, totals, dry_run=dry_run)
    left = totals.objects - totals.there - (totals.pending if dry_run else 0)
    if left:
        raise _why_incomplete(copies, totals, left, dry_run=dry_run)
    if dry_run:
        console.say("\nNothing was copied. The same command without --dry-run does it.")
    elif plan.count("SELECT count(*) FROM occurrences WHERE status IN ('missing', 'unknown')"):
        console.say("\nEvery object asked for is there. The plan was sealed before: make it again.")
        console.say(f"  Plan again    {printable(plan.header.command(str(path)))}")
    else:
        console.say("\nNothing is missing.")


def _why_incomplete(copies: CopyList, totals: CopyTotals, left: int, *, dry_run: bool) -> Exception:
    first = next((each.detail for each in copies.left() if each.detail), "not tried")
    says = f"{counted(left, 'object')} of {totals.objects:,}"
    if not totals.there and totals.forbidden:
        return NotPermittedError(f"{says} may not be copied with these credentials: {first}.")
    nobody_told = totals.outcomes["unknown"] + totals.passing
    if not totals.there and nobody_told >= left:
        return ServiceError(f"{says} could not be copied: {first}. The same command continues.")
    if dry_run:
        return ChecksFailedError(f"{says} cannot be copied. Nothing was copied yet.")
    return IncompleteError(f"{says} not copied. Running the same command again is safe.")


def _show_json(
    plan: Plan, path: Path, copies: CopyList, totals: CopyTotals, endpoint: str, *, dry_run: bool
) -> None:
    """One document, written row by row: a plan may miss millions of objects."""
    members = {
        "schema": "url-rewriter/copy@1",
        "plan": str(path),
        "store": plan.header.store,
        "endpoint": endpoint,
        "dry_run": dry_run,
        "objects": {
            "wanted": totals.objects,
            "to_copy": totals.to_copy,
            **totals.outcomes,
            "pending": totals.pending,
        },
        "bytes": {"to_copy": totals.size, "copied": totals.written},
    }
    click.echo(json.dumps(members)[:-1], nl=False)
    for name, rows in (("left", copies.left()), ("notes", copies.noted())):
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


def _show_text(console: Console, copies: CopyList, totals: CopyTotals, *, dry_run: bool) -> None:
    rows = [(_WORDS.get(name, name), count) for name, count in totals.outcomes.items()]
    pending = "would be copied" if dry_run else "pending"
    console.table(("outcome", "objects"), [*rows, (pending, totals.pending)])
    size = totals.size if dry_run else totals.written
    would = "would be copied" if dry_run else "copied"
    console.print(f" {counted(totals.objects, 'object')} missing, {sized(size)} {would}")
    for line in _first_lines(copies):
        console.say(line)


_LISTED = 20


def _first_lines(copies: CopyList) -> Iterator[str]:
    for number, row in enumerate(chain(copies.left(), copies.noted())):
        if number == _LISTED:
            yield "  ... and more: --format json lists all"
            return
        place = printable(f"{row.source.bucket}/{row.source.key}")
        outcome = _WORDS.get(row.outcome, row.outcome or "pending")
        yield f"  {outcome:<13} {place}  {printable(row.detail)}".rstrip()
