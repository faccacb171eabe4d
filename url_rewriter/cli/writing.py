"""What ``apply`` and ``rollback`` show at their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from url_rewriter.cli.console import LISTED, Console, printable
from url_rewriter.errors import IncompleteError
from url_rewriter.text import counted

if TYPE_CHECKING:
    from url_rewriter.pipeline.written import Written


def conclude(console: Console, written: Written) -> None:
    """Show what became of every document. Raises IncompleteError where some were left."""
    if console.json:
        _show_json(console, written)
    else:
        _show_text(console, written)
    if written.all_gone:
        console.warn(
            "every planned document is gone: is this the database that the plan was made from?"
        )
    if written.totals.left:
        raise IncompleteError(
            f"{counted(written.totals.left, 'document')} left as they were."
            " Running the same command again is safe."
        )


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
    from url_rewriter.planfile import Operation

    totals, left = written.totals, written.left
    console.table(("outcome", "documents"), list(totals.outcomes.items()))
    would = "would be " if written.dry_run else ""
    console.print(
        f" {counted(totals.planned, 'document')} planned, {counted(totals.urls, 'URL')} "
        f"{would}{'rewritten' if written.operation is Operation.APPLY else 'put back'}"
    )
    if written.nothing_left:
        console.say("Nothing is left to put back.")
    elif states := ", ".join(f"{count:,} {words}" for words, count in totals.in_words()):
        console.print(f" {counted(totals.by_url['found'], 'URL')}: {states}")
    if appeared := totals.by_url["appeared"]:
        console.print(f" {counted(appeared, 'URL')} beyond them appeared since, and stay")
    for each in left[:LISTED]:
        line = f"  {each.outcome:<9} {printable(each.path)}  {printable(each.detail)}"
        console.say(line.rstrip())
    if len(left) > LISTED:
        console.say(f"  ... and {len(left) - LISTED:,} more: url-rewriter show --outcome")
