"""The safety net: names of Cloud Storage in a text that no other part of the grammar accounts for.

A spelling that the grammar cannot read must not pass in silence: it is left, with a remark. What is
looked for here is deliberately dumb, and undoes every escape it knows wherever one stands, so that
it fails in other ways than the grammar does.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from html import unescape

from url_rewriter.text import may_hold
from url_rewriter.urls.model import Grammar, Left, Remark, S3Address
from url_rewriter.urls.offsets import Item
from url_rewriter.urls.s3_addresses import hosts_of

_NAMES = (
    r"storage(?:(?!storage)[^\s/\"'<>]){1,48}?googleapis",
    r"googleapis\.com(?::443)?[/\\]+(?:(?:upload|download|resumable|batch)[/\\]+)*storage[/\\]",
    r"firebasestorage",
    r"storage\.cloud\.google\.com",
    r"console\.(?:cloud|developers)\.google\.com/(?:m/cloud)?storage",
    r"-apidata\.googleusercontent",
    r"x-goog-credential=",
    r"googleapis\.com[/\\]+auth[/\\]+devstorage",
    r"(?:(?<![a-z0-9+.-])|(?<=\\[nrtbf]))gc?s:[/\\]{1,3}+(?=\S)",
)
_ESCAPE = re.compile(
    r"&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8});|%[0-7][0-9a-f]"
    r"|\\{1,8}(?:u[0-9a-f]{4}|x[0-7][0-9a-f]|0?[01][0-7]{2}|/|[.:=&_-])"
    r"|[\u00ad\u180e\u200b-\u200f\u2060-\u2064\ufeff]|=(?:\r?\n|[2-7][0-9a-f])",
    re.IGNORECASE,
)
"""Escapes of HTML, URLs, JSON and mail, and characters that are not seen."""
_MOST_ESCAPED = 4

Span = tuple[int, int]


def with_unread(text: str, items: Sequence[Item], grammar: Grammar) -> Sequence[Item]:
    """``items``, and what else names Cloud Storage, one for each blank-free stretch of text.

    A URL that may end before such a name does not run over it: the objects may choose the shorter
    reading, and the name would be passed over.
    """
    if _is_plain(text, items, grammar):
        return items
    names = _names(text, _configured(grammar.declared, grammar.addresses))
    # A parameter of its own query is a name too, and ends no URL.
    others = [each for each in names if text[each[0] : each[0] + 2].lower() != "x-"]
    kept = [_ended_before(item, others) for item in items]
    return [*kept, *_unread(text, kept, names)]


def _ended_before(item: Item, names: Sequence[Span]) -> Item:
    read = item.literal if isinstance(item, Left) else item
    if read is None or (read is item and len(read.readings) == 1):
        return item
    at = bisect_left(names, (_shortest(item), 0))
    if at == len(names):
        return item
    first, _ = names[at]
    kept = read._replace(readings=tuple([each for each in read.readings if each.end <= first]))
    return item._replace(end=min(item.end, first), literal=kept) if isinstance(item, Left) else kept


def _shortest(item: Item) -> int:
    read = item.literal if isinstance(item, Left) else item
    return min(each.end for each in read.readings) if read else item.end


def _unread(text: str, items: Sequence[Item], names: Sequence[Span]) -> Iterator[Left]:
    covered = sorted(_span(item) for item in items)
    done = 0
    for start, end in names:
        before = bisect_right(covered, (start, len(text))) - 1
        after = before + 1
        if before >= 0 and covered[before][1] > start:
            continue
        if start < done or (after < len(covered) and covered[after][0] < end):
            continue
        first = max(covered[before][1] if before >= 0 else 0, done)
        last = covered[after][0] if after < len(covered) else len(text)
        done = _end_of_stretch(text, end, last)
        yield Left(_start_of_stretch(text, start, first), done, Remark.UNREAD)


# What is in every name that `_names` finds, in lower case.
_STEMS = ("googleapis", "firebasestorage", ".google.com", "-apidata", "x-goog-c", "gs:", "gcs:")


def _is_plain(text: str, items: Sequence[Item], grammar: Grammar) -> bool:
    """Whether nothing outside ``items`` can be a name, as in nearly every text."""
    between: list[str] = []
    done = 0
    for item in items:
        between.append(text[done : item.start])
        done = _shortest(item)
    between.append(text[done:])
    rest = "\0".join(between)
    declared = grammar.declared
    if may_hold(rest, _STEMS) or (declared and may_hold(rest, declared)):
        return False
    if grammar.addresses and may_hold(rest, ("s3:", *hosts_of(grammar.addresses))):
        return False
    # A search for the first characters costs less than one for escapes.
    escaped = "&" in rest or "%" in rest or "\\" in rest
    return not escaped or _ESCAPE.search(rest) is None


def _span(item: Item) -> Span:
    if isinstance(item, Left):
        return item.start, item.end
    if len(item.readings) == 1:
        return item.start, item.end
    return item.start, max(reading.end for reading in item.readings)


def _names(text: str, configured: tuple[str, ...]) -> list[Span]:
    """Where a name of Cloud Storage stands in ``text``, however it is escaped, or one of what is
    ``configured``."""
    pattern = _pattern(configured)
    found = {match.span() for match in pattern.finditer(text)}
    plain, offsets = text, range(len(text) + 1)
    at: Sequence[int] = offsets
    for _ in range(_MOST_ESCAPED):
        if _ESCAPE.search(plain) is None:
            break
        plain, at = _undone(plain, at)
        found |= {(at[m.start()], at[m.end()]) for m in pattern.finditer(plain)}
    return sorted(found)


@lru_cache(maxsize=64)
def _configured(hosts: tuple[str, ...], addresses: tuple[S3Address, ...]) -> tuple[str, ...]:
    """Patterns of the names that a grammar adds; before the host of an S3 server, a bucket's."""
    patterns = [rf"(?<![a-z0-9.-]){re.escape(host)}(?![a-z0-9.-])" for host in hosts]
    if addresses:
        patterns += [rf"{re.escape(host)}(?![a-z0-9.-])" for host in hosts_of(addresses)]
        patterns.append(r"(?:(?<![a-z0-9+.-])|(?<=\\[nrtbf]))s3:[/\\]{1,3}+(?=\S)")
    return tuple(patterns)


