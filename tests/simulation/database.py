"""Documents with preconditions and update times, which remember who wrote each of their strings.

A document is a tree of dictionaries, lists, numbers and leaves. A leaf is one string at one moment:
it is never changed, only replaced, and it keeps its identity wherever the application moves it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.simulation.clock import CLOCK
from url_rewriter.documents import Document, Environment, Revision, Update, WriteResult, WriteStatus
from url_rewriter.stores.base import (
    Checkpoint,
    Partition,
    Query,
    Snapshot,
    SnapshotLostError,
    StoreCounts,
)
from url_rewriter.stores.firestore.updates import masks

if TYPE_CHECKING:
    from tests.simulation.world import World

Place = tuple[str | int, ...]
NO_VERSIONS = "This server keeps no versions."
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEPT = 3600e6  # microseconds that old versions are kept for


@dataclass(eq=False)
class Write:
    """A write that the program sent: by which process, to which life of the document.

    ``had`` are the application's own texts in the document just before, by place.
    """

    number: int
    process: Any
    operation: str
    path: str
    created: int
    at: float
    edits: tuple[tuple[Place, str, str], ...]
    had: dict[Place, str] = field(default_factory=dict)
    arrived: bool = False
    answered: bool = False


@dataclass(eq=False, slots=True)
class Leaf:
    """A string: ``author`` is the write that put it there, None for the application.

    ``previous`` is what the program replaced; ``born`` is when it came to be.
    """

    text: str
    born: float
    author: Write | None = None
    previous: Leaf | None = None

    @property
    def own(self) -> Leaf:
        """The application's own string that this is, or is a rewrite of."""
        leaf = self
        while leaf.previous is not None:
            leaf = leaf.previous
        return leaf


@dataclass(eq=False)
class Life:
    """A document from its creation to its deletion. Times are in microseconds."""

    tree: dict[str, Any]
    created: int
    updated: int


def leaves(tree: Any, place: Place = ()) -> Iterator[tuple[Place, Leaf]]:
    """Every string of a tree, with its place."""
    if isinstance(tree, Leaf):
        yield place, tree
    elif isinstance(tree, dict):
        for name, each in tree.items():
            yield from leaves(each, (*place, name))
    elif isinstance(tree, list):
        for index, each in enumerate(tree):
            yield from leaves(each, (*place, index))


def copied(tree: Any) -> Any:
    """The same tree in containers of its own; the leaves are the same."""
    if isinstance(tree, dict):
        return {name: copied(each) for name, each in tree.items()}
    if isinstance(tree, list):
        return [copied(each) for each in tree]
    return tree


def plain(tree: Any) -> Any:
    """The values of a tree, without who wrote them."""
    if isinstance(tree, Leaf):
        return tree.text
    if isinstance(tree, dict):
        return {name: plain(each) for name, each in tree.items()}
    if isinstance(tree, list):
        return [plain(each) for each in tree]
    return tree


def at(tree: Any, place: Place) -> Any:
    """What stands at a place; None where there is no such place."""
    for step in place:
        try:
            tree = tree[step]
        except (KeyError, IndexError, TypeError):
            return None
    return tree


def put(tree: Any, place: Place, value: Any) -> None:
    """Put a value at a place that is there."""
    at(tree, place[:-1])[place[-1]] = value


