"""The manifest of an S3 Inventory: which files it is made of, and what they must be.

The layout is that of the Amazon S3 user guide, "Locating your inventory list".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from url_rewriter.errors import ConfigurationError
from url_rewriter.inventories.columns import Columns, ListedTarget, Trouble
from url_rewriter.inventories.json_rows import number
from url_rewriter.inventories.tables import read_csv, read_parquet

_LARGEST = 64 << 20
_BESIDE = ("", "data", "files", "../data", "../files")
"""Folders, from that of the manifest, in which its files are looked for."""


@dataclass(frozen=True, slots=True)
class ManifestPart:
    """One file of an inventory, where it was found, and what the manifest says of it."""

    path: Path
    size: int
    md5: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest, whose files were compared with it. ``columns`` are those of CSV files."""

    path: Path
    bucket: str
    made_at: datetime
    form: str
    columns: tuple[str, ...]
    parts: tuple[ManifestPart, ...]

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """The manifest at ``path``, with its files. Raises ConfigurationError, with the place."""
        members = _members(path)
        form = _text(path, members, "fileFormat").upper()
        if form not in ("CSV", "PARQUET"):
            raise ConfigurationError(
                f"{path}: its files are {form:.20}, which is not read: have the inventory written"
                " as CSV or Parquet."
            )
        moment = number(members.get("creationTimestamp"))
        files = members.get("files")
        if moment is None or not isinstance(files, list) or not files:
            raise ConfigurationError(
                f"{path}: creationTimestamp must be a number, and files a list of files."
            )
        schema = _text(path, members, "fileSchema")
        columns = tuple(each.strip() for each in schema.split(",")) if form == "CSV" else ()
        try:
            made_at = datetime.fromtimestamp(moment / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            raise ConfigurationError(f"{path}: creationTimestamp {moment} is no time.") from None
        bucket = _text(path, members, "sourceBucket")
        return cls(path, bucket, made_at, form, columns, tuple(_parts(path, files)))

    def check(self) -> None:
        """Raise ConfigurationError unless each file has the size and the MD5 that it must have."""
        for part in self.parts:
            size = part.path.stat().st_size
            if size != part.size:
                raise ConfigurationError(
                    f"{part.path}: {size:,} bytes, {self.path.name} says {part.size:,}: cut short"
                    " or of another inventory; copy it anew."
                )
            with part.path.open("rb") as file:
                found = hashlib.file_digest(file, _md5).hexdigest()
            if found != part.md5:
                raise ConfigurationError(
                    f"{part.path}: its MD5 is {found}, {self.path.name} says {part.md5}: damaged;"
                    " copy it anew."
                )

    def rows(self) -> Iterator[ListedTarget]:
        """The objects that its files list. Raises ConfigurationError, with file and line."""
        self.check()  # once more: the scan of a database lies between
        for part in self.parts:
            if self.form == "CSV":
                yield from read_csv(part.path, self._columns, list(self.columns))
            else:
                yield from read_parquet(part.path, self._columns)

    def _columns(self, names: list[str], trouble: Trouble) -> Columns:
        return Columns(names, trouble, bucket=self.bucket, encoded=self.form == "CSV")


def _md5() -> hashlib._Hash:
    return hashlib.md5(usedforsecurity=False)


def _members(path: Path) -> Mapping[str, Any]:
    content = path.read_bytes()
    if len(content) > _LARGEST:
        raise ConfigurationError(f"{path}: {len(content):,} bytes are no manifest.")
    checksum = path.with_suffix(".checksum")
    if checksum.is_file():
        said = checksum.read_text("ascii", errors="replace").strip()
        found = hashlib.md5(content, usedforsecurity=False).hexdigest()
        if said.lower() != found:
            raise ConfigurationError(
                f"{path}: its MD5 is {found}, {checksum.name} says {said!r:.40}: damaged, or of"
                " another inventory; copy both anew."
            )
    try:
        members = json.loads(content)
    except ValueError as error:  # a JSONDecodeError says line and column
        raise ConfigurationError(f"{path}: no JSON: {error}.") from None
    if not isinstance(members, dict):
        raise ConfigurationError(f"{path}: no manifest of an S3 Inventory.")
    return members


def _text(path: Path, members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{path}: {name} must be a text, not {value!r:.80}.")
    return value.strip()


def _parts(path: Path, files: list[Any]) -> Iterator[ManifestPart]:
    for index, each in enumerate(files):
        members = each if isinstance(each, dict) else {}
        size, key, md5 = number(members.get("size")), members.get("key"), members.get("MD5checksum")
        if size is None or not isinstance(key, str) or not isinstance(md5, str):
            raise ConfigurationError(
                f"{path}: files[{index}] must have key, size and MD5checksum, not {each!r:.80}."
            )
        yield ManifestPart(_find(path, key), size, md5.lower())


def _find(path: Path, key: str) -> Path:
    """Where a file of the inventory is: beside its manifest, or below what was copied whole."""
    name, folder = PurePosixPath(key).name, path.resolve().parent
    # A bucket that was copied whole has it where its key says, below the folder of the copy.
    whole = [each / key for each in folder.parents if ".." not in key and not key.startswith("/")]
    for found in (*(folder / each / name for each in _BESIDE if name), *whole):
        if found.is_file():
            return found.resolve()
    raise ConfigurationError(
        f"{path}: its file {key!r:.300} is not there: put it beside the manifest, or into data/"
        " beside it or beside its folder."
    )
