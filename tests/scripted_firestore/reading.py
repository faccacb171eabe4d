"""The queries that the adapter asks; anything else is refused, not guessed at."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

from google.cloud.firestore_v1 import types
from grpc import StatusCode

from tests.scripted_firestore.database import Database, name_order
from tests.scripted_firestore.faults import RefusedError

Operator = types.StructuredQuery.FieldFilter.Operator
_COMPARE: dict[int, Callable[[Any, Any], bool]] = {
    Operator.LESS_THAN: operator.lt,
    Operator.LESS_THAN_OR_EQUAL: operator.le,
    Operator.GREATER_THAN: operator.gt,
    Operator.GREATER_THAN_OR_EQUAL: operator.ge,
    Operator.EQUAL: operator.eq,
}
_KNOWN = {"from_", "where", "order_by", "start_at", "end_at", "limit"}


def run(database: Database, request: Any) -> Iterator[Any]:
    """Yield the documents of a RunQueryRequest, or of what an aggregation counts, in name order."""
    asked = getattr(request, "structured_aggregation_query", request)
    query = asked.structured_query
    _refuse_unknown(query)
    as_of = moment(database, request)
    tests = [_in_collections(database, request.parent, query), *_filters(database, query.where)]
    if query.HasField("start_at"):
        tests.append(_cursor(database, query.start_at, operator.ge, operator.gt))
    if query.HasField("end_at"):
        tests.append(_cursor(database, query.end_at, operator.lt, operator.le))
    left = query.limit.value if query.HasField("limit") else -1
    for path, document in database.documents(as_of):
        if left == 0:
            return
        if all(test(path) for test in tests):
            left -= 1
            yield document


def moment(database: Database, request: Any) -> Any | None:
    """The moment to read at, which the database must still keep; None is now."""
    as_of = request.read_time if request.HasField("read_time") else None
    database.check_read_time(as_of)
    return as_of


def collection_ids(database: Database, request: Any) -> list[str]:
    """The ids of the collections right under a parent, missing parents' included, in order."""
    as_of = moment(database, request)
    above = _parent_segments(database, request.parent)
    ids = {
        segments[len(above)]
        for path, _ in database.documents(as_of)
        if (segments := path.split("/"))[: len(above)] == above and len(segments) > len(above)
    }
    return sorted(ids, key=name_order)


def partition_cursors(database: Database, request: Any) -> list[str]:
    """Names that divide a collection group into equal parts, at most ``partition_count``."""
    names = [document.name for document in run(database, request)]
    parts = request.partition_count + 1
    places = sorted({len(names) * part // parts for part in range(1, parts)} - {0, len(names)})
    return [names[place] for place in places]


def _refuse_unknown(query: Any) -> None:
    unknown = {descriptor.name for descriptor, _ in query.ListFields()} - _KNOWN
    if unknown:
        raise RefusedError(StatusCode.UNIMPLEMENTED, f"queries with {sorted(unknown)}")
    if len(query.from_) != 1:
        raise RefusedError(StatusCode.UNIMPLEMENTED, "queries over other than one selector")
    for order in query.order_by:
        if (order.field.field_path, order.direction) != ("__name__", 1):
            raise RefusedError(StatusCode.UNIMPLEMENTED, "an order other than by name")


def _in_collections(database: Database, parent: str, query: Any) -> Callable[[str], bool]:
    above = _parent_segments(database, parent)
    (selector,) = query.from_

    def test(path: str) -> bool:
        segments = path.split("/")
        return (
            segments[: len(above)] == above
            and (selector.all_descendants or len(segments) == len(above) + 2)
            and selector.collection_id in ("", segments[-2])
        )

    return test


def _parent_segments(database: Database, parent: str) -> list[str]:
    below = parent.removeprefix(f"{database.name}/documents").removeprefix("/")
    return below.split("/") if below else []


def _filters(database: Database, where: Any) -> Iterator[Callable[[str], bool]]:
    match where.WhichOneof("filter_type"):
        case "composite_filter":
            if where.composite_filter.op != types.StructuredQuery.CompositeFilter.Operator.AND:
                raise RefusedError(StatusCode.UNIMPLEMENTED, "filters joined by OR")
            for each in where.composite_filter.filters:
                yield from _filters(database, each)
        case "field_filter":
            yield _filter(database, where.field_filter)
        case "unary_filter":
            raise RefusedError(StatusCode.UNIMPLEMENTED, "unary filters")


def _filter(database: Database, condition: Any) -> Callable[[str], bool]:
    compare = _COMPARE.get(condition.op)
    if condition.field.field_path != "__name__" or compare is None:
        raise RefusedError(StatusCode.UNIMPLEMENTED, "filters on anything but ranges of names")
    bound = name_order(database.path(condition.value.reference_value))
    return lambda path: compare(name_order(path), bound)


def _cursor(
    database: Database,
    cursor: Any,
    before: Callable[[Any, Any], bool],
    after: Callable[[Any, Any], bool],
) -> Callable[[str], bool]:
    bound = name_order(database.path(cursor.values[0].reference_value))
    compare = before if cursor.before else after
    return lambda path: compare(name_order(path), bound)
