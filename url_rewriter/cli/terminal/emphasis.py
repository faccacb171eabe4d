r"""Emphasis: colour and weight that carry severity, beside the word that says it.

The first word of a line, or a whole cell of a table, has the emphasis of the table below.

>>> lead("failed    users/ada"), lead("Ready. Nothing was written yet.")
((6, <Emphasis.BAD: 'bad'>), (5, <Emphasis.GOOD: 'good'>))
>>> lead("  missing bucket"), styled("ok  credentials")
(None, '\x1b[32m\x1b[1mok\x1b[0m  credentials')
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

import click


class Emphasis(StrEnum):
    """``STRONG`` is a heading, ``FAINT`` is what may be passed over."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    STRONG = "strong"
    FAINT = "faint"


_STYLES: dict[Emphasis, dict[str, Any]] = {
    Emphasis.GOOD: {"fg": "green", "bold": True},
    Emphasis.WARNING: {"fg": "yellow", "bold": True},
    Emphasis.BAD: {"fg": "red", "bold": True},
    Emphasis.STRONG: {"bold": True},
    Emphasis.FAINT: {"dim": True},
}

_BY_EMPHASIS = {
    Emphasis.GOOD: (
        *("ok", "passed", "written", "copied", "exists", "rewrite", "migrated", "already there"),
        *("Ready", "Ready to cut over", "Applied", "Done"),
    ),
    Emphasis.WARNING: (
        *("warning", "unknown", "told", "waived", "not asked", "not-asked", "unmapped", "left"),
        *("pending", "conflict", "newer", "unsure", "Not asked enough to say", "Plan again"),
    ),
    Emphasis.BAD: (
        *("failed", "FAILED", "missing", "mismatch", "gone", "blocked", "Plan blocked"),
        *("Not ready", "Blocked", "Error"),
    ),
}
_WORDS = {word: emphasis for emphasis, words in _BY_EMPHASIS.items() for word in words}

_LEAD = re.compile(
    rf"\s*(?P<word>{'|'.join(sorted(map(re.escape, _WORDS), key=len, reverse=True))})"
    r"(?=[.,:;]| {2}|\s*\Z)"
)
_COMMAND = re.compile(r"(?:\A| ) (?P<command>(?:url-rewriter|rclone|gcloud|pip) .*)")


def of_word(text: str) -> Emphasis | None:
    """The emphasis of a word, where it has one."""
    return _WORDS.get(text.strip())


def lead(line: str) -> tuple[int, Emphasis] | None:
    """Where the first word of a line ends and what it says, where that is a emphasis."""
    match = _LEAD.match(line)
    return (match.end(), _WORDS[match["word"]]) if match else None


def style(text: str, emphasis: Emphasis | None) -> str:
    """``text`` in the colour and weight of ``emphasis``."""
    return click.style(text, **_STYLES[emphasis]) if emphasis and text.strip() else text


def styled(line: str) -> str:
    """A line whose first word is shown by its emphasis, or whose command is shown by weight."""
    if (found := lead(line)) is not None:
        end, emphasis = found
        begin = end - len(line[:end].lstrip())
        return f"{line[:begin]}{style(line[begin:end], emphasis)}{line[end:]}"
    if line.startswith(" ") and (found_command := _COMMAND.search(line)):
        begin = found_command.start("command")
        return f"{line[:begin]}{style(line[begin:], Emphasis.STRONG)}"
    return line
