"""Proof by listing: what a page is taken at its word for, and that no verdict is ever wrong."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import takewhile
from operator import methodcaller
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.objects.proving.both_ways import BothWays, Heads
from url_rewriter.objects.proving.head import Probe
from url_rewriter.objects.proving.memory import ProofMemory
from url_rewriter.objects.proving.prefixes import FIRST, Prefixes
from url_rewriter.objects.transport.answers import Answer
from url_rewriter.objects.transport.base import Place
from url_rewriter.objects.transport.listing_page import just_before, read_page
from url_rewriter.objects.transport.settings import Prove
from url_rewriter.urls import ObjectRef

EXISTS, MISSING = TargetState.EXISTS, TargetState.MISSING

HOSTILE = (
    "a b", "a+b", "a%20b", "a%2Bb", "a&b", "a&amp;b", "a<b>", 'a"b', "a'b", "a\nb", "a%0Ab", "a\rb",
    "a\x01b", "a\ufffdb", "a\x00", "a", "a/", "a//b", "/a", "é", "e\u0301", "\U0001f600", "\uffff",
    "\ud7ff", "\ue000", "</Key>", "<Key>", "a&#98;", "~", " ", "a ", "k/1", "k/10", "k/2", "%",
)  # fmt: skip
KEYS = st.sampled_from(HOSTILE) | st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4
)


ENTRIES = {
    "usual": "<Contents><Key>{key}</Key><LastModified>2026-11-01T00:00:00.000Z</LastModified>"
    "<ETag>&quot;{etag}&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass>"
    "</Contents>",
    "with checksums": "<Contents><Key>{key}</Key><LastModified>2026-11-01T00:00:00.000Z"
    "</LastModified><ETag>&quot;{etag}&quot;</ETag><ChecksumAlgorithm>CRC64NVME"
    "</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><Size>{size}</Size></Contents>",
    "without a date": "<Contents><Key>{key}</Key><ETag>&quot;{etag}&quot;</ETag>"
    "<Size>{size}</Size></Contents>",
    "in another order": "<Contents>\n <Size>{size}</Size>\n <ETag>{etag}</ETag>\n"
    " <Key>{key}</Key>\n</Contents>",
    "with other quotes": '<Contents><Key>{key}</Key><ETag>"{etag}"</ETag><Size>{size}</Size>'
    "<Owner><ID>1</ID><DisplayName>me</DisplayName></Owner></Contents>",
}
"""An object of a listing, as different servers write it."""


def render(
    keys: Sequence[str],
    *,
    truncated: bool = False,
    name: str = "b",
    encode: Callable[[str], str] | None = quote,
    entry: str = ENTRIES["usual"],
) -> bytes:
    """A page as servers write it: S3 (``quote_plus``), others (``quote``), or plain XML."""
    contents = "".join(
        entry.format(
            key=escape(encode(key) if encode else key), etag=len(key), size=len(key.encode())
        )
        for key in keys
    )
    encoding = "<EncodingType>url</EncodingType>" if encode else ""
    return (
        f"<ListBucketResult><Name>{name}</Name>{encoding}"
        f"<IsTruncated>{str(truncated).lower()}</IsTruncated>{contents}</ListBucketResult>\n"
    ).encode()


def quote_but_plus(key: str) -> str:
    return quote(key, safe="+/")


@pytest.mark.parametrize(
    "encode",
    [quote, quote_plus, quote_but_plus, None],
    ids=["quoted", "plus", "plus as it is", "plain"],
)
@given(
    keys=st.sets(KEYS, max_size=8),
    truncated=st.booleans(),
    entry=st.sampled_from([*ENTRIES.values()]),
)
def test_a_page_shows_no_key_that_is_not_on_it(
    encode: Callable[[str], str] | None, keys: set[str], truncated: bool, entry: str
) -> None:
    body = render(sorted(keys), truncated=truncated and bool(keys), encode=encode, entry=entry)
    page = read_page(body, "b", "")
    if page is not None:
        assert set(page.objects) <= keys
        assert all(row[2:] == (str(len(key)), str(len(key.encode())))
                   for key, row in page.objects.items())  # fmt: skip


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_a_page_of_ordinary_keys_shows_them_all(entry: str) -> None:
    keys = ["a/1.png", "a/100%.png", "a/2 b.png", "a/é.png"]
    page = read_page(render(keys, truncated=True, entry=entry), "b", "a/0")
    assert page is not None
    assert list(page.objects) == keys
    assert page.last == "a/é.png"


def test_a_page_of_differently_written_objects_shows_them_all() -> None:
    pieces = [
        render([key], entry=entry) for key, entry in zip("abcde", ENTRIES.values(), strict=True)
    ]
    contents = [
        piece[piece.index(b"<Contents>") : piece.rindex(b"</Contents>") + 11] for piece in pieces
    ]
    page = read_page(pieces[0].replace(contents[0], b"".join(contents)), "b", "")
    assert page is not None
    assert [(key, row[2], row[3]) for key, row in page.objects.items()] == [
        (key, "1", "1") for key in "abcde"
    ]


GOOD = render(["a", "b", "c"], truncated=True)

UNRELIABLE = {
    "cut": GOOD[:-20],
    "cut between objects": GOOD[: GOOD.index(b"<Contents><Key>c")],
    "another bucket": render(["a"], name="c"),
    "no name": GOOD.replace(b"<Name>b</Name>", b""),
    "out of order": render(["b", "a"]),
    "twice the same": render(["a", "a"]),
    "from the beginning again": render(["0", "b"]),
    "two ETags": GOOD.replace(b"<ETag>", b"<ETag>0</ETag><ETag>", 1),
    "no size": GOOD.replace(b"<Size>1</Size>", b"", 1),
    "a size that is none": GOOD.replace(b"<Size>1</Size>", b"<Size>one</Size>", 1),
    "no end": GOOD.replace(b"<IsTruncated>true</IsTruncated>", b""),
    "truncated and empty": render([], truncated=True),
    "no size, where another has two": GOOD.replace(b"<Size>1</Size>", b"", 1).replace(
        b"<Size>1</Size>", b"<Size>1</Size><Size>1</Size>", 1
    ),
    "what is said of the page is said within an object": render(["a"])
    .replace(b"<IsTruncated>false</IsTruncated>", b"")
    .replace(b"</Key>", b"</Key><IsTruncated>false</IsTruncated>"),
    "not UTF-8": GOOD.replace(b"<Key>b</Key>", b"<Key>\xff</Key>"),
    "escapes that are not UTF-8": GOOD.replace(b"<Key>b</Key>", b"<Key>%ff</Key>"),
    "a web page": b"<html>welcome</html>",
    "nothing": b"",
}


@pytest.mark.parametrize("body", UNRELIABLE.values(), ids=UNRELIABLE)
def test_a_page_that_cannot_be_relied_on_is_none(body: bytes) -> None:
    assert read_page(body, "b", "00") is None


@pytest.mark.parametrize("tag", [b"", b"<ETag></ETag>", b"<ETag>&quot;&quot;</ETag>"])
def test_an_object_without_an_etag_is_not_proven_by_a_page(tag: bytes) -> None:
    page = read_page(GOOD.replace(b"<ETag>&quot;1&quot;</ETag>", tag, 1), "b", "00")
    assert page is not None
    assert set(page.objects) == {"b", "c"}


@given(KEYS)
def test_a_listing_from_just_before_a_key_can_show_it(key: str) -> None:
    before = just_before(key)
    assert before < key
    before.encode()


class Server:
    """Lists and answers for a set of keys; ``spoil`` may spoil each page."""

    def __init__(self, there: Iterable[str], size: int = 3) -> None:
        self.there = sorted(there)
        self.size = size
        self.headed: list[str] = []
        self.fetched = 0
        self.encode: Callable[[str], str] | None = quote
        self.spoil: Callable[[bytes], bytes] = lambda body: body

    def pages(self, places: Iterable[Place]) -> Iterator[tuple[Place, Answer]]:
        for bucket, after, prefix in places:
            self.fetched += not prefix
            first = max(bisect_right(self.there, after), bisect_left(self.there, prefix))
            keys = list(takewhile(methodcaller("startswith", prefix), self.there[first:]))
            shown = keys[: self.size]
            body = render(shown, truncated=len(keys) > self.size, encode=self.encode)
            page = read_page(self.spoil(body), bucket, after)
            yield Place(bucket, after, prefix), Answer(200, page=page)

    def heads(self, targets: Iterable[ObjectRef]) -> Iterator[tuple[ObjectRef, Answer]]:
        raise NotImplementedError

    def ask(self, targets: Sequence[ObjectRef]) -> Iterator[Probe]:
        for target in targets:
            self.headed.append(target.key)
            state = EXISTS if target.key in self.there else MISSING
            yield Probe(Evidence(target, state, Method.HEAD, datetime.now(UTC)), again=False)

    def prove(self, keys: Iterable[str], *, always: bool) -> dict[str, Evidence]:
        evidence = prove(self, [ObjectRef("b", key) for key in keys], self.ask, always=always)
        found = {each.target.key: each for each in evidence}
        assert len(found) == len(evidence)
        return found


def prove(
    server: Server, targets: Sequence[ObjectRef], heads: Heads, *, always: bool = True
) -> list[Evidence]:
    return prove_with(both_ways(server, heads, always=always), targets)


def both_ways(server: Server, heads: Heads, *, always: bool) -> BothWays:
    return BothWays(server, heads, ProofMemory(Prefixes()), Prove.LIST if always else Prove.AUTO)


def prove_with(proof: BothWays, targets: Sequence[ObjectRef]) -> list[Evidence]:
    asked = proof.ask(targets)
    return [*asked.shown, *(each.evidence for each in asked.probes)]


SPOILT: list[Callable[[bytes], bytes]] = [
    lambda body: body,
    lambda body: body[: len(body) // 2],
    lambda body: body.replace(b"<Size>1</Size>", b""),
    lambda body: body.replace(b"true", b"false"),
    lambda body: b"",
    lambda body: body.replace(b"<Name>b", b"<Name>c"),
]


@settings(max_examples=300)
@given(
    there=st.sets(KEYS, max_size=30),
    wanted=st.sets(KEYS, min_size=1, max_size=30),
    both=st.sets(KEYS, max_size=20),
    always=st.booleans(),
    encode=st.sampled_from([quote, quote_plus, quote_but_plus, None]),
    faults=st.lists(st.sampled_from(SPOILT), min_size=1, max_size=6),
)
def test_no_verdict_is_ever_wrong(
    there: set[str], wanted: set[str], both: set[str], always: bool,
    encode: Callable[[str], str] | None, faults: list[Callable[[bytes], bytes]],
) -> None:  # fmt: skip
    server = Server(there | both)
    server.encode = encode
    server.spoil = lambda body: faults[server.fetched % len(faults)](body)
    found = server.prove(wanted | both, always=always)
    assert set(found) == wanted | both
    assert {key for key, item in found.items() if item.state is EXISTS} == (
        (wanted | both) & (there | both)
    )


def numbered(count: int) -> list[str]:
    return [f"k/{number:06}" for number in range(count)]


def test_dense_targets_are_listed_and_the_absent_ones_confirmed() -> None:
    keys = numbered(20_000)
    server = Server(keys[:19_990], size=1_000)
    found = server.prove(keys, always=False)
    assert [item.state for item in found.values()].count(MISSING) == 10
    assert len(server.headed) <= FIRST + 20 + 20_000 // 256
    assert server.fetched <= 30


def test_sparse_targets_are_left_to_head_after_a_few_pages() -> None:
    keys = numbered(200_000)
    server = Server(keys, size=1_000)
    found = server.prove(keys[::500], always=False)
    assert {item.state for item in found.values()} == {EXISTS}
    assert len(server.headed) > 380
    assert server.fetched <= 8


def test_a_gap_is_leapt_over() -> None:
    keys = numbered(100_000)
    wanted = keys[:3_000] + keys[-3_000:]
    server = Server(keys, size=1_000)
    found = server.prove(wanted, always=True)
    assert {item.state for item in found.values()} == {EXISTS}
    assert server.fetched <= 10


def test_what_a_listing_shows_and_head_denies_is_unknown() -> None:
    server = Server(numbered(5_000), size=1_000)

    def deny(targets: Sequence[ObjectRef]) -> Iterator[Probe]:
        for target in targets:
            yield Probe(Evidence(target, MISSING, Method.HEAD, datetime.now(UTC)), again=False)

    evidence = prove(server, [ObjectRef("b", key) for key in server.there], deny)
    assert {each.state for each in evidence} == {TargetState.UNKNOWN}
    assert {each.detail for each in evidence} == {
        "only a listing shows it: HEAD says that it is missing"
    }


def test_an_object_that_is_deleted_in_between_stops_nothing() -> None:
    server = Server(numbered(5_000), size=1_000)
    wanted = [ObjectRef("b", key) for key in server.there]

    def empty(targets: Sequence[ObjectRef]) -> Iterator[Probe]:
        server.there = []
        return server.ask(targets)

    evidence = prove(server, wanted, empty)
    assert MISSING in {each.state for each in evidence}


def test_the_end_of_one_batch_does_not_make_the_next_one_look_sparse() -> None:
    keys = numbered(6_048)
    server = Server(keys, size=1_000)
    proof = both_ways(server, server.ask, always=False)
    for first, past in ((0, 1_024), (1_024, 6_048)):
        prove_with(proof, [ObjectRef("b", key) for key in keys[first:past]])
    assert len(server.headed) <= FIRST + 3 * 24 + 6_048 // 256
    assert server.fetched <= 7
