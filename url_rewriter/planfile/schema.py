"""The tables of a plan file, and how one is opened.

A plan file opens with any SQLite tool. Rows are only added once it is sealed: evidence that is
gathered again is a new row, and the newest of a target counts.
"""

from __future__ import annotations

import functools
import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from url_rewriter.errors import ConfigurationError, RefusedError, ServiceError
from url_rewriter.planfile.damage import reading, translated
from url_rewriter.planfile.sidecars import APPLICATION_ID, VERSION, check_sidecars, close_as_it_is
from url_rewriter.planfile.views import add_views

TABLES = """
CREATE TABLE header (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- How far each part of the scan has come: what was read is billed, and is not read again.
CREATE TABLE partitions (
    id INTEGER PRIMARY KEY, root TEXT NOT NULL, first TEXT, past TEXT, last TEXT,
    documents INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE documents (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, revision TEXT NOT NULL
) STRICT;

-- Every string that holds a URL; `after` is null where it stays as it is. `doubtful`: it takes an
-- object to tell if something in it is a URL.
CREATE TABLE strings (
    id INTEGER PRIMARY KEY, document INTEGER NOT NULL REFERENCES documents,
    value_path TEXT NOT NULL, before TEXT NOT NULL, doubtful INTEGER NOT NULL, after TEXT
) STRICT;
CREATE INDEX strings_of_document ON strings (document);

CREATE TABLE targets (
    id INTEGER PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, UNIQUE (bucket, key)
) STRICT;

CREATE TABLE evidence (
    id INTEGER PRIMARY KEY, target INTEGER NOT NULL REFERENCES targets, state TEXT NOT NULL,
    method TEXT NOT NULL, checked_at TEXT NOT NULL, size INTEGER, etag TEXT, content_type TEXT,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX evidence_of_target ON evidence (target, id);

-- What the written URL gives without credentials; the newest row of a target counts.
CREATE TABLE access (
    id INTEGER PRIMARY KEY, target INTEGER NOT NULL REFERENCES targets, access TEXT NOT NULL,
    checked_at TEXT NOT NULL, detail TEXT NOT NULL
) STRICT;
CREATE INDEX access_of_target ON access (target, id);

-- How a target compares with an object that moved there; the newest row of a pair counts. Bucket
-- and key are the source's, empty where the source is not known.
CREATE TABLE comparisons (
    id INTEGER PRIMARY KEY, target INTEGER NOT NULL REFERENCES targets, bucket TEXT NOT NULL,
    key TEXT NOT NULL, agreement TEXT NOT NULL, measure TEXT, checked_at TEXT NOT NULL,
    size INTEGER, crc32c TEXT, md5 TEXT, detail TEXT NOT NULL
) STRICT;
CREATE INDEX comparisons_of_target ON comparisons (target, id);

-- One URL in one string, with its status. `choices` are the source and the target of each reading
-- that a rule takes, likeliest first, where there are several.
CREATE TABLE occurrences (
    id INTEGER PRIMARY KEY, string INTEGER NOT NULL REFERENCES strings,
    first INTEGER NOT NULL, past INTEGER NOT NULL, status TEXT NOT NULL, blocks INTEGER NOT NULL,
    form TEXT, layer TEXT, bucket TEXT, key TEXT, rule TEXT, target INTEGER REFERENCES targets,
    url TEXT, reading TEXT, choices TEXT, remark TEXT
) STRICT;
CREATE INDEX occurrences_of_string ON occurrences (string);

CREATE TABLE findings (
    id INTEGER PRIMARY KEY, code TEXT NOT NULL, severity TEXT NOT NULL, document TEXT NOT NULL,
    value_path TEXT NOT NULL, detail TEXT NOT NULL
) STRICT;

-- From here on rows are only added, and each transaction that adds some ends with a link of the
-- chain. So they are to evidence, once the plan is sealed.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, command TEXT NOT NULL, started_at TEXT NOT NULL, who TEXT NOT NULL,
    version TEXT NOT NULL
) STRICT;

-- How a run ended; one that was killed has no row until the file is next written to.
CREATE TABLE endings (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL UNIQUE REFERENCES runs, ended_at TEXT, result TEXT
) STRICT;

-- A row is durable before its write is sent. `revision` and `created_at` (null where the store does
-- not tell it) are of the document as it was read for the write. `standing` are strings of it that
-- named a target of the write already, as [value path, text]: the application's own.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs, operation TEXT NOT NULL,
    document INTEGER NOT NULL REFERENCES documents, revision TEXT NOT NULL, created_at TEXT,
    edits TEXT NOT NULL, standing TEXT NOT NULL DEFAULT '[]', urls INTEGER NOT NULL,
    sent_at TEXT NOT NULL
) STRICT;
CREATE INDEX journal_of_document ON journal (document, id);

-- What is known of an entry's write; the newest row of an entry counts. An entry without a row was
-- sent, or about to be, when its run ended.
CREATE TABLE answers (
    id INTEGER PRIMARY KEY, entry INTEGER NOT NULL REFERENCES journal, run INTEGER NOT NULL
    REFERENCES runs, status TEXT NOT NULL, revision TEXT, detail TEXT NOT NULL
) STRICT;
CREATE INDEX answers_to_entry ON answers (entry, id);

-- What became of a document; the newest row of a document counts. `outcome` is null from when
-- another operation begins with the document until it has an outcome of its own. `urls` says what
-- became of its URLs, by word; `live`: a rollback left some of ours there that it may put back yet.
CREATE TABLE outcomes (
    id INTEGER PRIMARY KEY, document INTEGER NOT NULL REFERENCES documents, run INTEGER NOT NULL
    REFERENCES runs, operation TEXT NOT NULL, outcome TEXT, detail TEXT NOT NULL,
    urls TEXT NOT NULL DEFAULT '{}', live INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX outcomes_of_document ON outcomes (document, id);

-- What `verify` said of the live database. `gates` and `counts` are JSON. The newest row counts,
-- unless another command added to the file since.
CREATE TABLE verdicts (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs, decided_at TEXT NOT NULL,
    readiness TEXT NOT NULL, headline TEXT NOT NULL, gates TEXT NOT NULL, counts TEXT NOT NULL,
    read_at TEXT NOT NULL, read_remark TEXT NOT NULL, limits TEXT NOT NULL,
    rules_digest TEXT NOT NULL
) STRICT;

-- What `control` asked of a run from outside, as the run heard it. Orders to `plan` are in the
-- header, since they come before the seal.
CREATE TABLE controls (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs, verb TEXT NOT NULL, rate REAL,
    who TEXT NOT NULL, asked_at TEXT NOT NULL, heard_at TEXT NOT NULL
) STRICT;

-- What usage logs said of requests for old objects. `gate` and `report` are JSON. The newest row
-- counts, unless the database was written to since.
CREATE TABLE traffic (
    id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs, decided_at TEXT NOT NULL,
    gate TEXT NOT NULL, report TEXT NOT NULL
) STRICT;

-- Each link binds the rows up to the ids that it names, behind those of the link before.
CREATE TABLE chain (
    id INTEGER PRIMARY KEY, runs INTEGER NOT NULL, endings INTEGER NOT NULL,
    evidence INTEGER NOT NULL, journal INTEGER NOT NULL, answers INTEGER NOT NULL,
    outcomes INTEGER NOT NULL, verdicts INTEGER NOT NULL, controls INTEGER NOT NULL,
    traffic INTEGER NOT NULL, link TEXT NOT NULL
) STRICT;

-- Uploads in parts that `copy` began and has not ended. Nothing binds it.
CREATE TABLE uploads (
    bucket TEXT NOT NULL, key TEXT NOT NULL, upload TEXT NOT NULL, begun_at TEXT NOT NULL,
    PRIMARY KEY (bucket, key, upload)
) STRICT, WITHOUT ROWID;
"""


