"""Which messages of a scan are looked into."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from url_rewriter.stores.firestore.needle_search import NeedleSearch
from url_rewriter.urls import Grammar, needles

NEEDLES = (
    "gs://",
    "::",
    ":",
    *needles(Grammar(hosts={"cdn.example.com": "b"}, targets=("https://s3.example.com",))),
)
PIECES = st.sampled_from(
    [*NEEDLES, "goog", "gs", "s", ":", "%", "/", "https", "GS:", "Google.Com", "x", "x" * 200, ""]
)


@given(st.lists(PIECES, max_size=8).map("".join), st.sets(st.sampled_from(NEEDLES)))
@example("a::gs:", {"gs:"})
@example("x-googleapis.google.com", set(NEEDLES))
def test_each_needle_is_seen_wherever_it_stands_and_nothing_else_is(
    data: str, wanted: set[str]
) -> None:
    places = [
        range(at, at + len(needle))
        for needle in wanted
        for at in range(len(data))
        if data.lower().startswith(needle, at)
    ]
    offsets = NeedleSearch(tuple(wanted)).offsets(data.encode())
    assert offsets == sorted(offsets)
    assert all(any(at in place for at in offsets) for place in places)
    assert all(any(at in place for place in places) for at in offsets)
