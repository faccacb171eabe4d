"""Leaps through a listing: cheap where keys lie close, and never the last word."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Callable, Sequence
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.fault import Reaction, Request, fault_server
from url_rewriter.evidence import SourceEvidence, SourceState
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.sources.cloud_storage import CloudStorage, connect
from url_rewriter.sources.listing import SourceListing, SourcePage
from url_rewriter.urls import ObjectRef

JSON = {"content-type": "application/json"}


class Bucket:
    """Pages of ``size`` keys, and how often one was asked for."""

    def __init__(self, keys: Sequence[str], size: int = 1000) -> None:
        self.keys = sorted(keys)
        self.size = size
        self.asked = 0

    def page(self, start: ObjectRef) -> SourcePage | None:
        self.asked += 1
        at = bisect_left(self.keys, start.key)
        keys = self.keys[at : at + self.size]
        refs = [ObjectRef(start.bucket, key) for key in keys]
        final = at + self.size >= len(self.keys)
        return SourcePage(
            {ref: ObjectInfo(1) for ref in refs}, keys[-1] if keys else start.key, final
        )


def find(bucket: Bucket, wanted: Sequence[str]) -> set[str]:
    return {
        ref.key for ref, _ in SourceListing(bucket.page).find(ObjectRef("b", k) for k in wanted)
    }


def test_keys_that_lie_close_take_a_page_for_a_thousand() -> None:
    keys = [f"{n:06}" for n in range(50_000)]
    bucket = Bucket(keys)
    assert find(bucket, keys[10_000:20_000]) == set(keys[10_000:20_000])
    assert bucket.asked == 10


def test_keys_that_lie_far_apart_are_left_to_single_questions() -> None:
    keys = [f"{n:06}" for n in range(100_000)]
    bucket = Bucket(keys)
    assert len(find(bucket, keys[::200])) < 100
    assert bucket.asked < 10


def test_a_few_keys_are_not_worth_a_page() -> None:
    bucket = Bucket(["a"])
    assert find(bucket, ["a", "b", "c"]) == set()
    assert bucket.asked == 0


def test_a_bucket_that_cannot_be_listed_is_asked_once() -> None:
    asked: list[ObjectRef] = []
    leaper = SourceListing(lambda ref: asked.append(ref))
    refs = [ObjectRef(bucket, f"{n:03}") for bucket in "ab" for n in range(100)]
    assert list(leaper.find(refs)) == []
    assert list(leaper.find(refs)) == []
    assert asked == [ObjectRef("a", "000"), ObjectRef("b", "000")]


KEYS = st.lists(st.text(alphabet="ab/\u00e9\U0001f600", min_size=1, max_size=4), max_size=80)


@given(KEYS, KEYS, st.integers(1, 30))
def test_what_is_found_was_wanted_and_is_there(
    there: list[str], wanted: list[str], size: int
) -> None:
    found = find(Bucket(sorted(set(there)), size), wanted)
    assert found <= set(there) & set(wanted)


@given(KEYS, st.lists(st.tuples(KEYS, st.text(max_size=3), st.booleans()), min_size=1, max_size=5))
def test_pages_that_lie_cost_no_more_than_time(
    wanted: list[str], lies: list[tuple[list[str], str, bool]]
) -> None:
    asked = 0

    def page(start: ObjectRef) -> SourcePage:
        nonlocal asked
        keys, last, final = lies[asked % len(lies)]
        asked += 1
        refs = [ObjectRef("b", key) for key in keys]
        return SourcePage({ref: ObjectInfo(1) for ref in refs}, last, final)

    found = SourceListing(page).find(ObjectRef("b", key) for key in wanted)
    assert {ref.key for ref, _ in found} <= set(wanted)
    assert asked <= len(wanted)


def api(keys: Sequence[str], listed: Callable[[list[str]], Reaction]) -> Callable[..., Reaction]:
    """Cloud Storage's JSON API over ``keys``; ``listed`` answers with the rest of a listing."""
    ordered = sorted(keys)

    def behave(request: Request) -> Reaction:
        parts = urlsplit(request.path)
        _, _, name = parts.path.partition("/b/old/o/")
        if name:
            return single(unquote(name)) if unquote(name) in keys else denied()
        if not parts.path.endswith("/o"):
            return denied(403, "forbidden")  # the client's own curiosity about the bucket
        start = parse_qs(parts.query)["startOffset"][0]
        return listed([key for key in ordered if key >= start])

    return behave


def resource(key: str, bucket: str = "old") -> dict[str, str]:
    return {"bucket": bucket, "name": key, "size": str(len(key)), "crc32c": "Jj/JUA=="}


def single(key: str) -> Reaction:
    return Reaction(200, JSON, json.dumps(resource(key)).encode())


def denied(status: int = 404, reason: str = "notFound") -> Reaction:
    error = {"error": {"code": status, "message": "m", "errors": [{"reason": reason}]}}
    return Reaction(status, JSON, json.dumps(error).encode())


def page(keys: list[str], bucket: str = "old", cut: int | None = None) -> Reaction:
    members = {"items": [resource(key, bucket) for key in keys[:1000]]}
    more = {"nextPageToken": "t"} if len(keys) > 1000 else {}
    return Reaction(200, JSON, json.dumps(members | more).encode(), cut=cut)


THERE = [f"k{n:05}" for n in range(3_000)]
WANTED = [*THERE[:1_500], *(f"k{n:05}x" for n in range(40))]


def stat(behaviour: Callable[..., Reaction]) -> tuple[dict[str, SourceEvidence], int]:
    with fault_server(behaviour) as server:
        store = CloudStorage(connect({"STORAGE_EMULATOR_HOST": server.endpoint}), patience=0.5)
        evidence = list(store.stat(ObjectRef("old", key) for key in WANTED))
        asked = len(server.requests)
    assert len(evidence) == len(WANTED)
    return {each.source.key: each for each in evidence}, asked


LISTINGS: dict[str, tuple[Callable[[list[str]], Reaction], int]] = {
    "honest": (page, 60),
    "forbidden": (lambda _: denied(403, "forbidden"), 2_000),
    "cut": (lambda keys: page(keys, cut=5_000), 2_000),
    "no JSON": (lambda _: Reaction(200, {"content-type": "text/html"}, b"<h1>Hi</h1>"), 2_000),
    "of another bucket": (lambda keys: page(keys, bucket="other"), 2_000),
    "of what follows": (lambda keys: page(keys[500:]), 2_000),
    "empty": (lambda _: page([]), 2_000),
    "a list": (lambda _: Reaction(200, JSON, b"[1]"), 2_000),
    "without names": (lambda _: Reaction(200, JSON, b'{"items": [{"size": "1"}, {}]}'), 2_000),
    "of odd items": (lambda _: Reaction(200, JSON, b'{"items": [1, null]}'), 2_000),
}


@pytest.mark.parametrize(("listed", "most"), LISTINGS.values(), ids=LISTINGS)
def test_every_object_has_the_same_evidence_whatever_the_listing_says(
    listed: Callable[[list[str]], Reaction], most: int
) -> None:
    evidence, asked = stat(api(THERE, listed))
    there = {key for key, each in evidence.items() if each.state is SourceState.EXISTS}
    assert there == set(THERE[:1_500])
    assert {each.state for key, each in evidence.items() if key not in there} == {SourceState.GONE}
    assert {each.info.size for each in evidence.values() if each.info.size} == {6}
    assert asked <= most
