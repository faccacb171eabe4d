"""What putting back what was written means for a document that may have changed since.

A string at a place of its own name is ours while it reads as it was written. The elements of an
array have no names: there, strings are told apart by their number and order, and where these do
not tell which one is ours, none is touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from url_rewriter.documents import Document, Edit, ValuePath
from url_rewriter.planning.leftovers import (
    Leftover,
    LeftWhy,
    Ours,
    Place,
    Standing,
    count_named,
    in_array,
    is_within,
    place_of,
    written_targets,
)
from url_rewriter.planning.planner import Planner
from url_rewriter.planning.replanning import Replanned
from url_rewriter.urls import ObjectRef


def undo(planner: Planner, ours: Ours, fresh: Document) -> Replanned:
    """What putting back the live edits means for ``fresh``.

    As many strings are put back as were written, and none that may be the application's own. Every
    other string that holds a URL of ours is left and named.
    """
    putting_back = _PuttingBack(ours, fresh)
    putting_back.put_back()
    return Replanned(putting_back.edits(), tuple(_leftovers(planner, ours, putting_back)))


class _PuttingBack:
    """The strings of a document while edits are taken back."""

    def __init__(self, ours: Ours, fresh: Document) -> None:
        self._ours = ours
        self._texts = dict(fresh.strings)
        self.current = dict(self._texts)
        self.urls: dict[ValuePath, int] = {}
        self.done: list[Edit] = []
        self.doubtful: set[tuple[Place, str]] = set()
        self._grouped: set[tuple[Place, str]] = set()

    def put_back(self) -> None:
        """Take back every live edit whose string can be told."""
        for edit in self._ours.live:
            if in_array(edit.value_path):
                self._put_back_alike(place_of(edit.value_path), edit.after)
            elif self.current.get(edit.value_path) == edit.after:
                self._set(edit.value_path, edit)

    def _set(self, path: ValuePath, edit: Edit) -> None:
        self.current[path] = edit.before
        self.urls[path] = edit.urls
        self.done.append(edit)

    def _put_back_alike(self, place: Place, after: str) -> None:
        """Take back all edits that wrote a string to some place of an array's elements."""
        if (place, after) in self._grouped:
            return
        self._grouped.add((place, after))
        wrote = [
            edit
            for edit in self._ours.live
            if edit.after == after and place_of(edit.value_path) == place
        ]
        own = [
            path for path, text in self._ours.standing if text == after and place_of(path) == place
        ]
        found = sorted(
            (
                path
                for path, text in self.current.items()
                if text == after and place_of(path) == place
            ),
            key=_order,
        )
        told = () if own and self._was_moved(place) else _assign(wrote, own, found)
        if not told:
            self.doubtful.add((place, after))
        for path, edit in told:
            self._set(path, edit)

    def _was_moved(self, place: Place) -> bool:
        """Whether another string of ours in the same array stands elsewhere now: then strings that
        are equal may have changed places, though they stand where they stood."""
        array = place[: place.index(None)]
        places = {(place_of(path), text) for path, text in self._texts.items()}
        return any(
            place_of(edit.value_path)[: len(array) + 1] == (*array, None)
            and self._texts.get(edit.value_path) != edit.after
            and (place_of(edit.value_path), edit.after) in places
            for edit in self._ours.live
        )

    def edits(self) -> tuple[Edit, ...]:
        """What is to be written."""
        return tuple(
            Edit(path, self._texts[path], self.current[path], urls)
            for path, urls in self.urls.items()
            if self.current[path] != self._texts[path]
        )


def _order(path: ValuePath) -> tuple[int, ...]:
    return tuple(step for step in path if isinstance(step, int))


