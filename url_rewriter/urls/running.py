"""One URL in running text, which ends where its characters do: to an occurrence, or a reason.

What is told here of a URL needs no more than the stretch of text that it may take.
"""

from __future__ import annotations

import re

from url_rewriter.urls.boundaries import EXTENSION
from url_rewriter.urls.ends import End, Stretch, likeliest
from url_rewriter.urls.model import Left, Occurrence, Remark
from url_rewriter.urls.offsets import Item, shifted_one
from url_rewriter.urls.plain import read_plain
from url_rewriter.urls.query import Outer
from url_rewriter.urls.readings import read
from url_rewriter.urls.recognition import LONGEST_URL
from url_rewriter.urls.values import Context

_TEMPLATE_AHEAD = re.compile(r"<[A-Za-z_][\w .-]{0,60}>[^\s\"'<>]*+|<[%?][^\n]{0,80}?[%?]>")
# Behind a backslash: neither a blank, a quote or another escape that text is known to go on with.
_UNKNOWN_ESCAPE = re.compile(r"\\(?![nrtbf\\\"'\s)\]}]|\Z)")


def read_running(reach: Stretch, context: Context, *, in_value: bool) -> Item | None:
    """The URL that begins ``reach``, or the reason to leave it; None where it is nothing of ours.

    ``in_value``: it begins a value, in which an escape that is not undone may belong to the key.
    """
    text, start = reach.text, reach.start
    if reach.run_end - start > LONGEST_URL:
        return Left(start, reach.run_end, Remark.INVALID_KEY)
    first = likeliest(reach)
    if (plain := _plain(reach, first, context)) is not None:
        return plain
    item = read(reach, context.grammar, first)
    end = item.end if item else reach.run_end
    if (
        (item is None or isinstance(item, Left) or text.startswith(("<%", "<?"), end))
        and (ahead := _TEMPLATE_AHEAD.match(text, end))
        and reach.marks.second.search(text, end, ahead.end()) is None
    ):
        return Left(start, ahead.end(), Remark.TEMPLATE, _literal(reach, ahead.end(), context))
    if item and not in_value and end == reach.limit and _UNKNOWN_ESCAPE.match(text, end):
        return Left(start, end, Remark.UNKNOWN_ESCAPE)
    return context.remarked(item) if item else None


def past(item: Item) -> int:
    """Where the text goes on behind ``item``, however it is read."""
    match item:
        case Occurrence():
            return max(reading.end for reading in item.readings)
        case Left():
            return max(item.end, past(item.literal)) if item.literal else item.end


def at_a_glance(text: str, context: Context) -> tuple[Occurrence, ...]:
    """The URL that ``text`` is, if it is in a common spelling and nothing is to be said of it."""
    if context.nested or context.outer is not Outer.NOTHING:
        return ()
    plain = read_plain(text, context.grammar)
    return plain.occurrences if plain else ()


def _plain(reach: Stretch, first: End, context: Context) -> Occurrence | None:
    """The URL of a stretch that is one in a common spelling, with nothing else to be read."""
    text = reach.text
    if reach.value or first.at < reach.run_end:
        return None
    if text.startswith(" ", first.at) and not EXTENSION.search(text, first.at - 12, first.at):
        return None  # the key may go on behind the blank
    plain = at_a_glance(text[reach.start : first.at], context)
    return shifted_one(plain[0], reach.start) if plain else None


def _literal(reach: Stretch, end: int, context: Context) -> Occurrence | None:
    """The gs URL from ``reach`` to ``end``, in which every character may be meant."""
    if not reach.literal:
        return None
    meant = Stretch(reach.text, reach.start, end, end, value=True, literal=True)
    item = read(meant, context.grammar, End(end, end))
    return item.literal if isinstance(item, Left) else item
