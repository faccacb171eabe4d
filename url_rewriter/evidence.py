"""What was said of an object: of a target by an object store, of its source where it came from.

A target *exists* only on a positive answer and is *missing* only on a positive denial. A forbidden
probe, a throttled one, a server that cannot be reached or that answers like no S3 server:
*unknown*, which blocks like missing does. *Mismatch*: something is there, and it is not the object
that moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from url_rewriter.urls import ObjectRef


class TargetState(StrEnum):
    """Whether the object that a rewritten URL will name is there."""

    EXISTS = "exists"
    MISSING = "missing"
    MISMATCH = "mismatch"
    UNKNOWN = "unknown"


class Method(StrEnum):
    """How the evidence was gathered."""

    HEAD = "head"
    LIST = "list"


class Evidence(NamedTuple):
    """The state of one target. A tuple, because millions of them are made.

    ``checked_at`` is aware, in UTC. ``size`` is in bytes; ``size``, ``etag`` and ``content_type``
    are given where the object exists. ``detail`` says why a target is not known to exist, in words
    for an operator, without credentials.
    """

    target: ObjectRef
    state: TargetState
    method: Method
    checked_at: datetime
    size: int | None = None
    etag: str | None = None
    content_type: str | None = None
    detail: str = ""


class Access(StrEnum):
    """What somebody without credentials gets for the URL that is written."""

    PUBLIC = "public"
    NOT_PUBLIC = "not-public"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class WrittenUrl:
    """A URL as it is written, and what was found at its target with credentials."""

    target: ObjectRef
    url: str
    size: int | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class AccessEvidence:
    """What came of opening a written URL; ``detail`` says why it is not public."""

    target: ObjectRef
    access: Access
    checked_at: datetime
    detail: str = ""


class SourceState(StrEnum):
    """Whether the object is still where it was before the move.

    ``GONE`` only on a positive denial; forbidden, throttled, unreachable: ``UNKNOWN``.
    """

    EXISTS = "exists"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SourceObject:
    """What is known of an object where it was before the move.

    ``size`` is in bytes, as stored. ``crc32c`` is spelled as Cloud Storage and S3 both do: base64
    of the big-endian checksum. ``md5`` is in lower-case hexadecimal, as ETags are; a composite
    object has none. What a listing does not tell is None or empty.
    """

    ref: ObjectRef
    size: int
    crc32c: str | None = None
    md5: str | None = None
    generation: int | None = None
    content_type: str | None = None
    cache_control: str | None = None
    content_disposition: str | None = None
    content_encoding: str | None = None
    content_language: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceEvidence:
    """The state of one source.

    ``found`` is given where the object exists; elsewhere ``detail`` says why not, in words for an
    operator, without credentials. ``checked_at`` is aware, in UTC; of an inventory it is the moment
    it was read, not made. ``forbidden``: unknown, because these credentials may not ask.
    """

    source: ObjectRef
    state: SourceState
    checked_at: datetime
    found: SourceObject | None = None
    detail: str = ""
    forbidden: bool = False
