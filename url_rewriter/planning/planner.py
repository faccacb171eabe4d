"""The planner: what rules make of a document, before and after the object store was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from url_rewriter.documents import Document, Edit, Fixed, Holder, ValuePath
from url_rewriter.evidence import TargetState
from url_rewriter.findings import Code, Finding
from url_rewriter.rules import FieldPattern, OnMissing, Rule, Rules, Unmapped
from url_rewriter.urls import (
    Form,
    Left,
    ObjectRef,
    Occurrence,
    Reading,
    Remark,
    Replacement,
    find,
    rewrite,
)


class UrlStatus(StrEnum):
    """What is to become of one URL. Every URL that is found has exactly one.

    ``LEFT``: recognised as Cloud Storage, and no rewritable URL of an object.
    """

    REWRITE = "rewrite"
    MISSING = "missing"
    UNKNOWN = "unknown"
    MISMATCH = "mismatch"
    UNMAPPED = "unmapped"
    MIGRATED = "migrated"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A reading that a rule takes: the target it means, and the URL to write in its place."""

    reading: Reading
    rule: Rule
    target: ObjectRef
    url: str


@dataclass(frozen=True, slots=True)
class PlannedUrl:
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


@dataclass(frozen=True, slots=True)
class PlannedText:
    """One string of a document, and the URLs in it."""

    value_path: ValuePath
    text: str
    urls: tuple[PlannedUrl, ...]
    left: tuple[Left, ...] = ()

    @property
    def targets(self) -> Iterator[ObjectRef]:
        """The target that each URL of this string means, as it is likeliest read."""
        return (url.candidates[0].target for url in self.urls if url.candidates)

    @property
    def ambiguous(self) -> bool:
        """Whether any URL of this string can be read in a way that means another target."""
        return any(url.alternatives for url in self.urls)

    @property
    def mentions(self) -> Iterator[ObjectRef]:
        """Every target that a URL of this string means or names, however it is read."""
        for url in self.urls:
            yield from (candidate.target for candidate in url.candidates)
            if url.occurrence.form is Form.TARGET:
                yield from (reading.source for reading in url.occurrence.readings)

    @property
    def migrated(self) -> Iterator[ObjectRef]:
        """The targets that this string already names."""
        return (
            url.occurrence.readings[0].source
            for url in self.urls
            if url.occurrence.form is Form.TARGET
        )


@dataclass(frozen=True, slots=True)
class PlannedDocument:
    """The strings of a document that hold a URL, and what is to be seen elsewhere in it.

    ``mentions``: every target that any part of the document means, where that was asked for.
    """

    document: Document
    texts: tuple[PlannedText, ...]
    findings: tuple[Finding, ...]
    mentions: tuple[ObjectRef, ...] = ()


@dataclass(frozen=True, slots=True)
class SettledUrl:
    """One URL with its status.

    ``start`` and ``end`` are offsets into the string before; ``candidate`` is the reading that was
    taken, or the likeliest where none was. ``blocks``: the plan cannot be applied because of it.
    """

    start: int
    end: int
    status: UrlStatus
    blocks: bool
    occurrence: Occurrence | None = None
    candidate: Candidate | None = None
    others: tuple[Candidate, ...] = ()
    remark: str = ""

    @property
    def likeliest(self) -> bool:
        """Whether the URL was taken for what it is likeliest to mean."""
        return self.candidate is None or not self.candidate.reading.why


@dataclass(frozen=True, slots=True)
class SettledText:
    """One string, before and after, and what became of each URL in it."""

    value_path: ValuePath
    before: str
    after: str
    urls: tuple[SettledUrl, ...]

    @property
    def edit(self) -> Edit | None:
        """The edit this string needs, if any."""
        if self.after == self.before:
            return None
        rewritten = sum(url.status is UrlStatus.REWRITE for url in self.urls)
        return Edit(self.value_path, self.before, self.after, rewritten)


