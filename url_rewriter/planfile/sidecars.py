"""The files that SQLite keeps beside a plan file, told from those of another.

While a command adds to a plan file, its newest rows are in ``FILE-wal``; the two are one. When the
command ends they are one file again. After a kill they are not, and a plan file that is copied
alone has lost the end of its journal; its header says so. SQLite does not look: it would read what
is there of the one, and replay a ``-wal`` that was left of another file.

The files that a run is controlled by (see `orders`) stand beside a plan file too. They hold nothing
of what it says, and stand in no other file's way.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from url_rewriter.errors import RefusedError
from url_rewriter.planfile.damage import damaged, reading
from url_rewriter.planfile.wal import is_damaged

APPLICATION_ID = 0x75726C77
"""Marks the file as ours in SQLite's header (the letters ``urlw``)."""

VERSION = 5
"""Raised whenever a reader of the previous version could misread a file."""

_MAGIC = b"SQLite format 3\0"
_FORMAT_VERSIONS = slice(18, 20)
_WRITE_AHEAD = bytes([2, 2])
_USER_VERSION = slice(60, 64)
_APPLICATION = slice(68, 72)
_HEADER = 100

_LOOKS = 10
"""How often to look again while another process begins or ends to write."""


def wal_of(path: Path) -> Path:
    """The file that SQLite puts the newest rows in, until they are moved."""
    return path.with_name(path.name + "-wal")


def sidecars_of(path: Path) -> list[Path]:
    """The files beside a plan file that hold a part of what it says, where there are any."""
    names = (path.name + "-wal", path.name + "-journal")
    return [each for each in map(path.with_name, names) if each.exists()]


def remove(path: Path) -> None:
    """Remove a plan file with everything that is kept beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def orders_of(path: Path, command: str) -> Path:
    """The file that holds what a run of a command is asked from outside."""
    return path.with_name(f"{path.name}.{command}-control")


def presence_of(path: Path, command: str) -> Path:
    """The file that a run of a command locks while it listens to such orders."""
    return path.with_name(f"{path.name}.{command}-run")


@contextmanager
def keeping_wal(path: Path) -> Iterator[None]:
    """A context in which no connection that is closed takes the -wal of a file away.

    SQLite empties and removes it when the last connection closes, whatever the file says of its
    runs. A connection that may only read is open until the end here, and cannot do that itself.
    """
    uri = f"{path.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as reader:
        reader.execute("PRAGMA schema_version").fetchone()  # it is opened when it is first read
        yield


def close_as_it_is(connection: sqlite3.Connection, path: Path) -> None:
    """Close a connection to a file that is not to be used, and change nothing of the file."""
    try:
        with suppress(sqlite3.DatabaseError), keeping_wal(path):
            connection.close()
    finally:
        connection.close()


def is_ours(path: Path) -> bool:
    """Whether this is a file of this program, of whatever version."""
    header = _read_header(path)
    return header.startswith(_MAGIC) and _number(header[_APPLICATION]) == APPLICATION_ID


def lacks_its_wal(path: Path) -> bool:
    """Whether the header says that the newest rows are elsewhere, and they are not beside it."""
    has_wal, writes_ahead = _look(path)
    return writes_ahead and not has_wal


def check_sidecars(path: Path) -> None:
    """Raise RefusedError unless this is a plan file, of this version, with its own sidecars only.

    To be called before SQLite opens the file.
    """
    header = _read_header(path)
    if not header.startswith(_MAGIC):
        raise damaged(path)
    if _number(header[_APPLICATION]) != APPLICATION_ID:
        raise RefusedError(f"{path} is not a plan file: `url-rewriter plan -o FILE` makes one.")
    version = _number(header[_USER_VERSION])
    if version != VERSION:
        raise RefusedError(
            f"{path} is a plan file of version {version}; this program reads version {VERSION}."
            " Use the release that made it, or make the plan again."
        )
    has_wal, writes_ahead = _look(path)
    wal = wal_of(path)
    if writes_ahead and not wal.exists() and _last_run_is_open(path):
        raise RefusedError(
            f"{path}: {wal.name} belongs to it, and is not there: a run was killed, and the end of"
            " its journal is in that file. Put the two side by side, under names that match."
            " Nothing was written. (Only where another SQLite tool has opened and closed"
            f" {path.name} since: that moved it in, and an empty {wal.name} beside it says so.)"
        )
    if writes_ahead and has_wal and is_damaged(wal):
        raise RefusedError(
            f"{path}: {wal.name}, which belongs to it, is damaged. Use a copy of both from before."
            " Nothing was written."
        )
    if not writes_ahead and wal.exists():
        raise RefusedError(
            f"{path}: {wal.name} beside it belongs to another file. Move it to that one, or away."
            " Nothing was written."
        )


def _look(path: Path) -> tuple[bool, bool]:
    """Whether there is a -wal that holds something, and whether the header says that there is."""
    for _ in range(_LOOKS):
        has_wal = _size(wal_of(path)) > 0
        writes_ahead = _read_header(path)[_FORMAT_VERSIONS] == _WRITE_AHEAD
        if has_wal == (_size(wal_of(path)) > 0):
            break
    return has_wal, writes_ahead


def _last_run_is_open(path: Path) -> bool:
    """Whether the file by itself says that a run was begun and has not ended.

    The row of a run is in the file itself before the run adds anything else, and so is the row of
    its end before the -wal is given up: without an open run, nothing is missing.
    """
    uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    with reading(path), closing(sqlite3.connect(uri, uri=True)) as connection:
        row = connection.execute(
            "SELECT n.id FROM runs r LEFT JOIN endings n ON n.run = r.id ORDER BY r.id DESC LIMIT 1"
        ).fetchone()
    return row is not None and row[0] is None


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _read_header(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEADER)


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
