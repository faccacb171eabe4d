"""What the embedded store's tests share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from url_rewriter.documents import Document, Edit, Update, ValuePath
from url_rewriter.stores.base import Checkpoint, DocumentReader, Query

OLD = "gs://photos/u1.png"
NEW = "https://s3.example.com/omi-data/photos/u1.png"


def text(value: str) -> dict[str, Any]:
    return {"stringValue": value}


def line(path: str, fields: dict[str, Any] | None = None, **more: Any) -> str:
    return json.dumps({"path": path, "fields": fields or {"image": text(OLD)}, **more}) + "\n"


def file_of(folder: Path, *parts: str | bytes) -> Path:
    path = folder / "documents.jsonl"
    path.write_bytes(b"".join(p.encode() if isinstance(p, str) else p for p in parts))
    return path


def scanned(store: DocumentReader, query: Query | None = None) -> list[Document]:
    query = query or Query()
    return [
        item
        for partition in store.partitions(query, 1)
        for item in store.scan(query, partition)
        if not isinstance(item, Checkpoint)
    ]


def update(document: Document, path: ValuePath = ("image",), after: str = NEW) -> Update:
    return Update(document, (Edit(path, dict(document.strings)[path], after),))
