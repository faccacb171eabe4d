"""One process at a time writes to a plan file."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from url_rewriter.errors import RefusedError, ServiceError


class FileLock:
    """An advisory lock on a file, held until released or until the process ends, however it ends.

    Raises RefusedError while another process holds it. It must be released after the database that
    is kept in the file was closed: closing any descriptor of a file drops SQLite's own locks on it.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = _lock(path)
        while not _is_still(path, self._descriptor):
            os.close(self._descriptor)  # another file was put there before this one was locked
            self._descriptor = _lock(path)

    def release(self) -> None:
        """Let the next process have the file."""
        os.close(self._descriptor)


def _lock(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError as error:
        raise ServiceError(f"{path}: cannot be opened for writing: {error.strerror}.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise RefusedError(
            f"{path}: another process is working with this plan file. Wait until it has ended."
        ) from error
    return descriptor


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether the file that was locked is the one that has this name now."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
