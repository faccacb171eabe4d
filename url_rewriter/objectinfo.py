"""What is known of one object, wherever it is and whichever server or file told it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

_NONE: Mapping[str, str] = MappingProxyType({})


class ObjectInfo(NamedTuple):
    """Facts about an object; None or empty where they are not known. A tuple: millions are made.

    ``size`` is in bytes, as stored. ``etag`` is without its quotes; ``etag_is_md5`` where nothing
    that was told contradicts it. ``modified`` is aware. ``crc32c`` is of the whole object, spelled
    as Cloud Storage and S3 both do: base64 of the big-endian checksum. ``md5`` is in lower-case
    hexadecimal, as ETags are; a composite object of Cloud Storage has none. ``headers`` are those
    that are stored with it besides its type, by their lower-case names; ``metadata`` is the user's.
    """

    size: int | None = None
    etag: str | None = None
    content_type: str | None = None
    modified: datetime | None = None
    crc32c: str | None = None
    md5: str | None = None
    etag_is_md5: bool = False
    generation: int | None = None
    headers: Mapping[str, str] = _NONE
    metadata: Mapping[str, str] = _NONE


NOTHING = ObjectInfo()
"""Nothing is known."""
