"""What a stream can show: how wide, in colour or not, and text that is harmless on it."""

from __future__ import annotations

import os
from typing import Any

from url_rewriter.cli.annotations import are_wanted, defanged
from url_rewriter.text import spell_out

_WIDTH = 80
"""The width of a terminal that does not say."""


def wants_color(choice: str) -> bool | None:
    """Whether to use colour: as asked, else as the environment says, else by the terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return False if os.environ.get("TERM") == "dumb" else None


def terminal_width(stream: Any) -> int | None:
    """The columns of the terminal that shows ``stream``; None where none does."""
    try:
        if not stream.isatty():
            return None
        if (said := os.environ.get("COLUMNS", "")).isdecimal() and int(said):
            return int(said)
        return os.get_terminal_size(stream.fileno()).columns or _WIDTH
    except (OSError, ValueError):
        return None


def printable(text: str) -> str:
    r"""Text for a terminal: without secrets, every control and direction mark spelled out.

    >>> printable("a\x1b[31mb\u202e")
    'a\\x1b[31mb\\u202e'
    """
    from url_rewriter.urls import redact

    return spell_out(redact(text))


def printable_url(url: str) -> str:
    """A text that is one URL, for a terminal."""
    from url_rewriter.urls import redact_url

    return spell_out(redact_url(url))


def for_runner(line: str) -> str:
    """A line that a runner of GitHub Actions takes for nothing else."""
    return defanged(line) if are_wanted() else line
