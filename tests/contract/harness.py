"""What the document-store contract needs of an implementation, beyond the store itself.

A harness holds one fresh, empty store. It loads, reads, changes and deletes documents behind the
store's back, in Firestore's REST value form (``{"stringValue": "x"}``), which every implementation
can express and in which 3 and 3.0, or -0.0 and 0.0, are told apart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

from url_rewriter.stores.base import DocumentReader, DocumentStore

RestValue: TypeAlias = Mapping[str, Any]
Fields: TypeAlias = Mapping[str, RestValue]


class Ability(StrEnum):
    """Something that not every implementation can do; the contract asks it of those that can."""

    READ_TIME = "reads the database as it was"
    SIZE_LIMIT = "refuses documents over 1 MiB"
    DIVIDES = "divides a scan into several partitions"
    LOCATED = "is opened by its locator"
    HOLDS_BSON = "holds the BSON values of Firestore's Enterprise edition"


@dataclass(frozen=True, slots=True)
class State:
    """A document's exact state: equal ones hold the same values, types and bits."""

    fields: str
    revision: str


class Harness(Protocol):
    """One fresh store under test."""

    abilities: frozenset[Ability]

    @property
    def locator(self) -> str:
        """What ``open_reader`` and ``open_store`` take, in canonical spelling."""

    def open_reader(self) -> DocumentReader: ...

    def open_store(self) -> DocumentStore: ...

    def load(self, documents: Mapping[str, Fields]) -> None:
        """Write whole documents by path, replacing what is there, as another process would."""

    def delete(self, path: str) -> None: ...

    def state(self, path: str) -> State | None:
        """The document as it is now, read around the store; None where there is none."""


def canonical(fields: Fields) -> str:
    """Equal texts mean equal fields: types, signs of zero and NaN included."""
    return json.dumps(_normal(fields), sort_keys=True, ensure_ascii=False)


def _normal(value: Any) -> Any:
    match value:
        case {"doubleValue": number}:
            return {"doubleValue": repr(float(number))}
        case {"integerValue": number}:
            return {"integerValue": str(number)}
        case {"arrayValue": {} as array}:
            return {"arrayValue": [_normal(each) for each in array.get("values", ())]}
        case {"mapValue": {} as inner}:
            return {"mapValue": _normal(inner.get("fields", {}))}
        case Mapping():
            return {name: _normal(each) for name, each in value.items()}
        case _:
            return value


def string(text: str) -> RestValue:
    return {"stringValue": text}


def array(*values: RestValue) -> RestValue:
    return {"arrayValue": {"values": list(values)}}


def mapping(fields: Fields | None = None, **more: RestValue) -> RestValue:
    return {"mapValue": {"fields": {**(fields or {}), **more}}}
