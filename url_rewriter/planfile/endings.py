"""How runs ended: the last row that a run adds, before its file is one file again."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from url_rewriter.planfile import chain
from url_rewriter.planfile.schema import transaction
from url_rewriter.planfile.sidecars import keeping_wal

_PATIENCE = 0.5  # seconds to wait for readers

_OPEN = "SELECT r.id FROM runs r WHERE NOT EXISTS (SELECT 1 FROM endings n WHERE n.run = r.id)"


def end_killed_runs(connection: sqlite3.Connection) -> None:
    """Say of runs without an ending that they were killed; part of a transaction that adds."""
    connection.execute(f"INSERT INTO endings (run, result) SELECT id, 'killed' FROM ({_OPEN})")


def become_one_file(connection: sqlite3.Connection, path: Path) -> None:
    """Close a connection; end what was killed, which misses nothing any more, and then the -wal.

    Never is the -wal given up while the file says that a run has not ended: such a file lacks a
    part. Where the disk refuses, or another process reads the file, the next command that writes to
    it does it.
    """
    try:
        with suppress(sqlite3.OperationalError):
            with keeping_wal(path):
                connection.close()
                with closing(_open(path)) as last:
                    _end_open_runs(last)
            with closing(_open(path)) as last:
                last.execute("PRAGMA journal_mode=DELETE")
    finally:
        connection.close()


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)


def _end_open_runs(connection: sqlite3.Connection) -> None:
    if connection.execute(_OPEN).fetchone() is not None:
        with transaction(connection):
            end_killed_runs(connection)
            chain.add_link(connection)
