"""Which messages of a scan are looked into."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from url_rewriter.stores.firestore.sieve import Sieve
from url_rewriter.urls import Grammar, needles

NEEDLES = (
    b"gs://",
    b"::",
    b":",
    *needles(Grammar(hosts={"cdn.example.com": "b"}, targets=("https://s3.example.com",))),
)
PIECES = st.sampled_from([*NEEDLES, b"goog", b"gs", b"s", b":", b"%", b"/", b"https", b"x", b""])


@given(st.lists(PIECES, max_size=6).map(b"".join), st.sets(st.sampled_from(NEEDLES)))
@example(b"a::gs:", {b"gs:"})
def test_a_needle_is_seen_wherever_it_stands_and_nothing_else_is(
    data: bytes, wanted: set[bytes]
) -> None:
    sieve = Sieve(tuple(wanted))
    there = [needle for needle in wanted if needle in data]
    assert sieve.holds(data) == (bool(there) or not wanted)
    assert sorted(sieve.present(data)) == sorted(there)
