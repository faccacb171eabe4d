"""A walk over a bucket's listing: whole, or an error; no key that is not certain passes for one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote, quote_plus
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.objects.test_listing import KEYS
from tests.servers.fault import MARK, FaultServer, Reaction, Request, fault_server, xml_error
from url_rewriter.concurrency.retry import Backoff
from url_rewriter.errors import NotPermittedError, ServiceError, UrlRewriterError
from url_rewriter.evidence import TargetState
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.objects import ListedObject, ObjectStore, Prove, S3Settings, open_objects
from url_rewriter.objects.listing import list_objects
from url_rewriter.objects.transport.answers import Answer
from url_rewriter.objects.transport.base import Place
from url_rewriter.objects.transport.cross_checked import CrossChecked, Trials
from url_rewriter.objects.transport.listing_page import read_page
from url_rewriter.urls import ObjectRef

BUCKET = "b.c_d"
MODIFIED = "2026-11-01T02:03:04.000Z"
Encode = Callable[[str], str] | None


def render(
    keys: Sequence[str], *, truncated: bool = False, name: str = BUCKET, encode: Encode = quote
) -> bytes:
    """A page as servers write it; see the same of ``test_listing``, with dates."""
    contents = "".join(
        f"<Contents><Key>{escape(encode(key) if encode else key)}</Key>"
        f"<LastModified>{MODIFIED}</LastModified><ETag>&quot;e&quot;</ETag>"
        f"<Size>{len(key.encode())}</Size></Contents>"
        for key in keys
    )
    encoding = "<EncodingType>url</EncodingType>" if encode else ""
    token = "<NextContinuationToken>t</NextContinuationToken>" if truncated else ""
    return (
        f'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>{name}</Name>'
        f"{encoding}<KeyCount>{len(keys)}</KeyCount>{token}"
        f"<IsTruncated>{str(truncated).lower()}</IsTruncated>{contents}</ListBucketResult>\n"
    ).encode()


class Listing:
    """Lists a set of keys, a few at a time; ``spoil`` may spoil each page."""

    def __init__(self, there: Iterable[str], size: int = 3, encode: Encode = quote) -> None:
        self.there = sorted(there)
        self.size = size
        self.encode = encode
        self.spoil: Callable[[bytes], bytes] = lambda body: body
        self.asked: list[str] = []

    def body(self, after: str) -> bytes:
        self.asked.append(after)
        keys = [key for key in self.there if key > after]
        shown = keys[: self.size]
        page = render(shown, truncated=len(keys) > self.size, encode=self.encode)
        return self.spoil(page)

    def heads(self, targets: Iterable[ObjectRef]) -> Iterator[tuple[ObjectRef, Answer]]:
        raise NotImplementedError

    def pages(self, places: Iterable[Place]) -> Iterator[tuple[Place, Answer]]:
        for place in places:
            page = read_page(self.body(place.after), BUCKET, place.after)
            yield place, Answer(200, page=page)

    def walk(self, prefix: str) -> list[ListedObject]:
        return list(list_objects(self, BUCKET, prefix, Backoff(attempts=1)))


@settings(max_examples=300)
@given(
    there=st.sets(KEYS, max_size=20),
    prefix=st.sampled_from(["", "a", "a/", "k/", "é", "\ue000", "a b", "a+"]),
    encode=st.sampled_from([quote, quote_plus, None, lambda key: quote(key, safe="+/")]),
)
def test_a_walk_shows_every_object_and_no_other_or_says_that_it_cannot(
    there: set[str], prefix: str, encode: Encode
) -> None:
    listing = Listing(there, encode=encode)
    try:
        found = listing.walk(prefix)
    except ServiceError:
        assert encode not in (quote, quote_plus), "a listing in order was refused"
        return
    certain = [each.keys[0] for each in found if len(each.keys) == 1]
    under = {key for key in there if key.startswith(prefix)}
    assert set(certain) <= under
    assert certain == sorted(set(certain))
    if encode in (quote, quote_plus):
        assert len(found) == len(under)
        assert sum(each.info.size or 0 for each in found) == sum(len(key.encode()) for key in under)
    for key in under - set(certain):
        assert any(key in each.keys or not each.keys for each in found)


def test_an_object_comes_with_its_size_and_date() -> None:
    (found,) = Listing(["a/é b.png"]).walk("a/")
    assert found == ListedObject(
        ("a/é b.png",), ObjectInfo(10, modified=datetime(2026, 11, 1, 2, 3, 4, tzinfo=UTC))
    )


def test_a_plus_may_be_a_space() -> None:
    (found,) = Listing(["a/b c+d"], encode=quote_plus).walk("a/")
    assert found.keys == ("a/b c+d", "a/b+c+d")


def test_a_page_that_ends_in_doubt_is_followed_by_one_behind_the_last_certain_key() -> None:
    there = ["a", "b", "c d", "c+e", "f"]
    listing = Listing(there, size=4, encode=lambda key: quote(key, safe="+"))
    assert [each.keys[-1] for each in listing.walk("")] == there
    assert listing.asked == ["", "c d"]


def test_a_walk_ends_behind_its_prefix() -> None:
    listing = Listing([f"{first}/{number}" for first in "abc" for number in range(9)])
    assert len(listing.walk("b/")) == 9
    assert len(listing.asked) == 4


GOOD = render(["a", "b", "c"], truncated=True)
NOT_WHOLE = {
    "cut": GOOD[:-20],
    "cut between objects": GOOD[: GOOD.index(b"<Contents><Key>c")],
    "another bucket": render(["a"], name="c"),
    "no name": GOOD.replace(f"<Name>{BUCKET}</Name>".encode(), b""),
    "no size": GOOD.replace(b"<Size>1</Size>", b"", 1),
    "a size that is none": GOOD.replace(b"<Size>1</Size>", b"<Size>one</Size>", 1),
    "no key": GOOD.replace(b"<Key>b</Key>", b""),
    "no end": GOOD.replace(b"<IsTruncated>true</IsTruncated>", b""),
    "an end and a next page": GOOD.replace(b"<IsTruncated>true", b"<IsTruncated>false"),
    "fewer objects than it counts": GOOD.replace(b"<KeyCount>3", b"<KeyCount>4"),
    "truncated and empty": render([], truncated=True),
    "not UTF-8": GOOD.replace(b"<Key>b</Key>", b"<Key>\xff</Key>"),
    "a web page": b"<html>welcome</html>",
    "nothing": b"",
}
UNRELIABLE = {
    **NOT_WHOLE,
    "no date": GOOD.replace(f"<LastModified>{MODIFIED}</LastModified>".encode(), b"", 1),
    "a date that is none": GOOD.replace(MODIFIED.encode(), b"yesterday", 1),
    "a date without a zone": GOOD.replace(b".000Z", b"", 1),
    "out of order": render(["b", "a"]),
    "twice the same": render(["a", "a"]),
    "from the beginning again": render(["0", "b"]),
    "escapes that are not UTF-8": GOOD.replace(b"<Key>b</Key>", b"<Key>%ff</Key>"),
}


@pytest.mark.parametrize("body", NOT_WHOLE.values(), ids=NOT_WHOLE)
def test_a_page_that_is_not_whole_is_none(body: bytes) -> None:
    assert read_page(body, BUCKET, "") is None


@pytest.mark.parametrize("body", UNRELIABLE.values(), ids=UNRELIABLE)
def test_a_walk_over_such_a_page_is_an_error(body: bytes) -> None:
    listing = Listing(["1", "2"], size=1)
    listing.spoil = lambda page: body if len(listing.asked) > 1 else page
    found = list_objects(listing, BUCKET, "", Backoff(attempts=1))
    assert next(found).keys == ("1",)
    with pytest.raises(ServiceError, match="behind the key '1'"):
        next(found)


def test_a_page_that_is_bad_once_is_had_in_another_way_or_in_a_later_pass() -> None:
    listing = Listing("abcdefg")
    spoilt = iter([b"", b"", b"", GOOD[:-20]])
    listing.spoil = lambda page: next(spoilt, page)
    both = CrossChecked(listing, listing, {}, Trials(), patience=8)
    assert len(list(list_objects(both, BUCKET, "", Backoff(attempts=3)))) == 7


# -- over the wire --------------------------------------------------------------------------


class Bucket:
    """A bucket of the fault server that lists as it should, until it is told not to."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.listing = Listing(keys, size=2)
        self.instead: dict[str, Reaction] = {}

    def __call__(self, request: Request) -> Reaction:
        query = request.path.partition("?")[2]
        if "list-type" in query:
            after = parse_qs(query).get("start-after", [""])[0]
            headers = {**MARK, "content-type": "application/xml"}
            page = Reaction(200, headers, self.listing.body(after))
            return self.instead.get(after, page)
        if request.key in self.listing.there:
            return Reaction(200, {"etag": '"e"', **MARK})
        date = {"date": datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")}
        return xml_error(404, "NoSuchKey") if request.key else Reaction(200, {**MARK, **date})


@pytest.fixture
def bucket() -> Bucket:
    return Bucket(f"k/{number}" for number in range(7))


@pytest.fixture
def server(bucket: Bucket) -> Iterator[FaultServer]:
    with fault_server(bucket) as running:
        yield running


@pytest.fixture(params=[True, False], ids=["lane", "boto3 alone"])
def store(request: pytest.FixtureRequest, server: FaultServer) -> Iterator[ObjectStore]:
    opened = open_objects(
        S3Settings(
            server.endpoint, "KEY", "secret", attempts=1, passes=1, backoff=0.01, fast=request.param
        )
    )
    yield opened
    opened.close()


def test_a_whole_listing_is_walked(store: ObjectStore) -> None:
    assert [each.keys for each in store.contents(BUCKET, "k/")] == [
        (f"k/{number}",) for number in range(7)
    ]


PAGE = render(["k/2", "k/3"], truncated=True)
XML = {**MARK, "content-type": "application/xml"}


@pytest.mark.parametrize(
    ("reaction", "trouble", "said"),
    [
        (xml_error(403, "AccessDenied"), NotPermittedError, "ListBucket"),
        (xml_error(503, "SlowDown"), ServiceError, "answered 503"),
        (xml_error(500, "InternalError"), ServiceError, "answered 500"),
        (Reaction(200, XML, PAGE, cut=200), ServiceError, "cannot be relied on"),
        (Reaction(200, XML, PAGE[:-30]), ServiceError, "cannot be relied on"),
        (Reaction(200, XML, render(["k/3", "k/2"])), ServiceError, "out of order"),
        (Reaction(200, XML, render([])[:-5]), ServiceError, "cannot be relied on"),
        (Reaction(hang_up=True), ServiceError, "cannot be relied on"),
        (Reaction(200, MARK, b"<html>sign in</html>"), ServiceError, "cannot be relied on"),
    ],
)
def test_a_page_that_fails_is_an_error_that_says_why(
    bucket: Bucket,
    store: ObjectStore,
    reaction: Reaction,
    trouble: type[UrlRewriterError],
    said: str,
) -> None:
    bucket.instead["k/1"] = reaction
    with pytest.raises(trouble, match=said) as raised:
        list(store.contents(BUCKET, "k/"))
    assert "secret-echo" not in str(raised.value)


def test_the_clock_is_the_servers(store: ObjectStore) -> None:
    before = datetime.now(UTC).replace(microsecond=0)  # a server tells its time to the second
    told = store.clock(BUCKET)
    assert told is not None
    assert before <= told <= datetime.now(UTC)


def test_a_server_that_tells_no_time_has_no_clock() -> None:
    with fault_server(lambda request: Reaction(200, MARK)) as silent:
        opened = open_objects(S3Settings(silent.endpoint, "KEY", "secret"))
        assert opened.clock(BUCKET) is None
        opened.close()


def test_a_key_that_reads_like_an_entity_is_not_taken_for_another(
    bucket: Bucket, server: FaultServer
) -> None:
    numbered = [f"k/{number}" for number in range(20)]
    bucket.listing = Listing([*numbered, "k/a&amp;b"], size=100, encode=None)
    opened = open_objects(
        S3Settings(server.endpoint, "KEY", "secret", fast=False, prove=Prove.LIST)
    )
    wanted = [ObjectRef(BUCKET, key) for key in ("k/a&b", "k/a&amp;b", *numbered)]
    states = {each.target.key: each.state for each in opened.prove(wanted)}
    assert states.pop("k/a&b") is TargetState.MISSING
    assert set(states.values()) == {TargetState.EXISTS}
    assert [each.keys for each in opened.contents(BUCKET, "k/a")] == [("k/a&amp;b",)]
    opened.close()
