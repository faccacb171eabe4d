"""A tally: how many URLs there are, of what kind and where, before anything was proven."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from url_rewriter.documents import ValuePath, collection_pattern, field_pattern
from url_rewriter.planning.discovery import Discovery
from url_rewriter.planning.planned import PlannedText
from url_rewriter.planning.planner import PlannedDocument
from url_rewriter.planning.sums import UrlSum, sum_audit
from url_rewriter.urls import Form, ObjectRef

DIMENSIONS = ("rule", "collection", "field", "form", "bucket")

_NONE = "-"
_TARGET = Form.TARGET

_Kind = tuple[str, str, str, str, str]
"""The value of each dimension for one URL."""


class Tally:
    """URLs by rule, collection, field, form and bucket, and the documents that hold them.

    Only kinds are kept, never documents, so that memory stays flat. URLs that name targets already
    are not counted; `findings` are those that a document shows by itself. Tallies add up.
    """

    def __init__(self) -> None:
        self.scanned = 0
        self.with_urls = 0
        self.findings: Counter[str] = Counter()
        self._alone: Counter[_Kind] = Counter()  # URLs that are the only ones of their documents
        self._urls: tuple[Counter[str], ...] = tuple(Counter() for _ in DIMENSIONS)
        self._documents: tuple[Counter[str], ...] = tuple(Counter() for _ in DIMENSIONS)

    def count(self, document: PlannedDocument) -> None:
        """Count what one document holds."""
        for finding in document.findings:
            self.findings[finding.code.value] += 1
        if document.texts:
            self.with_urls += 1
            kinds = _kinds(document)
            if len(kinds) == 1:
                self._alone[kinds[0]] += 1
            else:
                self._count_together(kinds)

    def _count_together(self, kinds: Sequence[_Kind]) -> None:
        for place, (urls, documents) in enumerate(zip(self._urls, self._documents, strict=True)):
            values = [kind[place] for kind in kinds]
            urls.update(values)
            documents.update(set(values))

    def add(self, other: Tally) -> None:
        """Add what was counted in other documents."""
        self.scanned += other.scanned
        self.with_urls += other.with_urls
        self.findings.update(other.findings)
        self._alone.update(other._alone)
        for mine, more in zip(
            (*self._urls, *self._documents), (*other._urls, *other._documents), strict=True
        ):
            mine.update(more)

    def rows(self) -> dict[str, list[tuple[str, int, int]]]:
        """Each dimension's values with their documents and URLs, most URLs first.

        Collections are named with ``*`` for document ids, fields with ``[]`` for array indices; a
        URL without the property is counted under "-".
        """
        return {name: self._rows_of(place) for place, name in enumerate(DIMENSIONS)}

    def sum_urls(self) -> UrlSum:
        """The URLs by whether a rule takes them."""
        rows = self.rows()
        found = sum(urls for _, _, urls in rows["rule"])
        with_rule, with_form = (
            sum(urls for value, _, urls in rows[name] if value != _NONE)
            for name in ("rule", "form")
        )
        return sum_audit(found, with_rule, with_form - with_rule)

    def _rows_of(self, place: int) -> list[tuple[str, int, int]]:
        urls, documents = self._urls[place].copy(), self._documents[place].copy()
        for kind, count in self._alone.items():
            urls[kind[place]] += count
            documents[kind[place]] += count
        rows = ((value, documents[value], count) for value, count in urls.items())
        return sorted(rows, key=lambda row: (-row[2], row[0]))


class Survey(NamedTuple):
    """What an audit keeps of some documents: a tally, the targets they mention, and what they show
    of buckets and addresses, where that was asked for."""

    tally: Tally
    mentions: tuple[ObjectRef, ...]
    discovery: Discovery | None = None


def survey(documents: Iterable[PlannedDocument]) -> Survey:
    """The tally of ``documents``, and their mentions as far as the planner kept them."""
    tally = Tally()
    mentions: dict[ObjectRef, None] = {}
    for document in documents:
        tally.count(document)
        mentions.update(dict.fromkeys(document.mentions))
    return Survey(tally, tuple(mentions))


def discover(documents: Iterable[PlannedDocument]) -> Survey:
    """The tally of ``documents``, and what they show."""
    tally, discovery = Tally(), Discovery()
    for document in documents:
        tally.count(document)
        discovery.count(document)
    return Survey(tally, (), discovery)


def _kinds(document: PlannedDocument) -> list[_Kind]:
    collection = collection_pattern(document.document.path)
    return [
        (rule, collection, f"{collection} {_field(text.value_path)}", form, bucket)
        for text in document.texts
        for rule, form, bucket in _urls(text)
    ]


def _urls(text: PlannedText) -> Iterator[tuple[str, str, str]]:
    """Rule, form and bucket of each URL that names no target yet, as it is likeliest read."""
    for url in text.urls:
        occurrence = url.occurrence
        if url.doubt is not None:
            yield _NONE, _NONE, _NONE
        elif url.candidates:
            taken = url.candidates[0]
            yield taken.rule.name, occurrence.form.value, taken.reading.source.bucket
        elif occurrence.form is not _TARGET:
            yield _NONE, occurrence.form.value, occurrence.readings[0].source.bucket
    for _ in text.left:
        yield _NONE, _NONE, _NONE


@lru_cache(maxsize=4096)
def _field(path: ValuePath) -> str:
    return field_pattern(path)