class transaction:  # noqa: N801 - reads as a statement: with transaction(connection)
    """One SQLite transaction: committed at the end, rolled back on an error."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is None:
            self._connection.execute("COMMIT")
        else:
            roll_back(self._connection)


def roll_back(connection: sqlite3.Connection) -> None:
    """Undo a transaction, unless SQLite has done so itself, as where the disk is full."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def create(path: Path) -> sqlite3.Connection:
    """Make a new plan file, readable by its owner only, since it holds whole URLs.

    It has all its tables, or is empty. Raises ConfigurationError when there is no such folder,
    ServiceError when the file cannot be made in it.
    """
    if not path.parent.is_dir():
        raise ConfigurationError(f"{path}: there is no folder {path.parent}; make it first.")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise ServiceError(f"{path}: cannot make a plan file there: {error.strerror}.") from error
    with translated(path):
        connection = sqlite3.connect(path, isolation_level=None)
        make_tables(connection)
    return connection


def create_unnamed() -> sqlite3.Connection:
    """Make a plan file that no other process sees, and that is gone when this one ends.

    SQLite keeps it in a file in its folder for temporary files, which it removes as soon as it has
    opened it: whatever ends the process leaves nothing behind.
    """
    connection = sqlite3.connect("", isolation_level=None)
    connection.executescript("PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF;")
    make_tables(connection)
    return connection


