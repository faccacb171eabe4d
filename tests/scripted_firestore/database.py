"""Documents in memory, written with preconditions and masks as Firestore does it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from google.cloud.firestore_v1 import types
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from tests.scripted_firestore import field_paths, limits
from tests.scripted_firestore.faults import InvalidRequestError, RefusedError

Document = types.Document.pb()
WriteResult = types.WriteResult.pb()

_NAME = re.compile(
    r"(?P<database>projects/[^/]+/databases/[^/]+)/documents/(?P<path>.+)", re.DOTALL
)
_NUMERIC_ID = re.compile(r"__id(-?\d+)__")


@dataclass(frozen=True, slots=True)
class Version:
    """What was at a path from ``micros`` on; no document where it was deleted."""

    micros: int
    document: Any | None


@dataclass(slots=True)
class Database:
    """One database. Every method may be called from any thread.

    ``clock`` tells microseconds. Past versions are read for ``keeps_seconds``; with ``recovery``
    also at whole minutes of seven days.
    """

    name: str
    _versions: dict[str, list[Version]] = field(default_factory=dict, repr=False)
    clock: Callable[[], int] = lambda: time.time_ns() // 1000
    keeps_seconds: float = 3600
    recovery: bool = False
    _last_micros: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def get(self, path: str, as_of: Timestamp | None = None) -> Any | None:
        """The document at ``path``, a copy; None where there is none."""
        with self._lock:
            found = self._find(path, as_of)
            if found is None:
                return None
            copy = Document()
            copy.CopyFrom(found)
            return copy

    def now(self) -> Timestamp:
        """The moment at which everything that was written is seen."""
        with self._lock:
            now = Timestamp()
            now.FromMicroseconds(max(self.clock(), self._last_micros))
            return now

    def check_read_time(self, as_of: Timestamp | None) -> None:
        """Refuse a moment that cannot be read, as Google's emulator words it."""
        if as_of is None:
            return
        age = (self.now().ToMicroseconds() - as_of.ToMicroseconds()) / 1e6
        minute = as_of.ToMicroseconds() % 60_000_000 == 0
        if age < 0:
            raise InvalidRequestError("The requested 'read_time' cannot be in the future.")
        if age > self.keeps_seconds and not (self.recovery and minute and age <= 7 * 86400):
            raise RefusedError(
                StatusCode.FAILED_PRECONDITION, "The requested 'read_time' is too old."
            )

    def documents(self, as_of: Timestamp | None = None) -> list[tuple[str, Any]]:
        """Every document with its path, in name order. They are never changed in place."""
        with self._lock:
            found = ((path, self._find(path, as_of)) for path in self._versions)
            there = [(path, document) for path, document in found if document is not None]
        return sorted(there, key=lambda item: name_order(item[0]))

    def changes(self, since: int, to: int) -> list[tuple[str, int, Any | None]]:
        """Path, microsecond and document of what changed behind ``since``, as it was at ``to``."""
        found: list[tuple[int, str, Any | None]] = []
        with self._lock:
            for path, versions in self._versions.items():
                newest = next((each for each in reversed(versions) if each.micros <= to), None)
                if newest is not None and newest.micros > since:
                    found.append((newest.micros, path, newest.document))
        found.sort(key=lambda change: change[0])
        return [(path, micros, document) for micros, path, document in found]

    def write(self, write: Any) -> Any:
        """Apply one write; its WriteResult. Raises RefusedError."""
        with self._lock:
            name = write.delete or write.update.name
            path = self.path(name)
            before = self._find(path, None)
            _check_precondition(write, before, name)
            after = None if write.delete else _updated(write, before)
            if after is not None:
                limits.check_document(after)
            return self._put(path, before, after)

    def write_all(self, writes: Any) -> list[Any]:
        """Apply every write or, where one is refused, none."""
        with self._lock:
            kept = {path: list(versions) for path, versions in self._versions.items()}
            try:
                return [self.write(write) for write in writes]
            except RefusedError:
                self._versions = kept
                raise

    def set(self, path: str, document: Any) -> None:
        """Put a document there, as an application would."""
        write = types.Write.pb()()
        write.update.CopyFrom(document)
        write.update.name = f"{self.name}/documents/{path}"
        self.write(write)

    def delete(self, path: str) -> None:
        """Delete the document, as an application would."""
        self.write(types.Write.pb()(delete=f"{self.name}/documents/{path}"))

    def path(self, name: str) -> str:
        """The path of a document by its resource name, which must be one of this database."""
        matched = _NAME.fullmatch(name)
        segments = matched["path"].split("/") if matched else []
        if matched is None or len(segments) % 2 or not all(segments):
            raise InvalidRequestError(f"Document name {name!r} is not a document's.")
        if matched["database"] != self.name:
            raise InvalidRequestError(f"{name!r} does not match the database {self.name!r}.")
        return matched["path"]

    def _find(self, path: str, as_of: Timestamp | None) -> Any | None:
        for version in reversed(self._versions.get(path, [])):
            if as_of is None or version.micros <= as_of.ToMicroseconds():
                return version.document
        return None

    def _put(self, path: str, before: Any | None, after: Any | None) -> Any:
        result = WriteResult()
        if after is None and before is None:
            return result
        if after is None:
            self._versions.setdefault(path, []).append(Version(self._tick(), None))
            return result
        if before is not None and _same(before, after):
            result.update_time.CopyFrom(before.update_time)
            return result
        micros = self._tick()
        after.update_time.FromMicroseconds(micros)
        after.create_time.CopyFrom(before.create_time if before else after.update_time)
        self._versions.setdefault(path, []).append(Version(micros, after))
        result.update_time.CopyFrom(after.update_time)
        return result

    def _tick(self) -> int:
        self._last_micros = max(self.clock(), self._last_micros + 1)
        return self._last_micros


