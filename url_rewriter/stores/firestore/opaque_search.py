"""Finds opaque values in serialized documents, where a value begins with its tag and its length."""

from __future__ import annotations

import re
from functools import cache

from url_rewriter.opaque import ENCODED, MAGIC, URL_IN_BASE64, OpaqueKind, kind_of_bytes
from url_rewriter.stores.firestore.pattern_search import PatternSearch

# Tag 18: bytes; tag 17: a string.
_VARINT = rb"[\x80-\xff]{0,4}[\x00-\x7f]"
_BYTES = re.compile(rb"\x92\x01%s(?=%s)" % (_VARINT, b"|".join(MAGIC.values())))
_LONG_OR_URL = re.compile(
    rb"\x8a\x01(?:%s(?=%s)|(?:[\x80-\xff][\x08-\x7f]|[\x80-\xff]{2,4}[\x00-\x7f])(?=%s))"
    % (_VARINT, URL_IN_BASE64, ENCODED)
)
_TAG = re.compile(rb"[\x8a\x92]\x01")

_BEGINNINGS = (
    rb"\x92\x01%s(?:%s)" % (_VARINT, b"|".join(MAGIC.values())),
    rb"\x8a\x01%s%s" % (_VARINT, URL_IN_BASE64),
    rb"\x8a\x01[\x80-\xff]{1,4}[\x00-\x7f](?:data:|[A-Za-z0-9+/_=\r\n-]{64})",
)
"""What the values begin with, and some that are none."""


def offsets_in(data: bytes) -> list[int]:
    """Where in serialized documents of Firestore's protocol opaque values begin."""
    # A match may begin in the value before: in bytes, anything may stand.
    tags = {
        tag.start()
        for begin, end in _search().spans(data)
        for tag in _TAG.finditer(data, begin, end)
    }
    return [at for at in sorted(tags) if _BYTES.match(data, at) or _LONG_OR_URL.match(data, at)]


def kind_at(data: bytes, offset: int) -> OpaqueKind:
    """The kind of the opaque value that begins at an offset that `offsets_in` gave."""
    match = _BYTES.match(data, offset)
    if match is None:
        return OpaqueKind.BASE64
    return kind_of_bytes(data[match.end() : match.end() + 8]) or OpaqueKind.OTHER


@cache
def _search() -> PatternSearch:
    return PatternSearch(_BEGINNINGS)
