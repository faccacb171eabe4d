"""Evidence: what an object store answered about a target, and a source store about a source.

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

from url_rewriter.objectinfo import NOTHING, ObjectInfo
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
    GET = "get"
    INVENTORY = "inventory"


class Evidence(NamedTuple):
    """The state of one target. A tuple, because millions of them are made.

    ``checked_at`` is aware, in UTC; by an inventory, it is when that was made. ``info`` is what the
    store told of an object that exists. ``detail`` says why a target is not known to exist, in
    words for an operator, without credentials; by an inventory, which file lists it.
    """

    target: ObjectRef
    state: TargetState
    method: Method
    checked_at: datetime
    info: ObjectInfo = NOTHING
    detail: str = ""


class Access(StrEnum):
    """Whether a URL that is written opens without credentials."""

    PUBLIC = "public"
    NOT_PUBLIC = "not-public"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class WrittenUrl:
    """A URL as it is written, and what was found at its target with credentials."""

    target: ObjectRef
    url: str
    info: ObjectInfo = NOTHING


@dataclass(frozen=True, slots=True)
class AccessEvidence:
    """The result of opening a written URL; ``detail`` says why it is not public.

    ``answered``: something answered at all.
    """

    target: ObjectRef
    access: Access
    checked_at: datetime
    detail: str = ""
    answered: bool = True


class SourceState(StrEnum):
    """Whether the object is still where it was before the move.

    ``GONE`` only on a positive denial; forbidden, throttled, unreachable: ``UNKNOWN``.
    """

    EXISTS = "exists"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SourceEvidence:
    """The state of one source.

    ``info`` is what is known of an object that exists; elsewhere ``detail`` says why it is not
    known to, in words for an operator, without credentials. ``checked_at`` is aware, in UTC; of an
    inventory it is the moment it was read, not made. ``forbidden``: unknown, because these
    credentials may not ask.
    """

    source: ObjectRef
    state: SourceState
    checked_at: datetime
    info: ObjectInfo = NOTHING
    detail: str = ""
    forbidden: bool = False
