"""From a URL and the places where it may end to an occurrence with its readings.

The likeliest reading follows the rules of the form. The others are what real writers are known to
have meant: keys put into URLs without escaping, keys escaped twice, blanks and punctuation that
belong to the key after all. The object store decides between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from url_rewriter.urls.bases import read_root, read_template
from url_rewriter.urls.boundaries import trimmed
from url_rewriter.urls.encoding import decoded
from url_rewriter.urls.ends import End, Stretch, likeliest, others
from url_rewriter.urls.model import (
    S3_FORMS,
    Base,
    Form,
    Grammar,
    Left,
    ObjectRef,
    Occurrence,
    Reading,
    Remark,
)
from url_rewriter.urls.names import has_placeholder, key_remarks, key_trouble
from url_rewriter.urls.query import Outer
from url_rewriter.urls.recognition import Spelled, Verdict, recognise
from url_rewriter.urls.written import past_alphabet, shorter_ends

_MOST_READINGS = 20
_ESCAPED_URL = re.compile(r"https?%(?:25)*3A(?:%(?:25)*5C)*(?:%(?:25)*2F|//)", re.IGNORECASE)
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
    reach: Stretch, grammar: Grammar, first: End | None = None, verdict: Verdict = None
) -> Occurrence | Left | None:
    """The URL that begins ``reach``, with its readings, likeliest first.

    ``first`` is its likeliest end and ``verdict`` what `recognise` says of that, where the caller
    has asked already.
    """
    text, start = reach.text, reach.start
    first = first or likeliest(reach)
    verdict = verdict or recognise(text[start : first.at], grammar)
    if verdict is None:
        return None
    if isinstance(verdict, Remark):
        return _left(reach, first, verdict, grammar)
    begins = first.path - len(verdict.key)
    if verdict.literal or not text.startswith(verdict.key, begins):
        begins = text.find("/", start + 6) + 1
    ends = list(others(reach, first, begins))
    if verdict.form is Form.TARGET:
        found = _of_target(reach, verdict, first, begins, ends)
        return _with_base(found, verdict, grammar) if isinstance(found, Occurrence) else found
    key = _key(verdict)
    trouble = key_trouble(key.key) if key else Remark.INVALID_UTF8
    if key is None or trouble is not None:
        shorter = _distinct(list(_other_ends(reach, verdict, ends, grammar)))
        literal = Occurrence(verdict.form, "", shorter) if shorter else None
        return Left(start, first.at, trouble or Remark.INVALID_UTF8, literal)
    readings = [_reading(verdict, key, start, first.at)]
    readings += [
        _reading(verdict, each, start, first.at) for each in _other_keys(verdict, reach.outer)
    ]
    if verdict.literal and Remark.DROPPED_GENERATION in verdict.remarks:
        whole = _Key(text[begins : first.at], "# and digits belong to the key")
        readings.append(_reading(verdict, whole, start, first.at))
    readings += _other_ends(reach, verdict, ends, grammar)
    if first.at == first.path and text.startswith(("?", "#"), first.at):
        readings += _with_marks(reach, verdict, first, begins)
    remarks = (*verdict.remarks, *key_remarks(key.key))
    if first.path < first.at and reach.marks.second.search(text, first.path, first.at):
        remarks = (*remarks, Remark.DROPPED_URL)
    occurrence = Occurrence(verdict.form, "", _distinct(readings), remarks)
    if verdict.doubt is not None:
        occurrence = _with_base(occurrence, verdict, grammar)
        return Left(start, first.at, verdict.doubt, occurrence)
    return occurrence


def _left(reach: Stretch, first: End, remark: Remark, grammar: Grammar) -> Left:
    """What is left alone; the root of a bucket may be the base of all its keys."""
    root = None
    if grammar.bases and remark is Remark.BUCKET_ROOT and first.at == first.path:
        root = read_root(reach.text[reach.start : first.at], reach.start, first.at, grammar)
    return Left(reach.start, first.at, remark, root)


def _with_base(occurrence: Occurrence, verdict: Spelled, grammar: Grammar) -> Occurrence:
    """An occurrence with its reading as a template, where it has places to be filled in."""
    if not grammar.bases or not has_placeholder(verdict.key):
        return occurrence
    end = max(each.end for each in occurrence.readings)
    base = read_template(verdict, occurrence.start, end)
    return occurrence._replace(readings=(*occurrence.readings, base)) if base else occurrence


def _root_of_target(verdict: Spelled, start: int, end: int) -> Occurrence:
    """The URL of a bucket of the target, or of what a place leaves out of its keys."""
    key = verdict.place.after if verdict.place else ""
    base = Reading(ObjectRef(verdict.bucket, key), start, end, base=Base())
    return Occurrence(verdict.form, "", (base,))


def _of_target(
    reach: Stretch, verdict: Spelled, first: End, begins: int, ends: Sequence[End]
) -> Occurrence | Left:
    """A URL of the target: one that this program wrote ends where its alphabet does."""
    text, start = reach.text, reach.start
    if not verdict.key:
        return _root_of_target(verdict, start, first.at)
    past = past_alphabet(text, begins, first.path)
    if past < first.path:
        ends = [End(past, past), replace(first, why="what follows belongs to the key"), *ends]
    else:
        ends = [first, *ends]
    why = "what follows is text around the URL"
    ends += [End(at, at, why) for at in shorter_ends(text, begins, past)]
    another = _ESCAPED_URL.search(text, begins, reach.limit)
    limit = another.start() if another else reach.limit
    readings = _distinct(
        [
            Reading(named, start, end.at if end.at <= limit else end.path, why=end.why)
            for end in ends
            if begins < end.path <= limit
            and (key := decoded(text[begins : end.path])) is not None
            and (named := verdict.named(key)) is not None
        ]
    )
    if not readings:
        return Left(start, first.at, Remark.INVALID_KEY)
    return Occurrence(verdict.form, "", readings)


def _reading(spelled: Spelled, key: _Key, start: int, end: int) -> Reading:
    ref = spelled.named(key.key) or ObjectRef(spelled.bucket, key.key)
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


def _with_marks(reach: Stretch, verdict: Spelled, first: End, begins: int) -> Iterator[Reading]:
    """The key with a ``?`` or ``#`` that begins no query and no fragment."""
    text, at = reach.text, first.path
    if verdict.literal:
        return
    past = (
        reach.limit
        if reach.value
        else reach.start + trimmed(text[reach.start : reach.run_end], reach.before)
    )
    if past > at + 1 and (key := decoded(text[begins:past])):
        why = f"a raw {text[at]} belongs to the key"
        yield _reading(verdict, _Key(key, why, served=False), reach.start, past)


