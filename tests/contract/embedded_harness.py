"""A harness for the embedded store: its file is read and changed here without it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.contract.harness import Ability, Fields, State, canonical
from url_rewriter.stores import open_reader, open_store
from url_rewriter.stores.base import DocumentReader, DocumentStore


class EmbeddedHarness:
    """One JSON Lines file, replaced whole as an editor would."""

    abilities: frozenset[Ability] = frozenset({Ability.LOCATED, Ability.HOLDS_BSON})

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.touch()

    @property
    def locator(self) -> str:
        return f"embedded:{self.path}"

    def open_reader(self) -> DocumentReader:
        return open_reader(self.locator)

    def open_store(self) -> DocumentStore:
        return open_store(self.locator)

    def load(self, documents: Mapping[str, Fields]) -> None:
        self._replace({**self._fields(), **documents})

    def delete(self, path: str) -> None:
        self._replace({other: fields for other, fields in self._fields().items() if other != path})

    def state(self, path: str) -> State | None:
        fields = self._fields().get(path)
        if fields is None:
            return None
        # The revision is a digest of the fields, so they are the finest one there is.
        return State(canonical(fields), canonical(fields))

    def _fields(self) -> dict[str, Any]:
        lines = self.path.read_bytes().splitlines()
        return {line["path"]: line["fields"] for line in map(json.loads, lines)}

    def _replace(self, documents: Mapping[str, Any]) -> None:
        new = self.path.with_suffix(".new")
        with new.open("w", encoding="utf-8") as file:
            for path, fields in documents.items():
                file.write(json.dumps({"path": path, "fields": fields}, ensure_ascii=False) + "\n")
        new.replace(self.path)


def embedded_harness(request: pytest.FixtureRequest) -> EmbeddedHarness:
    return EmbeddedHarness(request.getfixturevalue("tmp_path") / "documents.jsonl")
