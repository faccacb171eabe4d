"""The planner: what rules make of a document before the object store was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from operator import attrgetter
from typing import NamedTuple

from url_rewriter.documents import Document, Holder, UnreachableText, ValuePath
from url_rewriter.evidence import TargetState
from url_rewriter.findings import Code, Finding
from url_rewriter.planning.addresses import Address, find_addresses
from url_rewriter.planning.bases import (
    base_candidate,
    is_shared_folder,
    name_base,
    objects_only,
)
from url_rewriter.planning.deciding import SettledText, nothing_denied, settle
from url_rewriter.planning.planned import Candidate, PlannedText, PlannedUrl
from url_rewriter.planning.reconciling import unreconciled
from url_rewriter.rules import FieldPattern, ReadingPolicy, Rules, TextOffsets, Unmapped
from url_rewriter.second_opinion import SecondOpinion
from url_rewriter.text import may_hold
from url_rewriter.urls import (
    S3_FORMS,
    Form,
    Found,
    Left,
    ObjectRef,
    Occurrence,
    Remark,
    find,
    needles,
)

# Looked up for every URL, where an enumeration's member takes its time.
_TARGET, _REPAIR = Form.TARGET, ReadingPolicy.REPAIR


class PlannedDocument(NamedTuple):
    """The strings of a document that hold a URL, and what is to be seen elsewhere in it.

    ``mentions``: every target that any part of the document means, where that was asked for. So
    are ``addresses``: what may have to be declared, each with a URL that shows it.
    """

    document: Document
    texts: tuple[PlannedText, ...]
    findings: tuple[Finding, ...]
    mentions: tuple[ObjectRef, ...] = ()
    addresses: tuple[tuple[Address, str], ...] = ()


class Planner:
    """Plans documents by one set of rules, within ``fields`` where any are given.

    ``mentions``: keep every target that a document mentions too, wherever in it that is.
    ``discovers``: look for addresses too, and for the buckets that are named here. ``verifies``:
    leave URLs of the target in buckets that no rule names, with a remark, which are of no interest
    otherwise.
    """

    def __init__(
        self,
        rules: Rules,
        fields: Sequence[FieldPattern] = (),
        *,
        mentions: bool = False,
        discovers: Sequence[str] | None = None,
        verifies: bool = False,
    ) -> None:
        self.rules = rules
        self.fields = tuple(fields)
        self.mentions = mentions
        self.discovers = discovers
        self.verifies = verifies
        # The target's host may serve other buckets too, which are left out of account.
        self._target_buckets = {rule.target.bucket for rule in rules.rules}
        self._needles = needles(rules.grammar)
        self._some_unspelled = any(rule.form.leaves_out for rule in rules.rules)
        self._has_sources = bool(rules.sources)
        self._bases = rules.grammar.bases
        self._everywhere = not (fields or rules.scope.fields)

    @cached_property
    def opinion(self) -> SecondOpinion:
        """What scans ask beside the grammar; made when one does, since writing never does."""
        return SecondOpinion(
            self.rules.grammar.declared,
            {rule.source.bucket for rule in self.rules.rules},
            self._target_buckets,
        )

    def in_scope(self, path: ValuePath) -> bool:
        """Whether the value at ``path`` is to be looked at, at all."""
        if self.fields and not any(pattern.matches(path) for pattern in self.fields):
            return False
        return not self.rules.scope.excludes_field(path)

    def plan_document(self, document: Document) -> PlannedDocument:
        """What ``document`` holds. Without texts and findings there is nothing to report of it."""
        texts: list[PlannedText] = []
        mentions: dict[ObjectRef, None] = {}
        for path, text in document.strings:
            within = self._everywhere or self.in_scope(path)
            if within or self.mentions:
                planned = self.plan_text(path, text, path in document.measured)
                if planned is not None:
                    if within:
                        texts.append(planned)
                    if self.mentions:
                        mentions.update(dict.fromkeys(planned.mentions))
        if self.mentions:
            mentions.update(dict.fromkeys(self._mentioned_elsewhere(document)))
        findings = tuple(self._findings(document, texts)) if self._says(document, texts) else ()
        if document.suspect is not None:
            findings += tuple(unreconciled(document, texts, findings, self.opinion, self.in_scope))
        addresses = () if self.discovers is None else self._addresses(document, self.discovers)
        return PlannedDocument(document, tuple(texts), findings, tuple(mentions), tuple(addresses))

    def _addresses(
        self, document: Document, buckets: Sequence[str]
    ) -> Iterator[tuple[Address, str]]:
        for path, text in document.strings:
            if self.in_scope(path):
                yield from find_addresses(text, buckets)

    def _says(self, document: Document, texts: Sequence[PlannedText]) -> bool:
        """Whether there may be something to find; of nearly every document there is not."""
        if document.unreachable or may_hold(document.path, self._needles):
            return True
        for text in texts:  # noqa: SIM110 (a generator costs more than the loop)
            if not _is_plain(text):
                return True
        return False

    def _mentioned_elsewhere(self, document: Document) -> Iterator[ObjectRef]:
        """What the texts that no edit reaches mention."""
        spelled = (text for each in document.unreachable for text in _spellings(each))
        for text in (document.path, *spelled):
            if planned := self.plan_text((), text):
                yield from planned.mentions

    def plan_text(self, path: ValuePath, text: str, measured: bool = False) -> PlannedText | None:
        """The URLs in one string, or None when it holds none.

        ``measured``: fields beside it name parts of it by offsets.
        """
        planned = self._plan_text(path, text)
        return _without_shifts(planned) if measured and planned is not None else planned

    def _plan_text(self, path: ValuePath, text: str) -> PlannedText | None:
        found = find(text, self.rules.grammar)
        if not found.occurrences and not found.left:
            return None
        urls, left = self._planned_urls(found)
        if not found.left and not left:
            return PlannedText(path, text, tuple(urls)) if urls else None
        for each in found.left:
            if (literally := self._literally(each)) is not None:
                urls.append(literally)
            else:
                left.append(each)
        return PlannedText(path, text, tuple(urls), tuple(left)) if urls or left else None

    def _literally(self, left: Left) -> PlannedUrl | None:
        """What was left, if it is a URL that a rule takes where all of it is meant as it stands."""
        literal = left.literal
        if literal is None or literal.form is _TARGET:
            return None
        taken = self._candidates(literal)
        if taken and taken[0].reading.base is not None:
            return PlannedUrl(literal, taken)
        if not taken or _is_unspelled(taken):
            return None
        return PlannedUrl(objects_only(self.rules, literal), taken, left.remark)

    def _in_other_buckets(self, occurrences: Sequence[Occurrence]) -> list[Left]:
        if not self.verifies:
            return []
        return [
            Left(url.start, url.end, Remark.OTHER_BUCKET)
            for url in occurrences
            if url.form is _TARGET
            and url.readings[0].base is None
            and url.readings[0].source.bucket not in self._target_buckets
        ]

    def _planned_urls(self, found: Found) -> tuple[list[PlannedUrl], list[Left]]:
        """What is found, by its rules; and of that, what no rule can write a URL of."""
        urls: list[PlannedUrl] = []
        for url in found.occurrences:
            if url.form is not _TARGET:
                urls.append(PlannedUrl(url, self._candidates(url)))
            elif url.readings[0].source.bucket in self._target_buckets:
                named = name_base(self.rules, url) if self._bases else url
                if named is not None:
                    urls.append(PlannedUrl(named, ()))
        left = self._in_other_buckets(found.occurrences)
        if self._some_unspelled:
            left += [_without_url(url.occurrence) for url in urls if _is_unspelled(url.candidates)]
            urls = [url for url in urls if not _is_unspelled(url.candidates)]
        if self._bases:
            left += [_left_folder(url.occurrence) for url in urls if self._is_shared(url)]
            urls = [url for url in urls if not self._is_shared(url)]
        return urls, left

    def _is_shared(self, url: PlannedUrl) -> bool:
        return (
            url.occurrence.form is not _TARGET
            and bool(url.candidates)
            and url.candidates[0].reading.base is None
            and is_shared_folder(self.rules, url.occurrence)
        )

    def _candidates(self, occurrence: Occurrence) -> tuple[Candidate, ...]:
        if self._bases:
            if (base := base_candidate(self.rules, occurrence)) is not None:
                return (base,)
            occurrence = objects_only(self.rules, occurrence)
        endpoint, taken = self.rules.target.endpoint, self.rules.taken
        s3 = self._has_sources and occurrence.form in S3_FORMS
        candidates = []
        for reading in occurrence.readings:
            found = taken(reading.source, s3=s3)
            if found is not None:
                candidates.append(Candidate(reading, found[0], found[1], endpoint))
        if len(candidates) > 1:
            candidates.sort(key=_repairs)
        if candidates and not candidates[0].reading.served:
            return tuple([each for each in candidates if each.rule.readings is _REPAIR])
        return tuple(candidates)

    def _findings(self, document: Document, texts: Sequence[PlannedText]) -> Iterator[Finding]:
        if self._holds_url(document.path):
            yield Finding(Code.DOCUMENT_ID, document.path, (), document.path)
        for each in document.unreachable:
            if self.in_scope(each.value_path) and (quoted := self._urls_in(each.text)):
                code = Code(each.holder.value.replace("_", "-"))
                yield Finding(code, document.path, each.value_path, quoted)
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
            if url.candidates and url.candidates[0].reading.base is not None:
                yield Finding(Code.BASE, path, text.value_path, quoted)
            if not url.candidates and url.occurrence.form is not _TARGET:
                yield Finding(Code.UNMAPPED, path, text.value_path, quoted)

    def _holds_url(self, text: str) -> bool:
        return bool(self._urls_in(text))

    def _urls_in(self, text: str) -> str:
        """What a text holds of Cloud Storage, a URL on a line."""
        found = find(text, self.rules.grammar)
        spans = [(each.start, each.end) for each in found.occurrences if each.form is not _TARGET]
        spans += [(each.start, each.end) for each in found.left]
        return "\n".join(text[start:end] for start, end in spans)

    def settle(
        self,
        text: PlannedText,
        state_of: Callable[[ObjectRef], TargetState],
        denied: Callable[[Candidate], bool] = nothing_denied,
    ) -> SettledText:
        """The string as it will be, by these rules."""
        block = self.rules.unmapped is Unmapped.BLOCK
        return settle(text, state_of, unmapped_block=block, denied=denied)


def _without_shifts(planned: PlannedText) -> PlannedText:
    """A text whose length may not change, by the rules that take its URLs."""
    urls: list[PlannedUrl] = []
    left = list(planned.left)
    for url in planned.urls:
        if url.candidates and url.candidates[0].rule.text_offsets is TextOffsets.LEAVE:
            left.append(Left(url.occurrence.start, url.occurrence.end, Remark.TEXT_OFFSETS))
        else:
            urls.append(url)
    return planned._replace(urls=tuple(urls), left=tuple(sorted(left, key=attrgetter("start"))))


def _is_unspelled(candidates: Sequence[Candidate]) -> bool:
    """Whether some target that a URL may mean is none that its rule can write a URL of."""
    return any(
        each.reading.base is None and not each.rule.form.spells(each.target.key)
        for each in candidates
    )


def _left_folder(occurrence: Occurrence) -> Left:
    return Left(occurrence.start, occurrence.end, Remark.TRAILING_SLASH)


def _without_url(occurrence: Occurrence) -> Left:
    return Left(occurrence.start, occurrence.end, Remark.NO_PUBLIC_URL)


def _repairs(candidate: Candidate) -> bool:
    """Whether a reading mends the URL, which is tried only after those that were served."""
    return not candidate.reading.served


def _is_plain(text: PlannedText) -> bool:
    """Whether a text is one URL that a rule takes, without anything to say of it, as nearly all."""
    if text.left or len(text.urls) != 1:
        return False
    (url,) = text.urls
    if not url.candidates or url.doubt is not None or url.occurrence.remarks:
        return False
    return url.candidates[0].reading.base is None


def _spellings(found: UnreachableText) -> Iterator[str]:
    """The texts that a place outside the strings may hold: the encoding of bytes is not known."""
    yield found.text
    if found.holder is Holder.BYTES:
        with suppress(UnicodeError):
            yield found.text.encode("latin-1").decode()
