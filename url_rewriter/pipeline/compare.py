"""Targets against their sources: are they the objects that moved?

Sources are asked for while targets are: both sides work at once, and memory holds only what is
under way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from url_rewriter.comparison import (
    Comparison,
    Pair,
    compare_by_etag,
    compare_checksums,
    compare_denied,
    compare_nothing,
    compare_sizes,
)
from url_rewriter.errors import NotPermittedError, UrlRewriterError
from url_rewriter.evidence import Evidence, SourceEvidence, SourceState
from url_rewriter.pipeline.progress import Progress
from url_rewriter.planfile import Draft
from url_rewriter.planfile.comparisons import Origins
from url_rewriter.planning import Planner
from url_rewriter.rules import Rules
from url_rewriter.sources.base import SourceStore
from url_rewriter.urls import S3_FORMS, ObjectRef

_BATCH = 500

T = TypeVar("T")
A = TypeVar("A")


class ChecksumStore(Protocol):
    """Tells the checksums of targets."""

    def read(self, targets: Iterable[ObjectRef]) -> Iterator[Evidence]:
        """Yield what is said of each target, in any order."""


def compare_sources(
    sources: SourceStore,
    checksums: ChecksumStore | None,
    draft: Draft,
    planner: Planner,
    progress: Progress,
    *,
    origins: Origins,
) -> UrlRewriterError | None:
    """Compare every target of the settled draft with its source, and settle again what differs.

    What could not be compared is unknown. Where these credentials may ask for no source at all,
    that is returned as the trouble. Without ``checksums`` only sizes are compared. ``origins`` are
    the sources of targets that documents name already. What an earlier run has compared is not
    asked again.
    """
    hashes = checksums is not None
    _take_repairs(sources, draft, planner)
    keeper = _Keeper(draft, progress)
    progress.begin("compare", "objects", draft.count_pairs())
    pairs = _with_a_source(draft.open_pairs(origins, hashes=hashes), keeper)
    permission = _Permission()
    found = joined(
        lambda refs: permission.watch(sources.stat(refs)),
        pairs,
        lambda pair: pair.source,
        lambda said: said.source,
    )
    if checksums is None:
        for pair, source in found:
            keeper.add(compare_sizes(pair, source))
    else:
        undecided = _undecided(found, keeper)
        for (pair, source), told in joined(
            checksums.read, undecided, lambda item: item[0].target, lambda said: said.target
        ):
            keeper.add(compare_checksums(pair, source, told))
    keeper.flush()
    progress.end()
    if keeper.differing:
        draft.settle(planner)
    draft.add_comparison_findings(hashes=hashes)
    return permission.trouble


def _take_repairs(sources: SourceStore, draft: Draft, planner: Planner) -> None:
    """Settle again the missing URLs that never named an object, but for a repair of theirs.

    The source must deny every object that such a URL was served with, and affirm that of the
    repair: a source that was emptied since the move denies everything.
    """
    urls = [
        url
        for url in draft.repairable(planner)
        if url.occurrence and url.occurrence.form not in S3_FORMS
    ]
    asked = dict.fromkeys(
        each.reading.source for url in urls for each in (url.candidate, *url.others) if each
    )
    states = {said.source: said.state for said in sources.stat(iter(asked))} if asked else {}
    denied: list[Comparison] = []
    for url in urls:
        served = [each for each in (url.candidate, *url.others) if each and each.reading.served]
        gone = all(states.get(each.reading.source) is SourceState.GONE for each in served)
        if gone and url.repair and states[url.repair.reading.source] is SourceState.EXISTS:
            pairs = (Pair(each.target, each.reading.source) for each in served)
            denied += (compare_denied(pair, datetime.now(UTC)) for pair in pairs)
    if denied:
        draft.add_comparisons(denied)
        draft.settle(planner)


def only_origin(rules: Rules) -> Origins:
    """The source of a target by the rules; none where several rules lead there, or none does."""

    def find(target: ObjectRef) -> Sequence[ObjectRef]:
        found = rules.sources_of(target)
        return found if len(found) == 1 else ()

    return find


def _with_a_source(pairs: Iterable[Pair], keeper: _Keeper) -> Iterator[Pair]:
    """Yield only the pairs whose source is known; keep the others as unknown."""
    for pair in pairs:
        if pair.source is not None:
            yield pair
        else:
            keeper.add(compare_nothing(pair, datetime.now(UTC)))


def _undecided(
    found: Iterable[tuple[Pair, SourceEvidence]], keeper: _Keeper
) -> Iterator[tuple[Pair, SourceEvidence]]:
    """Yield what ETags leave open; keep what they decide."""
    for pair, source in found:
        decided = compare_by_etag(pair, source)
        if decided is None:
            yield pair, source
        else:
            keeper.add(decided)


def joined(
    ask: Callable[[Iterator[ObjectRef]], Iterator[A]],
    items: Iterable[T],
    ref_of: Callable[[T], ObjectRef | None],
    answers_for: Callable[[A], ObjectRef],
) -> Iterator[tuple[T, A]]:
    """Each item with the answer for its ref. Items of one ref that is under way share an answer.

    >>> upper = lambda refs: ((ref, ref.key.upper()) for ref in refs)
    >>> pairs = joined(upper, ["a", "b"], lambda item: ObjectRef("x", item), lambda each: each[0])
    >>> [(item, answer[1]) for item, answer in pairs]
    [('a', 'A'), ('b', 'B')]
    """
    waiting: dict[ObjectRef, list[T]] = {}

    def refs() -> Iterator[ObjectRef]:
        for item in items:
            ref = ref_of(item)
            if ref is None:
                continue
            under_way = waiting.setdefault(ref, [])
            under_way.append(item)
            if len(under_way) == 1:
                yield ref

    for answer in ask(refs()):
        for item in waiting.pop(answers_for(answer)):
            yield item, answer


class _Permission:
    """Whether any source may be asked for."""

    def __init__(self) -> None:
        self._refusal = ""
        self._answered = False

    def watch(self, found: Iterable[SourceEvidence]) -> Iterator[SourceEvidence]:
        for each in found:
            self._answered |= each.state is not SourceState.UNKNOWN
            if each.forbidden and not self._refusal:
                self._refusal = each.detail
            yield each

    @property
    def trouble(self) -> UrlRewriterError | None:
        if self._answered or not self._refusal:
            return None
        return NotPermittedError(f"No source may be asked for in Cloud Storage: {self._refusal}.")


class _Keeper:
    """Puts comparisons into the draft, some at a time."""

    def __init__(self, draft: Draft, progress: Progress) -> None:
        self.differing = 0
        self._draft = draft
        self._progress = progress
        self._waiting: list[Comparison] = []

    def add(self, compared: Comparison) -> None:
        self._waiting.append(compared)
        if len(self._waiting) == _BATCH:
            self.flush()

    def flush(self) -> None:
        self.differing += self._draft.add_comparisons(self._waiting)
        self._progress.advance(len(self._waiting))
        self._waiting = []
