"""What planned edits mean for a document that may have changed since they were planned.

An edit holds at its own value path, and at the same place of another element of the same array:
an array that grew or lost an element moves the others. Nothing outside the planned places is
touched, whatever it holds, and a URL is rewritten only to a target that was planned, and proven,
for this very document.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from url_rewriter.documents import Document, Edit, ValuePath
from url_rewriter.evidence import TargetState
from url_rewriter.planning.deciding import UrlStatus
from url_rewriter.planning.planned import PlannedText
from url_rewriter.planning.planner import Planner
from url_rewriter.urls import ObjectRef

Place: TypeAlias = tuple[str | None, ...]
"""A value path in which every array index is None: alike places of an array's elements."""

KnownTargets: TypeAlias = Callable[[], Mapping[ObjectRef, bool]]
"""Tells the targets that a plan knows for one document: whether each is proven to exist."""


@dataclass(frozen=True, slots=True)
class Replanned:
    """What is to be written to a document as it is now.

    ``done`` counts planned strings that already are as planned. ``left`` are the value paths of
    strings that were changed since and that still hold what was to be replaced.
    """

    edits: tuple[Edit, ...]
    done: int
    left: tuple[ValuePath, ...]


def place_of(path: ValuePath) -> Place:
    """The place that a value path shares with its like in the other elements of its arrays.

    >>> place_of(("files", 2, "thumbnail"))
    ('files', None, 'thumbnail')
    """
    return tuple(None if isinstance(step, int) else step for step in path)


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
    URLs are rewritten where their targets were planned for this document; what it holds beyond
    them was written later, and is left.
    """
    planned: dict[Place, dict[str, Edit]] = defaultdict(dict)
    finished: dict[Place, set[str]] = defaultdict(set)
    for edit in edits:
        planned[place_of(edit.value_path)][edit.before] = edit
        finished[place_of(edit.value_path)].add(edit.after)
    targets = functools.cache(known)
    writes: list[Edit] = []
    left: list[ValuePath] = []
    done = 0
    for path, text in fresh.strings:
        place = place_of(path)
        if place not in planned or text in kept:
            continue
        if (as_planned := planned[place].get(text)) is not None:
            writes.append(replace(as_planned, value_path=path))
        elif text in finished[place]:
            done += 1
        else:
            planned_anew = planner.plan_text(path, text, path in fresh.measured)
            anew, leaves = _decide_anew(planner, planned_anew, targets())
            if anew is not None:
                writes.append(anew)
            if leaves:
                left.append(path)
    return Replanned(tuple(writes), done, tuple(left))


def _decide_anew(
    planner: Planner, planned: PlannedText | None, known: Mapping[ObjectRef, bool]
) -> tuple[Edit | None, bool]:
    """The edit that may be made, and whether a covered URL stays behind that the plan rewrote."""
    if planned is None:
        return None, False
    settled = planner.settle(
        planned, lambda target: TargetState.EXISTS if known.get(target) else TargetState.UNKNOWN
    )
    leaves = any(
        url.candidate is not None
        and url.status is not UrlStatus.REWRITE
        and known.get(url.candidate.target) is not False
        for url in settled.urls
    )
    return settled.edit, leaves


def undo(edits: Sequence[Edit], fresh: Document) -> Replanned:
    """What putting back ``edits``, newest first, means for ``fresh``.

    A string is put back where it still reads as it was written: at its own value path, else in
    another element of the same array. One that was edited since is left.
    """
    texts = dict(fresh.strings)
    current = dict(texts)
    put_back: dict[ValuePath, int] = {}
    ours = {text for edit in edits for text in (edit.before, edit.after)}
    left: list[ValuePath] = []
    done = 0
    elsewhere: list[Edit] = []
    for edit in edits:
        if current.get(edit.value_path) == edit.after:
            current[edit.value_path] = edit.before
            put_back[edit.value_path] = edit.urls
        else:
            elsewhere.append(edit)
    # An element that an array moved is looked for only among those that no other edit wrote.
    for edit in elsewhere:
        path = _moved(edit, current)
        now = current.get(edit.value_path, edit.before)
        edited = now not in ours
        if path is not None:
            current[path] = edit.before
            put_back[path] = edit.urls
        elif edited and edit.after in now:
            left.append(edit.value_path)
        elif edit.before in _alike(edit.value_path, current):
            done += 1
        elif edited:
            left.append(edit.value_path)
    writes = tuple(
        Edit(path, texts[path], current[path], urls)
        for path, urls in put_back.items()
        if current[path] != texts[path]
    )
    return Replanned(writes, done, tuple(dict.fromkeys(left)))


def _moved(edit: Edit, current: dict[ValuePath, str]) -> ValuePath | None:
    """Where an array moved the string that ``edit`` wrote, if it did."""
    if not any(isinstance(step, int) for step in edit.value_path):
        return None
    place = place_of(edit.value_path)
    return next(
        (path for path, text in current.items() if text == edit.after and place_of(path) == place),
        None,
    )


def _alike(path: ValuePath, current: dict[ValuePath, str]) -> list[str]:
    """The strings at ``path`` and at the same place of its arrays' other elements."""
    place = place_of(path)
    return [text for each, text in current.items() if place_of(each) == place]
