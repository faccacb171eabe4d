"""What a plan file says of itself."""

from __future__ import annotations

import getpass
import os
import socket
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace

from url_rewriter.planfile.invocation import Invocation, OptionKind


@dataclass(frozen=True, slots=True)
class Header:
    """How a plan came about. Times are RFC 3339, in UTC.

    ``rules`` is the canonical JSON of the rules with variables filled in, ``rules_digest`` its
    SHA-256. ``kept_at`` tells a database that can be thrown away from a real one of the same name;
    ``rule_lines`` is a JSON object of the lines that rules stand in, ``made_by`` the user and the
    host. ``read_at`` are the moments that documents were read at, ``read_remark`` says why they
    are not one. ``store_state`` names the state of a store that is read whole, at once, and keeps
    no other; "" for others. ``invocation`` is the command that made the plan; it names no store
    beside ``store``.
    """

    store: str
    rules: str
    rules_digest: str
    endpoint: str
    created_at: str
    version: str
    kept_at: str = ""
    rule_lines: str = "{}"
    made_by: str = ""
    read_at: str = ""
    read_remark: str = ""
    store_state: str = ""
    invocation: Invocation = field(default_factory=Invocation)

    def describes_same_scan(self, other: Header) -> bool:
        """Whether a scan begun under ``other`` may be continued under this header."""
        return (
            (self.store, self.kept_at, self.store_state, self.rules, self.invocation.scope)
            == (other.store, other.kept_at, other.store_state, other.rules, other.invocation.scope)
        )  # fmt: skip

    def command(
        self, output: str, shown: Callable[[OptionKind, str], str] = lambda kind, value: value
    ) -> str:
        """The command that makes this plan again, as ``output``, quoted for a shell.

        ``shown`` says how the value of an option may be shown.
        """
        whole = replace(self.invocation, store=self.store, output=output)
        return f"url-rewriter plan {whole.options(shown)}"


def write_header(connection: sqlite3.Connection, header: Header) -> None:
    """Put the header into a new plan file."""
    values = {each.name: getattr(header, each.name) for each in fields(header)}
    values["invocation"] = header.invocation.to_json()
    connection.executemany("INSERT INTO header VALUES (?, ?)", values.items())


def read_header(connection: sqlite3.Connection) -> Header:
    """The header of a plan file."""
    stored = dict(connection.execute("SELECT name, value FROM header"))
    stored["invocation"] = Invocation.from_json(stored["invocation"])
    return Header(**{each.name: stored[each.name] for each in fields(Header)})


def whoami() -> str:
    """The user and the host of this process."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"
