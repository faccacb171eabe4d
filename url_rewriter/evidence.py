"""What an object store said of a target, when and how.

A target *exists* only on a positive answer and is *missing* only on a positive denial. A forbidden
probe, a throttled one, a server that cannot be reached or that answers like no S3 server:
*unknown*, which blocks like missing does. *Mismatch*: something is there, and it is not the object
that moved.
"""

from __future__ import annotations

from dataclasses import dataclass
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
