"""Every object under a prefix, page after page of a listing, or an error: never a part as a whole.

A page that cannot be relied on is asked for again in later passes. The listing is read from just
before the prefix to its end, so that no server's notion of a prefix is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from url_rewriter.concurrency.retry import Attempts, Backoff
from url_rewriter.errors import NotPermittedError, ServiceError, UrlRewriterError
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.objects.base import ListedObject
from url_rewriter.objects.transport.answers import Answer
from url_rewriter.objects.transport.base import Place, Transport
from url_rewriter.objects.transport.listing_page import Page, just_before


def list_objects(
    transport: Transport, bucket: str, prefix: str, passes: Backoff
) -> Iterator[ListedObject]:
    """Yield the objects under ``prefix``; see ``ObjectStore.contents``.

    ``passes`` says how often a page is asked for, and how long to wait between.
    """
    after = just_before(prefix) if prefix else ""
    while True:
        place = Place(bucket, after)
        page = _fetch(transport, place, passes)
        count = _count_usable(page)
        for index, key in enumerate(page.keys[:count]):
            if key.startswith(prefix):
                yield _describe(page, index, place)
            elif key > prefix:
                return
        if page.last is None:
            return
        after = page.keys[count - 1]


def _count_usable(page: Page) -> int:
    """How many of a page's objects to take, so that the next page starts behind a certain key."""
    if page.last is not None:
        for count in range(len(page.keys), 0, -1):
            if len(page.readings(count - 1)) == 1:
                return count
    return len(page.keys)


def _describe(page: Page, index: int, place: Place) -> ListedObject:
    _, date, _, size = page.rows[index]
    try:
        modified = datetime.fromisoformat(date)
    except ValueError:
        modified = None
    if modified is None or modified.tzinfo is None:
        raise _explain(Answer(200), place)
    return ListedObject(page.readings(index), ObjectInfo(int(size), modified=modified))


def _fetch(transport: Transport, place: Place, passes: Backoff) -> Page:
    answer = Answer()
    for _ in Attempts(passes):
        for _, answer in transport.pages([place]):
            if answer.page is not None:
                return answer.page
        if answer.busy or (answer.status != 200 and not answer.passing):
            break  # a server that is busy has been waited for already
    raise _explain(answer, place)


def _explain(answer: Answer, place: Place) -> UrlRewriterError:
    if answer.status in (401, 403):
        return NotPermittedError(
            f"Bucket {place.bucket!r} cannot be listed: forbidden "
            f"({answer.code or answer.status}); these credentials need ListBucket."
        )
    if answer.status == 200:
        why = "the page is cut, out of order, or lacks fields"
    else:
        why = answer.fault or f"answered {answer.words}"
        if answer.busy:
            why += ": it is busy, or asked too often; --max-rps asks less often"
    return ServiceError(
        f"The listing of bucket {place.bucket!r} behind the key {place.after!r} cannot be relied "
        f"on: {why}."
    )
