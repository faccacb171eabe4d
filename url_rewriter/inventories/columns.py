"""Rows of a table, as S3 Inventory names its columns: which object each one lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_plus

from url_rewriter.errors import ConfigurationError
from url_rewriter.inventories.json_rows import number

_ARCHIVES = frozenset(
    {"GLACIER", "DEEP_ARCHIVE", "ARCHIVE", "ARCHIVE_ACCESS", "DEEP_ARCHIVE_ACCESS"}
)
_COLUMNS = (
    "bucket", "key", "islatest", "isdeletemarker", "size", "etag", "storageclass",
    "intelligenttieringaccesstier",
)  # fmt: skip
_HALF_ESCAPED = re.compile("%(?![0-9A-Fa-f]{2})")

Trouble = Callable[[str], ConfigurationError]
"""Makes the error for the row that is being read, with its place."""


class ListedTarget(NamedTuple):
    """An object as an inventory lists it; ``archive`` is its class where it is archived, or ""."""

    bucket: str
    key: str
    size: int | None = None
    etag: str | None = None
    archive: str = ""


@lru_cache(maxsize=64)
def archive_of(kind: str | None, tier: str | None = None) -> str:
    """The storage class, or the tier of one, whose objects must be restored to be read; or "".

    >>> archive_of("STANDARD"), archive_of("INTELLIGENT_TIERING", "ARCHIVE"), archive_of("glacier")
    ('', 'ARCHIVE', 'GLACIER')
    """
    named = ((each or "").strip().upper().replace(" ", "_") for each in (tier, kind))
    return next((each for each in named if each in _ARCHIVES), "")


class Columns:
    """Reads rows by the names of their columns, in any order, capitals and underscores aside.

    ``bucket`` is the one that rows must be of, ``otherwise`` the one that they are of where they do
    not say so. ``prefix`` stands before their keys, which are URL-encoded where ``encoded``. Raises
    ``trouble`` where a column is missing, or a row is none of an inventory.
    """

    def __init__(
        self,
        names: Sequence[str],
        trouble: Trouble,
        *,
        bucket: str = "",
        otherwise: str = "",
        prefix: str = "",
        encoded: bool = False,
    ) -> None:
        plain = [name.strip().replace("_", "").lower() for name in names]
        if "key" not in plain:
            raise trouble(f"no column Key among {', '.join(names) or 'none':.200}")
        self.has_bucket = "bucket" in plain
        if not self.has_bucket and not (bucket or otherwise):
            raise trouble("no column Bucket: say of which bucket it is, as s3://BUCKET=FILE")
        self._places = [plain.index(name) if name in plain else None for name in _COLUMNS]
        self._count = len(plain)
        self._trouble = trouble
        self._bucket, self._otherwise = bucket, otherwise or bucket
        self._prefix, self._encoded = prefix, encoded

    def read(self, row: Sequence[object]) -> ListedTarget | None:
        """The object that a row lists, None for an older version or a delete marker."""
        if len(row) != self._count:
            raise self._trouble(f"{len(row)} columns, not {self._count}")
        bucket, key, latest, deleted, size, etag, kind, tier = [
            None if at is None else row[at] for at in self._places
        ]
        if self._places[2] is not None and not self._flag(latest, "IsLatest"):
            return None
        if self._places[3] is not None and self._flag(deleted, "IsDeleteMarker"):
            return None
        if not self.has_bucket:
            bucket = self._otherwise
        elif not bucket or (self._bucket and bucket != self._bucket):
            raise self._trouble(f"a row of bucket {bucket!r:.80}, not of {self._bucket or 'any'}")
        return ListedTarget(
            str(bucket),
            self._prefix + self._key(key),
            None if self._places[4] is None else self._size(size),
            str(etag).strip('"') if etag else None,
            archive_of(kind and str(kind), tier and str(tier)),
        )

    def _key(self, key: object) -> str:
        if not isinstance(key, str) or not key:
            raise self._trouble(f"Key must be a text, not {key!r:.80}")
        if not self._encoded or ("%" not in key and "+" not in key):
            return key
        try:
            if _HALF_ESCAPED.search(key) is None:
                return unquote_plus(key, errors="strict")
        except UnicodeDecodeError:
            pass
        raise self._trouble(f"Key is no URL-encoded UTF-8: {key!r:.80}")

    def _flag(self, value: object, name: str) -> bool:
        match value.lower() if isinstance(value, str) else value:
            case True | "true":
                return True
            case False | "false":
                return False
        raise self._trouble(f"{name} must be true or false, not {value!r:.80}")

    def _size(self, value: object) -> int:
        size = number(value)
        if size is None:
            raise self._trouble(f"Size must be a whole number, not {value!r:.80}")
        return size
