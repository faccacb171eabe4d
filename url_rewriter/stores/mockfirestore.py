"""A store over a ``mockfirestore.MockFirestore`` that the caller owns: reads it, and writes it.

For users' own tests. mock-firestore keeps a subcollection as a map among the fields of its parent,
and nothing tells the two apart, so that the caller names what is a subcollection. It has no update
times and no preconditions: a revision is a digest of the fields, and no other thread may write
while this store does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from url_rewriter.documents import (
    Document,
    Edit,
    Environment,
    Holder,
    Revision,
    Suspect,
    UnreachableText,
    Update,
    ValuePath,
    WriteResult,
    WriteStatus,
    is_typed_value,
)
from url_rewriter.errors import ConfigurationError
from url_rewriter.opaque import kinds_in_fields
from url_rewriter.second_opinion import texts_of_fields
from url_rewriter.stores.base import Checkpoint, Partition, Query, Snapshot, StoreCounts
from url_rewriter.stores.selection import Selection, path_order
from url_rewriter.text import may_hold
from url_rewriter.urls.text_offsets import described_by

if TYPE_CHECKING:
    from mockfirestore.client import MockFirestore
    from mockfirestore.collection import CollectionReference
    from mockfirestore.document import DocumentReference

_CHECKPOINT_EVERY = 500
_WHOLE = Partition(root="")


class MockFirestoreReader:
    """Reads the documents of a client.

    ``subcollections`` are names: a map of maps that has one of them, among the fields of a
    document, holds the documents of a subcollection. Other maps are fields.
    """

    locator = "mockfirestore:"
    environment = Environment.DISPOSABLE

    def __init__(self, client: MockFirestore, subcollections: Sequence[str] = ()) -> None:
        self._client = client
        self._subcollections = frozenset(subcollections)

    def snapshot(self) -> Snapshot:
        """No other thread may write while a scan reads."""
        return Snapshot()

    def partitions(self, query: Query, count: int) -> Sequence[Partition]:
        """One partition: there is nothing to divide."""
        _refuse_read_time(query)
        return [_WHOLE]

    def scan(
        self, query: Query, partition: Partition, after: str | None = None
    ) -> Iterator[Document | Checkpoint]:
        """Yield documents as they are now."""
        _refuse_read_time(query)
        selection = Selection.of(query)
        there = self._references()
        read, last = 0, after
        for path in sorted(there, key=path_order):
            if not selection.takes(path) or (after and path_order(path) <= path_order(after)):
                continue
            fields = self._fields(there[path])
            document = _document(path, fields, query.needles)
            if query.opaque is not None:
                query.opaque.note(path, kinds_in_fields(fields))
            if query.opinion is not None:
                suspect = Suspect(texts_of_fields, (path, fields))
                yield replace(document, suspect=suspect)
            elif document.strings or document.unreachable or may_hold(path, query.needles):
                yield document
            read, last = read + 1, path
            if read == _CHECKPOINT_EVERY:
                yield Checkpoint(partition, read, last)
                read = 0
        yield Checkpoint(partition, read, last, done=True)

    def get(self, paths: Sequence[str]) -> dict[str, Document]:
        """Read documents by path, with all their strings; a missing one is absent."""
        there = self._references()
        return {path: _document(path, self._fields(there[path])) for path in paths if path in there}

    def count(self, query: Query) -> int:
        """How many documents a scan will read."""
        _refuse_read_time(query)
        return sum(map(Selection.of(query).takes, self._references()))

    def count_ranges(self, query: Query, parts: Sequence[Partition]) -> StoreCounts:
        """No counts: there is no server."""
        return StoreCounts(trouble="mock-firestore has no server that counts documents")

    def close(self) -> None:
        """Nothing to give back: the client is the caller's."""

    def _references(self) -> dict[str, DocumentReference]:
        """Every document by its path. Looking one up by its path would make it."""
        found: dict[str, DocumentReference] = {}
        for collection in self._client.collections():
            found.update(self._references_in(collection))
        return found

    def _references_in(
        self, collection: CollectionReference
    ) -> Iterator[tuple[str, DocumentReference]]:
        for reference in collection.list_documents():
            content: dict[str, Any] = reference.get().to_dict()
            if self._fields_of(content):
                yield "/".join(reference._path), reference  # it tells its path in no other way
            for name in content.keys() - self._fields_of(content).keys():
                yield from self._references_in(reference.collection(name))

    def _fields(self, reference: DocumentReference) -> dict[str, Any]:
        return self._fields_of(reference.get().to_dict())

    def _fields_of(self, content: dict[str, Any]) -> dict[str, Any]:
        return {
            name: each
            for name, each in content.items()
            if name not in self._subcollections or not _holds_documents(each)
        }


