"""Firestore's limits, counted as its documentation says and by no code of the adapter's.

Source: https://firebase.google.com/docs/firestore/quotas and .../storage-size
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from grpc import StatusCode

from tests.scripted_firestore import field_paths
from tests.scripted_firestore.faults import InvalidRequestError, RefusedError

WRITES = 500
REQUEST_BYTES = 10 * 1024 * 1024
DOCUMENT_BYTES = 1_048_576
VALUE_BYTES = 1_048_487


def check_request(request: Any) -> None:
    """Refuse a whole BatchWrite or Commit that no server would look into."""
    if len(request.writes) > WRITES:
        raise InvalidRequestError(f"maximum {WRITES} writes allowed per request")
    for write in request.writes:
        field_paths.parse_mask(write.update_mask.field_paths)
        for name, value in write.update.fields.items():
            for leaf in _leaves(value):
                if _leaf_size(leaf) > VALUE_BYTES:
                    raise InvalidRequestError(
                        f'The value of property "{name}" is longer than {VALUE_BYTES} bytes.'
                    )


def check_document(document: Any) -> None:
    """Refuse one write whose result would be too large."""
    path = document.name.split("/documents/", 1)[1]
    size = _name_size(path) + _map_size(document.fields) + 32
    if size > DOCUMENT_BYTES:
        raise RefusedError(
            StatusCode.INVALID_ARGUMENT,
            f"Document '{document.name}' cannot be written because its size ({size:,} bytes)"
            f" exceeds the maximum allowed size of {DOCUMENT_BYTES:,} bytes.",
        )


def _leaves(value: Any) -> Iterator[Any]:
    match value.WhichOneof("value_type"):
        case "map_value":
            for inner in value.map_value.fields.values():
                yield from _leaves(inner)
        case "array_value":
            for element in value.array_value.values:
                yield from _leaves(element)
        case _:
            yield value


def _leaf_size(value: Any) -> int:
    return max(len(value.string_value.encode()), len(value.bytes_value))


def _name_size(path: str) -> int:
    return 16 + sum(len(segment.encode()) + 1 for segment in path.split("/"))


def _map_size(fields: Any) -> int:
    return sum(len(name.encode()) + 1 + _value_size(value) for name, value in fields.items())


def _value_size(value: Any) -> int:
    match value.WhichOneof("value_type"):
        case "string_value":
            return len(value.string_value.encode()) + 1
        case "bytes_value":
            return len(value.bytes_value)
        case "map_value":
            return _map_size(value.map_value.fields)
        case "array_value":
            return sum(map(_value_size, value.array_value.values))
        case "reference_value":
            return _name_size(value.reference_value.split("/documents/", 1)[-1])
        case "geo_point_value":
            return 16
        case "boolean_value" | "null_value":
            return 1
        case _:
            return 8
