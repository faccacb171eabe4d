"""The fast transport: our own signatures and connections, for questions that come by the thousand.

It saves what boto3 spends on each request, some fifty times its own cost. Its answers are not
relied on where it matters: ``cross_checked`` asks boto3 again there.
"""

from __future__ import annotations

import heapq
import random
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from url_rewriter.concurrency.request_rate import LONGEST_PAUSE, RequestRate
from url_rewriter.objects.transport.answers import BUSY, Answer, clean_code
from url_rewriter.objects.transport.base import FEW, Place
from url_rewriter.objects.transport.boto import Client
from url_rewriter.objects.transport.connections import ConnectionPool
from url_rewriter.objects.transport.http1 import FaultError, Response, StaleError
from url_rewriter.objects.transport.listing_page import read_page
from url_rewriter.objects.transport.settings import S3Settings
from url_rewriter.objects.transport.sigv4 import Signer, escape_key, escape_path, escape_query
from url_rewriter.objects.transport.verdicts import is_folded, judge_key
from url_rewriter.urls import ObjectRef

T = TypeVar("T")

_PLAIN_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{0,221}")
_EXPRESS = "--x-s3"  # a directory bucket of S3 Express wants a session of its own
_ZONE = "GMT"  # every date of HTTP ends so; boto3 reads no answer with another one


_SHORTEST = 0.001
"""Seconds to wait for answers where requests are waiting to be sent."""

_Request = tuple[T, str, str, str]
"""What asks, the method, the path and the query, both escaped."""


class FastTransport:
    """Asks over up to ``workers`` connections from the caller's thread."""

    def __init__(self, settings: S3Settings, client: Client, bundle: str) -> None:
        self._settings, self._bundle = settings, bundle
        self._base = urlsplit(settings.endpoint).path.rstrip("/")
        self._host = _host(settings.endpoint)
        self._ending = f"Host: {self._host}\r\nUser-Agent: url-rewriter\r\nAccept: */*\r\n\r\n"
        self._client = client
        self._signer: Signer | None = None
        self._looked = 0  # at the credentials, in seconds of the clock
        self._width = _Width(settings.workers)
        self._pools: list[ConnectionPool[Any]] = []
        self._paths: dict[str, str] = {}  # of buckets

    def heads(self, targets: Iterable[ObjectRef]) -> Iterator[tuple[ObjectRef, Answer]]:
        """See ``Transport.heads``. Leaves out targets that need special care, such as odd slashes,
        and all of them without credentials."""
        requests = (
            (each, "HEAD", f"{self._path_of(each.bucket)}/{escape_key(each.key)}", "")
            for each in targets
            if _is_plain(each.bucket) and not is_folded(each.key) and judge_key(each.key) is None
        )
        return ((target, _answer(outcome)) for target, outcome in self._run(requests))

    def pages(self, places: Iterable[Place]) -> Iterator[tuple[Place, Answer]]:
        """See ``Transport.pages``. Leaves out buckets that need special care."""
        requests = (
            (each, "GET", self._path_of(each.bucket), _page_query(each))
            for each in places
            if _is_plain(each.bucket)
        )
        for place, outcome in self._run(requests):
            answer = _answer(outcome)
            if isinstance(outcome, Response) and answer.status == 200:
                answer = answer._replace(page=read_page(outcome.body, place.bucket, place.after))
            yield place, answer

    def close(self) -> None:
        """Give back the connections."""
        for pool in self._pools:
            pool.close()

    def _path_of(self, bucket: str) -> str:
        if bucket not in self._paths:
            self._paths[bucket] = escape_path(self._base, bucket)
        return self._paths[bucket]

    def _run(self, requests: Iterator[_Request[T]]) -> Iterator[tuple[T, Response | FaultError]]:
        # A run may begin while another one waits for its consumer: each has a pool to itself.
        pool: ConnectionPool[_Request[T]] = self._pools.pop() if self._pools else self._open_pool()
        pool.begin()
        self._width.begin()
        rate = self._client.rate
        supply = _Supply(requests, rate, self._settings)
        try:
            while (signer := self._find_signer()) is not None and rate.patient:
                for request in supply.take(self._width.now - len(pool)):
                    if fault := self._send(pool, request, signer):
                        yield request[0], fault
                if supply.exhausted and not len(pool):
                    return
                count = passed = 0
                for request, outcome in pool.turn(supply.pause()):
                    count += 1
                    if isinstance(outcome, FaultError):
                        if isinstance(outcome, StaleError):
                            supply.put_back(request)
                            continue
                    elif outcome[0] not in BUSY:
                        passed += 1
                    elif supply.put_off(request, _answer(outcome)):
                        continue
                    yield request[0], outcome
                rate.passed(passed)
                self._width.count(count)
        finally:
            pool.abandon()
            self._pools.append(pool)

    def _send(
        self, pool: ConnectionPool[_Request[T]], request: _Request[T], signer: Signer
    ) -> FaultError | None:
        _, method, path, query = request
        where = f"{path}?{query}" if query else path
        signed = signer.headers(method, path, query)
        data = f"{method} {where} HTTP/1.1\r\n{signed}\r\n{self._ending}".encode()
        try:
            pool.ask(request, data, bodiless=method == "HEAD")
        except FaultError as fault:
            return fault
        return None

    def _find_signer(self) -> Signer | None:
        """Signs with the credentials of this moment; None without any."""
        second = int(time.monotonic())
        if self._signer is None or second != self._looked:
            self._looked = second
            credentials = self._client.credentials()
            if credentials is None:
                self._signer = None
            elif self._signer is None or self._signer.credentials != credentials:
                self._signer = Signer(credentials, self._client.region, self._host)
        return self._signer

    def _open_pool(self) -> ConnectionPool[Any]:
        return ConnectionPool(self._settings, self._bundle)


