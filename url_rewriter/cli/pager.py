"""Long results on a terminal: URLs cut to its width, and a pager where they exceed its height.

Elsewhere (a pipe, a file) every line is whole, and there is no pager.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from itertools import chain, islice

import click

from url_rewriter.cli.console import Console
from url_rewriter.text import elide


def fitted(text: str, margin: int) -> str:
    """``text``, its middle left out where a terminal's line behind ``margin`` columns is short."""
    if not sys.stdout.isatty():
        return text
    return elide(text, max(20, shutil.get_terminal_size().columns - margin))


def print_lines(console: Console, lines: Iterable[str], *, paged: bool) -> None:
    """Print lines of a result, by the pager of the environment where they exceed a terminal."""
    rest = iter(lines)
    if not (paged and sys.stdout.isatty() and sys.stdin.isatty()):
        first: list[str] = []
    else:
        first = list(islice(rest, shutil.get_terminal_size().lines))
        if len(first) == shutil.get_terminal_size().lines:
            click.echo_via_pager(_ended(chain(first, rest)))
            return
    for line in chain(first, rest):
        console.print(line)


def _ended(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield f"{line}\n"
