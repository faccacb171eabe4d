"""Every object under a prefix, page after page of a listing, or an error: no part passes for the
whole.

Pages come through the faster lane where there is one. One that cannot be relied on is asked for
through boto3, then again in later passes. The walk starts just before the prefix and ends behind
it, so that no server's notion of a prefix is needed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from operator import lt
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from url_rewriter.errors import NotPermittedError, ServiceError, UrlRewriterError
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.objects.base import ListedObject
from url_rewriter.objects.transport.answers import Answer
from url_rewriter.objects.transport.boto import Client
from url_rewriter.objects.transport.listing_page import is_listable, just_before
from url_rewriter.objects.transport.settings import S3Settings

if TYPE_CHECKING:
    from url_rewriter.objects.transport.fast import FastLane


@dataclass(frozen=True, slots=True)
class Sent:
    """A page as it was sent: keys as they were spelled, percent-encoded where ``escaped``."""

    keys: Sequence[str]
    sizes: Sequence[int]
    modified: Sequence[datetime]
    escaped: bool
    truncated: bool


Fetch = Callable[[str], tuple[Answer, Sent | None]]
"""Asks for the page behind a key; None for one that is cut, of another bucket, or lacks fields."""


def walk(
    settings: S3Settings, client: Client, lane: FastLane | None, bucket: str, prefix: str
) -> Iterator[ListedObject]:
    """Yield the objects; see ``ObjectStore.contents``."""
    ways: list[Fetch] = [partial(_ask_boto3, client, bucket)]
    if lane is not None and lane.takes_bucket(bucket):
        ways.insert(0, partial(_ask_lane, lane, bucket))
    return follow(ways, bucket, prefix, settings.backoff, settings.passes)


def _ask_boto3(client: Client, bucket: str, after: str) -> tuple[Answer, Sent | None]:
    answer, page = client.list_page(bucket, after)
    return answer, _read_parsed(page, bucket)


def _ask_lane(lane: FastLane, bucket: str, after: str) -> tuple[Answer, Sent | None]:
    for _, body in lane.pages([(bucket, after)]):
        if body:
            return Answer(status=200), read_body(body, bucket)
    return Answer(fault="no page came through the faster lane"), None


def follow(
    ways: Sequence[Fetch], bucket: str, prefix: str, backoff: float, passes: int
) -> Iterator[ListedObject]:
    """Yield the objects under ``prefix``, from pages that are had in the first of the ways that
    gives a good one; ``backoff`` is the pause before the second of the ``passes``, in seconds."""
    after = just_before(prefix) if prefix else ""
    while True:
        page = _get_page(ways, bucket, after, backoff, passes)
        for key, found in page:
            if key.startswith(prefix):
                yield found
            elif key > prefix:
                return
        if page.last is None:
            return
        after = page.last


class _Page:
    """Objects in the order of the keys that they are likeliest to have."""

    def __init__(self, sent: Sent, keys: Sequence[str]) -> None:
        self._sent = sent
        self._keys = keys
        self._count = len(keys)
        if sent.truncated:
            self._count = _safe_end(sent, keys)
        self.last = keys[self._count - 1] if sent.truncated else None

    def __iter__(self) -> Iterator[tuple[str, ListedObject]]:
        sent = self._sent
        for index in range(self._count):
            key = self._keys[index]
            keys = _readings(sent.keys[index], key, escaped=sent.escaped)
            yield (
                key,
                ListedObject(keys, ObjectInfo(sent.sizes[index], modified=sent.modified[index])),
            )


def _safe_end(sent: Sent, keys: Sequence[str]) -> int:
    """How many of a page's objects to take, so that the next page starts behind a certain key."""
    for count in range(len(keys), 0, -1):
        if len(_readings(sent.keys[count - 1], keys[count - 1], escaped=sent.escaped)) == 1:
            return count
    return len(keys)


def _get_page(ways: Sequence[Fetch], bucket: str, after: str, backoff: float, passes: int) -> _Page:
    answers: list[Answer] = []
    for number in range(1 + passes):
        if number:
            time.sleep(backoff * 2 ** (number - 1))
        answers.clear()
        for way in ways:
            answer, sent = way(after)
            answers.append(answer)
            keys = _order(sent, after) if answer.status == 200 and sent is not None else None
            if sent is not None and keys is not None:
                return _Page(sent, keys)
        if answers[-1].status != 200 and not answers[-1].passing:
            break
    # botocore takes a page that it cannot read for an answer of 500.
    worth_telling = [each for each in answers if each.status == 200]
    raise _explain([*worth_telling, answers[-1]][0], bucket, after)


