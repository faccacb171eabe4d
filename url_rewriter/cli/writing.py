"""What ``apply`` and ``rollback`` show at their end."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from url_rewriter.cli.console import LISTED, Console, printable
from url_rewriter.cli.steps import say_steps, typed
from url_rewriter.errors import IncompleteError, NextStep
from url_rewriter.text import counted

if TYPE_CHECKING:
    from url_rewriter.pipeline.written import Written
    from url_rewriter.planfile import Operation


def conclude(console: Console, written: Written) -> None:
    """Show what became of every document. Raises IncompleteError where some were left."""
    from url_rewriter.next_steps import after_writes

    if console.json:
        _show_json(console, written)
    else:
        _show_text(console, written)
    if written.all_gone:
        console.warn(
            "every planned document is gone: is this the database that the plan was made from?"
        )
    steps = after_writes(written.commands, written.operation, written.totals, typed())
    if written.totals.left and not written.nothing_left:
        raise IncompleteError(
            f"{counted(written.totals.left, 'document')} left as "
            f"{'it was' if written.totals.left == 1 else 'they were'}."
            " Running the same command again is safe."
        ).then(*steps)
    console.say()
    if written.dry_run and not written.nothing_left:
        console.say("Nothing was written.")
        steps = (NextStep("Write it", typed(dry_run=False)),)
    say_steps(console, steps)


def _show_json(console: Console, written: Written) -> None:
    totals = written.totals
    console.document(
        written.operation.value,
        {
            "plan": str(written.path),
            "store": written.store,
            "dry_run": written.dry_run,
            "documents": {"planned": totals.planned, **totals.outcomes},
            "urls": totals.by_url,
            "left": [
                {"document": each.path, "outcome": each.outcome, "detail": each.detail}
                for each in written.left
            ],
        },
    )


def _show_text(console: Console, written: Written) -> None:
    totals, left = written.totals, written.left
    if written.nothing_left:
        console.print(f" {_nothing_left(written)}")
        return
    done = _done(written.operation, dry_run=written.dry_run)
    rows = [(done if name == "written" else name, n) for name, n in totals.outcomes.items()]
    console.table(("outcome", "documents"), rows)
    console.print(f" {counted(totals.planned, 'document')} planned")
    console.print(f" {totals.sum_urls(done)}")
    for each in left[:LISTED]:
        line = f"  {each.outcome:<9} {printable(each.path)}  {printable(each.detail)}"
        console.say(line.rstrip())
    if len(left) > LISTED:
        more = counted(len(left) - LISTED, "more document")
        console.say(f"  ... and {more}: --format json lists all")


def _done(operation: Operation, *, dry_run: bool) -> str:
    """What is said of what was written, or would be."""
    done = "written" if operation == "apply" else "put back"
    return f"would be {done}" if dry_run else done


def _nothing_left(written: Written) -> str:
    """What is said of a run that has nothing to do, with when it was done."""
    done_at, planned = _minute(written.done_at), written.totals.planned
    if written.operation == "rollback":
        if not done_at:
            return "Nothing to put back: nothing was written."
        return f"Nothing left to put back: all was put back {done_at}."
    if not planned:
        return "Nothing to write: the plan changes no document."
    were = "1 document was" if planned == 1 else f"all {counted(planned, 'document')} were"
    return f"Nothing left to write: {were} written {done_at}".rstrip() + "."


def _minute(moment: str) -> str:
    """A time of a plan file, to the minute.

    >>> _minute("2026-11-28T03:20:07.5+00:00"), _minute("")
    ('2026-11-28 03:20 UTC', '')
    """
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M} UTC" if moment else ""
