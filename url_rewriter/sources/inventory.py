"""An inventory file in place of Cloud Storage: what was listed, before the buckets went perhaps.

Read are the JSON that ``gcloud storage ls --json``, ``gcloud storage objects list --format=json``
(with and without ``--raw``) and ``rclone lsjson --hash`` write, as one array or one object a line.
An inventory never denies an object: it may be of a part of a bucket, or older than the object.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from url_rewriter.errors import ConfigurationError, ServiceError
from url_rewriter.evidence import SourceEvidence, SourceState
from url_rewriter.inventories.json_rows import JsonRow, number, read_rows
from url_rewriter.inventories.place import InventoryFile
from url_rewriter.inventories.rclone import read_entry
from url_rewriter.objectinfo import NOTHING, ObjectInfo
from url_rewriter.sources.resources import describe
from url_rewriter.urls import ObjectRef

# Nothing of it outlives this process: no journal, and a cache of 64 MB.
_TABLE = """
PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;
CREATE TABLE objects (
    bucket TEXT NOT NULL, key TEXT NOT NULL, generation INTEGER, row TEXT NOT NULL,
    PRIMARY KEY (bucket, key)
) STRICT, WITHOUT ROWID
"""

# Of several versions of an object the newest counts.
_INSERT = """
INSERT INTO objects VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
SET generation = excluded.generation, row = excluded.row
WHERE coalesce(excluded.generation, 0) >= coalesce(generation, 0)
"""


class Inventory:
    """A source store over inventory files. Raises ConfigurationError where one cannot be read.

    Their rows are kept in a temporary database on disk, so that memory stays flat.
    """

    def __init__(self, files: Sequence[InventoryFile]) -> None:
        self._files = files
        self._rows = sqlite3.connect("", isolation_level=None)  # a file that SQLite deletes itself
        try:
            self._rows.executescript(_TABLE)
            for file in files:
                self._load(file)
        except sqlite3.Error as error:
            raise ServiceError(
                f"The inventory does not fit into a temporary file: {error}; set SQLITE_TMPDIR to "
                "a folder with more room."
            ) from error

    def stat(self, refs: Iterable[ObjectRef]) -> Iterator[SourceEvidence]:
        """See ``SourceStore.stat``."""
        for ref in refs:
            row = self._rows.execute(
                "SELECT row FROM objects WHERE bucket = ? AND key = ?", _valid(ref)
            ).fetchone()
            now = datetime.now(UTC)
            if row is None:
                detail = f"not listed in {self._names}"
                yield SourceEvidence(ref, SourceState.UNKNOWN, now, detail=detail)
            else:
                info = _describe(ref, json.loads(row[0]))
                yield SourceEvidence(ref, SourceState.EXISTS, now, info)

    def close(self) -> None:
        """See ``SourceStore.close``."""
        self._rows.close()

    @property
    def _names(self) -> str:
        return ", ".join(file.path.name for file in self._files)

    def _load(self, file: InventoryFile) -> None:
        objects = (
            (*identity, row.source)
            for row in read_rows(file.path)
            if (identity := _identify(row, file)) is not None
        )
        first = next(objects, None)
        if first is None:
            raise ConfigurationError(f"{file.path} lists no object.")
        self._rows.execute("BEGIN")
        self._rows.executemany(_INSERT, chain([first], objects))
        self._rows.execute("COMMIT")


def _valid(ref: ObjectRef) -> tuple[str, str]:
    """Names that SQLite takes; a lone surrogate, which no object's name has, finds nothing."""
    bucket, key = (part.encode(errors="replace").decode() for part in (ref.bucket, ref.key))
    return (bucket, key) if (bucket, key) == (ref.bucket, ref.key) else ("", "")


def _identify(row: JsonRow, file: InventoryFile) -> tuple[str, str, int | None] | None:
    """The bucket, key and generation of the object that a row describes.

    None for what is no object: a prefix, a folder, a version that is not live. Raises
    ConfigurationError, with the place, for a row of another kind or without what it must have.
    """
    members: Any = row.members
    if "Path" in members:
        return _identify_rclone(row, file)
    if _is_ls(members):
        if members["type"] != "cloud_object":
            return None
        members = members.get("metadata", {})
    if not isinstance(members, dict) or not {"bucket", "name", "size"} <= members.keys():
        raise row.trouble("no object of gcloud's or rclone's: bucket, name and size, or Path")
    if not _NONCURRENT.isdisjoint(members):
        return None
    row.required_number(members, "size")
    generation = number(members.get("generation"))
    return row.text(members, "bucket"), row.text(members, "name"), generation


_NONCURRENT = frozenset({"timeDeleted", "noncurrent_time", "softDeleteTime", "soft_delete_time"})


def _is_ls(members: Mapping[str, Any]) -> bool:
    """Whether this is a row of ``gcloud storage ls --json``, which wraps the object."""
    return "type" in members and "url" in members


def _identify_rclone(row: JsonRow, file: InventoryFile) -> tuple[str, str, None] | None:
    entry = read_entry(row)
    if entry is None:
        return None
    if not file.bucket:
        raise row.trouble(
            "rclone's listings do not say of which bucket they are: give this one as "
            f"--inventory gs://BUCKET[/PREFIX]={file.path}"
        )
    return file.bucket, file.prefix + entry.path, None


def _describe(ref: ObjectRef, members: Mapping[str, Any]) -> ObjectInfo:
    """What a row tells of the object by which it was identified."""
    if "Path" in members:
        return _describe_rclone(members)
    return describe(ref, members["metadata"] if _is_ls(members) else members) or NOTHING


def _describe_rclone(members: Mapping[str, Any]) -> ObjectInfo:
    hashes = members.get("Hashes")
    md5 = hashes.get("md5") or hashes.get("MD5") if isinstance(hashes, dict) else None
    return ObjectInfo(
        int(members["Size"]),
        content_type=str(members.get("MimeType") or "") or None,
        md5=str(md5).lower() if md5 else None,
    )
