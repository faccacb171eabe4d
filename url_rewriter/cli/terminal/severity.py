r"""Severity, shown by colour and weight beside the word that says it.

The first word of a line, or a whole cell of a table, has the severity of the table below.

>>> lead("failed    users/ada"), lead("Ready. Nothing was written yet.")
((6, <Severity.BAD: 'bad'>), (5, <Severity.GOOD: 'good'>))
>>> lead("  missing bucket"), styled("ok  credentials")
(None, '\x1b[32m\x1b[1mok\x1b[0m  credentials')
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

import click


class Severity(StrEnum):
    """``STRONG`` is a heading, ``FAINT`` is what may be passed over."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    STRONG = "strong"
    FAINT = "faint"


_STYLES: dict[Severity, dict[str, Any]] = {
    Severity.GOOD: {"fg": "green", "bold": True},
    Severity.WARNING: {"fg": "yellow", "bold": True},
    Severity.BAD: {"fg": "red", "bold": True},
    Severity.STRONG: {"bold": True},
    Severity.FAINT: {"dim": True},
}

_BY_SEVERITY = {
    Severity.GOOD: (
        *("ok", "passed", "written", "copied", "exists", "rewrite", "migrated", "already there"),
        *("Ready", "Ready to cut over", "Applied", "Done"),
    ),
    Severity.WARNING: (
        *("warning", "unknown", "told", "waived", "not asked", "not-asked", "unmapped", "left"),
        *("pending", "conflict", "newer", "unsure", "Not asked enough to say", "Plan again"),
    ),
    Severity.BAD: (
        *("failed", "FAILED", "missing", "mismatch", "gone", "blocked", "Plan blocked"),
        *("Not ready", "Blocked", "Error"),
    ),
}
_WORDS = {word: severity for severity, words in _BY_SEVERITY.items() for word in words}

_LEAD = re.compile(
    rf"\s*(?P<word>{'|'.join(sorted(map(re.escape, _WORDS), key=len, reverse=True))})"
    r"(?=[.,:;]| {2}|\s*\Z)"
)
_COMMAND = re.compile(r"(?:^|(?<=\s))(?:url-rewriter|rclone|gcloud|pip) .*")


def of_word(text: str) -> Severity | None:
    """The severity of a word, where it has one."""
    return _WORDS.get(text.strip())


def lead(line: str) -> tuple[int, Severity] | None:
    """Where the first word of a line ends and what it says, where that is a severity."""
    match = _LEAD.match(line)
    return (match.end(), _WORDS[match["word"]]) if match else None


def style(text: str, severity: Severity | None) -> str:
    """``text`` in the colour and weight of ``severity``."""
    return click.style(text, **_STYLES[severity]) if severity and text.strip() else text


def styled(line: str) -> str:
    """A line whose first word is shown by its severity, or whose command is shown by weight."""
    if (found := lead(line)) is not None:
        end, severity = found
        begin = end - len(line[:end].lstrip())
        return f"{line[:begin]}{style(line[begin:end], severity)}{line[end:]}"
    if line.startswith(" ") and (command := _COMMAND.search(line)):
        return f"{line[: command.start()]}{style(command[0], Severity.STRONG)}"
    return line
