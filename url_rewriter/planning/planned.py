"""A string with the URLs in it, and what the rules make of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from url_rewriter.documents import ValuePath
from url_rewriter.rules import Rule
from url_rewriter.urls import Form, Left, ObjectRef, Occurrence, Reading, Remark

_TARGET = Form.TARGET  # looked up for every URL, where an enumeration's member takes its time


class Candidate(NamedTuple):
    """A reading that a rule takes, and the target it means, which is found at ``endpoint``."""

    reading: Reading
    rule: Rule
    target: ObjectRef
    endpoint: str

    @property
    def url(self) -> str:
        """The URL to write in the place of this reading."""
        return self.rule.url_of(self.endpoint, self.target, self.reading)


class PlannedUrl(NamedTuple):
    """An occurrence with what the rules make of it; no candidates means no rule takes it.

    ``doubt``: it looks like something else, and is taken for a URL only if its object exists.
    """

    occurrence: Occurrence
    candidates: tuple[Candidate, ...]
    doubt: Remark | None = None

    @property
    def alternatives(self) -> tuple[ObjectRef, ...]:
        """What the URL may mean if the likeliest target is missing."""
        return tuple(candidate.target for candidate in self.candidates[1:])

    @property
    def named_alternatives(self) -> tuple[ObjectRef, ...]:
        """What a URL that names a target already may name if the likeliest target is missing."""
        if self.occurrence.form is not _TARGET or len(self.occurrence.readings) == 1:
            return ()
        return tuple(reading.source for reading in self.occurrence.readings[1:])


class PlannedText(NamedTuple):
    """One string of a document, and the URLs in it."""

    value_path: ValuePath
    text: str
    urls: tuple[PlannedUrl, ...]
    left: tuple[Left, ...] = ()

    @property
    def targets(self) -> list[ObjectRef]:
        """The target that each URL of this string means, as it is likeliest read."""
        return [url.candidates[0].target for url in self.urls if url.candidates]

    @property
    def doubtful(self) -> bool:
        """Whether it takes an object to tell if something in this string is a URL, or which target
        it names already."""
        for url in self.urls:  # noqa: SIM110 (a generator costs more than the loop)
            if url.doubt is not None or url.named_alternatives:
                return True
        return False

    @property
    def mentions(self) -> Iterator[ObjectRef]:
        """Every target that a URL of this string means or names, however it is read."""
        for url in self.urls:
            yield from (candidate.target for candidate in url.candidates)
            if url.occurrence.form is _TARGET:
                yield from (reading.source for reading in url.occurrence.readings)

    @property
    def migrated(self) -> Iterator[ObjectRef]:
        """The targets that this string already names."""
        return (
            url.occurrence.readings[0].source for url in self.urls if url.occurrence.form is _TARGET
        )
