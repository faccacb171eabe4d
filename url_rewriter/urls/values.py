"""Values: strings that a URL begins, and in which it may go on to the last character.

A cell of the database is a value, so is a string of a document kept in a cell, and what quotes
enclose. Blanks, brackets and punctuation in it may belong to the key, for the objects to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from url_rewriter.urls import boundaries
from url_rewriter.urls.boundaries import MARKS, Marks, marks_with_s3
from url_rewriter.urls.containers import Kind
from url_rewriter.urls.ends import likeliest, stretch
from url_rewriter.urls.escapes import HTML, JSON, MARKDOWN, PERCENT, SQL, Escaping
from url_rewriter.urls.model import Form, Grammar, Left, Remark
from url_rewriter.urls.offsets import Item, shifted
from url_rewriter.urls.query import Outer
from url_rewriter.urls.readings import read
from url_rewriter.urls.recognition import recognise, recognise_schemeless
from url_rewriter.urls.s3_addresses import hosts_of

_DEEPEST = 16
LONGEST_VALUE = 4096
"""Characters, of a value whose blanks may belong to a key; a key has 1,024 bytes."""


@dataclass(frozen=True, slots=True)
class Context:
    """Where a string stands: how many views deep, and in what foreign URL, if any.

    ``nested`` holds the remarks of URLs inside that foreign URL, and ``outer`` tells in which part
    of it the string stands unescaped. ``known`` tells of hosts that were asked about before.
    """

    grammar: Grammar
    depth: int = 0
    nested: tuple[Remark, ...] = ()
    outer: Outer = Outer.NOTHING
    known: dict[tuple[str, str], bool] = field(default_factory=dict)

    @property
    def marks(self) -> Marks:
        """What shows where URLs begin."""
        addresses = self.grammar.addresses
        return marks_with_s3(hosts_of(addresses)) if addresses else MARKS

    @property
    def too_deep(self) -> bool:
        """Whether it is escaped more often than any honest text, and only meant to keep us busy."""
        return self.depth > _DEEPEST

    def inside(self) -> Context:
        """The context of a view of a part of this string."""
        return Context(self.grammar, self.depth + 1, self.nested, self.outer, self.known)

    def remarked(self, item: Item) -> Item:
        """``item`` with what is to be said of URLs in this place."""
        if not self.nested or isinstance(item, Left) or item.form is Form.TARGET:
            return item
        if not self.grammar.nested:
            return Left(item.start, item.end, Remark.NESTED)
        return item._replace(remarks=(*item.remarks, *self.nested))


_RETURN = re.compile(r"[\n\r]")
_ANGLE = re.compile(r"[<>]")
_MARKUP = re.compile(r"\">|</|\"\s|<[a-z]+[ >/]", re.IGNORECASE)
_HOST_AND_PATH = re.compile(r"[A-Za-z0-9._-]+(?::[0-9]+)?/[^\s\"<>]*")


def is_value(body: str) -> bool:
    """Whether ``body``, which begins with a URL, may be that URL with all that follows."""
    if len(body) > LONGEST_VALUE or _RETURN.search(body) or _MARKUP.search(body):
        return False
    return body[0] in "gGsS" or _ANGLE.search(body) is None


def schemeless(body: str, context: Context) -> Item | None:
    """The URL that ``body``, a whole cell, is without a scheme."""
    if context.nested or _HOST_AND_PATH.fullmatch(body) is None:
        return None
    verdict = recognise_schemeless(body, context.grammar)
    if verdict is None:
        return None
    # Read with the slashes that it lacks, then carried back by their length.
    text = f"//{body}"
    reach = stretch(text, (2, 2, len(text)), len(text), Outer.NOTHING)
    first = likeliest(reach)
    item = read(reach, context.grammar, first, recognise(text[: first.at], context.grammar))
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
    # What stands in a query was escaped for that, and a gs:// or s3:// cell for nothing.
    if kind is Kind.PARAMETER or (kind is Kind.CELL and body[0] in "gGsS"):
        return None
    entity = boundaries.ENTITY.search(body) if "&" in body else None
    return HTML if entity and HTML.undo(entity[0]) != entity[0] else None
