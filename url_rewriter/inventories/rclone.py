"""Rows of ``rclone lsjson``, whose paths begin below what rclone was given."""

from __future__ import annotations

from typing import NamedTuple

from url_rewriter.inventories.json_rows import JsonRow


class RcloneEntry(NamedTuple):
    """An object as rclone lists it; ``tier`` is its storage class, "" where it is not told."""

    path: str
    size: int
    tier: str = ""


def read_entry(row: JsonRow) -> RcloneEntry | None:
    """The object of a row, None for a folder. Raises ConfigurationError, with the place."""
    members = row.members
    if members.get("IsDir") is True:
        return None
    path, size = row.text(members, "Path"), row.required_number(members, "Size")
    return RcloneEntry(path, size, str(members.get("Tier") or ""))