def make_tables(connection: sqlite3.Connection) -> None:
    """Make all tables of a plan file, or none."""
    _defend(connection)
    with transaction(connection):
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={VERSION}")
        for statement in _statements():
            connection.execute(statement)
    add_views(connection)


@functools.cache
def _statements() -> tuple[str, ...]:
    """The statements that make the tables, one by one, as SQLite keeps them."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(TABLES)
        rows = connection.execute("SELECT sql FROM sqlite_master WHERE sql NOTNULL ORDER BY rowid")
        return tuple(sql for (sql,) in rows)


def connect(path: Path, *, writable: bool) -> sqlite3.Connection:
    """Open an existing plan file; one that is not ``writable`` cannot be changed by accident.

    Raises ConfigurationError when there is no such file, RefusedError for one that is not a plan
    file, is of another version, holds anything else than the tables of a plan file, or lacks what
    belongs to it; ServiceError for one that cannot be read.
    """
    if not path.is_file():
        raise ConfigurationError(
            f"{path}: there is no such plan file. `url-rewriter plan -o` makes one."
        )
    try:
        check_sidecars(path)
    except OSError as error:
        raise ServiceError(f"{path}: cannot be read: {error.strerror}.") from error
    mode = "rw" if writable else "ro"
    with reading(path):
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode={mode}", uri=True, isolation_level=None
        )
        try:
            _defend(connection)
            _require_own_schema(connection, path)
            add_views(connection)
        except BaseException:
            close_as_it_is(connection, path)
            raise
    return connection


def _defend(connection: sqlite3.Connection) -> None:
    """Believe nothing that a file says beside its rows."""
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA cell_size_check=ON")
    if sys.version_info >= (3, 12):
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_TRIGGER, False)


_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"


@functools.cache
def _own_schema() -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(TABLES)
        return connection.execute(_SCHEMA).fetchall()


def _require_own_schema(connection: sqlite3.Connection, path: Path) -> None:
    """Raise RefusedError unless the tables are exactly those that this program makes.

    A trigger or a view would run as part of this program's own statements.
    """
    if connection.execute(_SCHEMA).fetchall() != _own_schema():
        raise RefusedError(
            f"{path}: its tables are not those of a plan file: something was added, changed or"
            " removed by other means. Nothing of it is read. Use a copy of it from before, or make"
            " the plan again."
        )


def is_sound(connection: sqlite3.Connection) -> bool:
    """Whether SQLite finds every table, index and page of a file in order."""
    return bool(connection.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",))


def copy_unnamed(path: Path) -> sqlite3.Connection:
    """A copy of a plan file, made even while it is written to, as ``create_unnamed`` makes one."""
    with translated(path):
        copied = sqlite3.connect("", isolation_level=None)
        with closing(connect(path, writable=False)) as source:
            source.backup(copied)
        copied.executescript("PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF;")
        _defend(copied)
        add_views(copied)
    return copied