def _other_ends(
    reach: Stretch, first: Spelled, ends: Sequence[End], grammar: Grammar
) -> Iterator[Reading]:
    for end in ends:
        other = recognise(reach.text[reach.start : end.at], grammar)
        if not isinstance(other, Spelled) or other.form is not first.form:
            continue
        if (key := _key(other)) is not None:
            named = _Key(key.key, end.why, key.query, key.fragment)
            yield _reading(other, named, reach.start, end.at)


def _other_keys(spelled: Spelled, outer: Outer) -> Iterator[_Key]:
    yield from _literal_keys(spelled, outer) if spelled.literal else _escaped_keys(spelled, outer)


def _literal_keys(spelled: Spelled, outer: Outer) -> Iterator[_Key]:
    """What else a ``gs://`` URL may mean, in which nothing is escaped."""
    key = spelled.key
    if outer is Outer.FORM and "+" in key:
        yield _Key(key.replace("+", " "), "+ stands for a space")
    if match := _VERSION_QUERY.fullmatch(key):
        yield _Key(match["key"], "?generation= is a version, as gcsfs writes it")
    if _ESCAPE.search(key) and (undone := decoded(key)):
        yield _Key(undone, "the key is percent-encoded", served=False)


# A query that was escaped with the key.
_QUERY_WITHIN = re.compile(
    r"\?(?:alt|token|generation|GoogleAccessId|X-Goog-[\w-]+|X-Amz-[\w-]+)=[^/]*\Z", re.IGNORECASE
)


def _escaped_keys(spelled: Spelled, outer: Outer) -> Iterator[_Key]:
    """What else the path of an ``http(s)://`` URL may mean.

    A site that takes a URL in its own undoes one more escaping before it asks for that URL.
    """
    key = decoded(spelled.key)
    if key is None:
        return
    nested = outer in (Outer.PATH, Outer.QUERY)
    unknown, fragment = spelled.sorted_query.unknown, spelled.fragment
    if "=" in key and (within := _QUERY_WITHIN.search(key)):
        yield _Key(key[: within.start()], "the query is escaped too", served=nested)
    twice = decoded(key) if _ESCAPE.search(key) else None
    if twice and "=" in twice and (within := _QUERY_WITHIN.search(twice)):
        yield _Key(twice[: within.start()], "the query is escaped too", served=nested)
    if spelled.query == unknown and not nested:  # no parameter that shows the query to be one
        tail = f"?{unknown}" if unknown else ""
        if unknown:
            yield from _joined(spelled, tail, "a raw ? belongs to the key", fragment)
        if fragment:
            yield from _joined(spelled, f"{tail}#{fragment}", "a raw # belongs to the key", "")
    if twice:
        why = "the key is percent-encoded twice"
        yield _Key(twice, why, unknown, fragment, served=nested)
    if key != spelled.key:
        yield _Key(spelled.key, ESCAPES_MEANT, unknown, fragment, served=False)
    if "+" in spelled.key and (spaced := decoded(spelled.key.replace("+", " "))):
        # Some S3 servers read a raw plus in a path as a space.
        served = outer is not Outer.NOTHING or spelled.form in S3_FORMS
        yield _Key(spaced, "+ stands for a space", unknown, fragment, served=served)


def _joined(spelled: Spelled, tail: str, why: str, fragment: str) -> Iterator[_Key]:
    if (key := decoded(spelled.key + tail)) is not None:
        yield _Key(key, why, fragment=fragment, served=False)
