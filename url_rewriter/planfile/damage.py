"""What is said of a plan file that cannot be read: that it is damaged, or what is in the way.

Two contexts: ``translated`` for statements, ``reading`` for what makes values of rows as well. No
message repeats what SQLite says of damage, which may quote the file, and so a signed URL.
"""

from __future__ import annotations

import functools
import inspect
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from url_rewriter.errors import RefusedError, ServiceError

T = TypeVar("T")

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_OF_THE_DISK = {
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_NOLFS, sqlite3.SQLITE_INTERRUPT,
}  # fmt: skip

_UNREADABLE = (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError)
"""What it raises to make a value of a cell that holds something else than this program wrote."""


@contextmanager
def translated(path: Path, what: str = "the plan file") -> Iterator[None]:
    """Say what SQLite's errors mean for an operator.

    Raises RefusedError where the file is damaged or another process keeps it busy, and ServiceError
    where the disk fails.
    """
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # a mistake of this program
    except sqlite3.DatabaseError as error:
        code = _code_of(error)
        if code in _BUSY:
            raise RefusedError(
                f"{path}: another process is working with {what}. Wait until it has ended."
            ) from error
        if code in _OF_THE_DISK:
            raise ServiceError(
                f"{path}: {what} cannot be used: {error}. Make sure that the disk has room "
                "and the folder can be written, then run the same command again."
            ) from error
        raise damaged(path) from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """A context for making values of rows: a row that holds something else is damage as well."""
    with translated(path):
        try:
            yield
        except _UNREADABLE as error:
            raise damaged(path) from error


def damaged(path: Path) -> RefusedError:
    """The error for a file that is not what this program wrote."""
    return RefusedError(
        f"{path} is not a plan file, or is damaged. Use a copy of it from before, or make the plan"
        " again."
    )


def _code_of(error: sqlite3.DatabaseError) -> int:
    """SQLite's primary code; Python itself raises some errors, which have none."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return int(code) & 0xFF
    of_a_cell = "decode" in str(error) or not isinstance(error, sqlite3.OperationalError)
    return sqlite3.SQLITE_CORRUPT if of_a_cell else sqlite3.SQLITE_FULL


def read_safely(of_a_file: type[T]) -> type[T]:
    """Have every public method of a class with a ``path`` run in ``reading``, its iterators too."""
    for name, method in vars(of_a_file).items():
        if inspect.isfunction(method) and not name.startswith("_"):
            setattr(of_a_file, name, _safe(method))
    return of_a_file


def _safe(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: Any, *arguments: Any, **options: Any) -> Any:
        with reading(self.path):
            result = method(self, *arguments, **options)
        return _iterated(self.path, result) if isinstance(result, Iterator) else result

    return call


def _iterated(path: Path, values: Iterator[Any]) -> Iterator[Any]:
    with reading(path):
        yield from values