class Planner:
    """Plans documents by one set of rules, within ``fields`` where any are given.

    ``mentions``: keep every target that a document mentions too, wherever in it that is.
    """

    def __init__(
        self, rules: Rules, fields: Sequence[FieldPattern] = (), *, mentions: bool = False
    ) -> None:
        self.rules = rules
        self.fields = tuple(fields)
        self.mentions = mentions
        # The target's host may serve other buckets too, which are nobody's business here.
        self._target_buckets = {rule.target.bucket for rule in rules.rules}

    def in_scope(self, path: ValuePath) -> bool:
        """Whether the value at ``path`` is to be looked at, at all."""
        if self.fields and not any(pattern.matches(path) for pattern in self.fields):
            return False
        return not self.rules.scope.excludes_field(path)

    def plan_document(self, document: Document) -> PlannedDocument:
        """What ``document`` holds. Without texts and findings there is nothing to report of it."""
        texts = tuple(
            planned
            for path, text in document.strings
            if self.in_scope(path) and (planned := self.plan_text(path, text)) is not None
        )
        mentions = tuple(dict.fromkeys(self._mentions(document))) if self.mentions else ()
        return PlannedDocument(document, texts, tuple(self._findings(document, texts)), mentions)

    def _mentions(self, document: Document) -> Iterator[ObjectRef]:
        """What no edit reaches and what the scope leaves out is mentioned all the same."""
        fixed = (text for each in document.fixed for text in _spellings(each))
        for text in (*(text for _, text in document.strings), document.path, *fixed):
            if planned := self.plan_text((), text):
                yield from planned.mentions

    def plan_text(self, path: ValuePath, text: str) -> PlannedText | None:
        """The URLs in one string, or None when it holds none."""
        found = find(text, self.rules.grammar)
        if not found.occurrences and not found.left:
            return None
        urls = [
            PlannedUrl(each, self._candidates(each))
            for each in found.occurrences
            if each.form is not Form.TARGET
            or each.readings[0].source.bucket in self._target_buckets
        ]
        left: list[Left] = []
        for each in found.left:
            candidates = self._candidates(each.literal) if each.literal else ()
            if each.literal and candidates:
                urls.append(PlannedUrl(each.literal, candidates, each.remark))
            else:
                left.append(each)
        if not urls and not left:
            return None
        return PlannedText(path, text, tuple(urls), tuple(left))

    def _candidates(self, occurrence: Occurrence) -> tuple[Candidate, ...]:
        if occurrence.form is Form.TARGET:
            return ()
        return tuple(
            Candidate(
                reading, rule, rule.target_of(reading.source), self.rules.url_of(rule, reading)
            )
            for reading in occurrence.readings
            if (rule := self.rules.rule_for(reading.source)) is not None
        )

    def _findings(self, document: Document, texts: Sequence[PlannedText]) -> Iterator[Finding]:
        if self._holds_url(document.path):
            yield Finding(Code.DOCUMENT_ID, document.path, (), document.path)
        for fixed in document.fixed:
            if self.in_scope(fixed.value_path) and self._holds_url(fixed.text):
                yield Finding(
                    Code(fixed.holder.value.replace("_", "-")), document.path, fixed.value_path
                )
        for text in texts:
            yield from self._text_findings(document.path, text)

    def _text_findings(self, path: str, text: PlannedText) -> Iterator[Finding]:
        for left in text.left:
            yield Finding(left.remark, path, text.value_path, text.text[left.start : left.end])
        for url in text.urls:
            first = url.occurrence.readings[0]
            quoted = text.text[first.start : first.end]
            for remark in (*url.occurrence.remarks, *([url.doubt] if url.doubt else [])):
                yield Finding(remark, path, text.value_path, quoted)
            if not url.candidates and url.occurrence.form is not Form.TARGET:
                yield Finding(Code.UNMAPPED, path, text.value_path, quoted)

    def _holds_url(self, text: str) -> bool:
        found = find(text, self.rules.grammar)
        return bool(found.left) or any(
            occurrence.form is not Form.TARGET for occurrence in found.occurrences
        )

    def settle(
        self, text: PlannedText, state_of: Callable[[ObjectRef], TargetState]
    ) -> SettledText:
        """The string as it will be, once ``state_of`` can tell the state of every target."""
        urls = [self._settle_url(url, state_of) for url in text.urls]
        urls += [
            SettledUrl(left.start, left.end, UrlStatus.LEFT, blocks=False, remark=left.remark.value)
            for left in text.left
        ]
        replacements = [
            Replacement(url.occurrence, url.candidate.reading, url.candidate.url)
            for url in urls
            if url.status is UrlStatus.REWRITE and url.occurrence and url.candidate
        ]
        after = rewrite(text.text, replacements) if replacements else text.text
        urls.sort(key=lambda url: url.start)
        return SettledText(text.value_path, text.text, after, tuple(urls))

    def _settle_url(
        self, url: PlannedUrl, state_of: Callable[[ObjectRef], TargetState]
    ) -> SettledUrl:
        first = url.occurrence.readings[0]
        if not url.candidates:
            migrated = url.occurrence.form is Form.TARGET
            status = UrlStatus.MIGRATED if migrated else UrlStatus.UNMAPPED
            blocks = not migrated and self.rules.unmapped is Unmapped.BLOCK
            return SettledUrl(first.start, first.end, status, blocks, url.occurrence)
        status, taken = _take(url.candidates, state_of)
        if url.doubt is not None and status is not UrlStatus.REWRITE:
            return SettledUrl(
                first.start, first.end, UrlStatus.LEFT, blocks=False, remark=url.doubt.value
            )
        waived = (
            status in (UrlStatus.MISSING, UrlStatus.MISMATCH)
            and taken.rule.on_missing is OnMissing.SKIP
        )
        return SettledUrl(
            taken.reading.start,
            taken.reading.end,
            status,
            blocks=status is not UrlStatus.REWRITE and not waived,
            occurrence=url.occurrence,
            candidate=taken,
            others=tuple(each for each in url.candidates if each is not taken),
        )


def _spellings(fixed: Fixed) -> Iterator[str]:
    """The texts that a place outside the strings may hold: of bytes nobody knows the encoding."""
    yield fixed.text
    if fixed.holder is Holder.BYTES:
        with suppress(UnicodeError):
            yield fixed.text.encode("latin-1").decode()


def _take(
    candidates: Sequence[Candidate], state_of: Callable[[ObjectRef], TargetState]
) -> tuple[UrlStatus, Candidate]:
    """The first candidate whose target is there.

    A likelier reading whose target is unknown, or is something else, decides against all that
    follow: it may be the right one.
    """
    for candidate in candidates:
        match state_of(candidate.target):
            case TargetState.EXISTS:
                return UrlStatus.REWRITE, candidate
            case TargetState.UNKNOWN:
                return UrlStatus.UNKNOWN, candidate
            case TargetState.MISMATCH:
                return UrlStatus.MISMATCH, candidate
            case TargetState.MISSING:
                continue
    return UrlStatus.MISSING, candidates[0]
