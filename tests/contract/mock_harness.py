"""A harness for a MockFirestore that the caller owns, read and changed here without the store."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from mockfirestore.client import MockFirestore

from tests.contract.harness import Ability, Fields, RestValue, State, canonical
from url_rewriter.stores.base import DocumentReader, DocumentStore
from url_rewriter.stores.mockfirestore import MockFirestoreReader, MockFirestoreStore

SUBCOLLECTIONS = ("files", "versions", "usage_history", "b", "d", "s", "f", "notes", "v")


@dataclass(frozen=True)
class Opaque:
    """A value that no store looks into: a place, a reference, a time in nanoseconds."""

    rest: str


class MockHarness:
    """One client, whose nested collections have the names above."""

    abilities: frozenset[Ability] = frozenset({Ability.HOLDS_BSON})
    locator = "mockfirestore:"

    def __init__(self) -> None:
        self.client = MockFirestore()

    def open_reader(self) -> DocumentReader:
        return MockFirestoreReader(self.client, SUBCOLLECTIONS)

    def open_store(self) -> DocumentStore:
        return MockFirestoreStore(self.client, SUBCOLLECTIONS)

    def load(self, documents: Mapping[str, Fields]) -> None:
        for path, fields in documents.items():
            assert {*path.split("/")[2::2]} <= {*SUBCOLLECTIONS}, path
            if not fields:
                pytest.skip("mock-firestore has no documents without fields")
            self._put(path, {name: to_python(each) for name, each in fields.items()})

    def delete(self, path: str) -> None:
        self._put(path, {})

    def _put(self, path: str, fields: Mapping[str, Any]) -> None:
        """Replace the fields of a document and leave its subcollections, as Firestore does."""
        reference = self.client.document(path)
        content = reference.get().to_dict()
        below = {name: each for name, each in content.items() if is_subcollection(name, each)}
        reference.set({**below, **fields})

    def state(self, path: str) -> State | None:
        content = self.client.document(path).get().to_dict()
        fields = {
            name: to_rest(each)
            for name, each in content.items()
            if not is_subcollection(name, each)
        }
        return State(canonical(fields), canonical(fields)) if fields else None


def is_subcollection(name: str, value: Any) -> bool:
    if name not in SUBCOLLECTIONS or not isinstance(value, dict):
        return False
    return all(isinstance(each, dict) for each in value.values())


def to_python(value: RestValue) -> Any:
    """What firebase_admin's client would give for a value."""
    match dict(value):
        case {"nullValue": _}:
            return None
        case {"integerValue": number}:
            return int(number)
        case {"doubleValue": number}:
            return float(number)
        case {"timestampValue": text}:
            return datetime.fromisoformat(text)
        case {"bytesValue": encoded}:
            return base64.b64decode(encoded)
        case {"stringValue": plain} | {"booleanValue": plain}:
            return plain
        case {"arrayValue": {} as inner}:
            return [to_python(each) for each in inner.get("values", ())]
        case {"mapValue": {} as inner}:
            return {name: to_python(each) for name, each in inner.get("fields", {}).items()}
        case other:
            return Opaque(json.dumps(other))


def to_rest(value: Any) -> RestValue:
    """The value in REST form; what `to_python` made of it comes back the same."""
    match value:
        case list():
            return {"arrayValue": {"values": [to_rest(each) for each in value]}}
        case dict():
            return {"mapValue": {"fields": {name: to_rest(each) for name, each in value.items()}}}
        case Opaque():
            return dict(json.loads(value.rest))
        case _:
            return SCALARS[type(value)](value)


SCALARS: dict[type, Callable[[Any], RestValue]] = {
    type(None): lambda value: {"nullValue": value},
    bool: lambda value: {"booleanValue": value},
    int: lambda value: {"integerValue": str(value)},
    float: lambda value: {"doubleValue": value},
    str: lambda value: {"stringValue": value},
    bytes: lambda value: {"bytesValue": base64.b64encode(value).decode()},
    datetime: lambda value: {"timestampValue": value.isoformat().replace("+00:00", "Z")},
}


def mock_harness(request: pytest.FixtureRequest) -> MockHarness:
    return MockHarness()
