"""Reader and store over the file, its documents held by mock-firestore.

What mock-firestore cannot do is worked around here: a subcollection there is a field of its parent,
so documents are kept under their full collection path; names with dots are split, times are always
now and ``{}`` does not exist, so a document is kept as the line it came as, and its revision is a
digest of its fields.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import quote

from url_rewriter.concurrency.retry import Backoff
from url_rewriter.documents import (
    Document,
    Environment,
    Suspect,
    Update,
    WriteResult,
    WriteStatus,
    collection_of,
)
from url_rewriter.errors import ConfigurationError
from url_rewriter.opaque import kinds_in_line
from url_rewriter.second_opinion import RawText, SecondOpinion, texts_of_fields
from url_rewriter.stores.base import Checkpoint, Partition, Query, Snapshot, StoreCounts
from url_rewriter.stores.embedded import file, lines, values
from url_rewriter.stores.selection import Selection, path_order
from url_rewriter.text import may_hold

if TYPE_CHECKING:
    from mockfirestore.client import MockFirestore
    from mockfirestore.document import DocumentReference

_BOM = b"\xef\xbb\xbf"
_CHECKPOINT_EVERY = 500
_WHOLE = Partition(root="")


class EmbeddedReader:
    """Reads the documents of a file; changes by others are seen at the next call."""

    environment = Environment.DISPOSABLE

    def __init__(self, path: Path) -> None:
        """Read the file at ``path``. Raises as every method does.

        ConfigurationError: there is no such file, or a line of it is no document, or
        mock-firestore is not installed.
        """
        self._path = path.resolve()
        self._guard = threading.RLock()
        self._state: file.State | None = None
        self._image = _Image()
        self._refresh()

    @property
    def locator(self) -> str:
        """The store in its canonical spelling, with an absolute path."""
        return f"embedded:{self._path}"

    def snapshot(self) -> Snapshot:
        """A scan reads the file once, whole, when it begins."""
        return Snapshot()

    def state(self) -> str:
        """The file's size and the moment of its last change, in nanoseconds."""
        self._refresh()
        return " ".join(map(str, self._state[2:])) if self._state else ""

    def partitions(self, query: Query, count: int) -> Sequence[Partition]:
        """One partition: a file has nothing to divide."""
        _refuse_read_time(query)
        return [_WHOLE]

    def scan(
        self, query: Query, partition: Partition, after: str | None = None
    ) -> Iterator[Document | Checkpoint]:
        """Yield documents of the file as it is now; one deleted meanwhile is left out."""
        _refuse_read_time(query)
        selection = Selection.of(query)
        image = self._refresh()
        paths = image.sorted_paths()
        start = 0 if after is None else bisect_right(paths, path_order(after), key=path_order)
        read, last, left = 0, after, query.limit
        for path in paths[start:]:
            if not selection.takes(path):
                continue
            if left == 0:
                yield Checkpoint(partition, read, last)
                return
            left = None if left is None else left - 1
            if query.opaque is not None:
                query.opaque.note(path, kinds_in_line(image.line(path)))
            if document := _candidate(path, image.line(path), query):
                yield document
            read, last = read + 1, path
            if read == _CHECKPOINT_EVERY:
                yield Checkpoint(partition, read, last)
                read = 0
        yield Checkpoint(partition, read, last, done=True)

    def get(self, paths: Sequence[str]) -> dict[str, Document]:
        """Read documents by path, with all their strings; a missing one is absent."""
        image = self._refresh()
        return {path: _document(path, image.line(path)) for path in paths if path in image}

    def count(self, query: Query) -> int:
        """How many documents a scan will read."""
        _refuse_read_time(query)
        selection = Selection.of(query)
        return sum(map(selection.takes, self._refresh().sorted_paths()))

    def count_ranges(self, query: Query, parts: Sequence[Partition]) -> StoreCounts:
        """No counts: nothing else than this process reads the file."""
        return StoreCounts(trouble="the store is a file, and no server counts its documents")

    def close(self) -> None:
        """Nothing is held between calls."""

    def _refresh(self) -> _Image:
        with self._guard, file.opened(self._path) as source:
            return self._load(source)

    def _load(self, source: BinaryIO) -> _Image:
        """The documents of ``source``, read again only where it is not the file last seen."""
        state = file.state_of(source)
        if state != self._state:
            self._image = _Image.read(source, self._path)
            self._state = state
        return self._image


class EmbeddedStore(EmbeddedReader):
    """Reads and writes the documents of a file.

    Each call of ``write`` replaces the file once, and costs one pass over it. Between two processes
    that write the same file, each sees what the other wrote: an update with an old revision is
    stale.
    """

    def __init__(self, path: Path, *, lock_wait: Backoff = file.LOCK_WAIT) -> None:
        """Read the file at ``path``; ``lock_wait`` says how long a writer waits for another one."""
        super().__init__(path)
        self._lock_wait = lock_wait

    def write(self, updates: Sequence[Update]) -> list[WriteResult]:
        """Write each update whose revision still stands, all in one replacement of the file.

        Lines of other documents stay byte for byte. Raises NotPermittedError, or ServiceError when
        the disk failed; the file is then as it was.
        """
        if not updates:
            return []
        with self._guard, file.locked(self._path, self._lock_wait) as old:
            image = self._load(old)
            rewritten: dict[str, bytes] = {}
            results = [_rewrite(update, image, rewritten) for update in updates]
            if rewritten:
                self._state = file.replace(self._path, old, image.content(rewritten))
                image.put(rewritten)
        return results


