"""Inventories of targets: which objects a bucket held when it was listed.

Read are S3 Inventory through its ``manifest.json`` (CSV and Parquet), a CSV or Parquet file with
the names of its columns, and what ``rclone lsjson -R`` writes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from url_rewriter.errors import ConfigurationError
from url_rewriter.inventories.columns import Columns, ListedTarget, Trouble, archive_of
from url_rewriter.inventories.json_rows import read_rows
from url_rewriter.inventories.manifest import Manifest
from url_rewriter.inventories.place import InventoryFile
from url_rewriter.inventories.rclone import read_entry
from url_rewriter.inventories.tables import ORC, PARQUET, read_csv, read_parquet, read_start
from url_rewriter.text import counted

_CLOCKS = timedelta(minutes=5)
"""How far apart the clocks of two machines may be."""


@dataclass(frozen=True, slots=True)
class TargetInventory:
    """An inventory, made at ``made_at``; ``bucket`` is "" where only its rows name buckets."""

    path: Path
    bucket: str
    made_at: datetime
    read: Callable[[], Iterator[ListedTarget]]

    @property
    def name(self) -> str:
        """The inventory for people: its file, and its time.

        >>> moment = datetime(2026, 11, 26, 2, tzinfo=UTC)
        >>> TargetInventory(Path("in/manifest.json"), "", moment, lambda: iter(())).name
        'in/manifest.json of 2026-11-26 02:00:00Z'
        """
        return f"{self.path} of {self.made_at:%Y-%m-%d %H:%M:%SZ}"

    def rows(self) -> Iterator[ListedTarget]:
        """The objects that it lists. Raises ConfigurationError, with file and line."""
        row = None
        for row in self.read():
            yield row
        if row is None:
            raise ConfigurationError(f"{self.path}: it lists no object.")


def open_target_inventory(
    text: str, *, only_bucket: str = "", made_at: datetime | None = None
) -> TargetInventory:
    """The inventory that ``FILE`` or ``s3://BUCKET[/PREFIX]=FILE`` names.

    ``only_bucket`` is taken where neither the file nor its place names a bucket, ``made_at`` in
    place of the time of the file where it does not say when it was made. Raises ConfigurationError
    where the file cannot be read, is damaged or is of another kind.
    """
    file = InventoryFile.parse(text, "s3")
    try:
        changed = datetime.fromtimestamp(os.stat(file.path).st_mtime, UTC)  # noqa: PTH116
    except OSError as error:
        raise ConfigurationError(f"{file.path}: cannot be read: {error.strerror}.") from error
    start = read_start(file.path)
    if start.startswith(ORC):
        raise ConfigurationError(f"{file.path}: ORC is not read: have it written as CSV.")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        if _is_manifest(file.path):
            return _of_manifest(file)
        return _of_rclone(file, only_bucket, made_at or changed)
    return _of_table(file, only_bucket, made_at or changed, parquet=start.startswith(PARQUET))


def require_recent(inventory: TargetInventory, most: timedelta, now: datetime) -> None:
    """Raise ConfigurationError unless an inventory is at most so old, and not of the future."""
    age = now - inventory.made_at
    if age < -_CLOCKS:
        raise ConfigurationError(f"The inventory {inventory.name} is from the future.")
    if age > most:
        hours, allowed = (each // timedelta(hours=1) for each in (age, most))
        raise ConfigurationError(
            f"The inventory {inventory.name} is {counted(hours, 'hour')} old, and --max-age allows"
            f" {allowed:,}: give a newer one, or a longer --max-age."
        )


def _is_manifest(path: Path) -> bool:
    start = read_start(path, 1 << 16)
    return any(name in start for name in (b'"fileSchema"', b'"fileFormat"', b'"sourceBucket"'))


def _of_manifest(file: InventoryFile) -> TargetInventory:
    manifest = Manifest.read(file.path)
    if file.prefix or file.bucket not in ("", manifest.bucket):
        raise ConfigurationError(
            f"{file.path} is an inventory of bucket {manifest.bucket}: give it without s3://."
        )
    manifest.check()
    return TargetInventory(file.path, manifest.bucket, manifest.made_at, manifest.rows)


def _of_rclone(file: InventoryFile, only_bucket: str, made_at: datetime) -> TargetInventory:
    bucket = file.bucket or only_bucket
    if not bucket:
        raise ConfigurationError(
            f"{file.path}: rclone's listings do not say of which bucket they are: give this one as"
            f" --target-inventory s3://BUCKET[/PREFIX]={file.path}"
        )

    def rows() -> Iterator[ListedTarget]:
        for row in read_rows(file.path):
            if "Path" not in row.members:
                raise row.trouble("no row of `rclone lsjson`, and no manifest of an S3 Inventory")
            if (entry := read_entry(row)) is not None:
                key = file.prefix + entry.path
                yield ListedTarget(bucket, key, entry.size, None, archive_of(entry.tier))

    return _begun(TargetInventory(file.path, bucket, made_at, rows))


def _of_table(
    file: InventoryFile, only_bucket: str, made_at: datetime, *, parquet: bool
) -> TargetInventory:
    def columns(names: list[str], trouble: Trouble) -> Columns:
        found = Columns(names, trouble, otherwise=file.bucket or only_bucket, prefix=file.prefix)
        if found.has_bucket and file.bucket:
            raise trouble("its rows say of which bucket they are: give it without s3://")
        return found

    def rows() -> Iterator[ListedTarget]:
        return (read_parquet if parquet else read_csv)(file.path, columns)

    return _begun(TargetInventory(file.path, file.bucket, made_at, rows))


def _begun(inventory: TargetInventory) -> TargetInventory:
    """An inventory whose first row was read: what is wrong with all of it is known early."""
    next(inventory.rows())
    return inventory
