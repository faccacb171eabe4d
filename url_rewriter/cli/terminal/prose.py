"""Lines that fit a terminal: prose is wrapped at words, commands are continued as shells do."""

from __future__ import annotations

import re

from rich.cells import cell_len

_WORD = re.compile(r"\s*\S+")
_ARGUMENT = re.compile(r"""\s*(?:'[^']*'|"[^"]*"|[^\s'"])+""")
_COMMAND = re.compile(r"(?:url-rewriter|rclone|gcloud|pip|export) ")
_GAP = re.compile(r"\S {2,}(?=\S)")
_CONTINUED = " \\"
_INDENT = 12
"""The indentation of a line that is indented by more than a third of the terminal."""


def wrap(text: str, width: int | None, hang: int | None = None) -> list[str]:
    r"""``text`` in lines of at most ``width`` columns, broken between words only.

    Further lines are indented by ``hang``: by default to where the text begins behind a label, else
    as the first one. A word that is longer than a line has one of its own. None is no limit.

    >>> wrap(" failed  disk  the folder is full", 24)
    [' failed  disk  the', '         folder is full']
    >>> wrap("  Apply it  url-rewriter apply omi.plan --confirm 'omi prod'", 42)
    ['  Apply it  url-rewriter apply omi.plan \\', "            --confirm 'omi prod'"]
    """
    if width is None or cell_len(text) <= width:
        return [text]
    if (indented := len(text) - len(text.lstrip())) > width // 3:
        text = text[indented - _INDENT :]
    begin = _text_begins(text, width)
    if _COMMAND.match(text, begin):
        return _filled(text, width, begin + 2 if begin == 0 else begin, _ARGUMENT, _CONTINUED)
    if hang is None or hang > width // 2:
        hang = begin
    return _filled(text, width, hang, _WORD, "")


def _text_begins(text: str, width: int) -> int:
    """Where the text of a line begins: behind its label, else behind its indentation."""
    gap = _GAP.search(text, 0, width // 2)
    return gap.end() if gap else len(text) - len(text.lstrip())


def _filled(text: str, width: int, hang: int, words: re.Pattern[str], continued: str) -> list[str]:
    lines, line = [], ""
    room = width - len(continued)
    for match in words.finditer(text):
        word = match[0]
        most = width if match.end() == len(text) else room
        if line.strip() and cell_len(line) + cell_len(word) > most:
            lines.append(line + continued)
            line = " " * hang + word.lstrip()
        else:
            line += word
    return [*lines, line]
