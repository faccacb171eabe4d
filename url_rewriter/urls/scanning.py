"""Finding URLs: in documents kept in strings, in values, in text, each in every escaping.

An escaping is undone to a view, which is searched like the text outside it, and what is found is
carried back by the view's offsets. Work is linear: a host is looked at before anything longer,
what was read as a URL is not read again, and views nest only so deep.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

from url_rewriter.urls import boundaries
from url_rewriter.urls.boundaries import ANCHOR, EXTENSION
from url_rewriter.urls.containers import Kind, container
from url_rewriter.urls.ends import End, Stretch, likeliest, stretch
from url_rewriter.urls.escapes import JSON, MARKDOWN, PERCENT, Escaping
from url_rewriter.urls.model import Left, Occurrence, Remark
from url_rewriter.urls.offsets import Item, lifted, shifted, shifted_one
from url_rewriter.urls.parameters import looks_signed
from url_rewriter.urls.plain import read_plain
from url_rewriter.urls.query import Outer
from url_rewriter.urls.readings import read
from url_rewriter.urls.recognition import LONGEST_URL, is_known_host
from url_rewriter.urls.serialized import Frame, corrupt_spans, escaped_spans, frames, strings_of
from url_rewriter.urls.values import (
    Context,
    escaping_of,
    escaping_within,
    is_value,
    schemeless,
)


def in_value(text: str, context: Context) -> Iterator[Item]:
    """What a whole string value holds, in order of offset."""
    if context.too_deep:
        return
    if spans := _json_strings(text):
        for start, end in spans:
            yield from _in_json_string(text[start:end], start, context)
    elif serialized := strings_of(text):
        done = 0
        for start, end in serialized:
            yield from shifted(_Pass(text[done:start], context).items(), done)
            yield from shifted(in_value(text[start:end], context.inside()), start)
            done = end
        yield from shifted(_Pass(text[done:], context).items(), done)
    else:
        yield from _in_string(text, context, Kind.CELL)


def _in_plain(text: str, context: Context) -> tuple[Occurrence, ...]:
    """The URL that ``text`` is, if it is in a common spelling and nothing is to be said of it."""
    if context.nested or context.outer is not Outer.NOTHING:
        return ()
    plain = read_plain(text, context.grammar)
    return plain.occurrences if plain else ()


def _in_string(text: str, context: Context, kind: Kind) -> Iterator[Item]:
    """What a string of ``kind`` holds, which a URL may begin."""
    if context.too_deep:
        return iter(())
    body = text.strip()
    anchor = ANCHOR.match(body) if body else None
    if anchor is None:
        item = schemeless(body, context) if kind is Kind.CELL else None
        if item is not None:
            return shifted([item], text.index(body))
        return _Pass(text, context).items()
    start = 0 if body is text else text.index(body)
    escaping = escaping_of(anchor[0])
    if escaping is None:
        return shifted(_Pass(body, context, kind).items(), start)
    if escaping is PERCENT and not boundaries.PERCENT_RUN.fullmatch(body):
        return _Pass(text, context).items()
    view = escaping.view(body)
    inner = Kind.PARAMETER if escaping is PERCENT else Kind.OTHER
    return lifted(_in_string(view.text, context.inside(), inner), escaping, view, start)


_JSON_BEGINS = re.compile(r"\s*[\[{\"]")
_JSON_STRING = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_HINT = re.compile(r"[/:]|%2[fF]|%3[aA]|u002[fF]")


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
        return shifted(_in_plain(raw, context) or in_value(raw, context.inside()), start)
    view = JSON.view(raw)
    return lifted(in_value(view.text, context.inside()), JSON, view, start)


_AUTHORITY = re.compile(r"[^/?#\\\s\"<>&;,()]{0,300}")
_SIGNED_BY_GOOGLE = re.compile(r"[?&]x-goog-credential=", re.IGNORECASE)
_TEMPLATE_HOST = re.compile(
    r"[^/\n]{0,100}[}>\]]\.storage\.googleapis\.com\b[^\s\"'<>]*+", re.IGNORECASE
)
_TEMPLATE_AHEAD = re.compile(r"<[A-Za-z_][\w .-]{0,60}>[^\s\"'<>]*+|<[%?][^\n]{0,80}?[%?]>")
_VALUE_BEGINS = re.compile(r"(?:\A|[=/\"'\s<(>,:]|%(?:25)*(?:3[aAdD]|2[fF]))\Z")
_QUOTE_BEFORE = re.compile(r"%(?:25)*2[27]\Z")
_PARAMETER_BEGINS = re.compile(r"(?:[?&;]|\A)\w[\w.\[\]-]*=\Z", re.ASCII)
_FOREIGN_DELIMITERS = ("&", "/", "#", "?")
_SCHEME = re.compile(r"(?:https?|gc?s)\Z", re.IGNORECASE)
_GOES_ON = "=:@,;[{|~$"
# Behind a backslash: neither a blank, a quote or another escape that text is known to go on with.
_UNKNOWN_ESCAPE = re.compile(r"\\(?![nrtbf\\\"'\s)\]}]|\Z)")


class _Pass:
    """One pass over a text, from left to right."""

    def __init__(
        self, text: str, context: Context, kind: Kind | None = None, *, goes_on: bool = False
    ) -> None:
        self.text = text
        self.context = context
        self.goes_on = goes_on  # whether more text may follow
        self.kind = kind  # of the value that a URL begins; None where it stands in other text
        self.position = 0
        self.run_end = 0  # of the run that was measured last
        self.foreign_start = self.foreign_end = 0  # of the foreign URL that was met last
        self.item_end = -1  # of what was found last
        self.foreign: tuple[Remark, ...] = ()
        found = frames(text)
        self.frames: dict[int, Frame] = {each.start: each for each in found if not each.depth}
        self.corrupt = corrupt_spans(found)
        self.heads = {each.start: each.digits[0] for each in found} if self.corrupt else {}
        if escaped := escaped_spans(text):
            self.corrupt = sorted([*self.corrupt, *escaped])
            self.heads |= {start: start for start, _ in escaped}
        self.rewritable = 0  # the end of the last URL that may be rewritten

    def items(self) -> Iterator[Item]:
        """What the text holds, in order."""
        text = self.text
        while not self.context.too_deep and (anchor := ANCHOR.search(text, self.position)):
            start = anchor.start()
            relative = anchor[0][0] in "/\\%&"
            if not self._begins(start, relative):
                self.position = start + 1
                continue
            self.position = anchor.end()
            for item in self._at(anchor, relative):
                yield self._checked(item)

    def _begins(self, start: int, relative: bool) -> bool:
        if boundaries.begins_cleanly(self.text, start, relative):
            return True
        if not relative:
            return start == self.item_end
        # In the path of another URL, a third slash.
        return start < self.foreign_end and self.text[start - 1] == "/"

    def _at(self, anchor: re.Match[str], relative: bool) -> Iterator[Item]:
        start = anchor.start()
        escaping = escaping_of(anchor[0])
        if escaping is PERCENT:
            return self._percent(anchor)
        if escaping is JSON and self.text.endswith(("/", "/^"), 0, start):
            return self._pattern(anchor)
        if escaping or self._is_known(anchor):
            return self._contained(start) or self._running(anchor, escaping)
        return iter(()) if relative else self._foreign(anchor)

    def _is_known(self, anchor: re.Match[str]) -> bool:
        if anchor[0][0] in "gG":
            return True
        authority = _AUTHORITY.match(self.text, anchor.end())
        if authority is None or not authority[0]:
            return False
        if boundaries.ENTITY.match(self.text, authority.end()):
            return True  # a host may go on behind it, for the view of the run to say
        scheme = anchor[0].partition(":")[0].lower() or "https"
        name = authority[0], scheme
        known = self.context.known
        if name not in known:
            known[name] = is_known_host(*name, self.context.grammar)
        return known[name]

    def _checked(self, item: Item) -> Item:
        """``item``, or the reason to leave it that lies in what is around it."""
        if not self.corrupt or isinstance(item, Left):
            return item
        before = bisect_right(self.corrupt, (item.start, len(self.text))) - 1
        start, end = self.corrupt[before] if before >= 0 else (0, 0)
        # What declares a length within a URL is a part of its key, and goes with it.
        if item.start < end and self.heads[start] >= self.rewritable:
            return Left(item.start, item.end, Remark.CORRUPT_LENGTH)
        self.rewritable = item.end
        return item

    def _here(self, start: int) -> Context:
        """The context of a URL that begins at ``start``."""
        context = self.context
        if start < self.foreign_end:
            asked = "?" in self.text[self.foreign_start : start]
            outer = Outer.QUERY if asked else Outer.PATH
            return replace(context, nested=context.nested or self.foreign, outer=outer)
        if start and _PARAMETER_BEGINS.search(self.text[max(0, start - 40) : start]):
            return replace(context, outer=Outer.QUERY)
        return context

    # A URL whose end is the end of what it stands in.

    def _contained(self, start: int) -> Iterator[Item] | None:
        if (frame := self.frames.get(start)) is not None:
            end, kind = frame.end, Kind.CELL
        elif (enclosing := container(self.text, start)) is not None:
            end, kind = enclosing.end, enclosing.kind
        else:
            return None
        content = self.text[start:end]
        if not content.strip() or content == self.text:
            return None
        context = self._here(start).inside()
        self.position = max(self.position, end)
        if (escaping := escaping_within(content, kind)) is not None:
            view = escaping.view(content)
            within = view.text
            items = _in_plain(within, context) or _in_string(within, context, Kind.OTHER)
            return lifted(items, escaping, view, start)
        return shifted(_in_plain(content, context) or _in_string(content, context, kind), start)

    # A URL that ends where its characters do.

    def _running(self, anchor: re.Match[str], escaping: Escaping | None) -> Iterator[Item]:
        start = anchor.start()
        end = self._end_of_run(anchor)
        raw = self.text[start:end]
        if start == 0 and self.kind is not None:
            if (escaping := escaping_within(self.text, self.kind)) is not None:
                self.position = len(self.text)
                view = escaping.view(self.text)
                items = _in_string(view.text, self.context.inside(), Kind.OTHER)
                yield from lifted(items, escaping, view, 0)
                return
        else:
            escaping = escaping or escaping_within(raw, Kind.OTHER)
            if escaping is None and "\\" in raw:
                escaping = MARKDOWN
        if escaping is not None:
            self.position = end
            view = escaping.view(raw)
            scan = _Pass(view.text, self._here(start).inside())
            yield from lifted(scan.items(), escaping, view, start)
        elif (item := self._plain(anchor, end)) is not None:
            self.item_end = item.end
            self.position = max(self.position, _past(item))
            yield item
        else:
            self._note_foreign(start, end)

    def _end_of_run(self, anchor: re.Match[str]) -> int:
        if anchor.end() > self.run_end:
            match = boundaries.RUN.match(self.text, anchor.end())
            self.run_end = match.end() if match else anchor.end()
        return self.run_end

    def _plain(self, anchor: re.Match[str], run_end: int) -> Item | None:
        text, start = self.text, anchor.start()
        here = self._here(start)
        value = len(text) if start == 0 and self.kind and is_value(text) else None
        reach = stretch(text, start, anchor.end(), run_end, value, here.outer)
        if self.goes_on:
            reach = replace(reach, goes_on=True)
        if reach.run_end - start > LONGEST_URL:
            return Left(start, reach.run_end, Remark.INVALID_KEY)
        first = likeliest(reach)
        if (plain := _at_a_glance(reach, first, here)) is not None:
            return plain
        item = read(reach, here.grammar, first)
        end = item.end if item else reach.run_end
        if (
            (item is None or isinstance(item, Left) or text.startswith(("<%", "<?"), end))
            and (ahead := _TEMPLATE_AHEAD.match(text, end))
            and boundaries.SECOND.search(text, end, ahead.end()) is None
        ):
            return Left(start, ahead.end(), Remark.TEMPLATE, self._literal(start, ahead.end()))
        if item and value is None and end == reach.limit and _UNKNOWN_ESCAPE.match(text, end):
            return Left(start, end, Remark.UNKNOWN_ESCAPE)
        return here.remarked(item) if item else None

    def _literal(self, start: int, end: int) -> Occurrence | None:
        """The gs URL between ``start`` and ``end``, in which every character may be meant."""
        if self.text[start : start + 1] not in ("g", "G"):
            return None
        reach = Stretch(self.text, start, end, end, value=True, literal=True)
        item = read(reach, self.context.grammar, End(end, end))
        return item.literal if isinstance(item, Left) else item

    # A URL that is percent-encoded as a whole.

    def _percent(self, anchor: re.Match[str]) -> Iterator[Item]:
        text, start = self.text, anchor.start()
        # Slashes that are not escaped, behind a colon that is, are not in the rest either.
        run = boundaries.HALF_RUN if anchor[0].endswith("//") else boundaries.PERCENT_RUN
        match = run.match(text, anchor.end())
        end = match.end() if match else anchor.end()
        if quote := _QUOTE_BEFORE.search(text[max(0, start - 12) : start]):
            start -= len(quote[0])
        self.position = end
        if text.startswith(":", end) and (scheme := _SCHEME.search(text, anchor.end(), end)):
            end = scheme.start()
        if not text.startswith(_FOREIGN_DELIMITERS, end):
            end = start + boundaries.trimmed(text[start:end], text[max(0, start - 1) : start])
        view = PERCENT.view(text[start:end])
        context = replace(self._here(start).inside(), outer=Outer.FORM)
        fills = _VALUE_BEGINS.search(text[max(0, start - 9) : start]) and (
            end == len(text) or text[end] not in _GOES_ON
        )
        if fills:
            items = _in_string(view.text, context, Kind.PARAMETER)
        else:
            items = _Pass(view.text, context).items()
        return lifted(items, PERCENT, view, start)

    # URLs that are somebody else's, and what is none.

    def _foreign(self, anchor: re.Match[str]) -> Iterator[Item]:
        start = anchor.start()
        if template := _TEMPLATE_HOST.match(self.text, anchor.end()):
            self.position = template.end()
            yield Left(start, template.end(), Remark.TEMPLATE)
        elif start < self.foreign_end:
            self.foreign_start = start
        else:
            end = self._end_of_run(anchor)
            second = boundaries.SECOND.search(self.text, anchor.end(), end)
            last = second.start() if second else end
            if _SIGNED_BY_GOOGLE.search(self.text, start, last) and not self.context.nested:
                self.position = last
                yield Left(start, last, Remark.SIGNED_FOREIGN_URL)
            else:
                self._note_foreign(start, end)

    def _note_foreign(self, start: int, end: int) -> None:
        if start >= self.foreign_end:
            self.foreign_start, self.foreign_end = start, end
            signed = looks_signed(self.text[start:end])
            self.foreign = (Remark.NESTED, Remark.OUTER_SIGNATURE) if signed else (Remark.NESTED,)

    def _pattern(self, anchor: re.Match[str]) -> Iterator[Item]:
        """A regular expression or a sed script: code, whose slashes are not JSON's."""
        self.position = end = self._end_of_run(anchor)
        yield Left(anchor.start(), end, Remark.TEMPLATE)


def _at_a_glance(reach: Stretch, first: End, context: Context) -> Occurrence | None:
    """The URL of a stretch that is one in a common spelling, with nothing else to be read."""
    text = reach.text
    if reach.value or first.at < reach.run_end:
        return None
    if text.startswith(" ", first.at) and not EXTENSION.search(text, first.at - 12, first.at):
        return None  # the key may go on behind the blank
    plain = _in_plain(text[reach.start : first.at], context)
    return shifted_one(plain[0], reach.start) if plain else None


def _past(item: Item) -> int:
    """Where the text goes on behind ``item``, however it is read."""
    match item:
        case Occurrence():
            return max(reading.end for reading in item.readings)
        case Left():
            return max(item.end, _past(item.literal)) if item.literal else item.end
