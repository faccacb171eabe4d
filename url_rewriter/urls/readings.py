"""From a URL and the places where it may end to an occurrence with its readings.

The likeliest reading follows the rules of the form. The others are what real writers are known to
have meant: keys put into URLs without escaping, keys escaped twice, blanks and punctuation that
belong to the key after all. The object store decides between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from url_rewriter.urls.boundaries import End
from url_rewriter.urls.encoding import decoded
from url_rewriter.urls.model import Form, Grammar, Left, ObjectRef, Occurrence, Reading, Remark
from url_rewriter.urls.names import key_remarks, key_trouble
from url_rewriter.urls.recognition import Spelled, Verdict, recognise

_MOST_READINGS = 8
_ESCAPE = re.compile(r"%[0-9a-fA-F]{2}")
ESCAPES_MEANT = "the key holds the escapes literally"
_VERSION_QUERY = re.compile(r"(?P<key>.+)\?generation=[0-9]+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Key:
    """A key as one way of reading finds it, with what is left of query and fragment."""

    key: str
    why: str
    query: str = ""
    fragment: str = ""
    served: bool = True


def read(
    text: str,
    start: int,
    ends: Sequence[End],
    grammar: Grammar,
    verdict: Verdict = None,
) -> Occurrence | Left | None:
    """The URL that begins at ``start`` and ends, likeliest first, at one of ``ends``.

    ``verdict`` is what `recognise` says of the likeliest, where the caller has asked already.
    """
    likeliest = ends[0].at
    verdict = verdict or recognise(text[start:likeliest], grammar)
    if verdict is None:
        return None
    if isinstance(verdict, Remark):
        return Left(start, likeliest, verdict)
    first = _key(verdict)
    if first is None:
        return Left(start, likeliest, Remark.INVALID_UTF8)
    if trouble := key_trouble(first.key):
        return Left(start, likeliest, trouble)
    readings = [_reading(verdict, first, start, likeliest)]
    if verdict.doubt is not None:
        literal = Occurrence(verdict.form, "", tuple(readings))
        return Left(start, likeliest, verdict.doubt, literal)
    if verdict.form is not Form.TARGET:
        readings += [_reading(verdict, key, start, likeliest) for key in _other_keys(verdict)]
        readings += _other_ends(text, start, ends[1:], verdict, grammar)
        remarks = (*verdict.remarks, *key_remarks(first.key))
        return Occurrence(verdict.form, "", _distinct(readings), remarks)
    return Occurrence(verdict.form, "", tuple(readings))


def _reading(spelled: Spelled, key: _Key, start: int, end: int) -> Reading:
    ref = ObjectRef(spelled.bucket, key.key)
    return Reading(ref, start, end, key.query, key.fragment, key.why, key.served)


def _distinct(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    seen: dict[tuple[ObjectRef, int], Reading] = {}
    for reading in readings:
        if key_trouble(reading.source.key) is None:
            seen.setdefault((reading.source, reading.end), reading)
    return tuple(seen.values())[:_MOST_READINGS]


def _key(spelled: Spelled) -> _Key | None:
    """The key by the rules of the form, or None where it spells no UTF-8."""
    key = spelled.key if spelled.literal else decoded(spelled.key)
    if key is None:
        return None
    return _Key(key, "", spelled.sorted_query.unknown, spelled.fragment)


def _other_ends(
    text: str, start: int, ends: Sequence[End], likeliest: Spelled, grammar: Grammar
) -> Iterator[Reading]:
    for end in ends:
        other = recognise(text[start : end.at], grammar)
        if not isinstance(other, Spelled) or other.form is not likeliest.form or other.doubt:
            continue
        if (key := _key(other)) is not None:
            named = _Key(key.key, end.why, key.query, key.fragment)
            yield _reading(other, named, start, end.at)


def _other_keys(spelled: Spelled) -> Iterator[_Key]:
    yield from _literal_keys(spelled) if spelled.literal else _escaped_keys(spelled)


def _literal_keys(spelled: Spelled) -> Iterator[_Key]:
    """What else a ``gs://`` URL may mean, in which nothing is escaped."""
    key = spelled.key
    if match := _VERSION_QUERY.fullmatch(key):
        yield _Key(match["key"], "?generation= is a version, as gcsfs writes it")
    if _ESCAPE.search(key) and (undone := decoded(key)):
        yield _Key(undone, "the key is percent-encoded", served=False)


def _escaped_keys(spelled: Spelled) -> Iterator[_Key]:
    """What else the path of an ``http(s)://`` URL may mean."""
    key = decoded(spelled.key)
    if key is None:
        return
    unknown, fragment = spelled.sorted_query.unknown, spelled.fragment
    if spelled.query == unknown:  # no parameter that shows the query to be one
        tail = f"?{unknown}" if unknown else ""
        if unknown:
            yield from _joined(spelled, tail, "a raw ? belongs to the key", fragment)
        if fragment:
            yield from _joined(spelled, f"{tail}#{fragment}", "a raw # belongs to the key", "")
    if _ESCAPE.search(key) and (twice := decoded(key)):
        yield _Key(twice, "the key is percent-encoded twice", unknown, fragment, served=False)
    if key != spelled.key:
        yield _Key(spelled.key, ESCAPES_MEANT, unknown, fragment, served=False)
    if "+" in spelled.key and (spaced := decoded(spelled.key.replace("+", " "))):
        yield _Key(spaced, "+ stands for a space", unknown, fragment, served=False)


def _joined(spelled: Spelled, tail: str, why: str, fragment: str) -> Iterator[_Key]:
    if (key := decoded(spelled.key + tail)) is not None:
        yield _Key(key, why, fragment=fragment, served=False)
