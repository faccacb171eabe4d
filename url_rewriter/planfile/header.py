"""What a plan file says of itself."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True, slots=True)
class Header:
    """How a plan came about. Everything is text; times are RFC 3339, in UTC.

    ``rules`` is the canonical JSON of the rules with variables filled in, ``rules_digest`` its
    SHA-256. ``limits`` is the canonical JSON of what the command line added: collections, fields,
    documents. ``kept_at`` tells a database that can be thrown away from a real one of the same
    name. ``read_time`` is empty where the scan read the latest state.
    """

    store: str
    rules_file: str
    rules: str
    rules_digest: str
    limits: str
    endpoint: str
    created_at: str
    version: str
    kept_at: str = ""
    read_time: str = ""

    def describes_same_scan(self, other: Header) -> bool:
        """Whether a scan begun under ``other`` may be continued under this header."""
        return (
            (self.store, self.kept_at, self.rules, self.limits, self.read_time)
            == (other.store, other.kept_at, other.rules, other.limits, other.read_time)
        )  # fmt: skip


def write_header(connection: sqlite3.Connection, header: Header) -> None:
    """Put the header into a new plan file."""
    connection.executemany("INSERT INTO header VALUES (?, ?)", asdict(header).items())


def read_header(connection: sqlite3.Connection) -> Header:
    """The header of a plan file."""
    stored = dict(connection.execute("SELECT name, value FROM header"))
    return Header(**{field.name: stored[field.name] for field in fields(Header)})
