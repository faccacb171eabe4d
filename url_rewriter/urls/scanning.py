"""Finding: whole values first, then containers, then text, each in every escaping.

A *value* is a string that may be one URL, whose end is then the URL's end: a cell, a string in a
JSON document, what stands between quotes or in a Markdown destination. Everything else is *text*,
where a URL ends by the rules of `boundaries`. An escaping is undone to a view, which is searched
like the text outside it, and what is found is carried back by the view's offsets.

Work is linear: a host is looked at before anything longer, what was read as a URL is not read
again, and views nest only so deep.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from url_rewriter.urls import boundaries
from url_rewriter.urls.boundaries import ANCHOR, Container
from url_rewriter.urls.escapes import HTML, JSON, MARKDOWN, PERCENT, SQL, Escaping, View, outside
from url_rewriter.urls.forms import (
    LONGEST_URL,
    Spelled,
    is_known_host,
    recognise,
    recognise_schemeless,
)
from url_rewriter.urls.model import Form, Grammar, Left, Occurrence, Remark
from url_rewriter.urls.parameters import looks_signed, parameter_class
from url_rewriter.urls.readings import End, read
from url_rewriter.urls.serialized import Frame, frames

Item = Occurrence | Left

_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Context:
    """Where a string stands: how many views deep, and in what foreign URL, if any."""

    grammar: Grammar
    depth: int = 0
    nested: tuple[Remark, ...] = ()

    def inside(self, nested: tuple[Remark, ...] = ()) -> Context:
        """The context of a view of a part of this string."""
        return replace(self, depth=self.depth + 1, nested=self.nested or nested)


def in_value(text: str, context: Context) -> Iterator[Item]:
    """What a whole string value holds."""
    if context.depth > _DEEPEST:
        return
    if strings := _json_strings(text):
        for start, end in strings:
            yield from _in_json_string(text[start:end], start, context)
    elif item := _whole(text, context, cell=True):
        yield item
    else:
        yield from _Scan(text, context).items()


# -- JSON documents -------------------------------------------------------------------------------

_JSON_STRING = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_JSON_BEGINS = re.compile(r"\s*[\[{\"]")
_HINT = re.compile(r"(?:[/:]|%2[fF]|%3[aA]|u002[fF])")


def _json_strings(text: str) -> list[tuple[int, int]]:
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


def _in_json_string(raw: str, start: int, context: Context) -> Iterator[Item]:
    if "\\" not in raw:
        yield from _shifted(in_value(raw, context.inside()), start)
        return
    view = JSON.view(raw)
    yield from _lifted(in_value(view.text, context.inside()), JSON, view, start)


# -- Whole values ---------------------------------------------------------------------------------

_RETURN = re.compile(r"[\n\r]")
_MARKUP = re.compile(r'">|</|"\s|<[a-z]+[ >/]', re.IGNORECASE)
_HOST_AND_PATH = re.compile(r"[A-Za-z0-9._-]+(?::[0-9]+)?/[^\s\"<>]*")


def _whole(text: str, context: Context, *, cell: bool = False, kind: str = "") -> Item | None:
    """The URL that ``text`` is, from its first character to its last but for blanks around it."""
    body = text.strip()
    if not body or len(body) > LONGEST_URL or context.depth > _DEEPEST or _RETURN.search(body):
        return None
    start = text.index(body)
    anchor = ANCHOR.match(body)
    if anchor is None:
        item = _schemeless(body, context) if cell else None
        return _shift(item, start) if item else None
    escaping = _escaping_of(anchor[0]) or _escaping_within(body, kind, cell and body[0] in "gG")
    if escaping is None:
        item = _whole_plain(body, context)
        return _shift(item, start) if item else None
    if escaping is PERCENT and not boundaries.PERCENT_RUN.fullmatch(body):
        return None
    view = escaping.view(body)
    item = _whole(view.text, context.inside(), kind="" if escaping is not PERCENT else "pct")
    return _lift(item, escaping, view, start) if item else None


def _whole_plain(body: str, context: Context) -> Item | None:
    verdict = recognise(body, context.grammar)
    if verdict is None or not _is_one(body):
        return None
    literal = isinstance(verdict, Spelled) and verdict.literal
    if (_MARKUP if literal else re.compile(r'["<>]')).search(body):
        return None
    ends = [End(len(body))]
    run = boundaries.RUN.match(body)
    short = boundaries.trimmed(run[0], "") if run else 0
    if 0 < short < len(body):
        ends.append(End(short, "what follows is text around the URL"))
    return _remarked(read(body, 0, ends, context.grammar, verdict), context.nested)


def _is_one(body: str) -> bool:
    if boundaries.SECOND_URL.search(body):
        return False
    return boundaries.blanks_belong(body)


def _schemeless(body: str, context: Context) -> Item | None:
    if context.nested or _HOST_AND_PATH.fullmatch(body) is None:
        return None
    verdict = recognise_schemeless(body, context.grammar)
    if isinstance(verdict, Remark):
        return Left(0, len(body), verdict)
    if verdict is None:
        return None
    return _unprefixed(read(f"//{body}", 0, [End(len(body) + 2)], context.grammar, verdict))


def _unprefixed(item: Item | None) -> Item | None:
    """Take the two slashes off again that a URL without a scheme was read with."""
    match item:
        case Occurrence():
            readings = tuple(replace(each, end=each.end - 2) for each in item.readings)
            return replace(item, readings=readings)
        case Left():
            return replace(item, end=item.end - 2)
    return None


# -- Escapings ------------------------------------------------------------------------------------


def _escaping_of(anchor: str) -> Escaping | None:
    """What a URL's first characters are escaped with."""
    if "\\" in anchor:
        return JSON
    if "&" in anchor:
        return HTML
    return PERCENT if "%" in anchor else None


