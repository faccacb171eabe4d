"""Opaque values: compressed and encoded data, which no search of texts can look into.

Only their beginnings are looked at: bytes that begin as gzip, zlib and their like do, strings of a
kilobyte and more that begin as base64, shorter ones that begin as the base64 of a URL does. They
are counted, by collection, and nothing of them is kept.
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

LONG = 1024
"""From so many characters on, base64 is taken for data."""


class OpaqueKind(StrEnum):
    """How an opaque value is made."""

    GZIP = "gzip"
    ZLIB = "zlib"
    OTHER = "compressed"
    BASE64 = "base64"


MAGIC = {
    OpaqueKind.GZIP: rb"\x1f\x8b\x08",
    OpaqueKind.ZLIB: rb"\x78[\x01\x5e\x9c\xda]",
    OpaqueKind.OTHER: rb"\x28\xb5\x2f\xfd|BZh[1-9]|\xfd7zXZ\x00|PK\x03\x04|\x04\x22\x4d\x18",
}
"""How bytes of a kind begin."""
_ALPHABET = rb"[A-Za-z0-9+/_=\r\n-]"
ENCODED = rb"(?:data:[\w/+.;=-]{1,80},)?%s{%d}" % (_ALPHABET, LONG)
"""How a text begins that is taken for data."""
# "http", "gs://": too short to be told from other texts by their length.
URL_IN_BASE64 = rb"(?:aHR0c|Z3M6L)%s{12}" % _ALPHABET
"""How the base64 of a URL begins."""
_BASE64 = rb"%s|%s" % (URL_IN_BASE64, ENCODED)

_KIND_OF_BYTES = {kind: re.compile(magic) for kind, magic in MAGIC.items()}
_IS_BASE64 = re.compile(_BASE64)

# In a line of JSON, bytes are base64 themselves.
_IN_LINES = re.compile(
    rb'"(?:bytesValue"\s*:\s*"(?P<bytes>[A-Za-z0-9+/_-]{8})|stringValue"\s*:\s*"(?P<text>%s))'
    % _BASE64.replace(_ALPHABET, rb"[A-Za-z0-9+/_=\\-]")  # its line ends are escaped
)


@dataclass(frozen=True, slots=True)
class OpaqueValues:
    """How many values of a kind there are in collections alike, and a document that has one."""

    kind: OpaqueKind
    collection: str
    document: str
    count: int


class OpaqueWatch:
    """Counts opaque values; any number of threads may share it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._found: dict[tuple[OpaqueKind, str], tuple[int, str]] = {}

    def note(self, document: str, kinds: Iterable[OpaqueKind]) -> None:
        """Count the opaque values of a document."""
        names = document.split("/")[:-1]
        collection = "/".join("*" if at % 2 else name for at, name in enumerate(names))
        with self._guard:
            for kind in kinds:
                count, first = self._found.get((kind, collection), (0, document))
                self._found[kind, collection] = count + 1, min(first, document)

    def add(self, counted: OpaqueValues) -> None:
        """Add what another watch counted."""
        key = counted.kind, counted.collection
        with self._guard:
            count, first = self._found.get(key, (0, counted.document))
            self._found[key] = count + counted.count, min(first, counted.document)

    def found(self) -> list[OpaqueValues]:
        """What was counted."""
        with self._guard:
            return [
                OpaqueValues(kind, collection, document, count)
                for (kind, collection), (count, document) in sorted(self._found.items())
            ]


def kinds_in_line(line: bytes) -> Iterator[OpaqueKind]:
    """The kinds of the opaque values of a document in Firestore's REST form."""
    for match in _IN_LINES.finditer(line):
        if match["text"]:
            yield OpaqueKind.BASE64
        elif kind := kind_of_bytes(base64.b64decode(match["bytes"], b"-_")):
            yield kind


def kinds_in_fields(value: Any) -> Iterator[OpaqueKind]:
    """The kinds of the opaque values of a document in plain values."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from kinds_in_fields(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from kinds_in_fields(each)
    elif isinstance(value, bytes):
        if kind := kind_of_bytes(value):
            yield kind
    elif isinstance(value, str) and _IS_BASE64.match(value[: LONG + 200].encode(errors="replace")):
        yield OpaqueKind.BASE64


def kind_of_bytes(data: bytes) -> OpaqueKind | None:
    """The kind of compressed data, by its first 8 bytes."""
    return next((kind for kind, magic in _KIND_OF_BYTES.items() if magic.match(data)), None)
