"""Whether a new plan file may take a name: never that of a file that holds a journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from url_rewriter.errors import RefusedError
from url_rewriter.planfile import schema, sidecars
from url_rewriter.planfile.damage import reading
from url_rewriter.planfile.endings import become_one_file
from url_rewriter.planfile.lock import FileLock
from url_rewriter.text import counted


def require_replaceable(path: Path, part: Path) -> None:
    """Raise RefusedError where a plan, drafted in ``part``, could not have the name ``path``."""
    with replaceable(path, part):
        pass


@contextmanager
def replaceable(path: Path, part: Path) -> Iterator[None]:
    """A context in which a plan, drafted in ``part``, may take the name ``path``.

    What has the name is locked meanwhile: no apply can begin with it. Raises RefusedError where it
    holds a journal, another process works with it, or where files are beside the name that belong
    to no file there: SQLite would take them for the new one's.
    """
    if not path.exists():
        _refuse_sidecars(path, part)
        yield
        return
    try:
        lock = FileLock(path)
    except RefusedError as error:
        raise RefusedError(f"{error} {_finish_elsewhere(path, part)}") from error
    try:
        _refuse_a_journal(path, part)
        yield
    finally:
        lock.release()


def _refuse_a_journal(path: Path, part: Path) -> None:
    with closing(schema.connect(path, writable=False)) as connection, reading(path):
        writes = _count_entries(connection)
    if writes:
        raise RefusedError(
            f"{path} was applied and is the only way to undo its {counted(writes, 'write')};"
            f" it is not replaced. {_finish_elsewhere(path, part)}"
        )
    if sidecars.sidecars_of(path):  # a run was killed before it wrote anything
        become_one_file(schema.connect(path, writable=True), path)
    _refuse_sidecars(path, part)


def require_draft(part: Path) -> None:
    """Raise RefusedError for a file that is no draft, or that holds a journal."""
    if not sidecars.is_ours(part):
        raise RefusedError(f"{part} is in the way, and is not a plan file. Move it away.")
    uri = f"{part.resolve().as_uri()}?mode=ro"
    with reading(part), closing(sqlite3.connect(uri, uri=True)) as connection:
        writes = _count_entries(connection)
    if writes:
        raise RefusedError(
            f"{part} is in the way: it was applied and is the only way to undo its"
            f" {counted(writes, 'write')}. Give it another name."
        )


def _count_entries(connection: sqlite3.Connection) -> int:
    (entries,) = connection.execute("SELECT count(*) FROM journal").fetchone()
    return int(entries)


def _refuse_sidecars(path: Path, part: Path) -> None:
    if beside := sidecars.sidecars_of(path):
        names = ", ".join(each.name for each in beside)
        raise RefusedError(
            f"{path}: {names} beside it belongs to a plan file that is not there any more, and may"
            f" hold the end of its journal. Move it to that file, or away. "
            f"{_finish_elsewhere(path, part)}"
        )


def _finish_elsewhere(path: Path, part: Path) -> str:
    """How to keep a plan that was made, and whose name was taken meanwhile."""
    if not part.exists():
        return "Give the new plan another name."
    return (
        f"The new plan is kept in {part.name}: to finish it, rename that to NEW.part and run the"
        " same command with -o NEW."
    )
