"""Reading back: what a document tells of writes whose answer is not known.

That a string is not where it was put proves nothing: the application may have moved it, or put
something else there. An entry is settled only by what cannot be otherwise; else it stays open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from url_rewriter.documents import Document, Edit, WriteResult, WriteStatus, format_value_path
from url_rewriter.planfile import Entry, Operation, live_edits
from url_rewriter.planning import Ours, Planner, Standing, named_targets, place_of, written_targets
from url_rewriter.urls import ObjectRef


@dataclass(frozen=True, slots=True)
class WriteHistory:
    """The entries of one document, oldest first, with what the document told of them.

    ``told`` are the results that are news, by entry.
    """

    document: Document | None
    entries: tuple[Entry, ...]
    told: dict[int, WriteResult]

    @property
    def on_the_way(self) -> tuple[Entry, ...]:
        """Open writes that may still arrive: the revision that they require is the current one."""
        return tuple(
            each
            for each in self.entries
            if each.open and self.document and each.revision == self.document.revision
        )

    @property
    def unknown(self) -> tuple[Entry, ...]:
        """Open writes that can arrive no more, and of which it is not known whether they did."""
        return tuple(each for each in self.entries if each.open and each not in self.on_the_way)

    def written(self, operation: Operation) -> int:
        """The URLs that an operation has written here since the other one last did."""
        urls = 0
        for each in self.entries:
            if each.status is WriteStatus.WRITTEN:
                urls = urls + _urls(each.edits) if each.operation is operation else 0
        return urls

    @property
    def ours(self) -> Ours:
        """What was written, or may have been, to the document that is there now."""
        entries = [
            each for each in self.entries if each not in self.on_the_way and not self.is_past(each)
        ]
        known = [each for each in entries if not each.open]
        applied = [
            each
            for each in entries
            if each.operation is Operation.APPLY
            and (each.open or each.status is WriteStatus.WRITTEN)
        ]
        edits = tuple(edit for each in applied for edit in each.edits)
        standing = tuple(dict.fromkeys(string for each in applied for string in each.standing))
        return Ours(live_edits(known), edits, standing)

    def is_past(self, entry: Entry) -> bool:
        """Whether the document that an entry wrote to was deleted, and this one made later."""
        return _is_past(entry, self.document)


def read_back(
    planner: Planner, entries: Sequence[Entry], path: str, document: Document | None
) -> WriteHistory:
    """The history of a document, its open entries settled as far as the document tells."""
    told: dict[int, WriteResult] = {}
    known = list(entries)
    # Newest first: of attempts at one revision one at most arrived, and of like ones the last.
    for index in reversed(range(len(known))):
        entry = known[index]
        if not entry.open:
            continue
        result = _tell(planner, known, entry, document)
        if result is None:
            continue
        status, detail = result
        revision = document.revision if document and status is WriteStatus.WRITTEN else None
        told[entry.id] = WriteResult(path, status, revision, detail)
        known[index] = replace(entry, status=status)
    return WriteHistory(document, tuple(known), told)


def supersedes(write: Sequence[Edit], entry: Entry) -> bool:
    """Whether an earlier attempt has nothing in it that a later write has not."""
    made = {(place_of(edit.value_path), edit.before, edit.after) for edit in write}
    return all((place_of(edit.value_path), edit.before, edit.after) in made for edit in entry.edits)


def tell_open(history: WriteHistory) -> str:
    """What is not known of earlier writes, for people; "" where all is."""
    said = [
        f"{words}: {_places(entries)}"
        for words, entries in (
            ("a write without an answer may still arrive", history.on_the_way),
            ("it is not known whether a write arrived", history.unknown),
        )
        if entries
    ]
    return "; ".join(said)


def _places(entries: Iterable[Entry]) -> str:
    paths = dict.fromkeys(edit.value_path for each in entries for edit in each.edits)
    return ", ".join(map(format_value_path, paths))


def _tell(
    planner: Planner, known: Sequence[Entry], entry: Entry, document: Document | None
) -> tuple[WriteStatus, str] | None:
    if document is None:
        return WriteStatus.STALE, "the document is gone, and with it whatever was written"
    if _is_past(entry, document):
        return WriteStatus.STALE, "the document was deleted, and another one made"
    if document.revision == entry.revision:
        return None
    if any(
        each.revision == entry.revision and each.status is WriteStatus.WRITTEN for each in known
    ):
        return WriteStatus.STALE, "another attempt took the revision that it required"
    arrived = _put_back_arrived if entry.operation is Operation.ROLLBACK else _write_arrived
    if arrived(planner, [each for each in known if not _is_past(each, document)], entry, document):
        return WriteStatus.WRITTEN, "by reading back"
    return None


def _is_past(entry: Entry, document: Document | None) -> bool:
    return (
        document is not None
        and None not in (entry.created_at, document.created_at)
        and entry.created_at != document.created_at
    )


def _write_arrived(
    planner: Planner, known: Sequence[Entry], entry: Entry, document: Document
) -> bool:
    """Whether what an entry wrote stands in a document, wherever the application moved it.

    What stood there before, and what other writes put there, shows nothing; nor does a new string
    elsewhere while the old one stands where it stood.
    """
    live = live_edits([each for each in known if not each.open])
    at_its_place = {(edit.value_path, edit.after) for edit in live}
    texts = dict(document.strings)
    if any(
        texts.get(edit.value_path) == edit.after
        and (edit.value_path, edit.after) not in at_its_place
        for edit in entry.edits
    ):
        return True
    places = {(place_of(path), text) for path, text in document.strings}
    replaced = [
        edit for edit in entry.edits if (place_of(edit.value_path), edit.before) not in places
    ]
    surplus = _surplus(planner, document, live, entry.standing) if replaced else Counter()
    return any(surplus[target] > 0 for target in written_targets(planner, replaced))


def _put_back_arrived(
    planner: Planner, known: Sequence[Entry], entry: Entry, document: Document
) -> bool:
    """Whether what an entry put back stands in a document, and what it replaced nowhere."""
    texts = {(place_of(path), text) for path, text in document.strings}
    if not any((place_of(edit.value_path), edit.after) in texts for edit in entry.edits):
        return False
    settled = [each for each in known if not each.open or each.operation is Operation.APPLY]
    live = live_edits([*settled, replace(entry, status=WriteStatus.WRITTEN)])
    standing = tuple(
        dict.fromkeys(
            string
            for each in known
            if each.operation is Operation.APPLY
            for string in each.standing
        )
    )
    replaced = [replace(edit, before=edit.after, after=edit.before) for edit in entry.edits]
    surplus = _surplus(planner, document, live, standing)
    return not any(surplus[target] > 0 for target in written_targets(planner, replaced))


def _surplus(
    planner: Planner, document: Document, live: Sequence[Edit], standing: Standing
) -> Counter[ObjectRef]:
    """How often a document names targets beyond the application's own and what is known to be."""
    surplus: Counter[ObjectRef] = Counter()
    for _, text in document.strings:
        surplus.update(named_targets(planner, text))
    for edit in live:
        surplus.subtract(named_targets(planner, edit.after))
    for _, text in standing:
        surplus.subtract(named_targets(planner, text))
    return surplus


def _urls(edits: Iterable[Edit]) -> int:
    return sum(edit.urls for edit in edits)
