"""A document store in memory with real preconditions, and what a hostile world can do to it."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.unprobed import UnprobedObjects
from url_rewriter.documents import (
    Document,
    Environment,
    Revision,
    Update,
    ValuePath,
    WriteResult,
    WriteStatus,
)
from url_rewriter.errors import ServiceError, UrlRewriterError
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.objects import ListedObject
from url_rewriter.stores.base import Checkpoint, Partition, Query, Snapshot, StoreCounts
from url_rewriter.urls import ObjectRef


class Killed(BaseException):
    """The process ends here, between two instructions; nothing is tidied up."""


@dataclass
class MemoryStore:
    """Documents as plain Python values, each with a revision that every write moves on.

    ``before_write`` is called with the updates of each write, before any of them is looked at;
    ``lose_answers`` writes that many batches and answers that nobody knows; ``writes`` lists every
    string that was ever written, as (path, before, after).
    """

    documents: dict[str, Any] = field(default_factory=dict)
    before_write: Callable[[Sequence[Update]], None] = lambda updates: None
    after_write: Callable[[Sequence[Update]], None] = lambda updates: None
    lose_answers: int = 0
    refused: set[str] = field(default_factory=set)
    writes: list[tuple[str, str, str]] = field(default_factory=list)
    tells_creation: bool = True
    locator: str = "memory:"
    environment: Environment = Environment.DISPOSABLE

    def __post_init__(self) -> None:
        self._clock = itertools.count(1)
        self._revisions: dict[str, int] = {path: next(self._clock) for path in self.documents}
        self._created = dict(self._revisions)

    # -- what an application does -------------------------------------------------------------

    def put(self, path: str, fields: Any) -> None:
        """Create or replace a document."""
        self.documents[path] = fields
        self._revisions[path] = next(self._clock)
        self._created.setdefault(path, self._revisions[path])

    def touch(self, path: str) -> None:
        """Say that the document was changed in place."""
        self._revisions[path] = next(self._clock)

    def delete(self, path: str) -> None:
        """Delete a document."""
        del self.documents[path]
        del self._revisions[path]
        del self._created[path]

    # -- the protocol -------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        return Snapshot()

    def partitions(self, query: Query, count: int) -> Sequence[Partition]:
        return [Partition("")]

    def scan(
        self, query: Query, partition: Partition, after: str | None = None
    ) -> Iterator[Document | Checkpoint]:
        paths = sorted(path for path in self.documents if after is None or path > after)
        for path in paths:
            yield self._read(path)
        yield Checkpoint(partition, len(paths), paths[-1] if paths else None, done=True)

    def get(self, paths: Sequence[str]) -> dict[str, Document]:
        return {path: self._read(path) for path in paths if path in self.documents}

    def count(self, query: Query) -> int | None:
        return None

    def count_ranges(self, query: Query, parts: Sequence[Partition]) -> StoreCounts:
        return StoreCounts(trouble="kept in memory")

    def write(self, updates: Sequence[Update]) -> list[WriteResult]:
        self.before_write(updates)
        results = [self._write(update) for update in updates]
        self.after_write(updates)
        if self.lose_answers:
            self.lose_answers -= 1
            return [WriteResult(each.path, WriteStatus.UNSETTLED) for each in results]
        return results

    def close(self) -> None:
        pass

    def _read(self, path: str) -> Document:
        return Document(
            path,
            Revision(str(self._revisions[path])),
            tuple(strings_of(self.documents[path])),
            created_at=str(self._created[path]) if self.tells_creation else None,
        )

    def _write(self, update: Update) -> WriteResult:
        path = update.document.path
        if path in self.refused:
            return WriteResult(path, WriteStatus.REFUSED, detail="too large")
        if update.document.revision != str(self._revisions.get(path)):
            return WriteResult(path, WriteStatus.STALE)
        fields = copy.deepcopy(self.documents[path])
        for edit in update.edits:
            set_string(fields, edit.value_path, edit.before, edit.after)
            self.writes.append((path, edit.before, edit.after))
        self.put(path, fields)
        return WriteResult(path, WriteStatus.WRITTEN, Revision(str(self._revisions[path])))


def strings_of(value: Any, path: ValuePath = ()) -> Iterator[tuple[ValuePath, str]]:
    """Every string in a value, with its value path."""
    match value:
        case str():
            yield path, value
        case dict():
            for name, each in value.items():
                yield from strings_of(each, (*path, name))
        case list():
            for index, each in enumerate(value):
                yield from strings_of(each, (*path, index))


def set_string(fields: Any, path: ValuePath, before: str, after: str) -> None:
    """Change one string in place; it must be there."""
    holder = fields
    for step in path[:-1]:
        holder = holder[step]
    assert holder[path[-1]] == before
    holder[path[-1]] = after


@dataclass
class MemoryObjects(UnprobedObjects):
    """An object store in memory: what is in ``there`` exists, ``silent`` ones nobody can tell.

    A bucket's listing shows what is ``listed``, and breaks off after ``fails_after`` objects.
    """

    there: set[ObjectRef] = field(default_factory=set)
    silent: set[ObjectRef] = field(default_factory=set)
    trouble: UrlRewriterError | None = None
    asked: list[ObjectRef] = field(default_factory=list)
    listed: dict[str, list[ListedObject]] = field(default_factory=dict)
    fails_after: int | None = None
    walks: list[tuple[str, str]] = field(default_factory=list)

    def check(self, bucket: str) -> UrlRewriterError | None:
        return self.trouble

    def prove(self, targets: Iterable[ObjectRef]) -> Iterator[Evidence]:
        for target in targets:
            self.asked.append(target)
            if target in self.silent:
                state = TargetState.UNKNOWN
            else:
                state = TargetState.EXISTS if target in self.there else TargetState.MISSING
            yield Evidence(target, state, Method.HEAD, datetime.now(UTC))

    def contents(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        self.walks.append((bucket, prefix))
        for number, found in enumerate(self.listed.get(bucket, ())):
            if number == self.fails_after:
                raise ServiceError("The listing broke off.")
            if not found.keys or found.keys[0].startswith(prefix):
                yield found
            elif found.keys[0] > prefix:
                return