class MockFirestoreStore(MockFirestoreReader):
    """Reads and writes the documents of a client."""

    def reader(self) -> MockFirestoreReader:
        """The same documents, for reading only."""
        return MockFirestoreReader(self._client, tuple(self._subcollections))

    def write(self, updates: Sequence[Update]) -> list[WriteResult]:
        """Write each update whose revision still stands."""
        there = self._references() if updates else {}
        return [self._write(update, there.get(update.document.path)) for update in updates]

    def _write(self, update: Update, reference: DocumentReference | None) -> WriteResult:
        path = update.document.path
        if reference is None:
            return WriteResult(path, WriteStatus.STALE, detail="the document is gone")
        # Whole, with the subcollections, which `set` would otherwise delete.
        content: dict[str, Any] = reference.get().to_dict()
        if _revision_of(self._fields_of(content)) != update.document.revision:
            return WriteResult(path, WriteStatus.STALE, detail="the document has changed")
        for edit in update.edits:
            _replace(content, edit)
        reference.set(content)
        return WriteResult(path, WriteStatus.WRITTEN, _revision_of(self._fields_of(content)))


def _holds_documents(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(each, dict) for each in value.values())


def _refuse_read_time(query: Query) -> None:
    if query.read_time is not None:
        raise ConfigurationError("mock-firestore keeps no history: leave --read-time out")


def _document(path: str, fields: dict[str, Any], needles: Sequence[str] = ()) -> Document:
    texts = list(_texts(fields, ()))
    strings = tuple((at, text) for at, holder, text in texts if not holder)
    unreachable = tuple(UnreachableText(at, holder, text) for at, holder, text in texts if holder)
    strings = tuple(each for each in strings if may_hold(each[1], needles))
    return Document(
        path,
        _revision_of(fields),
        strings,
        tuple(each for each in unreachable if may_hold(each.text, needles)),
        measured=frozenset(_measured(fields, ())).intersection(at for at, _ in strings),
    )


def _measured(value: Any, path: ValuePath) -> Iterator[ValuePath]:
    """The strings that an array beside them names parts of, by offset and length."""
    match value:
        case dict():
            texts = [name for name, each in value.items() if isinstance(each, str)]
            for name, each in value.items():
                if isinstance(each, list) and any(map(_is_range, each)):
                    described = described_by(name, texts)
                    if described is not None:
                        yield (*path, described)
                yield from _measured(each, (*path, name))
        case list():
            for index, each in enumerate(value):
                yield from _measured(each, (*path, index))


def _is_range(value: Any) -> bool:
    match value:
        case {"offset": int() | float(), "length": int() | float()}:
            return True
    return False


def _texts(value: Any, path: ValuePath) -> Iterator[tuple[ValuePath, Holder | None, str]]:
    """Every string under a value, every map key and byte string with what holds it."""
    match value:
        case str():
            yield path, None, value
        case bytes():
            yield path, Holder.BYTES, value.decode("latin-1")
        case dict() if path and is_typed_value(value):
            for name, each in value.items():
                for at, _, text in _texts(each, (*path, name)):
                    yield at, Holder.TYPED_VALUE, text
        case dict():
            for name, each in value.items():
                yield (*path, name), Holder.MAP_KEY, name
                yield from _texts(each, (*path, name))
        case list() | tuple():
            for index, each in enumerate(value):
                yield from _texts(each, (*path, index))


def _replace(content: dict[str, Any], edit: Edit) -> None:
    """Put an edit's string in place. Raises ValueError where the string before is not there."""
    *above, last = edit.value_path
    holder: Any = content
    try:
        for step in above:
            holder = holder[step]
        there = holder[last]
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"no string at {edit.value_path}") from error
    if there != edit.before or last == -1:
        raise ValueError(f"another string at {edit.value_path}")
    holder[last] = edit.after


def _revision_of(fields: dict[str, Any]) -> Revision:
    return Revision(hashlib.sha256(_spelled(fields).encode("utf-8", "surrogatepass")).hexdigest())


def _spelled(value: Any) -> str:
    """A text that tells values apart: 3 from 3.0, 0.0 from -0.0. Maps have no order.

    >>> _spelled({"b": [1, 1.0], "a": None})
    "{'a': None, 'b': [1, 1.0]}"
    """
    match value:
        case dict():
            names = sorted(value, key=str)
            return "{" + ", ".join(f"{name!r}: {_spelled(value[name])}" for name in names) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_spelled, value)) + "]"
        case _:
            spelled = repr(value)
            # Such a text would tell an address, which is another at each read.
            return type(value).__qualname__ if f"at {id(value):#x}" in spelled else spelled