def _escaping_within(body: str, kind: str, literal: bool) -> Escaping | None:
    """What the rest of a URL is escaped with, although its first characters are not."""
    if boundaries.JSON_ESCAPE.search(body) or (kind == 'quote"' and "\\" in body):
        return JSON
    if kind == "quote'" and "''" in body:
        return SQL
    if kind == "markdown" and MARKDOWN.pattern.search(body):
        return MARKDOWN
    if literal or kind == "pct" or (match := boundaries.ENTITY.search(body)) is None:
        return None
    return HTML if HTML.undo(match[0]) != match[0] else None


# -- Text -----------------------------------------------------------------------------------------

_AUTHORITY = re.compile(r"[^/?#\\\s\"<>&;,()]{0,300}")
_SIGNED_BY_GOOGLE = re.compile(r"[?&]x-goog-credential=", re.IGNORECASE)
_TEMPLATE_HOST = re.compile(
    r"(?:[$%{<\[][^/\n]{0,100}\.storage\.googleapis\.com|[^/\n]{0,100}[}>\]]\.storage\.googleapis\.com)",
    re.IGNORECASE,
)
_TEMPLATE_AHEAD = re.compile(r"<[A-Za-z_][\w .-]*>|\|")


class _Scan:
    """One pass over a text from left to right."""

    def __init__(self, text: str, context: Context) -> None:
        self.text = text
        self.context = context
        self.grammar = context.grammar
        self.position = 0
        self.run_end = 0
        self.outer_end = 0
        self.outer: tuple[Remark, ...] = ()
        all_frames = frames(text)
        self.frames: dict[int, Frame] = {each.start: each for each in all_frames if not each.depth}
        self.corrupt = [each for each in all_frames if not each.intact]

    def items(self) -> Iterator[Item]:
        """What the text holds, in order."""
        if self.context.depth > _DEEPEST:
            return
        while anchor := ANCHOR.search(self.text, self.position):
            start = anchor.start()
            relative = anchor[0][0] in "/\\%&"
            if not boundaries.begins_cleanly(self.text, start, relative):
                self.position = start + 1
                continue
            self.position = anchor.end()
            for item in self._at(anchor):
                yield self._checked(item)

    def _checked(self, item: Item) -> Item:
        if self.corrupt and isinstance(item, Occurrence):
            for frame in self.corrupt:
                if frame.start <= item.start < frame.end:
                    return Left(item.start, item.end, Remark.CORRUPT_LENGTH)
        return item

    def _at(self, anchor: re.Match[str]) -> Iterator[Item]:
        start = anchor.start()
        escaping = _escaping_of(anchor[0])
        if escaping is PERCENT:
            yield from self._percent(start)
        elif escaping is JSON and self.text[max(0, start - 1) : start] in ("/", "^"):
            yield self._pattern(start)
        elif escaping or self._is_known(anchor):
            yield from self._contained(start) or self._running(start, escaping)
        else:
            yield from self._foreign(anchor)

    def _is_known(self, anchor: re.Match[str]) -> bool:
        if anchor[0][0] in "gG":
            return True
        authority = _AUTHORITY.match(self.text, anchor.end())
        scheme = anchor[0].partition(":")[0].lower() or "https"
        return authority is not None and is_known_host(authority[0], scheme, self.grammar)

    # A URL whose end is the end of what it stands in.

    def _contained(self, start: int) -> list[Item]:
        enclosing = self._container(start)
        if enclosing is None:
            return []
        content = self.text[start : enclosing.end]
        item = _whole(content, self._here(start).inside(), kind=enclosing.kind)
        if item is None or isinstance(item, Left):
            return []
        self.position = max(self.position, start + len(content))
        return [_shift(item, start)]

    def _container(self, start: int) -> Container | None:
        if (frame := self.frames.get(start)) is not None:
            return Container(frame.end, "serialized")
        return boundaries.container(self.text, start)

    # A URL that ends where its characters do.

    def _running(self, start: int, escaping: Escaping | None) -> Iterator[Item]:
        end = self._end_of_run(start)
        raw = self.text[start:end]
        escaping = escaping or _escaping_within(raw, "", literal=False)
        if escaping is None and "\\" in raw:
            escaping = MARKDOWN
        if escaping is not None:
            yield from self._viewed(raw, start, escaping)
            return
        item = self._plain(start, end)
        if item is None:
            self._note_foreign(start, end)
            return
        self.position = max(self.position, item.end, end)
        yield item

    def _viewed(self, raw: str, start: int, escaping: Escaping) -> Iterator[Item]:
        self.position = start + len(raw)
        view = escaping.view(raw)
        scan = _Scan(view.text, self._here(start).inside())
        yield from _lifted(scan.items(), escaping, view, start)

    def _end_of_run(self, start: int) -> int:
        if start >= self.run_end:
            match = boundaries.RUN.match(self.text, start)
            self.run_end = match.end() if match else start
        return self.run_end

    def _plain(self, start: int, run_end: int) -> Item | None:
        text = self.text
        if run_end - start > LONGEST_URL:
            return Left(start, run_end, Remark.INVALID_KEY)
        before = text[start - 1 : start]
        end = start + boundaries.trimmed(text[start:run_end], before)
        here = self._here(start)
        if here.nested and before == "=":
            end = _end_of_parameter(text, start, end)
            run_end = end
        ends = self._ends(start, end, run_end)
        item = _remarked(read(text, start, ends, self.grammar), here.nested)
        if isinstance(item, Left) and _TEMPLATE_AHEAD.match(text, end):
            return replace(item, remark=Remark.TEMPLATE)
        self.run_end = end if end == run_end else self.run_end
        return item

    def _ends(self, start: int, end: int, run_end: int) -> list[End]:
        ends = [End(end)]
        if run_end > end:
            ends.append(End(run_end, "the punctuation behind it belongs to the key"))
        if cut := re.search(r"[,;)\]}]", self.text[start:end]):
            ends.append(End(start + cut.start(), "the URL ends at the punctuation"))
        return ends

    # A URL that is percent-encoded as a whole.

    def _percent(self, start: int) -> Iterator[Item]:
        text = self.text
        match = boundaries.PERCENT_RUN.match(text, start)
        end = match.end() if match else start
        self.position = end
        if text[end : end + 1] not in ("&", "/", "#", "?"):
            end = start + boundaries.trimmed(text[start:end], text[start - 1 : start])
        else:
            end = start + boundaries._without_punctuation(text[start:end], end - start)
        raw = text[start:end]
        view = PERCENT.view(raw)
        context = self._here(start).inside()
        item = _whole(view.text, context, kind="pct") if self._fills_parameter(start) else None
        if item is not None:
            yield _lift(item, PERCENT, view, start)
        else:
            yield from _lifted(_Scan(view.text, context).items(), PERCENT, view, start)

    def _fills_parameter(self, start: int) -> bool:
        return (
            re.search(
                r"(?:\A|[=/\"'\s<(>,:]|%(?:25)*(?:3[dDaA]|2[27fF]))\Z",
                self.text[max(0, start - 9) : start],
            )
            is not None
        )

    # URLs that are somebody else's.

    def _foreign(self, anchor: re.Match[str]) -> Iterator[Item]:
        start = anchor.start()
        if anchor[0][0] in "/\\%&":
            return
        if template := _TEMPLATE_HOST.match(self.text, anchor.end()):
            end = max(template.end(), self._end_of_run(template.end()))
            self.position = end
            yield Left(start, end, Remark.TEMPLATE)
            return
        if start >= self.outer_end:
            end = self._end_of_run(start)
            if _SIGNED_BY_GOOGLE.search(self.text, start, end) and not self.context.nested:
                self.position = end
                yield Left(start, end, Remark.SIGNED_FOREIGN_URL)
                return
            self._note_foreign(start, end)

    def _note_foreign(self, start: int, end: int) -> None:
        if start >= self.outer_end:
            self.outer_end = end
            signed = looks_signed(self.text[start:end])
            self.outer = (Remark.NESTED, *((Remark.OUTER_SIGNATURE,) if signed else ()))

    def _pattern(self, start: int) -> Left:
        """A regular expression or a sed script: code, whose slashes are not JSON's."""
        end = self._end_of_run(start)
        self.position = end
        return Left(start, end, Remark.TEMPLATE)

    def _here(self, start: int) -> Context:
        nested = self.context.nested or (self.outer if start < self.outer_end else ())
        return replace(self.context, nested=nested)


