"""What planned edits mean for a document that may have changed since they were planned.

An edit holds at its own value path, and at the same place of another element of the same array:
an array that grew or lost an element moves the others. Nothing outside the planned places is
touched, whatever it holds, and a URL is rewritten only to a target that was planned, and proven,
for this very document. What the document still holds then, wherever it stands, is named.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from url_rewriter.documents import Document, Edit, ValuePath
from url_rewriter.evidence import TargetState
from url_rewriter.planning.deciding import SettledUrl, UrlStatus
from url_rewriter.planning.leftovers import (
    Leftover,
    LeftWhy,
    Ours,
    Place,
    Standing,
    is_within,
    named_targets,
    place_of,
    written_targets,
)
from url_rewriter.planning.planned import PlannedText
from url_rewriter.planning.planner import Planner
from url_rewriter.urls import ObjectRef

KnownTargets: TypeAlias = Callable[[], Mapping[ObjectRef, bool]]
"""Tells the targets that a plan knows for one document: whether each is proven to exist."""


@dataclass(frozen=True, slots=True)
class Replanned:
    """What is to be written to a document as it is now, and the URLs that stay in it.

    ``standing`` are strings that name a target of the edits already and that nothing of ours wrote.
    """

    edits: tuple[Edit, ...]
    left: tuple[Leftover, ...]
    standing: Standing = ()


def replan(
    planner: Planner,
    edits: Sequence[Edit],
    kept: Collection[str],
    fresh: Document,
    known: KnownTargets,
) -> Replanned:
    """What ``edits``, planned on an earlier state, mean for ``fresh``.

    ``kept`` are the strings that the plan knows of this document and leaves as they are; ``known``
    is asked only where a string changed.

    A string that reads as planned is edited as planned. One that changed is planned anew, and its
    URLs are rewritten where their targets were planned for this document. What a rule covers
    beyond them, there or at any other place, is left and named, unless the plan waives it.
    """
    plan = _PlannedEdits(planner, edits, kept, functools.cache(known))
    writes: list[Edit] = []
    left: list[Leftover] = []
    for path, text in fresh.strings:
        edit, urls = plan.look_at(path, text, measured=path in fresh.measured)
        if edit is not None:
            writes.append(edit)
        if urls:
            left.append(Leftover(path, plan.reason(path, text, urls), len(urls)))
    return Replanned(tuple(writes), tuple(left))


class _PlannedEdits:
    """The edits of one document, by the places where they hold."""

    def __init__(
        self, planner: Planner, edits: Sequence[Edit], kept: Collection[str], known: KnownTargets
    ) -> None:
        self._planner = planner
        self._known = known
        self._paths = {edit.value_path for edit in edits}
        self._befores = {edit.before for edit in edits}
        # Of these strings the plan has decided each URL.
        self._decided = {*kept, *(edit.after for edit in edits)}
        self._kept = kept
        self._planned: dict[Place, dict[str, Edit]] = defaultdict(dict)
        self._finished: dict[Place, set[str]] = defaultdict(set)
        for edit in edits:
            self._planned[place_of(edit.value_path)][edit.before] = edit
            self._finished[place_of(edit.value_path)].add(edit.after)

    def look_at(
        self, path: ValuePath, text: str, *, measured: bool
    ) -> tuple[Edit | None, list[SettledUrl]]:
        """The edit of one string, and the covered URLs that stay in it."""
        place = place_of(path)
        if place in self._planned:
            if (as_planned := self._planned[place].get(text)) is not None:
                return replace(as_planned, value_path=path), []
            if text in self._kept or text in self._finished[place]:
                return None, []
            return self._decide_anew(self._planner.plan_text(path, text, measured))
        if text in self._decided or not self._planner.in_scope(path):
            return None, []
        planned = self._planner.plan_text(path, text, measured)
        return None, self._decide_anew(planned, TargetState.UNKNOWN)[1]

    def _decide_anew(
        self, planned: PlannedText | None, state_of_known: TargetState = TargetState.EXISTS
    ) -> tuple[Edit | None, list[SettledUrl]]:
        if planned is None or not any(url.candidates for url in planned.urls):
            return None, []
        known = self._known()
        settled = self._planner.settle(
            planned, lambda target: state_of_known if known.get(target) else TargetState.UNKNOWN
        )
        stays = [
            url
            for url in settled.urls
            if url.candidate is not None
            and url.status is not UrlStatus.REWRITE
            and known.get(url.candidate.target) is not False
        ]
        return settled.edit, stays

    def reason(self, path: ValuePath, text: str, urls: Sequence[SettledUrl]) -> LeftWhy:
        """Why the URLs of a string are left."""
        place = place_of(path)
        if path in self._paths:
            return LeftWhy.CHANGED
        if any(is_within(place, each) for each in self._planned):
            return LeftWhy.RETYPED
        known = self._known()
        if text in self._befores or any(
            url.candidate is not None and known.get(url.candidate.target) for url in urls
        ):
            return LeftWhy.MOVED
        return LeftWhy.APPEARED


def find_standing(planner: Planner, edits: Sequence[Edit], ours: Ours, fresh: Document) -> Standing:
    """The strings of ``fresh`` that name a target of ``edits`` before these are made.

    What an earlier write may have put there is not the application's own.
    """
    edited = {edit.value_path for edit in edits}
    naming = [
        ((path, text), named)
        for path, text in fresh.strings
        if path not in edited and (named := named_targets(planner, text))
    ]
    if not naming:
        return ()
    targets, written = written_targets(planner, edits), written_targets(planner, ours.written)
    own = {(place_of(path), text) for path, text in ours.standing}
    return tuple(
        (path, text)
        for (path, text), named in naming
        if named & targets and (not named & written or (place_of(path), text) in own)
    )


def count_already_new(planner: Planner, edits: Sequence[Edit], fresh: Document) -> int:
    """How many of the URLs that ``edits`` were to write stand in ``fresh`` already."""
    wanted = written_targets(planner, edits)
    standing = sum((named_targets(planner, text) for _, text in fresh.strings), wanted.__class__())
    return (wanted & standing).total()
