"""The part of ``audit`` that shows orphans: objects that no document mentions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

import click

from url_rewriter.cli.console import Console, printable
from url_rewriter.text import counted

if TYPE_CHECKING:
    from url_rewriter.pipeline.orphans import Orphans
    from url_rewriter.pipeline.unmentioned import PrefixTotals

LIST_FORMAT = "orphan-list"

_COUNTS = (
    *("objects", "bytes", "mentioned", "unmentioned", "unmentioned_bytes"),
    *("newer", "unsure"),
)
_TITLES = (
    *("target prefix", "rules", "objects", "bytes", "mentioned", "unmentioned"),
    *("unmentioned bytes", "newer", "unsure"),
)


def members(found: Orphans) -> dict[str, Any]:
    """The search as JSON documents show it; numbers are null where they are not known."""
    return {
        "since": found.since.isoformat(),
        "collections_left_out": found.left_out,
        "whole": found.trouble is None,
        "prefixes": [
            {
                "bucket": row.place.bucket,
                "prefix": row.place.prefix,
                "rules": row.rules,
                "known": row.trouble is None,
                **{name: None if row.trouble else getattr(row, name) for name in _COUNTS},
                "detail": printable(str(row.trouble or "")),
            }
            for row in found.rows
        ],
    }


def print_list(console: Console, found: Orphans, file: IO[bytes]) -> None:
    """Write the list of unmentioned objects that ``file`` holds, and on stderr what it means."""
    file.seek(0)
    while block := file.read(1 << 20):
        click.echo(block.decode("ascii"), nl=False)
    for remark in explain(found):
        console.say(remark)


def show(console: Console, found: Orphans) -> None:
    """The rows as a table, and what they mean and do not mean."""
    console.table(_TITLES, [_cells(row) for row in found.rows])
    for line in explain(found):
        console.print(f" {line}")


def _cells(row: PrefixTotals) -> tuple[str | int, ...]:
    counts = ("unknown" if row.trouble else getattr(row, name) for name in _COUNTS)
    return (str(row.place), ", ".join(row.rules), *counts)


def explain(found: Orphans) -> Iterator[str]:
    """What was found, what it does not mean, and what is not known."""
    known = [row for row in found.rows if row.trouble is None]
    if known:
        unmentioned = counted(sum(row.unmentioned for row in known), "object")
        size = counted(sum(row.unmentioned_bytes for row in known), "byte")
        where = "" if len(known) == len(found.rows) else ", where the listing is known"
        yield (
            f"Mentioned by no document that was read: {unmentioned}, {size}{where}. Something else "
            "may use them: garbage is for you to tell."
        )
    if found.left_out:
        names = ", ".join(map(printable, found.left_out))
        yield f"Not read, because the rules' scope excludes them: collections {names}."
    if any(row.newer for row in known):
        yield f"newer: written since the scan began, at {found.since:%Y-%m-%d %H:%M:%SZ}."
    if any(row.unsure for row in known):
        yield "unsure: the listing leaves their keys in doubt, or no URL can name them."
    for row in found.rows:
        if row.trouble is not None:
            yield f"Not known under {printable(str(row.place))}: {printable(str(row.trouble))}"
