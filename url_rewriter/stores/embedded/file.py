"""The JSON Lines file: read whole, replaced whole, written by one process at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeAlias

from url_rewriter.concurrency.retry import Attempts, Backoff
from url_rewriter.errors import (
    ConfigurationError,
    NotPermittedError,
    ServiceError,
    UrlRewriterError,
)

State: TypeAlias = tuple[int, int, int, int]
"""What tells one content of a file from another without reading it."""

LOCK_WAIT = Backoff(seconds=30.0, first_pause=0.02, growth=1.0)
"""How long a lock that another process holds is waited for."""


def state_of(file: BinaryIO) -> State:
    """The state of an open file: device, inode, size, modification time in nanoseconds."""
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file, for reading. Raises ConfigurationError, NotPermittedError or ServiceError."""
    with _translated(path, "read"), path.open("rb") as file:
        yield file


@contextmanager
def locked(path: Path, wait: Backoff) -> Iterator[BinaryIO]:
    """The file, with no other writer at it until the block ends.

    Opened for writing, though nothing is written to it: a file that may not be written is not to be
    replaced either. Raises as ``opened`` does, and ServiceError when the lock stays taken.
    """
    with _translated(path, "write"):
        for _ in Attempts(wait):
            with path.open("r+b") as file:
                if _lock(file) and _is_at(file, path):
                    yield file
                    return
        raise ServiceError(f"{path}: another process has held its lock for too long")


def _lock(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Whether ``path`` still names this file: the lock's last holder may have replaced it."""
    return os.path.samestat(os.fstat(file.fileno()), path.stat())


def replace(path: Path, old: BinaryIO, content: Iterable[bytes]) -> State:
    """Put a file with ``content`` in place of ``old``, durable on return; mode and owner are kept.

    At any instant ``path`` names the whole old file or the whole new one.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as new:
            new.writelines(content)
            _take_after(old, new)
            new.flush()
            _stamp(new)
            os.fsync(new.fileno())
            state = state_of(new)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)
    return state


def _take_after(old: BinaryIO, new: BinaryIO) -> None:
    status = os.fstat(old.fileno())
    with suppress(PermissionError):  # only root may give files away
        os.fchown(new.fileno(), status.st_uid, status.st_gid)
    os.fchmod(new.fileno(), status.st_mode & 0o7777)


def _stamp(new: BinaryIO) -> None:
    # The kernel's own stamps move only a few hundred times a second, too coarse to tell two
    # replacements apart when the second happens to get the first one's inode.
    now = time.time_ns()
    os.utime(new.fileno(), ns=(now, now))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated(path: Path, verb: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _explained(error, path, verb) from error


def _explained(error: OSError, path: Path, verb: str) -> UrlRewriterError:
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return ConfigurationError(
                f"{path}: no such file; the embedded store reads an existing JSON Lines file,"
                " one document a line"
            )
        case errno.EISDIR:
            return ConfigurationError(f"{path}: a folder; the embedded store needs a file")
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return NotPermittedError(
                f"{path}: no permission to {verb} it ({error.strerror});"
                " its folder must be writable too, the file is replaced as a whole"
                if verb == "write"
                else f"{path}: no permission to read it ({error.strerror})"
            )
        case _:
            return ServiceError(f"{path}: cannot {verb} it ({error.strerror or error})")
