"""URLs of the target: where one that this program wrote may end, and text follow it.

What was written is found again however the text goes on behind it, so that a check after the
migration, and a list of objects that nothing mentions, take it for what it is.
"""

from __future__ import annotations

import re

from url_rewriter.urls.boundaries import EXTENSION, EXTENSION_PATTERN, without_punctuation

_MOST_ESCAPES = 4
_MOST_SUFFIXES = 2
_LONGEST_EXTENSION = 12
# What this program writes behind the bucket's name.
_ALPHABET = re.compile(r"(?:[A-Za-z0-9._~/-]|%[0-9A-Fa-f]{2})*+")
_GLUE = r"%(?:09|2[0-9A-Ca-c]|3[A-Fa-f]|40|5[BbDd]|7[BbDd])"
# What shows that text follows, behind a file's extension or at the end.
_ESCAPED_GLUE = re.compile(
    rf"%0[aAdD]|{_GLUE}(?=(?:{_GLUE})*\Z)|(?>{EXTENSION_PATTERN})(?={_GLUE}|[A-Za-z0-9])",
    re.IGNORECASE,
)
# What ends a key and may be text: no extension, known or, as in `a.png.old`, one that may be.
_SUFFIX = re.compile(
    r"(?<=[^/])~[^/~]*\Z|[~_.-]+\Z"
    rf"|(?!(?i:{EXTENSION_PATTERN})\Z)\.+(?![a-z0-9]{{1,12}}\Z)[^./~_-]*\Z"
)
# Behind a name without an extension: a blank, a comma, a quotation mark.
_SEPARATOR = re.compile(r"%2[02cC]")


def past_alphabet(text: str, begins: int, path: int) -> int:
    """The end of what this program could have written of the key from ``begins`` to ``path``."""
    written = _ALPHABET.match(text, begins, path)
    past = written.end() if written else path
    if begins < past < path:
        return begins + without_punctuation(text[begins:past], past - begins)
    return path


def shorter_ends(text: str, begins: int, past: int) -> list[int]:
    """Where else the key may end that begins at ``begins`` and ends at ``past`` most likely."""
    ends = [
        match.start() if match[0][0] == "%" else match.end()
        for match in _ESCAPED_GLUE.finditer(text, begins, past)
    ]
    for _ in range(_MOST_SUFFIXES):
        suffix = _SUFFIX.search(text, begins, ends[-1] if ends else past)
        if suffix is None:
            break
        ends.append(suffix.start())
    return [*ends[-_MOST_ESCAPES:], *_separated(text, begins, past)]


def _separated(text: str, begins: int, past: int) -> list[int]:
    """The last places in the last name where an escaped separator stands, if it is no file's."""
    if EXTENSION.search(text, max(begins, past - _LONGEST_EXTENSION), past):
        return []
    name = max(begins, text.rfind("/", begins, past) + 1)
    return [each.start() for each in _SEPARATOR.finditer(text, name, past)][-_MOST_ESCAPES:]
