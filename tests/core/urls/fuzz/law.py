"""The law, tried on one case: what the planner makes of it, against what was meant by it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from tests.core.urls.fuzz.cases import (
    Pieces,
    Place,
    expected_texts,
    is_plain,
    objects_of,
    rendered,
    spans_of,
    urls_of,
)
from tests.core.urls.fuzz.spellings import BUCKETS, ENDPOINT, TARGET_BUCKET, Fate, Tail, Url
from url_rewriter.evidence import TargetState
from url_rewriter.planning import Planner, SettledText, UrlStatus
from url_rewriter.rules import ObjectPrefix, Rule, Rules, Scope, Target, Unmapped
from url_rewriter.urls import Grammar, ObjectRef

RULES = Rules(
    target=Target(ENDPOINT, TARGET_BUCKET),
    rules=tuple(
        Rule(bucket, ObjectPrefix(bucket), ObjectPrefix(TARGET_BUCKET, f"x/{bucket}/"))
        for bucket in BUCKETS
    ),
    unmapped=Unmapped.REPORT,
    scope=Scope(),
    grammar=Grammar(targets=(ENDPOINT,)),
)
_PLANNER = Planner(RULES)
_AMPERSANDS = ("&", "&amp;", "&#038;", "\\u0026", "\\\\u0026", "%26")  # of the URL around it
_SCHEME_BEFORE = re.compile(r"[A-Za-z0-9+.-]\Z")
_GENERATION = re.compile(r"#[0-9]+")  # of a gs:// URL, as gsutil writes it
_QUERY_GOES_ON = re.compile(r"[\w.~%=&+/:@!$'()*,;?-]*", re.ASCII)


class Violation(NamedTuple):
    """How a text breaks the law."""

    kind: str
    text: str
    result: str
    expected: str
    detail: str = ""


def check(pieces: Pieces) -> Violation | None:
    """How the text of ``pieces`` breaks the law, or None where it does not."""
    urls = urls_of(pieces)
    objects = objects_of(urls)
    if any(url.exists and url.bucket and (url.bucket, url.key) not in objects for url in urls):
        return None  # one URL says that an object exists, another that it does not
    places: dict[int, Place] = {}
    spans = rendered(pieces, [url.text for url in urls], places)
    before = "".join(text for text, _ in spans)
    settled = settled_text(before, objects)
    after = settled.after if settled else before
    expected = "".join(text for text, _ in rendered(pieces, expected_texts(urls)))
    plain = all(is_plain(url, places[number]) for number, url in enumerate(urls))
    where = spans_of(spans)
    kind, detail = (
        _silence(urls, places, where, settled)
        or (_difference(after, expected, urls, where, settled) if plain else None)
        or _loss(before, urls, where, settled)
        or _second_pass(after, urls, objects, plain)
        or ("", "")
    )
    return Violation(kind, before, after, expected, detail) if kind else None


_Trouble = tuple[str, str] | None


def settled_text(text: str, objects: frozenset[tuple[str, ...]]) -> SettledText | None:
    """What the planner makes of a text, where these objects (bucket and key) are there."""

    def state(target: ObjectRef) -> TargetState:
        _, bucket, key = target.key.split("/", 2)
        return TargetState.EXISTS if (bucket, key) in objects else TargetState.MISSING

    planned = _PLANNER.plan_text(("text",), text)
    return _PLANNER.settle(planned, state) if planned else None


def _rewritten(settled: SettledText | None) -> list[tuple[int, int, str]]:
    return [
        (url.start, url.end, url.candidate.url)
        for url in (settled.urls if settled else ())
        if url.status is UrlStatus.REWRITE and url.candidate
    ]


def _silence(
    urls: list[Url],
    places: Mapping[int, Place],
    where: Mapping[int, tuple[int, int]],
    settled: SettledText | None,
) -> _Trouble:
    """A URL of Cloud Storage of which nothing is said."""
    said = [(url.start, url.end) for url in (settled.urls if settled else ())]
    for number, url in enumerate(urls):
        start, end = where[number]
        if url.is_literal and _SCHEME_BEFORE.search(places[number].before):
            continue  # it is the end of another scheme, as in logs://
        if url.fate in (Fate.REWRITTEN, Fate.REPORTED) and not any(
            first < end and start < last for first, last in said
        ):
            return "silent", url.text
    return None


def _difference(
    after: str,
    expected: str,
    urls: list[Url],
    where: Mapping[int, tuple[int, int]],
    settled: SettledText | None,
) -> _Trouble:
    """Another text than the one that was meant."""
    if after == expected:
        return None
    starts = {start for start, _, _ in _rewritten(settled)}
    for number, url in enumerate(urls):
        if url.fate is Fate.REWRITTEN and where[number][0] not in starts:
            return "left", url.text
    return "damaged", ""


def _loss(
    before: str, urls: list[Url], where: Mapping[int, tuple[int, int]], settled: SettledText | None
) -> _Trouble:
    """Something replaced that is no URL, or by what the URL does not mean."""
    for start, end, new in _rewritten(settled):
        number = next((n for n, (first, last) in where.items() if first <= start < last), None)
        if number is None:
            return "invented", before[start:end]
        url, (_, last) = urls[number], where[number]
        if url.odd:
            continue
        if url.fate is not Fate.REWRITTEN or not new.startswith(url.new.partition("#")[0]):
            return "mistaken", f"{before[start:end]} became {new}"
        more = before[last:end]
        if (
            more
            and url.tail is not Tail.FRAGMENT  # kept, and so what is read as its end
            and not (more.startswith("#") and new.endswith(more))
            and not more.startswith("%23")  # a fragment too
            and not (url.is_literal and _GENERATION.fullmatch(more))
            and more not in ("?", *_AMPERSANDS)
            and (
                (url.tail is Tail.KEY and not more.startswith("?"))
                or _QUERY_GOES_ON.fullmatch(more) is None
                or "://" in more
            )
        ):
            return "lost", more
    return None


def _second_pass(
    after: str, urls: list[Url], objects: frozenset[tuple[str, str]], plain: bool
) -> _Trouble:
    """A result that a second pass changes, or in which it does not find what was written."""
    again = settled_text(after, objects)
    if again and again.after != after:
        return "changed again", again.after
    if plain:
        planned = _PLANNER.plan_text(("text",), after)
        mentioned = set(planned.mentions) if planned else set()
        for url in urls:
            target = ObjectRef(TARGET_BUCKET, f"x/{url.bucket}/{url.key}")
            if url.fate in (Fate.REWRITTEN, Fate.MIGRATED) and target not in mentioned:
                return "not read back", target.key
    return None