def _end_of_parameter(text: str, start: int, end: int) -> int:
    """Where a URL ends that stands unescaped in a foreign URL's query.

    The parameters behind it are its own as long as they are ones that Cloud Storage knows.
    """
    mark = text.find("?", start, end)
    if mark < 0:
        ampersand = text.find("&", start, end)
        return end if ampersand < 0 else ampersand
    at = mark + 1
    while at < end:
        following = text.find("&", at, end)
        following = end if following < 0 else following
        name = text[at:following].partition("=")[0].lower()
        if at > mark + 1 and parameter_class(name) is None:
            return at - 1
        at = following + 1
    return end


# -- Carrying back --------------------------------------------------------------------------------


def _remarked(item: Item | None, nested: tuple[Remark, ...]) -> Item | None:
    if isinstance(item, Occurrence) and nested and item.form is not Form.TARGET:
        return replace(item, remarks=(*item.remarks, *nested))
    return item


def _shift(item: Item, by: int) -> Item:
    match item:
        case Left():
            return replace(item, start=item.start + by, end=item.end + by)
        case Occurrence():
            readings = tuple(
                replace(each, start=each.start + by, end=each.end + by) for each in item.readings
            )
            return replace(item, readings=readings)


def _shifted(items: Iterator[Item], by: int) -> Iterator[Item]:
    for item in items:
        yield _shift(item, by)


def _lift(item: Item, escaping: Escaping, view: View, by: int) -> Item:
    """``item`` as it stands in the text outside ``view``."""
    offsets = view.offsets
    match item:
        case Left():
            return replace(item, start=offsets[item.start] + by, end=offsets[item.end] + by)
        case Occurrence():
            readings = tuple(
                replace(each, start=offsets[each.start] + by, end=offsets[each.end] + by)
                for each in item.readings
            )
            return replace(item, readings=readings, layer=outside(escaping, item.layer))


def _lifted(items: Iterator[Item], escaping: Escaping, view: View, by: int) -> Iterator[Item]:
    for item in items:
        yield _lift(item, escaping, view, by)
