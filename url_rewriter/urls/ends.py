"""Where a URL may end: the likeliest place, and the others that are honest.

Where a key ends is for the objects to say, so every punctuation in it is a place. Where a query
ends is not: of two honest ends of a query the one that takes less away is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from url_rewriter.urls.boundaries import (
    EXTENDED,
    EXTENSION,
    MARKS,
    STOPS,
    Marks,
    trimmed,
    without_punctuation,
)
from url_rewriter.urls.query import Outer, end_of_query


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of a text that a URL may take: from ``start``, never beyond ``limit``.

    ``run_end`` is the first character, up to ``limit``, that no URL should hold. ``cut``: another
    URL begins at ``limit``. ``value``: the text from ``start`` on is a value, whose blanks may
    belong to a key. ``literal``: a ``gs://`` or ``s3://`` URL, without query and fragment.
    """

    text: str
    start: int
    run_end: int
    limit: int
    cut: bool = False
    value: bool = False
    literal: bool = False
    outer: Outer = Outer.NOTHING
    marks: Marks = MARKS

    @property
    def before(self) -> str:
        """The character in front of the URL."""
        return "" if self.value else self.text[max(0, self.start - 1) : self.start]


@dataclass(frozen=True, slots=True)
class End:
    """A place where a URL may end, where its path does, and how that differs from the likeliest."""

    at: int
    path: int
    why: str = ""


def stretch(
    text: str, span: tuple[int, int, int], end: int | None, outer: Outer, marks: Marks = MARKS
) -> Stretch:
    """How far a URL may go that begins, whose scheme ends, and whose run ends where ``span`` says.

    ``end`` is that of the value which the URL begins, or None where it stands in other text.
    """
    start, begun, run_end = span
    literal = text[start] in "gGsS"
    cut = _second(text, begun, run_end, marks)
    if cut is not None:
        return Stretch(text, start, cut, cut, True, False, literal, outer, marks)
    if outer is Outer.QUERY and not literal and text.find("?", begun, run_end) < 0:
        ampersand = text.find("&", begun, run_end)
        if ampersand >= 0:
            run_end, end = ampersand, None
    if end is None or end <= run_end:
        value = end is not None
        return Stretch(text, start, run_end, run_end, False, value, literal, outer, marks)
    if another := marks.anchor.search(text, run_end, end):
        # A value with another URL in it is no URL as a whole, but its key may have blanks.
        return Stretch(text, start, run_end, another.start(), False, False, literal, outer, marks)
    return Stretch(text, start, run_end, end, False, True, literal, outer, marks)


def _second(text: str, begun: int, run_end: int, marks: Marks) -> int | None:
    """Where another URL begins in a run, if one does."""
    second = marks.second.search(text, begun, run_end)
    cut = second.start() if second else None
    entity = text.find("&#", begun, run_end if cut is None else cut)
    if entity >= 0:
        another = marks.anchor.search(text, entity, run_end)
        if another and text[another.start()] == "&" and (cut is None or another.start() < cut):
            return another.start()
    return cut


# -- The likeliest end ---------------------------------------------------------------------------

_MARK = re.compile(r"[?#]")


def likeliest(reach: Stretch) -> End:
    """The end by the rules of URLs, and of the text around one."""
    text, start = reach.text, reach.start
    last = reach.limit if reach.value else reach.run_end
    mark = None if reach.literal else _MARK.search(text, start, last)
    if reach.value and reach.run_end < (mark.start() if mark else reach.limit):
        first = start + trimmed(text[start : reach.run_end], "")
        if _is_extended(text, start, first):
            return End(first, first)
    if mark is not None:
        return _marked(reach, mark.start())
    end = reach.limit if reach.value else _trimmed(reach, reach.run_end)
    return End(end, end)


def _trimmed(reach: Stretch, end: int) -> int:
    run = reach.text[reach.start : end]
    size = trimmed(run, reach.before)
    if reach.cut and end == reach.limit:  # what stands between two URLs separates them
        size = min(size, len(run.rstrip(_SEPARATORS)))
    return reach.start + size


