"""Decides what an error of the protocol means: try again, or stop with a message."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import grpc
from grpc import StatusCode

from url_rewriter.concurrency.retry import Attempts, Backoff
from url_rewriter.credentials import LOG_IN
from url_rewriter.errors import (
    ConfigurationError,
    NotPermittedError,
    ServiceError,
    UrlRewriterError,
)

_log = logging.getLogger(__name__)

PASSING = frozenset(
    {
        StatusCode.ABORTED,
        StatusCode.CANCELLED,
        StatusCode.DATA_LOSS,
        StatusCode.DEADLINE_EXCEEDED,
        StatusCode.INTERNAL,
        StatusCode.RESOURCE_EXHAUSTED,
        StatusCode.UNAVAILABLE,
        StatusCode.UNKNOWN,
    }
)
"""Codes worth another try of a read. Production cuts queries at about 60 s with UNAVAILABLE."""

DENIED = frozenset({StatusCode.PERMISSION_DENIED, StatusCode.UNAUTHENTICATED})

# What google-auth raises inside the channel arrives as UNAVAILABLE, with this text.
CREDENTIALS_FAILED = "Getting metadata from plugin failed"
_REVOKED = "invalid_grant"


_BACKOFF = Backoff(attempts=8, first_pause=0.25, longest_pause=15.0, jitter=0.5)


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How long one request may take, and when it is made again.

    ``backoff`` counts faults in a row without a document between. ``stream`` seconds bound one
    stream, which is then resumed; ``call`` seconds bound any other request.
    """

    backoff: Backoff = _BACKOFF
    stream: float = 300.0
    call: float = 60.0


class Retries:
    """Decides after each fault of one piece of work whether to go on with it."""

    def __init__(self, limits: CallLimits, doing: str) -> None:
        self._attempts = Attempts(limits.backoff)
        self._doing = doing

    def progress(self) -> None:
        """Forget earlier faults, because a document arrived."""
        self._attempts.progress()

    def after(self, error: grpc.RpcError) -> None:
        """Return when it is time to try again; raise what the error means where that is no use."""
        revoked = _REVOKED in (error.details() or "")
        if error.code() not in PASSING or revoked or not self._attempts.wait():
            raise meaning(error, self._doing) from error
        _log.info("%s: %s (%s), trying again", self._doing, error.code().name, error.details())

    def unanswered(self) -> None:
        """As `after`, for an answer that came and left out what was asked."""
        if not self._attempts.wait():
            raise ServiceError(f"Firestore gave no full answer to {self._doing}")


def meaning(error: grpc.RpcError, doing: str) -> UrlRewriterError:
    """The error of a call for the operator: what was done, what the server said, what to do."""
    code, said = error.code(), error.details() or "no details"
    if CREDENTIALS_FAILED in said:
        # What follows in that text is the token server's answer, which is not repeated here.
        return NotPermittedError(f"The Google credentials could not be refreshed: {LOG_IN}")
    if code in DENIED:
        return NotPermittedError(
            f"Firestore refused {doing} ({code.name}: {said}). Reading takes the role "
            f"datastore.viewer, writing datastore.user; for another identity, {LOG_IN}."
        )
    if code is StatusCode.NOT_FOUND:
        return ConfigurationError(
            f"No such Firestore database, while {doing}: {said}. "
            "The store is given as firestore://PROJECT[/DATABASE]."
        )
    if code in {StatusCode.INVALID_ARGUMENT, StatusCode.FAILED_PRECONDITION}:
        return ConfigurationError(f"Firestore cannot do this, while {doing}: {said}")
    return ServiceError(f"Firestore failed while {doing} ({code.name}: {said})")