class _Supply(Generic[T]):
    """Requests that are still to be sent: new ones, and those that the server was too busy for."""

    def __init__(
        self, requests: Iterator[_Request[T]], rate: RequestRate, settings: S3Settings
    ) -> None:
        self._requests = requests
        self._rate = rate
        self._most = settings.busy_attempts
        self._unit = settings.backoff
        self._again: list[_Request[T]] = []
        self._later: list[tuple[float, int, _Request[T]]] = []
        self._refusals: Counter[_Request[T]] = Counter()
        self._put_off = 0
        self._ended = False

    @property
    def exhausted(self) -> bool:
        return self._ended and not self._again and not self._later

    def take(self, most: int) -> Iterator[_Request[T]]:
        """Yield requests that may be sent now."""
        limited = self._rate.limited
        for _ in range(most):
            if limited and (self._is_waiting() or not self._rate.is_due()):
                return
            request = self._next() if self._again or self._later else next(self._requests, None)
            if request is None:
                self._ended = True
                return
            yield request

    def pause(self) -> float:
        """Seconds until there may be something to send, where no answer comes before."""
        if not self._rate.limited and not self._later:
            return 1.0
        pause = max(_SHORTEST, self._rate.pause())
        return max(pause, self._later[0][0] - time.monotonic()) if self._is_waiting() else pause

    def put_back(self, request: _Request[T]) -> None:
        """Have a request sent again at once."""
        self._again.append(request)

    def put_off(self, request: _Request[T], answer: Answer) -> bool:
        """Have a request that the server was too busy for sent again; False if it was too often."""
        self._rate.refused(answer.words, answer.pause)
        self._refusals[request] += 1
        number = self._refusals[request]
        if number >= self._most or not self._rate.patient:
            return False
        pause = self._unit * min(8.0, 0.1 * 2**number) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter
        pause = max(pause, min(answer.pause, LONGEST_PAUSE))
        # Where two are due at once, their numbers decide, so that no request is compared.
        self._put_off += 1
        heapq.heappush(self._later, (time.monotonic() + pause, self._put_off, request))
        return True

    def _is_waiting(self) -> bool:
        """Whether nothing is left but requests whose time has not come."""
        waits = self._ended and not self._again and bool(self._later)
        return waits and self._later[0][0] > time.monotonic()

    def _next(self) -> _Request[T] | None:
        if self._again:
            return self._again.pop()
        if self._later and self._later[0][0] <= time.monotonic():
            return heapq.heappop(self._later)[2]
        return next(self._requests, None)


class _Width:
    """How many requests are worth having under way at once.

    Twice as many for as long as that brings a third more answers a second: beyond it they only wait
    in the server, or in this process, and each connection has its price.
    """

    _FIRST = 32

    def __init__(self, most: int) -> None:
        self._most = most
        self._proven = self.now = min(most, self._FIRST)
        self.begin()

    def begin(self) -> None:
        """A run begins: what was worth it in the last one is the least in this one."""
        self.now = self._proven
        self._rate = 0.0
        self._growing = self.now < self._most
        self._counted, self._since = 0, time.monotonic()

    def count(self, answers: int) -> None:
        """So many more answers came."""
        self._counted += answers
        if not self._growing or self._counted < 8 * self.now:
            return
        now = time.monotonic()
        rate = self._counted / max(now - self._since, 1e-6)
        if rate > 1.3 * self._rate:
            self._rate, self._proven = rate, self.now
            self.now = min(2 * self.now, self._most)
        else:
            self.now, self._growing = self._proven, False
        self._counted, self._since = 0, now


def _is_plain(bucket: str) -> bool:
    return _PLAIN_BUCKET.fullmatch(bucket) is not None and not bucket.endswith(_EXPRESS)


def _answer(outcome: Response | FaultError) -> Answer:
    if isinstance(outcome, FaultError):
        return Answer(fault=str(outcome))
    status, headers, _, _ = outcome
    if not headers.get("last-modified", _ZONE).endswith(_ZONE):
        return Answer(fault="an answer with headers that cannot be read")
    code = headers.get("x-minio-error-code")
    return Answer(status, headers, clean_code(code) if code else "")


def _host(endpoint: str) -> str:
    """The Host header that botocore sends: without the scheme's own port."""
    parts = urlsplit(endpoint)
    usual = {"http": 80, "https": 443}[parts.scheme]
    return parts.netloc.removesuffix(f":{usual}") if parts.port == usual else parts.netloc


def _page_query(place: Place) -> str:
    _, after, prefix = place
    start = {"start-after": after} if after else {}
    few = {"prefix": prefix, "max-keys": str(FEW)} if prefix else {}
    return escape_query({"list-type": "2", "encoding-type": "url", **start, **few})
