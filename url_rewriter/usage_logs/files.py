"""Log files: single ones, folders of them, standard input; compressed by gzip or not."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from url_rewriter.errors import ConfigurationError, ServiceError

STDIN = "-"
_GZIP = b"\x1f\x8b"
_BUFFER = 1 << 20
_LOOKS_LIKE_STORAGE = "_storage_"
"""In the names of the daily files beside usage logs, which tell how much a bucket holds."""


def find_logs(names: Iterable[str]) -> list[str]:
    """The log files that names mean, in order: a folder is all files below it, in name order.

    Files of storage logs, which are beside them, are left out of folders. Raises
    ConfigurationError for a name of nothing.
    """
    found: list[str] = []
    for name in names:
        path = Path(name)
        if name == STDIN or path.is_file():
            found.append(name)
        elif path.is_dir():
            files = sorted(each for each in path.rglob("*") if each.is_file())
            found += [str(each) for each in files if _LOOKS_LIKE_STORAGE not in each.name]
        else:
            raise ConfigurationError(f"{name}: there is no such file or folder.")
    if not found:
        raise ConfigurationError("There is no log file in the folders that were named.")
    return found


@contextmanager
def opened_log(name: str) -> Iterator[Iterable[bytes]]:
    """The lines of a log file, with their ends. Raises ServiceError where it cannot be read."""
    try:
        if name == STDIN:
            yield _lines(sys.stdin.buffer)
            return
        with Path(name).open("rb", buffering=_BUFFER) as file:
            yield _lines(file)
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or str(error) or "it is damaged"
        raise ServiceError(f"{name}: cannot be read to its end: {why}.") from error


def _lines(file: BinaryIO) -> Iterable[bytes]:
    peek = getattr(file, "peek", None)
    if peek is not None and peek(2)[:2] == _GZIP:
        return cast("Iterable[bytes]", gzip.open(file, "rb"))
    return file