def spelled(place: Place) -> str:
    """A place as the program spells it: ``files[2].url``."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


@dataclass(frozen=True)
class Version:
    """A document as it was from a moment on; no tree from when it was deleted."""

    since: int
    tree: Any
    created: int
    updated: int


@dataclass
class Late:
    """A write whose answer was lost and that has not arrived yet."""

    write: Write
    update: Update
    calls_left: int


@dataclass
class Database:
    """The documents, as the application changes them and as the program's store protocol has them.

    ``parts`` is how many parts a scan is divided into. Without ``keeps_versions`` there is no
    reading at a moment.
    """

    world: World
    parts: int = 1
    keeps_versions: bool = True
    lives: dict[str, Life] = field(default_factory=dict)
    late: list[Late] = field(default_factory=list)
    locator: str = "simulated:"
    environment: Environment = Environment.DISPOSABLE
    deleted: int = 0
    versions: dict[str, list[Version]] = field(default_factory=dict)
    _moment: int = 0

    # -- the application ------------------------------------------------------------------------

    def moment(self) -> int:
        """A time of a change; no two changes have the same."""
        self._moment = max(self._moment + 1, int(CLOCK.tick() * 1e6))
        return self._moment

    def create(self, path: str, tree: dict[str, Any]) -> None:
        """Make a document."""
        now = self.moment()
        self.lives[path] = Life(tree, now, now)
        self._remember(path)
        self.world.model.changed()

    def delete(self, path: str) -> None:
        """Delete a document."""
        self.deleted += 1
        del self.lives[path]
        self._remember(path)
        self.world.model.changed()

    def change(self, path: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Let the application change a document. Equal values leave its update time as it was."""
        life = self.lives[path]
        before, strings = plain(life.tree), dict(leaves(life.tree))
        change(life.tree)
        kept = set(map(id, strings.values()))
        for place, leaf in list(leaves(life.tree)):
            old = strings.get(place)
            if old is not None and old.text == leaf.text and id(leaf) not in kept:
                put(life.tree, place, old)  # written again where it stood: nobody can tell
        if plain(life.tree) != before:
            life.updated = self.moment()
        self._remember(path)
        self.world.model.changed()

    def _remember(self, path: str) -> None:
        life = self.lives.get(path)
        if life is None:
            version = Version(self.moment(), None, 0, 0)
        else:
            version = Version(life.updated, copied(life.tree), life.created, life.updated)
        self.versions.setdefault(path, []).append(version)

    # -- the protocol of the program's stores ---------------------------------------------------

    def snapshot(self) -> Snapshot:
        self.world.enter("snapshot")
        if not self.keeps_versions:
            return Snapshot(trouble=NO_VERSIONS)
        return Snapshot(_EPOCH + timedelta(microseconds=self.moment()))

    def partitions(self, query: Query, count: int) -> Sequence[Partition]:
        self.world.enter("partitions")
        bounds = ["users/u2", "users/u4"][: self.parts - 1]
        return [
            Partition("users", first, past)
            for first, past in zip([None, *bounds], [*bounds, None], strict=True)
        ]

    def scan(
        self, query: Query, partition: Partition, after: str | None = None
    ) -> Iterator[Document | Checkpoint]:
        self.world.enter("scan")
        first, past = partition.start, partition.end
        last, read = after, 0
        while True:
            found = [
                path
                for path, life in self._as_of(query.read_time).items()
                if (last is None or path > last)
                and (first is None or path >= first)
                and (past is None or path < past)
            ]
            if not found:
                break
            last, read = min(found), read + 1
            life = self._as_of(query.read_time)[last]
            document = self._document(last, life, query.needles)
            self.world.model.scanned(self.world.process, document, life.tree)
            if document.strings:
                yield document
            if read == 2:
                yield Checkpoint(partition, read, last)
                read = 0
            self.world.enter("scan")
        yield Checkpoint(partition, read, last, done=True)

    def _as_of(self, read_time: datetime | None) -> Mapping[str, Life | Version]:
        """The documents at a read time, or now."""
        if read_time is None:
            return self.lives
        moment = (read_time - _EPOCH) // timedelta(microseconds=1)
        if CLOCK.true * 1e6 - moment > _KEPT:
            raise SnapshotLostError("The read time is more than an hour ago.")
        then = {
            path: next((each for each in reversed(versions) if each.since <= moment), None)
            for path, versions in self.versions.items()
        }
        return {path: each for path, each in then.items() if each and each.tree is not None}

    def get(self, paths: Sequence[str]) -> dict[str, Document]:
        self.world.enter("get")
        found = {
            path: self._document(path, self.lives[path]) for path in paths if path in self.lives
        }
        for path in paths:
            self.world.model.read(self.world.process, path, self.lives.get(path))
        self.world.enter("got")
        return found

    def count(self, query: Query) -> int | None:
        return None

    def count_ranges(self, query: Query, parts: Sequence[Partition]) -> StoreCounts:
        return StoreCounts(trouble="not part of the simulation")

    def write(self, updates: Sequence[Update]) -> list[WriteResult]:
        process = self.world.process
        for update in updates:
            self.world.model.intended(process, update, self.lives.get(update.document.path))
        self.world.enter("write")
        answer, process.answer = process.answer, "given"
        results = []
        for update in updates:
            write = self.world.model.sent(process, update, self.lives.get(update.document.path))
            if answer == "never":
                results.append(WriteResult(write.path, WriteStatus.UNSETTLED))
            elif answer == "late":
                self.late.append(Late(write, update, process.late_by))
                results.append(WriteResult(write.path, WriteStatus.UNSETTLED))
            else:
                results.append(self._arrive(write, update))
        self.world.enter("wrote")
        if answer == "lost":
            return [WriteResult(each.path, WriteStatus.UNSETTLED) for each in results]
        for result in results:
            if result.status is WriteStatus.WRITTEN:
                self.world.model.answered(process, result.path)
        return results

    def close(self) -> None:
        """Nothing is held."""

    def _document(self, path: str, life: Life | Version, needles: Sequence[str] = ()) -> Document:
        strings = tuple(
            (place, leaf.text)
            for place, leaf in leaves(life.tree)
            if not needles or any(needle in leaf.text.lower() for needle in needles)
        )
        return Document(
            path,
            Revision(str(life.updated)),
            strings,
            raw=copied(life.tree),
            created_at=str(life.created),
        )

    # -- writes ---------------------------------------------------------------------------------

    def deliver_late(self, calls: int = 1) -> None:
        """Let writes arrive whose time has come."""
        for late in self.late:
            late.calls_left -= calls
        for late in [each for each in self.late if each.calls_left <= 0]:
            self.late.remove(late)
            self._arrive(late.write, late.update)

    def _arrive(self, write: Write, update: Update) -> WriteResult:
        path, life = write.path, self.lives.get(write.path)
        if life is None or update.document.revision != str(life.updated):
            return WriteResult(path, WriteStatus.STALE)
        before = life.tree
        life.tree = self._edited(write, update, before)
        life.updated = self.moment()
        write.arrived = True
        write.had.update(
            (place, leaf.text) for place, leaf in leaves(before) if leaf.author is None
        )
        self._remember(path)
        self.world.model.arrived(write, life, before)
        return WriteResult(path, WriteStatus.WRITTEN, Revision(str(life.updated)))

    def _edited(self, write: Write, update: Update, before: dict[str, Any]) -> dict[str, Any]:
        """The document with the fields replaced that the write's mask names.

        A mask cannot step into an array: it is replaced whole, from the read that was edited.
        """
        edited = copied(update.document.raw)
        after: dict[str, Any] = copied(before)
        for edit in update.edits:
            old = at(edited, edit.value_path)
            if not isinstance(old, Leaf) or old.text != edit.before:
                self.world.model.report("edit-of-nothing", f"{write.path} {edit.value_path}")
                continue
            put(edited, edit.value_path, self.world.model.leaf_for(write, old, edit.after))
        for mask in masks(edit.value_path for edit in update.edits):
            _put_as_a_server(after, mask, copied(at(edited, mask)))
        return after


def _put_as_a_server(tree: Any, mask: Place, value: Any) -> None:
    """Firestore takes each step of a mask for the name of a field: an array becomes a map."""
    for length in range(1, len(mask)):
        if not isinstance(at(tree, mask[:length]), dict):
            put(tree, mask[:length], {})
    put(tree, mask, value)
