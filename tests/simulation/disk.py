"""Files as a process leaves them that is killed or whose disk is full.

Every connection to SQLite and every rename in the world's folder passes here. What a kill leaves is
what was written until then: committed transactions in the file or its ``-wal``, others half in a
rollback journal. The files of a killed process are put under new inodes, so that nothing the dead
process still holds, locks or cleans up can touch what the next one finds.
"""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from tests.simulation.world import Process, World

SUFFIXES = ("", "-wal", "-journal")
_WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "CREATE", "DROP", "COMMIT", "BEGIN", "PRAGMA")
_TAKES_ROOM = ("INSERT", "UPDATE", "REPLACE", "CREATE", "COMMIT")

_connect: Any = sqlite3.connect
_replace, _unlink, _flock = os.replace, os.unlink, fcntl.flock


class Connection(sqlite3.Connection):
    """A connection that passes the world's points; useless once its process is dead."""

    world: World
    process: Process
    file: Path
    closed = False

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        word = self._before(sql)
        cursor = super().execute(sql, *parameters)
        self._after(word)
        return cursor

    def executemany(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        word = self._before(sql)
        cursor = super().executemany(sql, *parameters)
        self._after(word)
        return cursor

    def executescript(self, script: str) -> sqlite3.Cursor:
        cursor = self.cursor()
        for statement in _statements(script):
            word = self._before(statement)
            cursor = super().execute(statement)
            self._after(word)
        return cursor

    def close(self) -> None:
        if self.process.dead:
            return  # the kernel closes it, not SQLite
        super().close()
        self.closed = True

    def bury(self) -> None:
        """Close what a dead process left open, when nobody needs the files any more."""
        super().close()

    def _before(self, sql: str) -> str:
        word = sql.lstrip().partition(" ")[0].strip(";\n").upper()
        if word.startswith("--"):
            word = "CREATE"
        if self.process.dead:
            self.world.die()
        if word in _WRITES:
            self.world.enter("sql", self.process)
            if self.process.full and word in _TAKES_ROOM:
                if self.process.full == "undone" and self.in_transaction:
                    super().execute("ROLLBACK")
                raise sqlite3.OperationalError("database or disk is full")
        return word

    def _after(self, word: str) -> None:
        if word in _WRITES and not self.in_transaction:
            self.world.enter("committed", self.process)


@functools.lru_cache(maxsize=64)
def _statements(script: str) -> list[str]:
    statements, so_far = [], ""
    for part in script.split(";"):
        so_far += part + ";"
        if sqlite3.complete_statement(so_far):
            if so_far.strip(" \n;"):
                statements.append(so_far)
            so_far = ""
    return statements


def _file_of(database: str | Path) -> Path | None:
    text = os.fspath(database)
    if text.startswith("file:"):
        text = unquote(urlsplit(text).path)
    return Path(text) if text and text != ":memory:" else None


def _calls(world: World) -> tuple[Callable[..., None], Callable[..., None], Callable[..., None]]:
    """``os.replace``, ``os.unlink`` and ``fcntl.flock``, as processes of this world call them."""

    def replace(source: Any, target: Any, **options: Any) -> None:
        if not _inside(world, target):
            _replace(source, target, **options)
            return
        world.enter("rename")
        world.model.replacing(world.process, Path(source), Path(target))
        _replace(source, target, **options)
        world.enter("renamed")

    def unlink(path: Any, **options: Any) -> None:
        if options.get("dir_fd") is None and _inside(world, path):
            world.enter("unlink")
            world.model.unlinking(world.process, Path(path))
        elif world.process_or_none is not None and world.process.dead:
            world.die()
        _unlink(path, **options)

    def flock(descriptor: Any, operation: int) -> None:
        _flock(descriptor, operation)
        if world.process_or_none is not None and isinstance(descriptor, int):
            world.process.locks.append((descriptor, os.fstat(descriptor).st_ino))

    return replace, unlink, flock


@contextmanager
def watched(world: World) -> Iterator[None]:
    """Have every connection and rename pass the world's points meanwhile."""

    def connect(database: Any, *arguments: Any, **options: Any) -> sqlite3.Connection:
        file = _file_of(database)
        process = world.process_or_none
        if process is None or file is None:
            plain: sqlite3.Connection = _connect(database, *arguments, **options)
            return plain
        if process.dead:
            world.die()
        connection: Connection = _connect(database, *arguments, factory=Connection, **options)
        connection.world, connection.process, connection.file = world, process, file.resolve()
        process.connections.append(connection)
        if connection.file == process.path and process.verb != "plan":
            process.plan = world.model.files.get(process.path)  # it may be another than at first
        return connection

    replace, unlink, flock = _calls(world)
    sqlite3.connect = connect  # type: ignore[assignment]  # one of its signatures is enough
    os.replace, os.rename, os.unlink, os.remove, fcntl.flock = (
        replace, replace, unlink, unlink, flock,
    )  # fmt: skip
    try:
        yield
    finally:
        sqlite3.connect, os.replace, os.rename, os.unlink, os.remove, fcntl.flock = (
            _connect, _replace, _replace, _unlink, _unlink, _flock,
        )  # fmt: skip


def _inside(world: World, path: Any) -> bool:
    return world.process_or_none is not None and Path(path).parent == world.folder


def freeze(process: Process) -> None:
    """Put the files of a process that is being killed under new inodes, as they are now."""
    for file in {connection.file for connection in process.connections}:
        for suffix in SUFFIXES:
            path = file.with_name(file.name + suffix)
            if path.exists():
                frozen = path.with_name(path.name + ".frozen")
                shutil.copy(path, frozen)
                _replace(frozen, path)
        with_shared_memory = file.with_name(file.name + "-shm")
        if with_shared_memory.exists():
            _unlink(with_shared_memory)


def release_locks(process: Process) -> None:
    """Close descriptors that a killed process still locks files with, as its kernel would."""
    for descriptor, inode in process.locks:
        try:
            if os.fstat(descriptor).st_ino == inode:
                os.close(descriptor)
        except OSError:
            pass


def copy_file(source: Path, target: Path, *, with_wal: bool) -> None:
    """Copy a plan file as an operator does; what stood at ``target`` goes."""
    for suffix in (*SUFFIXES, "-shm"):
        stale = target.with_name(target.name + suffix)
        if stale.exists():
            _unlink(stale)
    shutil.copy(source, target)
    wal = source.with_name(source.name + "-wal")
    if with_wal and wal.exists():
        shutil.copy(wal, target.with_name(target.name + "-wal"))


def remove_file(path: Path) -> None:
    """Remove one file."""
    _unlink(path)


def cut_file(path: Path, share: float) -> None:
    """Cut a file off behind a share of it."""
    os.truncate(path, int(path.stat().st_size * share))


def tamper(path: Path, how: str) -> bool:
    """Change a plan file by hand; whether there was anything to change."""
    connection = _connect(path)
    try:
        if how == "trigger":
            connection.execute(
                "CREATE TRIGGER IF NOT EXISTS helpful AFTER INSERT ON runs BEGIN"
                " UPDATE strings SET after = 'https://evil.example/' WHERE after IS NOT NULL; END"
            )
        elif how == "edit":
            changed = connection.execute("UPDATE strings SET after = 'https://evil.example/'")
        else:
            changed = connection.execute(
                "UPDATE journal SET edits = replace(edits, 'old-bucket', 'odd-bucket')"
            )
        connection.commit()
    finally:
        connection.close()
    return how == "trigger" or bool(changed.rowcount)
