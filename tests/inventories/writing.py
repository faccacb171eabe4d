"""Writes inventories as S3 does: manifest, checksum and data files in the documented layout."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pyarrow as pa
from pyarrow import parquet

VERSIONED = (
    "Bucket", "Key", "VersionId", "IsLatest", "IsDeleteMarker", "Size", "LastModifiedDate",
    "ETag", "StorageClass", "IsMultipartUploaded", "IntelligentTieringAccessTier",
)  # fmt: skip
CURRENT = ("Bucket", "Key", "Size", "ETag", "StorageClass")

_TYPES = {"IsLatest": pa.bool_(), "IsDeleteMarker": pa.bool_(), "Size": pa.int64()}
_NAMES = {"ETag": "e_tag"}


def snake(name: str) -> str:
    """A column as Parquet files have it."""
    spelled = "".join(f"_{char.lower()}" if char.isupper() else char for char in name)
    return _NAMES.get(name, spelled.lstrip("_"))


def csv_text(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], *, encoded: bool) -> str:
    """Rows as S3 writes them: all fields quoted, keys URL-encoded, no header."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for row in rows:
        spelled = {**row, "Key": quote_plus(row["Key"], safe="/") if encoded else row["Key"]}
        writer.writerow([_spelled(spelled.get(name)) for name in columns])
    return out.getvalue()


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def parquet_bytes(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as S3 writes them into Parquet files."""
    schema = pa.schema([(snake(name), _TYPES.get(name, pa.string())) for name in columns])
    table = {snake(name): [row.get(name) for row in rows] for name in columns}
    sink = io.BytesIO()
    parquet.write_table(pa.table(table, schema=schema), sink)
    return sink.getvalue()


def write_inventory(
    folder: Path,
    bucket: str,
    rows: Sequence[Mapping[str, Any]],
    made_at: datetime,
    *,
    form: str = "CSV",
    columns: Sequence[str] = VERSIONED,
    files: int = 2,
    data: str = "data",
) -> Path:
    """An inventory as it lies in its bucket; the path of its manifest."""
    home = folder / bucket / "config"
    dated = home / f"{made_at:%Y-%m-%dT%H-%MZ}"
    for each in (dated, home / data):
        each.mkdir(parents=True, exist_ok=True)
    parts = []
    for number in range(files):
        part = rows[number::files]
        if form == "CSV":
            content = gzip.compress(csv_text(columns, part, encoded=True).encode())
            name = f"{number:08}-85a9-4ba8-87bd-9db705a579ce.csv.gz"
        else:
            content = parquet_bytes(columns, part)
            name = f"{number:08}-85a9-4ba8-87bd-9db705a579ce.parquet"
        (home / data / name).write_bytes(content)
        key = f"inventories/{bucket}/config/{data}/{name}"
        parts.append(
            {"key": key, "size": len(content), "MD5checksum": hashlib.md5(content).hexdigest()}
        )
    manifest = {
        "sourceBucket": bucket,
        "destinationBucket": "arn:aws:s3:::inventories",
        "version": "2016-11-30",
        "creationTimestamp": str(int(made_at.timestamp() * 1000)),
        "fileFormat": form,
        "fileSchema": ", ".join(columns) if form == "CSV" else "message s3.inventory { ... }",
        "files": parts,
    }
    path = dated / "manifest.json"
    write_manifest(path, manifest)
    return path


def write_manifest(path: Path, manifest: Mapping[str, Any]) -> None:
    """A manifest, and the checksum beside it."""
    content = json.dumps(manifest, indent=4).encode()
    path.write_bytes(content)
    path.with_suffix(".checksum").write_text(hashlib.md5(content).hexdigest())
