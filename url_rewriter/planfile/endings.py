"""How runs ended: the last row that a run adds, before its file is one file again."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from url_rewriter.planfile import chain
from url_rewriter.planfile.schema import transaction

_PATIENCE = 0.5  # seconds to wait for readers

_OPEN = "SELECT r.id FROM runs r WHERE NOT EXISTS (SELECT 1 FROM endings n WHERE n.run = r.id)"


def end_killed_runs(connection: sqlite3.Connection) -> None:
    """Say of runs without an ending that they were killed; part of a transaction that adds."""
    connection.execute(f"INSERT INTO endings (run, result) SELECT id, 'killed' FROM ({_OPEN})")


def become_one_file(connection: sqlite3.Connection, path: Path) -> None:
    """Close a connection; end what was killed, which misses nothing any more, and the -wal.

    Where the disk refuses, or another process reads the file, the next command that writes to it
    does it.
    """
    with (
        suppress(sqlite3.OperationalError),
        closing(sqlite3.connect(path, timeout=_PATIENCE)) as last,
    ):
        last.isolation_level = None
        (mode,) = last.execute("PRAGMA journal_mode").fetchone()
        connection.close()
        if mode == "wal":
            if last.execute(_OPEN).fetchone() is not None:
                with transaction(last):
                    end_killed_runs(last)
                    chain.add_link(last)
            last.execute("PRAGMA journal_mode=DELETE")
    connection.close()
