"""Whether URLs open without credentials, asked as a browser would ask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from url_rewriter.concurrency.request_rate import RequestRate
from url_rewriter.concurrency.worker_pool import WorkerPool, stop_of_this_thread
from url_rewriter.evidence import Access, AccessEvidence, WrittenUrl
from url_rewriter.objects.transport.anonymous import make_opener
from url_rewriter.objects.transport.answers import Answer
from url_rewriter.objects.transport.persistence import Persistence
from url_rewriter.objects.transport.settings import S3Settings

_NO_HEAD = frozenset({400, 405, 501})
"""Answers of servers that know no HEAD; they are asked for the first byte instead."""


class PublicReader:
    """Opens written URLs without credentials; cannot write, and reads no body."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._open = make_opener(settings)
        self._rate = RequestRate(settings.max_rps, patience=settings.busy_patience)
        self._persistence = Persistence(settings, self._rate, settings.longest)

    def check(self, urls: Iterable[WrittenUrl]) -> Iterator[AccessEvidence]:
        """Yield the result for each URL, in any order; a fault is an unknown access."""
        with WorkerPool(self._check, self._settings.threads) as pool:
            yield from pool.map(urls, 2 * self._settings.threads)

    def open_within(self, urls: Iterable[WrittenUrl], seconds: float) -> Iterator[AccessEvidence]:
        """Yield the result of reading the first byte at each URL, in any order.

        Each is asked for once. After so many ``seconds`` the rest has no result.
        """
        with WorkerPool(self._read_first, self._settings.threads) as pool:
            yield from pool.map(urls, 2 * self._settings.threads, seconds)

    def _check(self, written: WrittenUrl) -> AccessEvidence:
        answer = self._ask("HEAD", written.url)
        if answer.status in _NO_HEAD:
            answer = self._ask("GET", written.url)
        return _conclude(written, answer)

    def _read_first(self, written: WrittenUrl) -> AccessEvidence:
        self._rate.wait(stop_of_this_thread())
        return _conclude(written, self._open("GET", written.url))

    def _ask(self, method: str, url: str) -> Answer:
        return self._persistence.ask(lambda: (self._open(method, url), {}))[0]


def _conclude(written: WrittenUrl, answer: Answer) -> AccessEvidence:
    access, detail = judge_access(answer, written)
    return AccessEvidence(written.target, access, datetime.now(UTC), detail, answer.status != 0)


def judge_access(answer: Answer, written: WrittenUrl) -> tuple[Access, str]:
    """What an answer to an anonymous request says, and why where it is not public.

    >>> from url_rewriter.objectinfo import ObjectInfo
    >>> url = WrittenUrl(..., "https://s3.example.com/b/k", ObjectInfo(3, "1f"))
    >>> judge_access(Answer(403), url)
    (<Access.NOT_PUBLIC: 'not-public'>, 'forbidden without credentials (403)')
    """
    match answer.status:
        case 416 if written.info.size == 0:
            return Access.PUBLIC, ""  # of no bytes there is no first one
        case 200 | 206 if _is_same(answer, written):
            return Access.PUBLIC, ""
        case 200 | 206:
            return Access.NOT_PUBLIC, "something else answers at the URL"
        case 401 | 403:
            return Access.NOT_PUBLIC, f"forbidden without credentials ({answer.status})"
        case 404 | 410:
            return Access.NOT_PUBLIC, f"nothing is there without credentials ({answer.status})"
        case 0:
            return Access.UNKNOWN, answer.fault
        case status if 300 <= status < 400:
            return Access.UNKNOWN, f"redirected ({status})"
        case status if answer.busy:
            return Access.UNKNOWN, f"throttled or busy ({status}); --max-rps asks less often"
        case status:
            return Access.UNKNOWN, f"answered {status}"


def _is_same(answer: Answer, written: WrittenUrl) -> bool:
    """Whether this can be the object that was found with credentials: a login page is not."""
    if answer.etag is not None and written.info.etag is not None:
        return answer.etag == written.info.etag
    size = answer.size if answer.status == 200 else _whole_size(answer)
    return size is not None and size == written.info.size


def _whole_size(answer: Answer) -> int | None:
    """The size of an object of which a part was sent."""
    total = answer.headers.get("content-range", "").rpartition("/")[2]
    return int(total) if total.isascii() and total.isdigit() and len(total) < 19 else None
