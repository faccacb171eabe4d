"""What every way to ask an S3 server offers; each wraps another one or sends requests itself.

``fast`` sends on its own connections, ``boto`` through boto3. ``cross_checked`` wraps both: the
fast one is asked first, and boto3 decides wherever it matters. ``circuit_breaker`` wraps either,
and answers for buckets that are not asked any more. Two things are no wrappers because they
concern single requests on the wire: one ``RequestRate`` is shared by all senders, and what is
asked through boto3 is asked again by ``Persistence``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from url_rewriter.objects.transport.answers import Answer
from url_rewriter.urls import ObjectRef

FEW = 2
"""Keys of a page that is asked for with a prefix: more than one, which show the order."""


class Place(NamedTuple):
    """Where a page of a listing starts: behind the key ``after``.

    With a ``prefix``, only the first keys that begin with it are asked for: is it a key itself?
    """

    bucket: str
    after: str
    prefix: str = ""


class Transport(Protocol):
    """Sends questions to an S3 server. Every outcome is an answer, never an exception.

    Answers come in any order. Questions are taken as the work goes on. A transport may leave out
    questions that it cannot put; boto3 puts all of them.
    """

    def heads(self, targets: Iterable[ObjectRef]) -> Iterator[tuple[ObjectRef, Answer]]:
        """Yield the answer to a HEAD of each target."""

    def pages(self, places: Iterable[Place]) -> Iterator[tuple[Place, Answer]]:
        """Yield the answer to a request for each page; its ``page`` is None unless it is whole."""
