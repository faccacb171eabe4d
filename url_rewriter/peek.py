"""Names that stand in plan files and rules files, found at a glance: for completion in a shell.

Nothing is checked and nothing is written, not even beside a plan file; what cannot be read has no
names. Neither the grammar nor a parser of rules is loaded, so that a shell need not wait. A name
that a shell would not take as it is, is left out: a plan file may come from elsewhere, and what is
completed is run.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

_MOST = 100  # names; more are no help to choose from
_SAMPLE = 300  # documents of each collection at the root whose paths are looked at
_STEPS = 200_000  # of SQLite's machine, some 20 ms: then the rest is left out
_PLAIN = re.compile(r"[\w.@%+=:,][\w./@%+=:,-]*")  # no character that a shell gives a meaning
_RULE = re.compile(r"""^\s*(?:-\s*)?(?:\{\s*)?name:\s*["']?([^\s"',#}]+)""", re.MULTILINE)
_LONGEST = 1 << 20  # bytes of a rules file


def rules_of_plan(path: Path) -> list[str]:
    """The names of the rules that a plan was made by."""

    def read(connection: sqlite3.Connection) -> Iterator[str]:
        [(text,)] = connection.execute("SELECT value FROM header WHERE name = 'rules'")
        for rule in json.loads(text)["rules"]:
            yield rule["name"]

    return _names(path, read)


def rules_of_file(path: Path) -> list[str]:
    """The names of the rules in a rules file."""
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return _plain(_RULE.findall(file.read(_LONGEST)))
    except OSError:
        return []


def documents_of_plan(path: Path, beginning: str) -> list[str]:
    """The paths of documents of a plan that begin so."""

    def read(connection: sqlite3.Connection) -> Iterator[str]:
        rows = connection.execute(
            "SELECT path FROM documents WHERE path >= ? AND path < ? ORDER BY path LIMIT ?",
            (beginning, beginning + "\U0010ffff", _MOST),
        )
        return (path for (path,) in rows)

    return _names(path, read)


def collections_of_plan(path: Path) -> list[str]:
    """The names of collections that documents of a plan are in; of a large plan not all."""

    def read(connection: sqlite3.Connection) -> Iterator[str]:
        after = ""
        for _ in range(_MOST):
            rows = connection.execute(
                "SELECT path FROM documents WHERE path > ? ORDER BY path LIMIT ?", (after, _SAMPLE)
            ).fetchall()
            for (path,) in rows:
                yield path.split("/")[-2]
            if len(rows) < _SAMPLE:
                return
            root, slash, _ = rows[-1][0].partition("/")
            after = f"{root}{chr(ord(slash) + 1)}"  # behind all that is below that collection

    return _names(path, read)


def _names(path: Path, read: Callable[[sqlite3.Connection], Iterator[str]]) -> list[str]:
    """What ``read`` yields, as far as it comes."""
    found: dict[str, None] = {}
    if not path.is_file():  # a pipe, say, would be waited for
        return []
    try:
        # Immutable: SQLite makes no file beside it, takes no lock, and replays no sidecar.
        address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(address, uri=True)) as connection:
            connection.set_progress_handler(lambda: 1, _STEPS)
            for name in read(connection):
                found[name] = None
                if len(found) >= _MOST:
                    break
    except (sqlite3.Error, OSError, ValueError, LookupError, TypeError, RecursionError):
        pass  # a shell asks in the middle of a line: it is no place for a message
    return _plain(found)


def _plain(names: Iterable[object]) -> list[str]:
    return [each for each in names if isinstance(each, str) and _PLAIN.fullmatch(each)]
