"""Checksums of targets: ``head_object`` that asks for them too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from url_rewriter.concurrency.worker_pool import WorkerPool
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.objects.transport.answers import Answer
from url_rewriter.objects.transport.boto import Client
from url_rewriter.objects.transport.settings import S3Settings
from url_rewriter.urls import ObjectRef


class ChecksumReader:
    """Asks for the checksums of targets that exist; cannot write, and reads no body."""

    def __init__(self, settings: S3Settings) -> None:
        self._client = Client(settings)
        self._threads = settings.threads

    def read(self, targets: Iterable[ObjectRef]) -> Iterator[Evidence]:
        """Yield evidence of each target with its checksums, in any order."""
        with WorkerPool(self._ask, self._threads) as pool:
            yield from pool.map(targets, 2 * self._threads)

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def _ask(self, target: ObjectRef) -> Evidence:
        return read_checksums(target, self._client.head(target, checksums=True))


def read_checksums(target: ObjectRef, answer: Answer) -> Evidence:
    """What an answer says of the object and its bytes; unknown unless it says that it exists.

    >>> read_checksums(ObjectRef("b", "k"), Answer(403)).detail
    'answered 403'
    """
    now = datetime.now(UTC)
    if answer.status != 200 or answer.etag is None:
        detail = answer.fault or f"answered {answer.status}"
        return Evidence(target, TargetState.UNKNOWN, Method.HEAD, now, detail=detail)
    return Evidence(target, TargetState.EXISTS, Method.HEAD, now, answer.info)