def _assign(
    wrote: Sequence[Edit], own: Sequence[ValuePath], found: Sequence[ValuePath]
) -> list[tuple[ValuePath, Edit]]:
    """Which of some equal strings were written by which edit.

    ``found`` is where they stand now, in their order; ``own`` is where some stood that were the
    application's. Where none was moved, they are told by their order, and where all are ours and
    were moved by the same number of elements. Where all are ours and came from one string, all that
    are left are. Where there are more, only those at their old places are known.
    """
    slots: list[tuple[ValuePath, Edit | None]] = [(edit.value_path, edit) for edit in wrote]
    slots += [(path, None) for path in own]
    slots.sort(key=lambda slot: _order(slot[0]))
    alike = not own and len({edit.before for edit in wrote}) == 1
    moved = {
        tuple(now - then for now, then in zip(_order(path), _order(slot), strict=True))
        for path, (slot, _) in zip(found, slots, strict=False)
    }
    together = len(found) == len(slots) and len(moved) == 1 and not (own and any(*moved))
    told: list[tuple[ValuePath, Edit | None]] = []
    if together or (len(found) <= len(slots) and alike):
        told = [(path, edit) for path, (_, edit) in zip(found, slots, strict=False)]
    elif len(found) > len(slots) and (alike or all(path in found for path, _ in slots)):
        told = [(path, edit) for path, edit in dict(slots).items() if path in found]
    return [(path, edit) for path, edit in told if edit is not None]


def _leftovers(planner: Planner, ours: Ours, putting_back: _PuttingBack) -> Iterator[Leftover]:
    """Where a URL of ours remains, and named places where something else was put."""
    targets = written_targets(planner, ours.written).keys()
    undone = [edit for edit in ours.live if edit not in putting_back.done]
    befores = {edit.before for edit in ours.written}
    own = _OwnStrings(ours.standing, putting_back, {edit.after for edit in undone})
    named = {edit.value_path: edit for edit in undone if not in_array(edit.value_path)}
    for path, text in putting_back.current.items():
        place = place_of(path)
        wanted: Collection[ObjectRef] = targets
        if path in putting_back.urls:
            # What an earlier write put there may stand in what a later one replaced.
            earlier = [edit for edit in undone if place_of(edit.value_path) == place]
            wanted = written_targets(planner, earlier).keys() if earlier else ()
        elif text in befores:
            continue
        count = count_named(planner, text, wanted) if wanted else 0
        if count:
            if not own.takes(path, text):
                yield Leftover(path, _why(ours, path, text), count)
        elif path in named and path not in putting_back.urls and not _is_ours(ours, text):
            yield Leftover(path, LeftWhy.CHANGED, 0)


class _OwnStrings:
    """The strings that named the same targets before, where they stand now.

    ``missed`` are strings of ours that were not found: an equal one elsewhere may be it.
    """

    def __init__(
        self, standing: Standing, putting_back: _PuttingBack, missed: Collection[str]
    ) -> None:
        self._doubtful = {text for _, text in putting_back.doubtful}
        self._missed = missed
        self._unmoved = {
            path
            for path, text in standing
            if putting_back.current.get(path) == text and text not in self._doubtful
        }
        moved = [each for each in standing if each[0] not in self._unmoved]
        self._moved = Counter(text for _, text in moved)
        self._places = {(place_of(path), text) for path, text in moved}

    def takes(self, path: ValuePath, text: str) -> bool:
        """Whether a string is one of them; each is taken once."""
        if path in self._unmoved:
            return True
        alike = (place_of(path), text) in self._places and text not in self._doubtful
        if not self._moved[text] or not (alike or text not in self._missed):
            return False
        self._moved[text] -= 1
        return True


def _is_ours(ours: Ours, text: str) -> bool:
    return any(text in (edit.before, edit.after) for edit in ours.written)


def _why(ours: Ours, path: ValuePath, text: str) -> LeftWhy:
    place = place_of(path)
    if any((place_of(each.value_path), each.after) == (place, text) for each in ours.live):
        return LeftWhy.EQUAL
    if any(is_within(place, place_of(each.value_path)) for each in ours.written):
        return LeftWhy.RETYPED
    if any(each.value_path == path and text != each.after for each in ours.written) and not any(
        text == each.after for each in ours.written
    ):
        return LeftWhy.CHANGED
    return LeftWhy.MOVED
