"""The commonest spellings, read at once: a whole value that is one URL of plain characters.

In most databases nearly every value with a URL is one of these. `read_plain` gives what the rest of
the grammar gives of them, in a few microseconds, and has no opinion (None) on anything else: a
character that could end a URL, be an escaping, or be read in another way is not in its patterns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from url_rewriter.urls.boundaries import EXTENDED_PATTERN as EXTENDED
from url_rewriter.urls.boundaries import EXTENSION_PATTERN
from url_rewriter.urls.encoding import decoded
from url_rewriter.urls.model import (
    Form,
    Found,
    Grammar,
    ObjectRef,
    Occurrence,
    Reading,
    Remark,
    TargetPlace,
)
from url_rewriter.urls.query import UUID
from url_rewriter.urls.readings import ESCAPES_MEANT
from url_rewriter.urls.recognition import endpoints, places
from url_rewriter.urls.written import shorter_ends

# Escapes of visible ASCII and of UTF-8, but for `%`, `/` and `.`, which could make another key of
# what they spell. Names are joined by one dot or slash, so that no segment is empty, `.` or `..`.
_ESCAPE = r"%(?:2[0-46-9A-Da-d]|[3-6][0-9A-Fa-f]|7[0-9A-Ea-e]|[89A-Fa-f][0-9A-Fa-f])"
_NAME = rf"(?:[A-Za-z0-9_-]|{_ESCAPE})++"
# Behind a file's extension, more of the same name may be text.
_DOT = rf"(?!(?=\.[A-Za-z0-9]{{2,8}}[._-]){EXTENDED})\."
_KEY = rf"(?P<key>{_NAME}(?:(?:/|{_DOT}){_NAME})*+)"
_LITERAL_KEY = rf"(?P<key>[A-Za-z0-9_-]++(?:(?:/|{_DOT})[A-Za-z0-9_-]++)*+)"
_SEGMENT_KEY = rf"(?P<key>{_NAME}(?:(?:{_DOT}|%2[Ff]){_NAME})*+)"
_TOKEN = rf"(?:{UUID}|(?!{UUID})[0-9a-fA-F]+(?:-[0-9a-fA-F]+)*+)"
_LABEL = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_BUCKET = rf"(?P<bucket>(?=[^/]{{3,222}}/)(?![0-9.]+/){_LABEL}(?:\.{_LABEL})*)"
# Paths on Cloud Storage's host that begin with one of these may be the service's own.
_SERVICE = r"(?:batch|discovery|download|projects|resumable|storage|upload)/"

_GS = re.compile(rf"gs://{_BUCKET}/{_LITERAL_KEY}")
# Each with whether it may have parameters.
_PATTERNS = (
    (
        Form.PATH,
        re.compile(rf"https?://(?P<host>storage\.googleapis\.com)/(?!{_SERVICE}){_BUCKET}/{_KEY}"),
        False,
    ),
    (
        Form.FIREBASE,
        re.compile(
            rf"https?://(?P<host>firebasestorage\.googleapis\.com)/v0/b/{_BUCKET}/o/{_SEGMENT_KEY}"
            rf"(?P<alt>\?alt=media(?P<token>&token={_TOKEN})?)?"
        ),
        True,
    ),
    (
        Form.VHOST,
        re.compile(
            r"https?://(?P<host>(?P<bucket>[a-z0-9][a-z0-9_-]{1,61}[a-z0-9])"
            rf"\.storage\.googleapis\.com)/{_KEY}"
        ),
        False,
    ),
)
_ENDPOINT = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]+)?(?:/[A-Za-z0-9._~-]+)*")

# A member of an enumeration takes its time to look up.
_GS_FORM, _TARGET_FORM = Form.GS, Form.TARGET

# A key of the target behind which no text can begin, as most are: one file's extension at its end.
_WHOLE = re.compile(
    rf"[A-Za-z0-9_/-]*+(?:(?<=[A-Za-z0-9])\Z|(?:[A-Za-z0-9_/-]|{_ESCAPE})*+(?i:{EXTENSION_PATTERN})\Z)"
)

_LONGEST = 1000
"""Characters; a key that is not longer has a size that objects can have, however it is read."""


def read_plain(text: str, grammar: Grammar) -> Found | None:
    """What ``text``, one whole string value, holds if it is a URL in a common spelling, else None.

    >>> found = read_plain("gs://data/a/b.png", Grammar())
    >>> found and found.occurrences[0].readings[0].source
    ObjectRef(bucket='data', key='a/b.png')
    >>> read_plain("gs://data/a/b.png.", Grammar()) is None
    True
    """
    if len(text) > _LONGEST:
        return None
    if text.startswith("gs://"):
        match = _GS.fullmatch(text)
        return _found(_GS_FORM, match["bucket"], match["key"], len(text)) if match else None
    if not text.startswith("http"):
        return None
    targets = _targets(grammar.targets, grammar.places, bool(grammar.addresses))
    if targets.pattern and (match := targets.pattern.fullmatch(text)):
        if (place := targets.places.get(match["base"])) is None:
            return _found(_TARGET_FORM, match["bucket"], match["key"], len(text))
        return _found(_TARGET_FORM, place.bucket, match["key"], len(text), (), place.after)
    for form, pattern, has_parameters in _PATTERNS:
        if match := pattern.fullmatch(text):
            host, bucket, key = match.group("host", "bucket", "key")
            if host in grammar.hosts or host in targets.hosts:
                return None
            remarks = _remarks(match) if has_parameters else ()
            return _found(form, bucket, key, len(text), remarks)
    return None


def _found(
    form: Form,
    bucket: str,
    spelled: str,
    end: int,
    remarks: tuple[Remark, ...] = (),
    after: str = "",
) -> Found | None:
    if (
        form is _TARGET_FORM
        and not _WHOLE.match(spelled)
        and shorter_ends(spelled, 0, len(spelled))
    ):
        return None
    if "%" not in spelled:
        reading = Reading(ObjectRef(bucket, after + spelled), 0, end)
        return Found((Occurrence(form, "", (reading,), remarks),))
    key = decoded(spelled)
    if key is None:
        return None
    readings: tuple[Reading, ...] = (Reading(ObjectRef(bucket, after + key), 0, end),)
    if form is not _TARGET_FORM:
        literal = Reading(ObjectRef(bucket, spelled), 0, end, why=ESCAPES_MEANT, served=False)
        readings = (readings[0], literal)
    return Found((Occurrence(form, "", readings, remarks),))


def _remarks(match: re.Match[str]) -> tuple[Remark, ...]:
    if match["token"]:
        return Remark.DROPPED_PARAMETERS, Remark.DROPPED_TOKEN
    return (Remark.DROPPED_PARAMETERS,) if match["alt"] else ()


@dataclass(frozen=True, slots=True)
class _Targets:
    """The targets of a grammar: a pattern of URLs at its places and its first endpoint, the places
    by the base that the pattern finds, and the hosts of all."""

    pattern: re.Pattern[str] | None
    places: Mapping[str, TargetPlace]
    hosts: frozenset[str]


@lru_cache(maxsize=64)
def _targets(targets: tuple[str, ...], found: tuple[TargetPlace, ...], moved: bool) -> _Targets:
    """``moved``: what lies below an endpoint may be of an S3 server that objects moved from."""
    exact = places(found)
    hosts = {netloc for _, netloc, _ in endpoints(targets)} | {netloc for netloc, _, _ in exact}
    bases = {place.base: place for _, _, place in exact}
    first = targets[0].rstrip("/") if targets else ""
    patterns = [re.escape(base) for base in bases]
    if not moved and _ENDPOINT.fullmatch(first):
        patterns.append(rf"{re.escape(first)}/{_BUCKET}/")
    # Where a key decides between places, or a base may be spelled in several ways, it is read at
    # length.
    plain = patterns and all(
        not place.within and _ENDPOINT.fullmatch(place.base.rstrip("/")) for _, _, place in exact
    )
    pattern = re.compile(rf"(?P<base>(?>{'|'.join(patterns)})){_KEY}") if plain else None
    return _Targets(pattern, bases, frozenset(hosts))
