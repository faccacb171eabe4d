"""Base URLs and templates: what stands in front of keys that an application, or a player, puts in.

``https://storage.googleapis.com/data/``, ``.../images/``, ``.../tiles/{z}/{x}/{y}.png`` and
``.../seg-$Number$.m4s`` name no object. They mean all objects below a prefix, and move with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from url_rewriter.urls.encoding import decoded
from url_rewriter.urls.model import Base, Grammar, ObjectRef, Occurrence, Reading
from url_rewriter.urls.names import key_trouble
from url_rewriter.urls.recognition import Spelled, recognise

_PLACE = re.compile(
    r"\$\{[^{}/]*\}|\{\{[^{}/]*\}\}|\{[^{}/]*\}|%\(\w+\)[sdv]|\$[A-Za-z]+(?:%0[0-9]+d)?\$"
    r"|\$[A-Z_][A-Z0-9_]+|(?:(?<![0-9])|(?<=%[0-9A-Fa-f][0-9]))%[sdv](?![A-Za-z0-9])"
)
"""A place to be filled in, as ``names.has_placeholder`` tells that a key has some."""

_ANY = "x"


def read_root(url: str, start: int, end: int, grammar: Grammar) -> Occurrence | None:
    """The root of a bucket, ``url``, as the base of all its keys; it stands at ``start``.

    >>> found = read_root("https://storage.googleapis.com/data", 0, 35, Grammar())
    >>> found and found.readings[0].base
    Base(slash=False, rest='')
    """
    slash = url.endswith("/")
    verdict = recognise(f"{url}{'' if slash else '/'}{_ANY}", grammar)
    if not isinstance(verdict, Spelled) or verdict.key != _ANY:
        return None
    base = Reading(ObjectRef(verdict.bucket, ""), start, end, base=Base(slash))
    return Occurrence(verdict.form, "", (base,))


def read_template(verdict: Spelled, start: int, end: int) -> Reading | None:
    """A URL with places to be filled in, as the base of all keys that begin like it."""
    first = _PLACE.search(verdict.key)
    if first is None:
        return None
    lead = verdict.key[: first.start()]
    known = lead if verdict.literal else decoded(lead)
    if known is None:
        return None
    prefix = known[: known.rfind("/") + 1]
    if key_trouble(verdict.key if verdict.literal else decoded(verdict.key) or "") is not None:
        return None
    source = verdict.named(prefix)
    if source is None:
        return None
    rest = quote(known[len(prefix) :], safe="/-._~") + "".join(
        _spelled_on(verdict.key[first.start() :], literal=verdict.literal)
    )
    return Reading(
        source,
        start,
        end,
        verdict.sorted_query.unknown,
        verdict.fragment,
        base=Base(rest=rest),
    )


def _spelled_on(text: str, *, literal: bool) -> Iterator[str]:
    """The rest of a template: its places as they are, between them what a key is spelled like."""
    done = 0
    for place in _PLACE.finditer(text):
        yield _spelled(text[done : place.start()], literal=literal)
        yield place[0]
        done = place.end()
    yield _spelled(text[done:], literal=literal)


def _spelled(text: str, *, literal: bool) -> str:
    plain = text if literal else decoded(text)
    return quote(text if plain is None else plain, safe="/-._~")
