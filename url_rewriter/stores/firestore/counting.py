"""Has the server count documents: before a scan, and after it the very ranges that were read.

A count is billed as one read for a thousand documents, and at least as one. Google's emulator
counts ranges without a collection id too, as of a read time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import grpc

from url_rewriter.errors import UrlRewriterError
from url_rewriter.stores.base import Partition, Query, StoreCounts
from url_rewriter.stores.firestore import queries
from url_rewriter.stores.firestore.channel import FirestoreChannel
from url_rewriter.stores.selection import Selection


class _NotCountedError(Exception):
    """The server's answer is no count of what was asked for."""


def forecast_count(channel: FirestoreChannel, query: Query) -> int | None:
    """How many documents a scan will read, where they are listed or in whole groups, else None.

    What is below a root collection is not counted for a forecast.
    """
    selection = Selection.of(query)
    if selection.paths is not None:
        return len(selection.paths)
    total = 0
    for area in selection.areas():
        if area.group is None or area.prefix:
            return None
        request = queries.count_query(channel.database, area.group, query.read_time)
        try:
            answer = next(iter(channel.run_aggregation_query(request)))
        except grpc.RpcError:
            return None  # Only a forecast is lost. If more is wrong, the scan reports it.
        total += answer.result.aggregate_fields[queries.COUNTED].integer_value
    return total


def count_ranges(
    channel: FirestoreChannel,
    query: Query,
    parts: Sequence[Partition],
    list_collections: Callable[[datetime | None], list[str]],
) -> StoreCounts:
    """The server's counts for the ``parts`` of a scan, and what it holds outside of them.

    ``list_collections`` gives its root collections, as of a moment.
    """
    if query.read_time is None:
        return StoreCounts(trouble="documents were not read as of one moment")
    selection = Selection.of(query)
    if selection.paths is not None:
        return StoreCounts(trouble="documents were read one by one")
    try:
        ranges = tuple(_count(channel, part, query.read_time) for part in parts)
        if query.collections or query.documents or any(not each.root for each in parts):
            return StoreCounts(ranges)
        trees = [_tree(text) for text in selection.excluded_trees]
        excluded = sum(_count(channel, tree, query.read_time) for tree in trees)
        whole = _count(channel, Partition(""), query.read_time)
        collections = list_collections(query.read_time)
    except (UrlRewriterError, _NotCountedError) as error:
        return StoreCounts(trouble=f"the server does not count them: {error}")
    known = {part.root for part in (*parts, *trees)}
    unread = tuple(each for each in collections if each not in known)
    return StoreCounts(ranges, whole - sum(ranges) - excluded, unread)


def _tree(text: str) -> Partition:
    """A collection and all below it."""
    return Partition(text.split("/")[0], *queries.bounds(text.split("/")))


def _count(channel: FirestoreChannel, part: Partition, read_time: datetime) -> int:
    request = queries.count_range(channel.database, part, read_time)
    answers = channel.retried(
        "counting documents", lambda: list(channel.run_aggregation_query(request))
    )
    counted = [each for each in answers if queries.COUNTED in each.result.aggregate_fields]
    if len(counted) != 1:
        raise _NotCountedError("its answer holds no number.")
    (answer,) = counted
    if answer.read_time.ToDatetime(tzinfo=UTC) != read_time:
        raise _NotCountedError("it counted at another moment than the one asked for.")
    number: int = answer.result.aggregate_fields[queries.COUNTED].integer_value
    return number