def _explain(answer: Answer, bucket: str, after: str) -> UrlRewriterError:
    if answer.status in (401, 403):
        return NotPermittedError(
            f"Bucket {bucket!r} cannot be listed: forbidden ({answer.code or answer.status}); "
            "these credentials need ListBucket."
        )
    if answer.status == 200:
        why = "the page is cut, out of order, or lacks fields"
    else:
        why = answer.fault or f"answered {answer.status} {answer.code}".rstrip()
    return ServiceError(
        f"The listing of bucket {bucket!r} behind the key {after!r} cannot be relied on: {why}."
    )


def read_body(body: bytes, bucket: str) -> Sent | None:
    """The page that a body holds; None for what is no whole page of this bucket."""
    try:
        # botocore gives the same bytes to the same parser.
        root = ET.fromstring(body)  # noqa: S314
    except ET.ParseError:
        return None
    space = root.tag.removesuffix("ListBucketResult")
    told = {child.tag.removeprefix(space): child.text or "" for child in root}
    contents = root.findall(f"{space}Contents")
    columns = [
        [entry.findtext(space + name) for entry in contents]
        for name in ("Key", "Size", "LastModified")
    ]
    if told.get("Name") != bucket or told.get("IsTruncated") not in ("true", "false"):
        return None
    if not all(map(all, columns)):
        return None
    keys, sizes, modified = (tuple(text or "" for text in column) for column in columns)
    try:
        return _sent(
            keys,
            tuple(map(int, sizes)),
            tuple(map(datetime.fromisoformat, modified)),
            {**told, "IsTruncated": told["IsTruncated"] == "true"},
        )
    except ValueError:
        return None


def _read_parsed(page: Mapping[str, Any], bucket: str) -> Sent | None:
    """The page that botocore read."""
    entries = page.get("Contents", ())
    if page.get("Name") != bucket or "IsTruncated" not in page:
        return None
    if not all({"Key", "Size", "LastModified"} <= entry.keys() for entry in entries):
        return None
    keys, sizes, modified = (
        [entry[name] for entry in entries] for name in ("Key", "Size", "LastModified")
    )
    return _sent(keys, sizes, modified, page)


def _sent(
    keys: Sequence[str],
    sizes: Sequence[int],
    modified: Sequence[datetime],
    told: Mapping[str, Any],
) -> Sent | None:
    """The page, unless it contradicts itself."""
    truncated = bool(told["IsTruncated"])
    fewer = int(told.get("KeyCount") or 0) > len(keys)
    if fewer or (truncated and not keys) or (told.get("NextContinuationToken") and not truncated):
        return None
    if any(each.tzinfo is None for each in modified):
        return None
    return Sent(keys, sizes, modified, told.get("EncodingType") == "url", truncated)


def _order(sent: Sent, after: str) -> Sequence[str] | None:
    """The keys of a page, read so that they ascend from ``after``; None where they do not."""
    if not sent.escaped:
        return sent.keys if _ascend(sent.keys, after) else None
    try:
        spaced = [unquote(key.replace("+", " "), errors="strict") for key in sent.keys]
        if _ascend(spaced, after):
            return spaced
        plain = [unquote(key, errors="strict") for key in sent.keys]
    except UnicodeDecodeError:
        return None
    return plain if _ascend(plain, after) else None


def _ascend(keys: Sequence[str], after: str) -> bool:
    return all(map(lt, keys, keys[1:])) and (not keys or keys[0] > after)


def _readings(sent: str, key: str, *, escaped: bool) -> tuple[str, ...]:
    """Every key that may have been sent in this spelling; none where nobody can tell.

    A plus in an escaped key is a space to Amazon and a plus to others, and nothing that is escaped
    needs XML's entities. A line end that is not escaped may have been another one.
    """
    if not is_listable(key) or (escaped and "&" in sent) or (not escaped and "\n" in key):
        return ()
    if escaped and "+" in sent:
        return (unquote(sent.replace("+", " ")), unquote(sent))
    return (key,)