@lru_cache(maxsize=64)
def _pattern(configured: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join((*_NAMES, *configured)), re.IGNORECASE)


def _undone(text: str, at: Sequence[int]) -> tuple[str, Sequence[int]]:
    """``text`` with every escape in it undone once, and where each character came from."""
    pieces: list[str] = []
    offsets: list[int] = []
    done = 0
    for match in _ESCAPE.finditer(text):
        start, end = match.span()
        character = _character(match[0])
        pieces += (text[done:start], character)
        offsets += at[done:start]
        offsets += [at[start]] * len(character)
        done = end
    pieces.append(text[done:])
    offsets += at[done:]
    return "".join(pieces), offsets


def _character(escape: str) -> str:
    if escape[0] == "&":
        return unescape(escape)
    if escape[0] == "%" or (escape[0] == "=" and escape[-1] != "\n"):
        return chr(int(escape[1:], 16))
    if escape[0] != "\\":
        return ""
    bare = escape.lstrip("\\")
    if bare[0] in "uUxX":
        return chr(int(bare[1:], 16))
    return chr(int(bare, 8)) if bare[0].isdigit() else bare


_BLANK = re.compile(r"[\s\"<>]")
_LONGEST_STRETCH = 400


def _end_of_stretch(text: str, end: int, limit: int) -> int:
    limit = min(limit, end + _LONGEST_STRETCH)
    blank = _BLANK.search(text, end, limit)
    return blank.start() if blank else limit


def _start_of_stretch(text: str, start: int, limit: int) -> int:
    limit = max(limit, start - _LONGEST_STRETCH)
    first = limit
    for blank in _BLANK.finditer(text, limit, start):
        first = blank.end()
    return first
