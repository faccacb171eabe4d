"""The bytes of an object, cut for an upload in parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

PART = 8 * 2**20
"""Bytes of a part, and the largest object that is put in one request."""

_MOST_PARTS = 10_000  # S3 user guide, "Amazon S3 multipart upload limits"


def in_parts(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The bytes in parts that an object of ``size`` bytes can be uploaded in: all but the last are
    of one length, ``PART`` or as much more as it takes to need no more than 10,000."""
    length = max(PART, -(-size // _MOST_PARTS))
    held = bytearray()
    for chunk in chunks:
        if not held and len(chunk) == length:
            yield chunk  # the usual case, without a copy
            continue
        held += chunk
        while len(held) >= length:
            yield bytes(held[:length])
            del held[:length]
    if held:
        yield bytes(held)


def at_most(size: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks, up to the first that goes beyond ``size``: such a source is wrong already."""
    came = 0
    for chunk in chunks:
        yield chunk
        came += len(chunk)
        if came > size:
            return
