"""Which parts of a database a scan asks for, and where it is cut, without a server."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from url_rewriter.stores.base import Partition, Query
from url_rewriter.stores.firestore import messages, queries
from url_rewriter.stores.firestore.channel import Database
from url_rewriter.stores.firestore.partitioning import divide
from url_rewriter.stores.selection import Area, Selection, path_order

NAMES = st.sampled_from(["a", "b", "a\0", "é", "__id-9__", "__id10__", "Z"])
PATHS = st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=3).map(
    lambda pairs: "/".join(name for pair in pairs for name in pair)
)


@st.composite
def patterns(draw: st.DrawFn, names: int) -> str:
    """A path of a collection (1 name and pairs of them) or of a document (2), stars put in."""
    count = names + 2 * draw(st.integers(0, 2))
    segments = [draw(NAMES | st.sampled_from(["*", "**"])) for _ in range(count)]
    return "/".join(segments)


def is_inside(path: str, partition: Partition) -> bool:
    """Whether the query for a partition would answer with the document at ``path``."""
    query = queries.structured_query(Database("p"), partition)
    group = query.from_[0].collection_id
    if group and path.split("/")[-2] != group:
        return False
    for each in query.where.composite_filter.filters:
        bound = path_order(Database("p").document_path(each.field_filter.value.reference_value))
        operators = messages.StructuredQuery.FieldFilter.Operator
        if each.field_filter.op == operators.LESS_THAN:
            if not path_order(path) < bound:
                return False
        elif path_order(path) < bound:
            return False
    return True


@given(
    st.lists(patterns(1), max_size=3),
    st.lists(patterns(2), max_size=3),
    st.lists(PATHS, min_size=1),
)
def test_every_selected_document_is_in_exactly_one_part(
    collections: list[str], documents: list[str], paths: list[str]
) -> None:
    selection = Selection.of(Query(collections=tuple(collections), documents=tuple(documents)))
    parts = [queries.partition_of(area) for area in selection.areas()]
    for path in paths:
        inside = sum(is_inside(path, part) for part in parts)
        assert inside <= 1
        if selection.takes(path):
            assert inside == 1


@given(PATHS)
def test_the_bounds_of_a_prefix_hold_what_is_below_it_and_nothing_else(path: str) -> None:
    segments = path.split("/")
    for length in range(1, len(segments) + 1):
        prefix = segments[:length]
        first, past = queries.bounds(prefix)
        assert first is not None
        assert past is not None
        assert path_order(first) <= path_order(path) < path_order(past)
        for other in ([*prefix[:-1], prefix[-1] + "x"], [*prefix[:-1], prefix[-1] + "\0"]):
            below = "/".join([*other, "x"] if len(other) % 2 else other)
            assert not path_order(first) <= path_order(below) < path_order(past)


def test_only_one_collection_is_read_where_only_one_is_asked_for() -> None:
    selection = Selection.of(Query(collections=("users/ada/files",)))
    assert selection.areas() == (Area(("users", "ada", "files"), "files"),)
    assert Selection.of(Query(collections=("users/*/files", "users/ada/files"))).areas() == (
        Area(("users",), "files"),
    )


class Dividing:
    """A channel whose server divides at the given paths, two on a page."""

    database = Database("p")

    def __init__(self, *paths: str) -> None:
        self._paths = paths
        self.asked: list[Any] = []

    def partition_query(self, request: Any) -> Any:
        self.asked.append(request)
        page = int(request.page_token or 0)
        answer = messages.PartitionQueryResponse()
        for path in self._paths[page : page + 2]:
            cursor = answer.partitions.add()
            cursor.values.add().reference_value = self.database.document_name(path)
        if page + 2 < len(self._paths):
            answer.next_page_token = str(page + 2)
        return answer


class Failing(Dividing):
    def partition_query(self, request: Any) -> Any:
        raise grpc.RpcError


def pieces(
    channel: Any, part: Partition, count: int, at: datetime | None = None
) -> list[Partition]:
    return divide(channel, [part], count, at)


def test_a_root_collection_is_cut_where_the_service_says() -> None:
    # Cursors are of the whole group: another collection's documents do not divide this one.
    channel = Dividing("users/m", "z/1/users/q", "users/é", "users/B", "users/m/users/x")
    assert pieces(channel, Partition("users"), 4) == [
        Partition("users", None, "users/B"),
        Partition("users", "users/B", "users/m"),
        Partition("users", "users/m", "users/m/users/x"),
        Partition("users", "users/m/users/x", "users/é"),
        Partition("users", "users/é", None),
    ]
    assert {request.partition_count for request in channel.asked} == {3}
    assert channel.asked[0].structured_query.from_[0].collection_id == "users"


def test_a_bounded_part_is_cut_inside_its_bounds() -> None:
    channel = Dividing("a/1", "a/5", "a/7", "a/9")
    assert pieces(channel, Partition("**/a", "a/5", "a/9"), 9) == [
        Partition("**/a", "a/5", "a/7"),
        Partition("**/a", "a/7", "a/9"),
    ]


@pytest.mark.parametrize("count", [2, 3, 50, 5000])
def test_a_server_that_does_not_divide_gets_evenly_invented_ranges(count: int) -> None:
    parts = pieces(Failing(), Partition("c"), count)
    assert len(parts) == min(count, 62 * 62)
    cuts = [part.start for part in parts[1:] if part.start]
    assert cuts == sorted(cuts, key=path_order)
    assert [part.end for part in parts] == [*cuts, None]


def test_a_group_that_is_not_divided_stays_whole() -> None:
    assert pieces(Failing(), Partition("**/files"), 8) == [Partition("**/files")]
    assert pieces(Dividing(), Partition("**/files"), 8) == [Partition("**/files")]
