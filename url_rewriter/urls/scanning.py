"""Finding URLs: in documents kept in strings, in values, in text, each in every escaping.

Here is where they begin, what they stand in and what is undone around them; `running` reads each.

An escaping is undone to a view, which is searched like the text outside it, and what is found is
carried back by the view's offsets. Work is linear: a host is looked at before anything longer,
what was read as a URL is not read again, and views nest only so deep.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from url_rewriter.urls import boundaries
from url_rewriter.urls.containers import Kind, container, json_strings
from url_rewriter.urls.ends import stretch
from url_rewriter.urls.escapes import JSON, MARKDOWN, PERCENT, Escaping
from url_rewriter.urls.lengths import Lengths
from url_rewriter.urls.model import Left, Remark
from url_rewriter.urls.offsets import Item, lifted, shifted
from url_rewriter.urls.parameters import looks_signed
from url_rewriter.urls.query import Outer
from url_rewriter.urls.recognition import is_known_host
from url_rewriter.urls.running import at_a_glance, past, read_running
from url_rewriter.urls.serialized import strings_of
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
    if spans := json_strings(text):
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


def _in_string(text: str, context: Context, kind: Kind) -> Iterator[Item]:
    """What a string of ``kind`` holds, which a URL may begin."""
    if context.too_deep:
        return iter(())
    body = text.strip()
    anchor = context.marks.anchor.match(body) if body else None
    if anchor is None:
        item = schemeless(body, context) if kind is Kind.CELL else None
        return _Pass(text, context).items() if item is None else _followed(item, text, context)
    start = 0 if body is text else text.index(body)
    escaping = escaping_of(anchor[0])
    if escaping is None:
        return shifted(_Pass(body, context, kind).items(), start)
    if escaping is PERCENT and not boundaries.PERCENT_RUN.fullmatch(body):
        return _Pass(text, context).items()
    view = escaping.view(body)
    inner = Kind.PARAMETER if escaping is PERCENT else Kind.OTHER
    return lifted(_in_string(view.text, context.inside(), inner), escaping, view, start)


def _followed(item: Item, text: str, context: Context) -> Iterator[Item]:
    """The URL without a scheme that ``text``, a cell, begins with, and what stands behind it."""
    yield from (found := list(shifted([item], len(text) - len(text.lstrip()))))
    behind = _Pass(text, context)
    behind.position = past(found[0])
    yield from behind.items()


def _in_json_string(raw: str, start: int, context: Context) -> Iterator[Item]:
    if "\\" not in raw:
        return shifted(at_a_glance(raw, context) or in_value(raw, context.inside()), start)
    view = JSON.view(raw)
    return lifted(in_value(view.text, context.inside()), JSON, view, start)


_AUTHORITY = re.compile(r"[^/?#\\\s\"<>&;,()]{0,300}")
_SIGNED_BY_GOOGLE = re.compile(r"[?&]x-goog-credential=", re.IGNORECASE)
_TEMPLATE_HOST = re.compile(
    r"[^/\n]{0,100}[}>\]]\.storage\.googleapis\.com\b[^\s\"'<>]*+", re.IGNORECASE
)
_VALUE_BEGINS = re.compile(r"(?:\A|[=/\"'\s<(>,:]|%(?:25)*(?:3[aAdD]|2[fF]))\Z")
_QUOTE_BEFORE = re.compile(r"%(?:25)*2[27]\Z")
_PARAMETER_BEGINS = re.compile(r"(?:[?&;]|\A)\w[\w.\[\]-]*=\Z", re.ASCII)
_FOREIGN_DELIMITERS = ("&", "/", "#", "?")
_SCHEME = re.compile(r"(?:https?|gc?s)\Z", re.IGNORECASE)
_GOES_ON = "=:@,;[{|~$"
_LONGEST_GAP = 8


class _Pass:
    """One pass over a text, from left to right."""

    def __init__(self, text: str, context: Context, kind: Kind | None = None) -> None:
        self.text = text
        self.context = context
        self.marks = context.marks
        self.kind = kind  # of the value that a URL begins; None where it stands in other text
        self.position = 0
        self.run_end = 0  # of the run that was measured last
        self.foreign_start = self.foreign_end = 0  # of the foreign URL that was met last
        self.item_end = -1  # of what was found last
        self.foreign: tuple[Remark, ...] = ()
        self.lengths = Lengths(text)

    def items(self) -> Iterator[Item]:
        """What the text holds, in order."""
        text = self.text
        search = self.marks.anchor.search
        while not self.context.too_deep and (anchor := search(text, self.position)):
            start = anchor.start()
            relative = anchor[0][0] in "/\\%&"
            if not self._begins(start, relative):
                self.position = start + 1
                continue
            self.position = anchor.end()
            for item in self._at(anchor, relative):
                yield self.lengths.checked(item)

    def _begins(self, start: int, relative: bool) -> bool:
        if boundaries.begins_cleanly(self.text, start, relative):
            return True
        if not relative:
            # Behind what was just read, a hyphen separates: `a.png-gs://b/k`.
            near = self.item_end >= max(0, start - _LONGEST_GAP)
            return near and not self.text[self.item_end : start].strip("-")
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
        if anchor[0][0] in "gGsS":
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
        if (frame := self.lengths.frames.get(start)) is not None:
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
            items = at_a_glance(within, context) or _in_string(within, context, Kind.OTHER)
            return lifted(items, escaping, view, start)
        return shifted(at_a_glance(content, context) or _in_string(content, context, kind), start)

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
        elif (item := self._read(anchor, end)) is not None:
            self.item_end = item.end
            self.position = max(self.position, past(item))
            yield item
        else:
            self._note_foreign(start, end)

    def _end_of_run(self, anchor: re.Match[str]) -> int:
        if anchor.end() > self.run_end:
            match = self.marks.run.match(self.text, anchor.end())
            self.run_end = match.end() if match else anchor.end()
        return self.run_end

    def _read(self, anchor: re.Match[str], end: int) -> Item | None:
        text, start = self.text, anchor.start()
        here = self._here(start)
        value = len(text) if start == 0 and self.kind and is_value(text) else None
        reach = stretch(text, (start, anchor.end(), end), value, here.outer, self.marks)
        return read_running(reach, here, in_value=value is not None)

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

    # URLs of other parties, and what is none.

    def _foreign(self, anchor: re.Match[str]) -> Iterator[Item]:
        start = anchor.start()
        if template := _TEMPLATE_HOST.match(self.text, anchor.end()):
            self.position = template.end()
            yield Left(start, template.end(), Remark.TEMPLATE)
        elif start < self.foreign_end:
            self.foreign_start = start
        else:
            end = self._end_of_run(anchor)
            second = self.marks.second.search(self.text, anchor.end(), end)
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
