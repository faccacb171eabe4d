"""Divides a scan into partitions that can be read at the same time."""

from __future__ import annotations

import itertools
import math
import string
from collections.abc import Sequence
from datetime import datetime

import grpc

from url_rewriter.stores.base import Partition
from url_rewriter.stores.firestore import queries
from url_rewriter.stores.firestore.channel import FirestoreChannel
from url_rewriter.stores.selection import path_order

# Ids made by Firestore and Firebase consist of these characters, evenly distributed.
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase


def divide(
    channel: FirestoreChannel, parts: Sequence[Partition], count: int, read_time: datetime | None
) -> list[Partition]:
    """Cut partitions into about ``count`` in all.

    The service gives cuts for large collection groups. Where it gives none (a small group, or the
    emulator), each root collection is cut at invented ids into an equal share of the parts.
    """
    share = math.ceil(count / max(1, len(parts)))
    pieces: list[Partition] = []
    for part in parts:
        cuts = _sampled(channel, part, count - 1, read_time) or _invented(part, share)
        edges = itertools.pairwise([part.start, *cuts, part.end])
        pieces += [Partition(part.root, *edge) for edge in edges]
    return pieces


def leave_out(parts: Sequence[Partition], trees: Sequence[str]) -> list[Partition]:
    """The partitions without the collections ``trees`` and everything below them."""
    left = list(parts)
    for tree in trees:
        first, past = queries.bounds(tree.split("/"))
        left = [piece for part in left for piece in _around(part, tree, first, past)]
    return left


def _around(part: Partition, tree: str, first: str | None, past: str | None) -> list[Partition]:
    if part.root == tree and part.start is None and part.end is None:
        return []
    if queries.is_group(part.root) or part.root != tree.split("/")[0]:
        return [part]
    before = Partition(part.root, part.start, _first_of(part.end, first))
    behind = Partition(part.root, _last_of(part.start, past), part.end)
    return [each for each in (before, behind) if _holds_anything(each)]


def _first_of(end: str | None, other: str | None) -> str | None:
    return min(filter(None, (end, other)), key=path_order, default=None)


def _last_of(start: str | None, other: str | None) -> str | None:
    return max(filter(None, (start, other)), key=path_order, default=None)


def _holds_anything(part: Partition) -> bool:
    return not (part.start and part.end) or path_order(part.start) < path_order(part.end)


def _sampled(
    channel: FirestoreChannel, part: Partition, count: int, read_time: datetime | None
) -> list[str]:
    """Return the paths from PartitionQuery that divide a partition evenly; none if it gives none.

    The service divides whole collection groups only. For a root collection it divides the group of
    the same name, and the cuts inside that collection are kept.
    """
    group = part.root.rpartition("/")[2]
    paths: set[str] = set()
    page = ""
    while True:
        request = queries.partition_query(channel.database, group, count, page, read_time)
        try:
            answer = channel.partition_query(request)
        except grpc.RpcError:
            # Only speed is lost. If more than PartitionQuery fails, the scan reports it.
            return []
        for cursor in answer.partitions:
            if cursor.values:
                paths.add(channel.database.document_path(cursor.values[0].reference_value))
        before, page = page, answer.next_page_token
        if not page or page == before:
            return sorted((path for path in paths if _divides(path, part)), key=path_order)


def _divides(path: str, part: Partition) -> bool:
    """Whether ``path`` is inside the partition, and not at its very edge."""
    if not queries.is_group(part.root) and path.split("/")[0] != part.root:
        return False
    place = path_order(path)
    return (part.start is None or place > path_order(part.start)) and (
        part.end is None or place < path_order(part.end)
    )


def _invented(part: Partition, count: int) -> list[str]:
    """Evenly spaced ids of two characters, in a whole root collection."""
    if queries.is_group(part.root) or part.start or part.end:
        return []
    base = len(_ALPHABET)
    places = sorted({base * base * number // count for number in range(1, count)} - {0})
    return [f"{part.root}/{_ALPHABET[place // base]}{_ALPHABET[place % base]}" for place in places]