class _Image:
    """What a file holds: its documents in mock-firestore, and all its lines in their order."""

    def __init__(self) -> None:
        self._client = _mock_firestore()
        self._references: dict[str, DocumentReference] = {}
        self._layout: list[str | bytes] = []  # document paths, and text between documents
        self._sorted: list[str] | None = None

    @classmethod
    def read(cls, source: BinaryIO, path: Path) -> _Image:
        """Read a file; raises ConfigurationError with the line that is no document."""
        image = cls()
        for number, line in enumerate(source, 1):
            try:
                image._add(line, first=number == 1)
            except lines.LineError as error:
                raise ConfigurationError(f"{path}:{number}: {error}") from error
        return image

    def _add(self, line: bytes, *, first: bool) -> None:
        if first and line.startswith(_BOM):
            self._layout.append(_BOM)
            line = line.removeprefix(_BOM)
        if not line.strip():
            self._layout.append(line)
            return
        path = lines.parse(line).path
        if path in self._references:
            raise lines.LineError(f"a second document with the path {path!r}")
        # Quoted, because mock-firestore takes a slash for the way to a subcollection.
        collection = self._client.collection(quote(collection_of(path), safe=""))
        self._references[path] = collection.document(path.rpartition("/")[2])
        self._layout.append(path)
        self.put({path: line})

    def __contains__(self, path: str) -> bool:
        return path in self._references

    def line(self, path: str) -> bytes:
        """The line of a document that is there."""
        line: bytes = self._references[path].get().to_dict()["line"]
        return line

    def put(self, rewritten: dict[str, bytes]) -> None:
        """Put new lines in place of those of documents that are there."""
        for path, line in rewritten.items():
            self._references[path].set({"line": line})

    def content(self, rewritten: dict[str, bytes]) -> Iterator[bytes]:
        """The whole file, with some lines rewritten."""
        for part in self._layout:
            if isinstance(part, bytes):
                yield part
            else:
                yield rewritten.get(part) or self.line(part)

    def sorted_paths(self) -> list[str]:
        """The paths of all documents, in document path order."""
        if self._sorted is None:
            self._sorted = sorted(self._references, key=path_order)
        return self._sorted


def _mock_firestore() -> MockFirestore:
    try:
        from mockfirestore.client import MockFirestore
    except ImportError as error:
        raise ConfigurationError(
            "the embedded store needs mock-firestore: pip install 'url-rewriter[embedded]'"
        ) from error
    return MockFirestore()


def _refuse_read_time(query: Query) -> None:
    if query.read_time is not None:
        raise ConfigurationError("the embedded store keeps no history: leave --read-time out")


def _candidate(path: str, line: bytes, query: Query) -> Document | None:
    """The document, unless no text of it holds a needle, and it is no suspect."""
    needles, opinion = query.needles, query.opinion
    if opinion is not None and _is_suspect(line, opinion):
        suspect = Suspect(_texts_of_line, line)
        return replace(_document(path, line, needles), suspect=suspect)
    if needles and not _is_worth_parsing(line, needles):
        return None
    document = _document(path, line, needles)
    if document.strings or document.unreachable or may_hold(path, needles):
        return document
    return None


def _is_worth_parsing(line: bytes, needles: Sequence[str]) -> bool:
    """Whether to parse the line: only JSON's escapes and base64 hide text from a search."""
    lowered = line.lower()
    return (
        b"\\" in line or b'"bytesvalue"' in lowered or any(n.encode() in lowered for n in needles)
    )


def _texts_of_line(line: bytes) -> Iterator[RawText]:
    document = lines.parse(line)
    return texts_of_fields((document.path, values.plain(document.fields)))


def _is_suspect(line: bytes, opinion: SecondOpinion) -> bool:
    """Whether to have all of the line read: what it says of bytes is base64."""
    lowered = line.lower()
    return b'"bytesvalue"' in lowered or b'bucket"' in lowered or bool(opinion.hits(lowered))


def _document(path: str, line: bytes, needles: Sequence[str] = ()) -> Document:
    fields = lines.parse(line).fields
    strings, unreachable = values.select(values.texts(fields), needles)
    measured = values.measured(fields).intersection(at for at, _ in strings)
    return Document(path, values.revision_of(fields), strings, unreachable, measured=measured)


def _rewrite(update: Update, image: _Image, rewritten: dict[str, bytes]) -> WriteResult:
    """Decide one update; a line that is to change goes into ``rewritten``."""
    path = update.document.path
    if path not in image:
        return WriteResult(path, WriteStatus.STALE, detail="the document is gone")
    before = image.line(path)
    line = lines.parse(before)
    if values.revision_of(line.fields) != update.document.revision:
        return WriteResult(path, WriteStatus.STALE, detail="the document has changed")
    values.replace(line.fields, update.edits)
    revision = values.revision_of(line.fields)
    if revision != update.document.revision:
        rewritten[path] = lines.spell(line, like=before)
    return WriteResult(path, WriteStatus.WRITTEN, revision)
