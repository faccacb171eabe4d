"""What a store's administration says of a database, beside its documents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class DatabaseDescription:
    """One database, in its administration's own words, "" where it does not tell.

    ``foreign``: it is of a kind that is not read. ``recovers``: any moment since ``earliest`` can
    be read; None where that is not told. ``trouble`` says why nothing of this is known.
    """

    mode: str = ""
    edition: str = ""
    location: str = ""
    foreign: bool = False
    recovers: bool | None = None
    earliest: datetime | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class NewestBackup:
    """The moment that the newest whole backup is of; None: there is none.

    ``trouble`` says why that is not known.
    """

    moment: datetime | None = None
    trouble: str = ""


@runtime_checkable
class DatabaseDescriber(Protocol):
    """A reader of a store that has an administration."""

    def describe(self) -> DatabaseDescription:
        """Ask what kind of database this is. Never raises: nothing depends on it."""

    def newest_backup(self) -> NewestBackup:
        """Ask for the newest backup of the database. Never raises."""
