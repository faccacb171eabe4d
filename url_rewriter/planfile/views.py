"""What every connection to a plan file offers beside its tables: views and functions.

They belong to the connection: the file and its seal stay as they are.
"""

from __future__ import annotations

import functools
import sqlite3

from url_rewriter.documents import collection_of
from url_rewriter.errors import ConfigurationError
from url_rewriter.findings import severity_of
from url_rewriter.rules import CollectionPattern, PatternError

_VIEWS = """
CREATE TEMP VIEW newest_evidence AS SELECT * FROM evidence e
    WHERE id = (SELECT max(id) FROM evidence WHERE target = e.target);
CREATE TEMP VIEW newest_access AS SELECT * FROM access a
    WHERE id = (SELECT max(id) FROM access WHERE target = a.target);
CREATE TEMP VIEW newest_comparison AS SELECT * FROM comparisons c
    WHERE id = (SELECT max(id) FROM comparisons
                WHERE target = c.target AND bucket = c.bucket AND key = c.key);
CREATE TEMP VIEW newest_outcome AS SELECT * FROM outcomes x WHERE outcome IS NOT NULL
    AND id = (SELECT max(id) FROM outcomes WHERE document = x.document);
CREATE TEMP VIEW newest_rollback AS SELECT * FROM outcomes x WHERE outcome IS NOT NULL
    AND id = (SELECT max(id) FROM outcomes
              WHERE document = x.document AND operation = 'rollback');
CREATE TEMP VIEW entries AS
    SELECT j.*, a.status, a.revision AS new_revision, coalesce(a.detail, '') AS detail
    FROM journal j LEFT JOIN answers a
    ON a.id = (SELECT max(id) FROM answers WHERE entry = j.id);
"""


def add_views(connection: sqlite3.Connection) -> None:
    """Add the views and functions that statements of this package use."""
    connection.executescript(_VIEWS)
    # quoted(text, first, past): SQLite's own substr() sees nothing behind a NUL.
    define(connection, "quoted", lambda text, first, past: text[first:past], 3)
    define(connection, "severity_of", severity_of, 1)
    define(connection, "in_collection", _in_collection, 2)


def define(connection: sqlite3.Connection, name: str, function: object, arguments: int) -> None:
    """Define an SQL function that gives the same for the same arguments."""
    connection.create_function(name, arguments, function, deterministic=True)  # type: ignore[arg-type]


@functools.lru_cache(maxsize=8)
def read_collection(text: str) -> CollectionPattern:
    """A pattern of the command line. Raises ConfigurationError for one that names nothing."""
    try:
        return CollectionPattern(text)
    except PatternError as error:
        raise ConfigurationError(f"collection {text!r}: {error}") from error


def _in_collection(path: str, pattern: str) -> bool:
    return read_collection(pattern).matches(collection_of(path))
