"""A case: pieces of text that are put together, and what each URL among them must become."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TypeAlias

from tests.core.urls.fuzz.markup import MARKUP, Markup, Span, Spans, random_markup
from tests.core.urls.fuzz.spellings import Fate, Tail, Url, make_url
from tests.core.urls.fuzz.writing import glue


@dataclass(frozen=True, slots=True)
class Wrapped:
    """Pieces inside a markup."""

    markup: Markup
    pieces: Pieces


Piece: TypeAlias = "str | Url | Wrapped"
Pieces: TypeAlias = "tuple[Piece, ...]"


@dataclass(frozen=True, slots=True)
class Place:
    """What stands around a URL, before anything around both was escaped.

    ``around``: the names of the markups that escape it, innermost first. ``in_two``: the foreign
    URL around it stands in another one.
    """

    before: str
    after: str
    markup: Markup | None
    around: tuple[str, ...] = ()
    in_two: bool = False


def make_case(random: Random) -> Pieces:
    """Pieces of a text with one to three URLs."""
    pieces: list[Piece] = []
    if random.random() < 0.6:
        pieces.append(glue(random))
    for count in range(random.choice((1, 1, 1, 2, 2, 3))):
        if count:
            pieces.append(glue(random) if random.random() < 0.97 else "")
        pieces.append(_placed(random, make_url(random), 0))
    if random.random() < 0.7:
        pieces.append(glue(random))
    case = tuple(piece for piece in pieces if piece != "")
    if random.random() < 0.15:
        markup = random_markup(random)
        if not markup.slot:
            return (Wrapped(markup, case),)
    return case


def _placed(random: Random, url: Url, depth: int) -> Piece:
    draw = random.random()
    if depth == 2 or draw < 0.4:
        return url
    markup = random_markup(random)
    if markup.slot:
        return Wrapped(markup, (url,))
    inner: list[Piece] = [_placed(random, url, depth + 1)]
    if random.random() < 0.6:
        inner.insert(0, glue(random))
    if random.random() < 0.7:
        inner.append(glue(random))
    return Wrapped(markup, tuple(inner))


def urls_of(pieces: Pieces) -> list[Url]:
    """The URLs of a case, numbered as they stand."""
    found: list[Url] = []
    for piece in pieces:
        if isinstance(piece, Url):
            found.append(piece)
        elif isinstance(piece, Wrapped):
            found += urls_of(piece.pieces)
    return found


def rendered(
    pieces: Pieces, texts: Sequence[str], places: dict[int, Place] | None = None
) -> list[Span]:
    """The text of a case, with ``texts`` in the places of its URLs."""
    spans = _render(pieces, iter(enumerate(texts)), {} if places is None else places)
    if places is not None:
        _note(spans, None, places)
    return spans


def _render(
    pieces: Pieces, texts: Iterator[tuple[int, str]], places: dict[int, Place]
) -> list[Span]:
    spans: list[Span] = []
    for piece in pieces:
        if isinstance(piece, str):
            spans.append((piece, -1))
        elif isinstance(piece, Url):
            number, text = next(texts)
            spans.append((text, number))
        else:
            inner: Spans = _render(piece.pieces, texts, places)
            if piece.markup.closed:
                _note(inner, piece.markup, places)
                _note_around(inner, piece.markup, places)
            spans += piece.markup.render(inner)
    return spans


def _note(spans: Spans, markup: Markup | None, places: dict[int, Place]) -> None:
    whole = "".join(text for text, _ in spans)
    at = 0
    for text, number in spans:
        if number >= 0 and number not in places:
            places[number] = Place(whole[:at], whole[at + len(text) :], markup)
        elif number >= 0 and _is_in_two(places[number], whole[:at]):
            places[number] = replace(places[number], in_two=True)
        at += len(text)


def _is_in_two(place: Place, before: str) -> bool:
    inside = place.markup is not None and place.markup.nested
    return inside and len(re.findall(r"://|mailto:", re.split(r"[\s\"<>]", before)[-1])) > 1


_DOUBLED = {"insert", "single quotes"}
_NO_VALUES = {"text", "embedded"}  # elements, whose content is writing
_MOST_AROUND = 2
_DECLARES_LENGTHS = {"serialised", "draft.js", "telegram"}
_JSON_NAMES = {each.name for each in (*MARKUP["json"], *MARKUP["draft"], MARKUP["json in json"][0])}


def _note_around(spans: Spans, markup: Markup, places: dict[int, Place]) -> None:
    for _, number in spans:
        if number >= 0:
            place = places[number]
            places[number] = replace(place, around=(*place.around, markup.name))


def _is_hidden(place: Place) -> bool:
    """Whether lengths that something declares are escaped in a way that nobody undoes there."""
    for index, name in enumerate(place.around):
        if name in _DECLARES_LENGTHS and not _JSON_NAMES.issuperset(place.around[index + 1 :]):
            return True
        if name in _DECLARES_LENGTHS and index and place.around[index - 1] == "proxied":
            return True  # the mark before the proxy's own parameters changes
        if name == "slashes" and len(place.around) > index + 1:
            return True
        if name == "serialised" and index:
            return True
    return False


# What may stand around a URL without there being two honest ways to read it.

_CLEAN_BEFORE = re.compile(
    r"(?:\A|[\s\"'`(\[{<=,;|>*~!?)\]}:_@$^]|[^\x00-\x7f]|%(?:20|0A)|\\[nt])\Z"
)
_CLEAN_RELATIVE = re.compile(r"(?:\A|[\s\"'`(\[{<=,;|])\Z")
_SEPARATED = r"[~@+_!:#;,|-]{1,3}(?:https?://|gc?s://)"
_STOP = r"[\s\x00-\x1f\"<>^`|]|[^\x00-\x7f]"
_ENDS = re.compile(rf"\Z|{_STOP}|[.,:;!?'*)\]}}]+(?:\Z|{_STOP})")
_ENDS_KEY = re.compile(
    rf"\Z|{_STOP}|[,;)\]}}:']|[.!?*]+(?:\Z|{_STOP}|[)\]}}',;])|\[/[a-z]|{_SEPARATED}"
)
_ENDS_KNOWN = re.compile(
    rf"\Z|{_STOP}|[,;)\]}}:'.!*{{\[(@~$\\]|&(?![\w.-]+=)|%(?:20|0A|22|2C)|{_SEPARATED}"
)
_ANOTHER_NAME = re.compile(r"\.+[a-z0-9]{1,12}(?![A-Za-z0-9])")
_FORM_DATA = re.compile(r"(?:[?&;]|\A)\w[\w.\[\]-]*=\Z", re.ASCII)
_FOREIGN_AROUND = re.compile(r"(?:://|www\.|mailto:)[^\s\"<>]*\Z")


def is_plain(url: Url, place: Place) -> bool:
    """Whether there is one honest way to read ``url`` where it stands."""
    if url.odd or place.in_two or _is_hidden(place) or len(place.around) > _MOST_AROUND:
        return False
    return (
        _fits(url, place)
        and _begins_plainly(url, place)
        and _ends_plainly(url, place.after, place.before)
    )


def _fits(url: Url, place: Place) -> bool:
    """Whether a URL could stand in the markup around it as it is spelled."""
    if _DOUBLED.intersection(place.around[:-1]) and "'" in url.raw:
        return False
    if " " in url.raw and place.around and place.around[0] in _NO_VALUES:
        return False
    markup = place.markup
    if markup is None:
        return True
    if any(mark in markup.refuses for mark in url.raw):
        return False
    if markup.nested and (url.tail in (Tail.UNKNOWN, Tail.FRAGMENT) or url.raw):
        return False
    # Slashes alone show no colon, and so not how one is to be spelled.
    return not (markup.name == "lower case" and url.is_relative)


def _begins_plainly(url: Url, place: Place) -> bool:
    before = place.before
    if _FORM_DATA.search(before) and url.tail is Tail.UNKNOWN and "&" in url.text:
        return False  # the second parameter may be the form's
    if not before or (place.markup is not None and place.markup.nested):
        return True
    clean = _CLEAN_RELATIVE if url.is_relative else _CLEAN_BEFORE
    dirty = url.is_literal or url.is_relative or before[-1] not in ".-"
    if dirty and not clean.search(before[-3:]):
        return False
    if url.is_literal and before.endswith(("\\n", "\\t")):
        return False  # a letter may be the end of a word
    return _FOREIGN_AROUND.search(before) is None


def _ends_plainly(url: Url, after: str, before: str) -> bool:
    if not after or url.raw:
        return _raw_ends_plainly(url, after, before)
    if url.fate in (Fate.REWRITTEN, Fate.MIGRATED) and _ANOTHER_NAME.match(after):
        return False  # behind the new URL, which has no query, it looks like an extension
    match url.tail:
        case Tail.FRAGMENT:
            return True
        case Tail.UNKNOWN:
            return after[0] in ",;" or _ENDS.match(after) is not None
        case Tail.KNOWN:
            return after[0] not in url.alphabet and _ENDS_KNOWN.match(after) is not None
    if after[0] in "#?":
        return after[0] == "#" and not url.is_literal
    if not after[0].isascii() and not url.text[-1].isascii():
        return False
    return _ENDS_KEY.match(after) is not None


def _raw_ends_plainly(url: Url, after: str, before: str) -> bool:
    """Whether a URL that is a whole value, or holds what often ends one, ends plainly."""
    if url.raw and before and any(mark == " " or not mark.isascii() for mark in url.raw):
        return False
    if not after:
        return True
    return " " not in url.raw and after[0] in ' \n\t"' and before[-1:] in (' \n\t"', "")


def objects_of(urls: Sequence[Url]) -> frozenset[tuple[str, str]]:
    """The objects that exist, by bucket and key."""
    there = {(url.bucket, url.key) for url in urls if url.exists and url.bucket}
    return frozenset(there - {(url.bucket, url.key) for url in urls if not url.exists})


def expected_texts(urls: Sequence[Url]) -> list[str]:
    """What must stand in the place of each URL."""
    return [url.new if url.fate is Fate.REWRITTEN else url.text for url in urls]


def spans_of(spans: Spans) -> Mapping[int, tuple[int, int]]:
    """Where each URL stands in the whole text."""
    found: dict[int, tuple[int, int]] = {}
    at = 0
    for text, number in spans:
        if number >= 0:
            found[number] = (at, at + len(text))
        at += len(text)
    return found
