"""Values: strings that are one URL, from the first character to the last.

A value's end is the URL's end: blanks, brackets and punctuation belong to the key. A cell of the
database is a value, so is a string of a document kept in a cell, and what quotes enclose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from url_rewriter.urls import boundaries
from url_rewriter.urls.boundaries import ANCHOR, End
from url_rewriter.urls.containers import Kind
from url_rewriter.urls.escapes import HTML, JSON, MARKDOWN, PERCENT, SQL, Escaping
from url_rewriter.urls.model import Form, Grammar, Left, Remark
from url_rewriter.urls.offsets import Item, lifted, shifted
from url_rewriter.urls.readings import read
from url_rewriter.urls.recognition import LONGEST_URL, Spelled, recognise, recognise_schemeless

_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class Context:
    """Where a string stands: how many views deep, and in what foreign URL, if any.

    ``nested`` holds the remarks of URLs inside that foreign URL.
    """

    grammar: Grammar
    depth: int = 0
    nested: tuple[Remark, ...] = ()

    @property
    def too_deep(self) -> bool:
        """Whether nobody escapes that often, and the text is only meant to keep us busy."""
        return self.depth > _DEEPEST

    def inside(self) -> Context:
        """The context of a view of a part of this string."""
        return replace(self, depth=self.depth + 1)

    def remarked(self, item: Item) -> Item:
        """``item`` with what is to be said of URLs in this place."""
        if not self.nested or isinstance(item, Left) or item.form is Form.TARGET:
            return item
        if not self.grammar.nested:
            return Left(item.start, item.end, Remark.NESTED)
        return item._replace(remarks=(*item.remarks, *self.nested))


_RETURN = re.compile(r"[\n\r]")
_ANGLE = re.compile(r"[<>]")
_MARKUP = re.compile(r'">|</|"\s|<[a-z]+[ >/]', re.IGNORECASE)
_HOST_AND_PATH = re.compile(r"[A-Za-z0-9._-]+(?::[0-9]+)?/[^\s\"<>]*")


def whole(text: str, context: Context, kind: Kind) -> Item | None:
    """The URL that ``text`` is, but for blanks around it; None where it is more, or none."""
    body = text.strip()
    if not body or len(body) > LONGEST_URL or context.too_deep or _RETURN.search(body):
        return None
    start = text.index(body)
    anchor = ANCHOR.match(body)
    if anchor is None:
        item = _schemeless(body, context) if kind is Kind.CELL else None
        return next(shifted([item], start)) if item else None
    escaping = escaping_of(anchor[0]) or escaping_within(body, kind)
    if escaping is None:
        item = _plain(body, context)
        return next(shifted([item], start)) if item else None
    if escaping is PERCENT and not boundaries.PERCENT_RUN.fullmatch(body):
        return None
    view = escaping.view(body)
    item = whole(view.text, context.inside(), Kind.PARAMETER if escaping is PERCENT else Kind.OTHER)
    return next(lifted([item], escaping, view, start)) if item else None


def _plain(body: str, context: Context) -> Item | None:
    verdict = recognise(body, context.grammar)
    if verdict is None or boundaries.SECOND_URL.search(body) or not boundaries.is_one(body):
        return None
    literal = isinstance(verdict, Spelled) and verdict.literal
    if _MARKUP.search(body) or (not literal and _ANGLE.search(body)):
        return None
    item = read(body, 0, list(_ends(body)), context.grammar, verdict)
    return context.remarked(item) if item else None


def _ends(body: str) -> Iterator[End]:
    yield End(len(body))
    run = boundaries.RUN.match(body)
    end = boundaries.trimmed(run[0], "") if run else 0
    if end < len(body):
        yield End(end, "what follows is text around the URL")
    yield from boundaries.other_ends(body, 0, end, end)


def _schemeless(body: str, context: Context) -> Item | None:
    if context.nested or _HOST_AND_PATH.fullmatch(body) is None:
        return None
    verdict = recognise_schemeless(body, context.grammar)
    if verdict is None:
        return None
    # Read with the slashes that it lacks, then carried back by their length.
    item = read(f"//{body}", 2, [End(len(body) + 2)], context.grammar, verdict)
    return next(shifted([item], -2)) if item else None


def escaping_of(anchor: str) -> Escaping | None:
    """What a URL's first characters are escaped with."""
    if "\\" in anchor:
        return JSON
    if "&" in anchor:
        return HTML
    return PERCENT if "%" in anchor else None


def escaping_within(body: str, kind: Kind) -> Escaping | None:
    """What a URL in a value of ``kind`` is escaped with, although its first characters are not."""
    if "\\" in body:
        if boundaries.JSON_ESCAPE.search(body):
            return JSON
        if kind is Kind.DOUBLE_QUOTES and ('\\"' in body or "\\\\" in body):
            return JSON
        if kind is Kind.MARKDOWN and MARKDOWN.pattern.search(body):
            return MARKDOWN
    if kind is Kind.SINGLE_QUOTES and "''" in body:
        return SQL
    # What stands in a query was escaped for that, and a gs:// cell for nothing.
    if kind is Kind.PARAMETER or (kind is Kind.CELL and body[0] in "gG"):
        return None
    entity = boundaries.ENTITY.search(body) if "&" in body else None
    return HTML if entity and HTML.undo(entity[0]) != entity[0] else None
