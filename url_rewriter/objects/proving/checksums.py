"""What an object store says of a target's bytes: ``head_object`` that asks for checksums too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from url_rewriter.comparison import Checksums, whole_crc32c
from url_rewriter.concurrency.worker_pool import WorkerPool
from url_rewriter.objects.transport.answers import Answer
from url_rewriter.objects.transport.boto import Client
from url_rewriter.objects.transport.settings import S3Settings
from url_rewriter.urls import ObjectRef

_NO_MD5 = "EXPRESS_ONEZONE"  # S3 user guide: ETags in directory buckets are random


class ChecksumReader:
    """Asks for the checksums of targets that exist; cannot write, and reads no body."""

    def __init__(self, settings: S3Settings) -> None:
        self._client = Client(settings)
        self._threads = settings.threads
        self._attempts = settings.attempts

    def read(self, targets: Iterable[ObjectRef]) -> Iterator[Checksums]:
        """Yield what is said of each target, in any order; a fault is told as such."""
        with WorkerPool(self._ask, self._threads) as crew:
            yield from crew.map(targets, 2 * self._threads)

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def _ask(self, target: ObjectRef) -> Checksums:
        answer = Answer()
        for _ in range(self._attempts):
            answer = self._client.head(target, checksums=True)
            if not answer.passing:
                break
        return read_checksums(target, answer)


def read_checksums(target: ObjectRef, answer: Answer) -> Checksums:
    """What an answer says of the object's bytes.

    >>> read_checksums(ObjectRef("b", "k"), Answer(403)).trouble
    'answered 403'
    """
    if answer.status != 200 or answer.etag is None:
        return Checksums(target, trouble=answer.fault or f"answered {answer.status}")
    headers = answer.headers
    return Checksums(
        target,
        size=answer.size,
        etag=answer.etag,
        crc32c=whole_crc32c(
            headers.get("x-amz-checksum-crc32c"), headers.get("x-amz-checksum-type")
        ),
        etag_is_md5=_has_md5_etag(answer),
    )


def _has_md5_etag(answer: Answer) -> bool:
    """Whether S3 promises that the ETag of an object in one part is the MD5 of its bytes.

    Not for objects encrypted with a key of KMS or of a customer (S3 API reference, ``Object``).
    """
    headers = answer.headers
    return (
        headers.get("x-amz-server-side-encryption", "AES256") == "AES256"
        and "x-amz-server-side-encryption-customer-algorithm" not in headers
        and headers.get("x-amz-storage-class") != _NO_MD5
    )
