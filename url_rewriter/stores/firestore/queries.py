"""Requests that read: ranges of names, in name order.

The shape, no collection id and a filter on both ends of the name, is the one that firebase-tools
deletes whole subtrees with, so production is known to answer it, documents under missing parents
included: https://github.com/firebase/firebase-tools/blob/master/src/firestore/delete.ts
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from url_rewriter.stores.base import Partition
from url_rewriter.stores.firestore.channel import Database
from url_rewriter.stores.firestore.messages import (
    BatchGetDocumentsRequest,
    ListCollectionIdsRequest,
    Message,
    PartitionQueryRequest,
    RunAggregationQueryRequest,
    RunQueryRequest,
    StructuredQuery,
)
from url_rewriter.stores.selection import Area

FIRST_ID = "__id-9223372036854775808__"
"""The least of all document ids: numeric ones sort before the others."""

_GROUP = "**/"
_PAGE = 300

COUNTED = "documents"


def partition_of(area: Area, start: str | None = None, end: str | None = None) -> Partition:
    """The partition that reads an area, or the part of it from ``start`` to before ``end``."""
    first, past = bounds(area.prefix)
    root = f"{_GROUP}{area.group}" if area.group is not None else "".join(area.prefix[:1])
    return Partition(root, start or first, end or past)


def is_group(root: str) -> bool:
    """Whether a partition's root stands for a collection group, not for a root collection."""
    return root.startswith(_GROUP)


def bounds(prefix: Sequence[str]) -> tuple[str | None, str | None]:
    r"""The names that begin with ``prefix``, as a half-open range.

    A collection's begin with the least id in it, and end before the collection whose id is the
    next possible one: its own and a null character.

    >>> bounds(("users", "ada"))
    ('users/ada', 'users/ada\x00')
    """
    if not prefix:
        return None, None
    path = "/".join(prefix)
    if len(prefix) % 2:
        return f"{path}/{FIRST_ID}", f"{path}\0/{FIRST_ID}"
    return path, f"{path}\0"


def structured_query(database: Database, partition: Partition) -> Message:
    """The StructuredQuery for the documents of a partition, in name order."""
    query = StructuredQuery()
    selector = query.from_.add(all_descendants=True)
    if is_group(partition.root):
        first, past = None, None
        selector.collection_id = partition.root.removeprefix(_GROUP)
    else:
        first, past = bounds([partition.root] if partition.root else [])
    order = query.order_by.add()
    order.field.field_path = "__name__"
    order.direction = StructuredQuery.Direction.ASCENDING
    operators = StructuredQuery.FieldFilter.Operator
    limits = (
        (operators.GREATER_THAN_OR_EQUAL, partition.start or first),
        (operators.LESS_THAN, partition.end or past),
    )
    if any(path for _, path in limits):
        query.where.composite_filter.op = StructuredQuery.CompositeFilter.Operator.AND
    for operator, path in limits:
        if path:
            bound = query.where.composite_filter.filters.add().field_filter
            bound.field.field_path = "__name__"
            bound.op = operator
            bound.value.reference_value = database.document_name(path)
    return query


def run_query(
    database: Database, query: Message, after: str | None, limit: int, read_time: datetime | None
) -> Message:
    """The RunQueryRequest that goes on behind the document named ``after``; no limit is 0."""
    request = RunQueryRequest(parent=database.documents, structured_query=query)
    if after:
        request.structured_query.start_at.values.add().reference_value = after
        request.structured_query.start_at.before = False
    if limit:
        request.structured_query.limit.value = limit
    return _as_of(request, read_time)


def batch_get(database: Database, names: Sequence[str], read_time: datetime | None) -> Message:
    """The BatchGetDocumentsRequest for documents by their resource names."""
    return _as_of(BatchGetDocumentsRequest(database=database.name, documents=names), read_time)


def list_collection_ids(database: Database, page: str, read_time: datetime | None) -> Message:
    """The ListCollectionIdsRequest for a page of the root collections."""
    request = ListCollectionIdsRequest(parent=database.documents, page_size=_PAGE, page_token=page)
    return _as_of(request, read_time)


def partition_query(
    database: Database, group: str, cursors: int, page: str, read_time: datetime | None
) -> Message:
    """The PartitionQueryRequest for cursors that divide a collection group.

    The service divides nothing else than a whole group in name order.
    """
    request = PartitionQueryRequest(
        parent=database.documents,
        structured_query=structured_query(database, Partition(f"{_GROUP}{group}")),
        partition_count=cursors,
        page_token=page,
        page_size=_PAGE,
    )
    return _as_of(request, read_time)


def count_query(database: Database, group: str, read_time: datetime | None) -> Message:
    """The RunAggregationQueryRequest for the size of a collection group, named ``COUNTED``."""
    request = RunAggregationQueryRequest(parent=database.documents)
    asked = request.structured_aggregation_query
    asked.structured_query.from_.add(all_descendants=True, collection_id=group)
    asked.aggregations.add(alias=COUNTED).count.SetInParent()
    return _as_of(request, read_time)


def count_range(database: Database, partition: Partition, read_time: datetime) -> Message:
    """The RunAggregationQueryRequest for how many documents a partition holds, as ``COUNTED``."""
    request = RunAggregationQueryRequest(parent=database.documents)
    asked = request.structured_aggregation_query
    asked.structured_query.CopyFrom(structured_query(database, partition))
    asked.aggregations.add(alias=COUNTED).count.SetInParent()
    return _as_of(request, read_time)


def _as_of(request: Message, read_time: datetime | None) -> Message:
    if read_time is not None:
        request.read_time.FromDatetime(read_time)
    return request