class Databases:
    """Every database that was ever asked for, made when it is."""

    def __init__(self) -> None:
        self._databases: dict[str, Database] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> Database:
        with self._lock:
            return self._databases.setdefault(name, Database(name))

    def __iter__(self) -> Iterator[Database]:
        with self._lock:
            return iter(list(self._databases.values()))


def name_order(path: str) -> tuple[tuple[bool, int, bytes], ...]:
    """Sort key of paths: segment by segment, numeric ids first, others by their UTF-8 bytes."""
    return tuple(
        (False, int(numeric[1]), b"")
        if (numeric := _NUMERIC_ID.fullmatch(segment))
        else (True, 0, segment.encode())
        for segment in path.split("/")
    )


def _check_precondition(write: Any, before: Any | None, name: str) -> None:
    match write.current_document.WhichOneof("condition_type"):
        case "exists" if write.current_document.exists and before is None:
            raise RefusedError(StatusCode.NOT_FOUND, f"No document to update: {name}")
        case "exists" if not write.current_document.exists and before is not None:
            raise RefusedError(StatusCode.ALREADY_EXISTS, f"Document already exists: {name}")
        case "update_time" if (
            before is None or before.update_time != write.current_document.update_time
        ):
            raise RefusedError(
                StatusCode.FAILED_PRECONDITION,
                "the stored version does not match the required base version",
            )


def _updated(write: Any, before: Any | None) -> Any:
    if write.update_transforms or write.WhichOneof("operation") != "update":
        raise RefusedError(StatusCode.UNIMPLEMENTED, "transforms are not part of this server")
    after = Document(name=write.update.name)
    if write.HasField("update_mask"):
        if before is not None:
            after.fields.MergeFrom(before.fields)
        paths = field_paths.parse_mask(write.update_mask.field_paths)
        field_paths.apply_mask(after, write.update, paths)
    else:
        after.fields.MergeFrom(write.update.fields)
    return after


def _same(one: Any, other: Any) -> bool:
    return bool(_bits(one) == _bits(other))


def _bits(document: Any) -> bytes:
    # Not ==, for which NaN is unequal to itself and 0.0 is -0.0.
    bare = Document()
    bare.fields.MergeFrom(document.fields)
    data: bytes = bare.SerializeToString(deterministic=True)
    return data
