"""Transfers: one object copied from its source to its target, and the result.

A target that is there is never overwritten, whatever it is. What is decided here is which source a
target is copied from, where a URL can be read in several ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from url_rewriter.errors import UrlRewriterError
from url_rewriter.evidence import SourceState, TargetState
from url_rewriter.urls import ObjectRef


class TransferOutcome(StrEnum):
    """The result for one object that was to be copied.

    ``GONE``: Cloud Storage denies that the source is there. ``MISMATCH``: something else is at the
    target, and was left alone. ``UNKNOWN``: it is not known what is at one of the two.
    """

    COPIED = "copied"
    ALREADY_THERE = "already_there"
    GONE = "gone"
    MISMATCH = "mismatch"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Transfer:
    """The result of copying one object; ``detail`` says why, in words for an operator.

    ``passing``: the trouble may be over when it is tried again; ``forbidden``: the identity may
    not do this; ``full``: nothing more can be stored there. ``bytes`` were written.
    """

    outcome: TransferOutcome
    detail: str = ""
    passing: bool = False
    forbidden: bool = False
    full: bool = False
    bytes: int = 0

    @property
    def there(self) -> bool:
        """Whether the object is at its target now."""
        return self.outcome in (TransferOutcome.COPIED, TransferOutcome.ALREADY_THERE)


class ReadError(UrlRewriterError):
    """A source could not be read to its end; what was read of it is worth nothing."""

    def __init__(self, detail: str, *, gone: bool = False, forbidden: bool = False) -> None:
        super().__init__(detail)
        self.gone = gone
        self.forbidden = forbidden


class Choice(NamedTuple):
    """One way to read a URL: the source it names, and the target that a rule makes of it."""

    source: ObjectRef
    target: ObjectRef


class CopyStep(StrEnum):
    """What to do about a choice whose two ends were asked for."""

    COPY = "copy"
    COMPARE = "compare"
    TRUST = "trust"
    NEXT = "next"
    GIVE_UP = "give up"


def decide(target: TargetState, source: SourceState) -> CopyStep:
    """What the states of a choice's ends call for.

    An unknown end decides against all choices that follow: this one may be the right one.
    ``TRUST``: the target is there, and there is nothing any more that it could be compared with.

    >>> decide(TargetState.MISSING, SourceState.EXISTS).value
    'copy'
    >>> decide(TargetState.MISSING, SourceState.GONE).value
    'next'
    """
    match target, source:
        case ((TargetState.EXISTS | TargetState.MISMATCH), SourceState.EXISTS):
            return CopyStep.COMPARE
        case TargetState.EXISTS, _:
            return CopyStep.TRUST
        case TargetState.MISSING, SourceState.EXISTS:
            return CopyStep.COPY
        case TargetState.MISSING, SourceState.GONE:
            return CopyStep.NEXT
        case _:
            return CopyStep.GIVE_UP