_SEPARATORS = "-_~+/.,;:!?'*@=&|$%#()[]{}\\"


def _marked(reach: Stretch, path: int) -> End:
    """The end of a URL whose path ends at ``path`` with a ``?`` or a ``#``."""
    text, start, limit = reach.text, reach.start, reach.limit
    end = path
    if text[path] == "?":
        end = _end_of_query(reach, path)
    if text.startswith("#", end) and end < limit:
        run = _FRAGMENT.match(text, end + 1, limit)
        past = start + trimmed(text[start : run.end() if run else end], reach.before)
        end = past if past > end + 1 else end
    elif end > path and (text[end - 1] == ")" or reach.before in _OPENERS):
        end = max(path, start + trimmed(text[start:end], reach.before))
    if end <= path:
        end = path if reach.value else _trimmed(reach, path)
        return End(end, end)
    return End(end, path)


_OPENERS = ("(", "[", "{", "_", "~")
_FRAGMENT = re.compile(r"[!$-;=?-\[\]_a-z{}~]*+")
_EMPTY_VALUE = re.compile(r"[?&][\w.$\[\]-]+=\Z")
_NESTED_VALUE = re.compile(r"[\w.~/%:?=&+-]*+", re.ASCII)
_NEXT_NAME = re.compile(r"(?:&[\w.-]*=?)+\Z", re.ASCII)


def _end_of_query(reach: Stretch, mark: int) -> int:
    text, limit = reach.text, reach.limit
    closed = reach.value or not (reach.cut or limit < len(text))
    end = end_of_query(text, mark, limit, reach.outer, closed=closed)
    if not reach.cut or end < limit:
        return end
    name = _EMPTY_VALUE.search(text, mark, end)
    if name is None:
        return end
    if name.start() > mark or reach.outer is not Outer.NOTHING:
        return name.start()
    if _CUTS.search(text, text.find("/", reach.start + 8), mark):
        return mark  # the URL may end before its query, which then is text
    # `?next=URL`: the query is that parameter, and goes with its value.
    third = reach.marks.second.search(text, end + 8)
    value = _NESTED_VALUE.match(text, end, third.start() if third else len(text))
    past = value.end() if value else end
    if third and past == third.start() and (following := _NEXT_NAME.search(text, end, past)):
        past = following.start()
    return end + without_punctuation(text[end:past], past - end)


# -- The other ends ------------------------------------------------------------------------------

_CUTS = re.compile(
    r"[,;)\]}&'(\[{!*:|\\]+|(?<=[\x21-\x7e])(?=[^\x00-\x7f])|%0[aAdD]|[.!?]+(?=[^\x00-\x7f])"
)
_SHARED_BLANK = re.compile(r"%(?:20|09)|\+")
_BREAK = re.compile(rf"[{STOPS}]+")
_LONGEST_PUNCTUATION = 4
_MOST_CUTS = 10
_MOST_BREAKS = 6
_SENTENCE = ".,:;!?'*)]\u2026"


def others(reach: Stretch, first: End, key: int) -> Iterator[End]:
    """Where else the URL may end; its key begins at ``key``, and ends most likely at ``first``."""
    yield from _longer(reach, first)
    path = first.path
    if reach.cut and first.at == path:
        path = max(path, min(_end_of_path(reach), reach.run_end))
    run = min(path, reach.run_end)
    if reach.value and path > reach.run_end:
        yield from _breaks(reach, key, path)
    elif not reach.value and reach.limit > reach.run_end and first.at == first.path:
        yield from _breaks(reach, key, _end_of_path(reach))
    if reach.value:
        end = reach.start + trimmed(reach.text[reach.start : run], reach.before)
        if key < end < first.path:
            yield End(end, end, "what follows is text around the URL")
    yield from _cuts(reach, key, run)


