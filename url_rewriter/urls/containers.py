"""Containers: what encloses a URL from its first character on, so that its end is the URL's end.

Quotes, Markdown destinations, CSS's ``url(...)``, BBCode tags; the strings of a JSON document. The
patterns look a bounded way ahead and never across lines.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a value stands in, which tells how its characters may be escaped."""

    CELL = "cell"
    DOUBLE_QUOTES = '"'
    SINGLE_QUOTES = "'"
    MARKDOWN = "markdown"
    PARAMETER = "parameter"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Container:
    """What encloses a URL that begins right at its start: the end of its content, and its kind."""

    end: int
    kind: Kind = Kind.OTHER


_BBCODE_OPEN = re.compile(r"\[[A-Za-z]+=\Z|\[(?:img|url|audio|video)(?:[ =][^\[\]]*)?\]\Z", re.I)
_CSS_OPEN = re.compile(r"url\(\s*\Z", re.IGNORECASE)
# Escaped quotes first: they end in plain ones.
_QUOTED = {
    '\\"': (Kind.DOUBLE_QUOTES, re.compile(r'(?:[^"\\\n\r]++|\\(?!"))*+(?=\\")')),
    "\\'": (Kind.SINGLE_QUOTES, re.compile(r"(?:[^'\\\n\r]++|\\(?!'))*+(?=\\')")),
    '"': (Kind.DOUBLE_QUOTES, re.compile(r'(?:[^"\\\n\r]++|\\.)*+(?=")')),
    "'": (
        Kind.SINGLE_QUOTES,
        re.compile(r"(?:[^'\\\n\r]++|''(?![\s,;)\]}>]|\Z)|\\.|(?<=\w)'(?=\w))*+(?=')"),
    ),
    **{
        entity: (Kind.OTHER, re.compile(rf"(?:[^&<>\n\r]++|&(?!{entity[1:]}))*+(?={entity})"))
        for entity in ("&quot;", "&#34;", "&#39;", "&#x27;", "&apos;")
    },
    "`": (Kind.OTHER, re.compile(r"[^`\n\r]*+(?=`)")),
}
_ANGLE = re.compile(r"[^<>\n\r]*+(?=>)")
_BRACKETED = re.compile(r"[^\[\]\n\r]*+(?=\])")
_BBCODE_CONTENT = re.compile(r"[^\[\]\n\r]*+(?=\[/)")
_DESTINATION = re.compile(r"(?:[^()\\\n\r]++|\\.|\([^()\\\n\r]*+\))*+(?=\))")
_TITLED = re.compile(r"\s+(?:\"[^\"]*\"|'[^']*'|\([^()]*\))\s*\Z|\s+=\d*x\d*\s*\Z")

_LONGEST_CONTENT = 8192


def container(text: str, start: int) -> Container | None:
    """The container whose content begins at ``start``, if that is how the text goes."""
    before = text[max(0, start - 24) : start]
    if not before:
        return None
    for quote, (kind, pattern) in _QUOTED.items():
        if before.endswith(quote):
            return _matched(pattern, text, start, kind)
    if before.endswith("<"):
        markdown = before.endswith(("](<", "]: <"))
        return _matched(_ANGLE, text, start) if markdown else None
    if before.endswith("]("):
        return _destination(text, start)
    if _CSS_OPEN.search(before):
        return _matched(_DESTINATION, text, start)
    if match := _BBCODE_OPEN.search(before):
        inside = match[0].endswith("]")
        return _matched(_BBCODE_CONTENT if inside else _BRACKETED, text, start)
    return None


def _matched(
    pattern: re.Pattern[str], text: str, start: int, kind: Kind = Kind.OTHER
) -> Container | None:
    match = pattern.match(text, start, start + _LONGEST_CONTENT)
    if match is None:
        return None
    end = match.end() - (len(match[0]) - len(match[0].rstrip("\\")))
    return Container(end, kind) if end > start else None


def _destination(text: str, start: int) -> Container | None:
    """A Markdown destination, without its title; raw blanks in it are a habit that works widely."""
    match = _DESTINATION.match(text, start, start + _LONGEST_CONTENT)
    if match is None:
        return None
    content = match[0]
    if title := _TITLED.search(content):
        return Container(start + title.start(), Kind.MARKDOWN)
    return Container(match.end(), Kind.MARKDOWN)


_JSON_BEGINS = re.compile(r"\s*[\[{\"]")
_JSON_STRING = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_HINT = re.compile(r"[/:]|%2[fF]|%3[aA]|u002[fF]")


def json_strings(text: str) -> list[tuple[int, int]]:
    """Where the strings of a JSON document are that may hold a URL; none if it is not one."""
    if _JSON_BEGINS.match(text) is None:
        return []
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [
        match.span(1)
        for match in _JSON_STRING.finditer(text)
        if _HINT.search(text, match.start(1), match.end(1))
    ]
