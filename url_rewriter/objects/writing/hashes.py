"""The checksums of bytes that pass by, compared with what Cloud Storage says of the whole."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from url_rewriter.objectinfo import ObjectInfo


class Digest:
    """What is known of the bytes that were given to ``update`` so far."""

    def __init__(self) -> None:
        import google_crc32c

        self.size = 0
        self._crc32c: Any = google_crc32c.Checksum()  # type: ignore[no-untyped-call]  # ships no types
        self._md5 = hashlib.md5(usedforsecurity=False)

    def update(self, data: bytes) -> None:
        """Add bytes."""
        self.size += len(data)
        self._crc32c.update(data)
        self._md5.update(data)

    @property
    def crc32c(self) -> str:
        """As Cloud Storage and S3 spell it: the big-endian checksum in base64."""
        return _base64(self._crc32c.digest())

    @property
    def md5(self) -> str:
        """As ETags spell it: in lower-case hexadecimal."""
        return self._md5.hexdigest()

    @property
    def content_md5(self) -> str:
        """As the header ``Content-MD5`` spells it."""
        return _base64(self._md5.digest())

    def complaint(self, source: ObjectInfo) -> str:
        """What speaks against these being all the bytes of ``source``; "" where nothing does.

        CRC32C decides; MD5 where Cloud Storage tells no CRC32C. Bytes without either are refused.
        """
        if self.size != source.size:
            return f"{self.size:,} bytes came, the source has {source.size:,}"
        if source.crc32c:
            return "" if self.crc32c == source.crc32c else "the CRC32C of what came is wrong"
        if source.md5:
            return "" if self.md5 == source.md5 else "the MD5 of what came is wrong"
        return "Cloud Storage tells no checksum of it, so a copy could not be checked"


def digest_of(data: bytes) -> Digest:
    """The digest of bytes that are all there.

    >>> digest_of(b"body").crc32c
    'Jj/JUA=='
    """
    digest = Digest()
    digest.update(data)
    return digest


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
