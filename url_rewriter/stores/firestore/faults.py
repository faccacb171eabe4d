"""Decides what an error of the protocol means: try again, or stop with a message."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import grpc
from grpc import StatusCode

from url_rewriter.concurrency.retry import Attempts, Backoff
from url_rewriter.credentials import LOG_IN, meaning_of_no_token, refuses_identity
from url_rewriter.errors import (
    ConfigurationError,
    NotPermittedError,
    ServiceError,
    UrlRewriterError,
)
from url_rewriter.stores.base import SnapshotLostError

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

_LOST = re.compile(r"snapshot version|read.?time|version .*too old", re.I)
_API_OFF = re.compile(r"has not been used in project|API .*is disabled|SERVICE_DISABLED", re.I)
_OTHER_KIND = re.compile(r"Datastore Mode|Enterprise edition|MongoDB", re.I)

DENIED = frozenset({StatusCode.PERMISSION_DENIED, StatusCode.UNAUTHENTICATED})

# What google-auth raises inside the channel arrives as UNAVAILABLE, with this text.
CREDENTIALS_FAILED = "Getting metadata from plugin failed"

_TOKEN_ATTEMPTS = 3
"""How often a token is asked for; `credentials.TokenRequest` bounds each attempt."""

_CANNOT = frozenset({StatusCode.INVALID_ARGUMENT, StatusCode.FAILED_PRECONDITION})
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


IMPATIENT = CallLimits(replace(_BACKOFF, attempts=2), stream=8.0, call=8.0)
"""For one question to a server that may not be there."""


WATCHFUL = CallLimits(stream=20.0, call=20.0)
"""For work that goes on for days: a connection that is dead and does not know it is noticed soon.
Streams are resumed behind their last document, so that it does not matter how long they are."""


class Retries:
    """Decides after each fault of one piece of work whether to go on with it."""

    def __init__(
        self,
        limits: CallLimits,
        doing: str,
        renew: Callable[[], None] | None = None,
        reconnect: Callable[[], None] = lambda: None,
    ) -> None:
        self._attempts = Attempts(limits.backoff)
        self._tokens = Attempts(replace(limits.backoff, attempts=_TOKEN_ATTEMPTS))
        self._doing = doing
        self._renew = renew
        self._reconnect = reconnect
        self._renewed = False

    def progress(self) -> None:
        """Forget earlier faults, because a document arrived."""
        self._attempts.progress()
        self._tokens.progress()
        self._renewed = False

    def after(self, error: grpc.RpcError) -> None:
        """Return when it is time to try again; raise what the error means where that is no use."""
        if not self._may_pass(error):
            raise meaning(error, self._doing) from error
        said = "no token" if CREDENTIALS_FAILED in (error.details() or "") else error.details()
        _log.info("%s: %s (%s), trying again", self._doing, error.code().name, said)

    def _may_pass(self, error: grpc.RpcError) -> bool:
        code, said = error.code(), error.details() or ""
        if CREDENTIALS_FAILED in said:
            return not refuses_identity(said) and self._tokens.wait()
        if code is StatusCode.UNAUTHENTICATED and self._renew is not None and not self._renewed:
            self._renewed = True
            self._renew()
            return True
        if code is StatusCode.DEADLINE_EXCEEDED:
            self._reconnect()
        return code in PASSING and self._attempts.wait()

    def unanswered(self) -> None:
        """As `after`, for an answer that came and left out what was asked."""
        if not self._attempts.wait():
            raise ServiceError(f"Firestore gave no full answer to {self._doing}")


def meaning(error: grpc.RpcError, doing: str) -> UrlRewriterError:
    """The error of a call for the operator: what was done, what the server said, what to do."""
    code, said = error.code(), error.details() or "no details"
    if CREDENTIALS_FAILED in said:
        return meaning_of_no_token(said)
    if code is StatusCode.PERMISSION_DENIED and _API_OFF.search(said):
        return ConfigurationError(
            f"The Firestore API is switched off in this project, while {doing}: {said} "
            "`gcloud services enable firestore.googleapis.com` switches it on."
        )
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
    if _OTHER_KIND.search(said):
        return ConfigurationError(
            f"This database is of another kind, while {doing}: {said} The tool reads Firestore in "
            "Native mode, Standard edition: name such a database, firestore://PROJECT/DATABASE."
        )
    if code is StatusCode.RESOURCE_EXHAUSTED:
        return ServiceError(
            f"A quota is used up, while {doing} ({code.name}: {said}). One of a day comes back at "
            "midnight, Pacific time; the project's owner can raise it, or enable billing."
        )
    if code in _CANNOT and _LOST.search(said):
        return SnapshotLostError(
            f"Firestore cannot read the database as it was at that moment, while {doing}: {said} "
            "It keeps an hour; with point-in-time recovery, whole minutes of the last seven days."
        )
    if code in _CANNOT:
        return ConfigurationError(f"Firestore cannot do this, while {doing}: {said}")
    return ServiceError(f"Firestore failed while {doing} ({code.name}: {said})")
