"""Reconciles what the second opinion sees in a raw document with what the grammar made of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from url_rewriter.documents import Document, Suspect, ValuePath
from url_rewriter.findings import Code, Finding
from url_rewriter.planning.planned import PlannedText
from url_rewriter.second_opinion import SecondOpinion
from url_rewriter.urls import Remark

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:\\*/\\*/", re.IGNORECASE)
_MARK, _SHORTEST = ":", len("https:")
Span: TypeAlias = tuple[int, int]

_HOLDERS = {
    Code.DOCUMENT_ID: ("id",),
    Code.MAP_KEY: ("name",),
    Code.BYTES: ("bytes",),
    Code.TYPED_VALUE: ("string", "name", "bytes"),
}
"""What holds the texts that a finding without a URL tells of."""


def unreconciled(
    document: Document,
    texts: Sequence[PlannedText],
    findings: Sequence[Finding],
    opinion: SecondOpinion,
    in_scope: Callable[[ValuePath], bool],
) -> Iterator[Finding]:
    """Yield a finding for each name that the opinion sees in a suspect and nothing explains.

    A name in a string is explained by the URL or the remark of ``texts`` that it stands in, any
    other name by a finding at its place.
    """
    suspect = document.suspect
    if suspect is None or _is_explained(suspect, texts):
        return
    planned = {each.value_path: each for each in texts}
    told = {
        (holder, each.value_path)
        for each in findings
        if isinstance(each.code, Code)
        for holder in _HOLDERS.get(each.code, ())
    }
    for raw in suspect.read(suspect.raw):
        if (raw.holder, raw.path) in told or (raw.path and not in_scope(raw.path)):
            continue
        if raw.holder == "string" and raw.path in planned:
            raw = raw._replace(text=_unexplained(planned[raw.path]))
        for excerpt in opinion.sightings(raw):
            yield Finding(Code.SECOND_OPINION, document.path, raw.path, excerpt)


def _is_explained(suspect: Suspect, texts: Sequence[PlannedText]) -> bool:
    """Whether all hits of the quick search lie in explained parts of strings, at a glance."""
    _, raw, left, begin = suspect
    if not left:
        return False
    searched: dict[str, int] = {}
    for text in texts:
        string = text.text
        if not string.isascii():
            return False
        place = raw.find(string.encode(), searched.get(string, -1) + 1)
        if place < 0:
            return False
        searched[string] = place
        place += begin
        for start, end in _explained(text):
            left = [hit for hit in left if not place + start <= hit < place + end]
    return not left


def _explained(text: PlannedText) -> list[Span]:
    """Where the URLs of a text are, and what is left of it with a remark."""
    spans = [(left.start, left.end) for left in text.left]
    for url in text.urls:
        readings = url.occurrence.readings
        start, end = readings[0].start, readings[0].end
        if len(readings) > 1:
            end = max(reading.end for reading in readings)
        if text.text.find(_MARK, start + _SHORTEST, end) > 0:
            end = _end_of_first(text.text, start, end, url.occurrence.remarks)
        spans.append((start, end))
    return spans


def _unexplained(text: PlannedText) -> str:
    """What is between the explained parts of a text, in lines."""
    pieces, done = [], 0
    for start, end in sorted(_explained(text)):
        pieces.append(text.text[done:start])
        done = max(done, end)
    return "\n".join([*pieces, text.text[done:]])


def _end_of_first(text: str, start: int, end: int, remarks: Sequence[Remark]) -> int:
    """Where the first URL of a span ends at the latest: it does not explain another one."""
    if Remark.DROPPED_URL in remarks:
        return end
    schemes = _SCHEME.finditer(text, start, end)
    next(schemes, None)
    second = next(schemes, None)
    return second.start() if second else end
