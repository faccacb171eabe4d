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


_MAGIC = {
    OpaqueKind.GZIP: rb"\x1f\x8b\x08",
    OpaqueKind.ZLIB: rb"\x78[\x01\x5e\x9c\xda]",
    OpaqueKind.OTHER: rb"\x28\xb5\x2f\xfd|BZh[1-9]|\xfd7zXZ\x00|PK\x03\x04|\x04\x22\x4d\x18",
}
_ALPHABET = rb"[A-Za-z0-9+/_=\r\n-]"
_ENCODED = rb"(?:data:[\w/+.;=-]{1,80},)?%s{%d}" % (_ALPHABET, LONG)
# "http", "gs://": too short to be told from other texts by their length.
_URL_IN_BASE64 = rb"(?:aHR0c|Z3M6L)%s{12}" % _ALPHABET
_BASE64 = rb"%s|%s" % (_URL_IN_BASE64, _ENCODED)

_KIND_OF_BYTES = {kind: re.compile(magic) for kind, magic in _MAGIC.items()}
_IS_BASE64 = re.compile(_BASE64)

# In Firestore's protocol a value begins with its tag (18: bytes, 17: a string) and its length.
_VARINT = rb"[\x80-\xff]{0,4}[\x00-\x7f]"
_LONG_OR_URL = re.compile(
    rb"\x8a\x01(?:%s(?=%s)|(?:[\x80-\xff][\x08-\x7f]|[\x80-\xff]{2,4}[\x00-\x7f])(?=%s))"
    % (_VARINT, _URL_IN_BASE64, _ENCODED)
)
_BYTES = re.compile(rb"\x92\x01%s(?=%s)" % (_VARINT, b"|".join(_MAGIC.values())))

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

    def found(self) -> list[OpaqueValues]:
        """What was counted."""
        with self._guard:
            return [
                OpaqueValues(kind, collection, document, count)
                for (kind, collection), (count, document) in sorted(self._found.items())
            ]


def offsets_in(data: bytes) -> list[int]:
    """Where in serialized documents of Firestore's protocol opaque values begin."""
    found = [match.start() for match in _BYTES.finditer(data)]
    found += [match.start() for match in _LONG_OR_URL.finditer(data)]
    return sorted(found)


def kind_at(data: bytes, offset: int) -> OpaqueKind:
    """The kind of the opaque value that begins at an offset that `offsets_in` gave."""
    match = _BYTES.match(data, offset)
    if match is None:
        return OpaqueKind.BASE64
    return _kind_of(data[match.end() : match.end() + 8]) or OpaqueKind.OTHER


def kinds_in_line(line: bytes) -> Iterator[OpaqueKind]:
    """The kinds of the opaque values of a document in Firestore's REST form."""
    for match in _IN_LINES.finditer(line):
        if match["text"]:
            yield OpaqueKind.BASE64
        elif kind := _kind_of(base64.b64decode(match["bytes"], b"-_")):
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
        if kind := _kind_of(value):
            yield kind
    elif isinstance(value, str) and _IS_BASE64.match(value[: LONG + 200].encode(errors="replace")):
        yield OpaqueKind.BASE64


def _kind_of(data: bytes) -> OpaqueKind | None:
    return next((kind for kind, magic in _KIND_OF_BYTES.items() if magic.match(data)), None)