def _longer(reach: Stretch, first: End) -> Iterator[End]:
    text = reach.text
    if first.at == first.path:
        if reach.value and first.path < reach.limit:
            whole = _whole(reach)
            if whole.at > first.at:
                yield whole
        elif 0 < reach.run_end - first.at <= _LONGEST_PUNCTUATION:
            end = reach.run_end
            if text.find("?", first.at, end) < 0 and text.find("#", first.at, end) < 0:
                yield End(end, end, "the punctuation behind it belongs to the key")
    near = first.at == first.path and reach.run_end - first.at <= _LONGEST_PUNCTUATION
    if near and not reach.value and not reach.cut:
        yield from _spaced(reach, first)


def _whole(reach: Stretch) -> End:
    mark = None if reach.literal else _MARK.search(reach.text, reach.start, reach.limit)
    why = "blanks belong to the key"
    if mark is None:
        return End(reach.limit, reach.limit, why)
    marked = _marked(reach, mark.start())
    return End(marked.at, marked.path, why)


def _breaks(reach: Stretch, key: int, path: int) -> Iterator[End]:
    """Before each of the first blanks in a value, the longest first; punctuation may be text."""
    places: list[int] = []
    for match in _BREAK.finditer(reach.text, key, path):
        if match.start() > key:
            word = reach.text[key : match.start()]
            trim = key + len(word.rstrip(_SENTENCE))
            places += [trim, match.start()] if key < trim < match.start() else [match.start()]
        if len(places) >= _MOST_BREAKS:
            break
    for place in reversed(places):
        yield End(place, place, "what follows is text around the URL")


def _end_of_path(reach: Stretch) -> int:
    mark = None if reach.literal else _MARK.search(reach.text, reach.start, reach.limit)
    return mark.start() if mark else reach.limit


def _cuts(reach: Stretch, key: int, end: int) -> Iterator[End]:
    text = reach.text
    places = [
        place
        for match in _CUTS.finditer(text, key, end)
        for place in range(
            match.start(), min(match.start() + 3, max(match.end(), match.start() + 1))
        )
        if text[place] != "%" or place == match.start()
    ]
    places += [match.end() for match in EXTENDED.finditer(text, key, end)]
    if reach.outer is not Outer.NOTHING:
        places += [match.start() for match in _SHARED_BLANK.finditer(text, key, end)]
        if reach.literal:
            places += [match.start() for match in _MARK.finditer(text, key, end)]
    if not places:
        return
    distinct = sorted({each for each in places if each > key and text[each - 1] != "/"})
    if len(distinct) > _MOST_CUTS:
        distinct = distinct[: _MOST_CUTS // 2] + distinct[-_MOST_CUTS // 2 :]
    # The longest first, but for those behind a file's extension.
    distinct.sort(key=lambda at: (not _is_extended(text, key, at), -at))
    for place in distinct:
        yield End(place, place, "the URL ends at the punctuation")


_LONGEST_EXTENSION = 12


def _is_extended(text: str, start: int, end: int) -> bool:
    """Whether a file's extension stands right before ``end``."""
    return EXTENSION.search(text, max(start, end - _LONGEST_EXTENSION), end) is not None


_LONGEST_NAME = 200
_MOST_WORDS = 5
_WORD = re.compile(r" (?!/)((?:(?!//)[^\s\"<>:%&\\]){1,60})")


def _spaced(reach: Stretch, first: End) -> Iterator[End]:
    """Behind blanks, where words follow that end in a file's extension, and it has none yet."""
    text, start, at = reach.text, reach.start, reach.run_end
    if _is_extended(text, start, first.at):
        return
    for _ in range(_MOST_WORDS):
        word = _WORD.match(text, at)
        if word is None:
            return
        at = word.end()
        name = start + trimmed(text[start:at], "") if at - start < _LONGEST_NAME * 8 else at
        path = text.find("?", word.start(), at)
        path = name if path < 0 else path
        if _is_extended(text, word.start(), path):
            end = path
            if text.startswith("?", path):
                limit = _MARKED_RUN.match(text, path)
                end = end_of_query(
                    text, path, limit.end() if limit else path, reach.outer, closed=False
                )
            yield End(end, path, "blanks belong to the key")
            return


_MARKED_RUN = re.compile(rf"[^{STOPS}\\]*+")
