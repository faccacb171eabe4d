"""What every object store promises, on real S3 servers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.servers.every import SERVERS
from tests.servers.s3 import ServedS3, rclone
from url_rewriter.errors import ConfigurationError, NotPermittedError, ServiceError
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.objects import ObjectStore, Prove, S3Settings, open_objects
from url_rewriter.urls import ObjectRef

HARD_KEYS = (
    "app-logos/plain.png",
    "app-logos/two words.png",
    "chat-files/u1/caf\u00e9.png",
    "chat-files/u1/cafe\u0301.png",  # the same to the eye, another object
    "chat-files/u1/\u212b.png",
    "chat-files/u1/\U0001f600.png",
    "100%.png",
    "%2e%2e/a.png",
    "a%2Fb.png",
    "a+b.png",
    "a#b.png",
    "a?versionId=3",
    "a&b=c;d:e@f,g$h!(i)[j]{k}|l^m`n'o\"p<q>r*s~t\\u.png",
    "trailing.",
    "...",
    "..a/b..",
    "c\u0001d.png",
    "x" * 200 + "/" + "\u00e9" * 100,
)
ODD_SLASHES = ("/leading.png", "//two.png", "a//b.png", "trail/", "trail//")


# For the session, so that pytest starts each server once, whatever the order of the tests.
@pytest.fixture(scope="session", params=SERVERS)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedS3]:
    with SERVERS[request.param](tmp_path_factory.mktemp("objects"), "contract.data") as server:
        for key in HARD_KEYS:
            server.put(key, key.encode())
        yield server


@pytest.fixture(scope="session")
def many(served: ServedS3) -> list[str]:
    """Keys of more objects than a page of a listing holds."""
    keys = [f"many/{number:04}.png" for number in range(1_002)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(served.put, keys))
    return keys


WAYS: dict[str, dict[str, Any]] = {
    "lane": {"prove": Prove.HEAD},
    "boto3 alone": {"prove": Prove.HEAD, "fast": False},
    "listing": {"prove": Prove.LIST},
    "listing by boto3": {"prove": Prove.LIST, "fast": False},
    "auto": {},
}


@pytest.fixture(scope="module", params=list(WAYS.values()), ids=list(WAYS))
def store(request: pytest.FixtureRequest, served: ServedS3) -> Iterator[ObjectStore]:
    settings = S3Settings.from_environ(
        served.environ(), endpoint=None, fallback_endpoint="http://unused.invalid"
    )
    objects = open_objects(replace(settings, **request.param))
    yield objects
    objects.close()


def prove(store: ObjectStore, served: ServedS3, *keys: str) -> dict[str, Evidence]:
    targets = [ObjectRef(served.bucket, key) for key in keys]
    evidence = list(store.prove(iter(targets)))
    assert sorted(item.target for item in evidence) == sorted(targets)
    return {item.target.key: item for item in evidence}


def test_a_good_bucket_passes_the_check(store: ObjectStore, served: ServedS3) -> None:
    assert store.check(served.bucket) is None


def test_an_object_exists_with_its_size_tag_and_type(store: ObjectStore, served: ServedS3) -> None:
    before = datetime.now(UTC)
    item = prove(store, served, "app-logos/plain.png")["app-logos/plain.png"]
    assert item.state is TargetState.EXISTS
    assert item.info.size == len("app-logos/plain.png")
    assert item.info.etag == hashlib.md5(b"app-logos/plain.png").hexdigest()
    if item.method is Method.HEAD:
        assert item.info.content_type == "image/png"
    assert item.checked_at.utcoffset() == timedelta(0)
    assert before <= item.checked_at <= datetime.now(UTC)
    assert item.detail == ""


def test_every_hard_key_exists(store: ObjectStore, served: ServedS3) -> None:
    evidence = prove(store, served, *HARD_KEYS)
    assert {item.state for item in evidence.values()} == {TargetState.EXISTS}
    assert {key: item.info.size for key, item in evidence.items()} == {
        key: len(key.encode()) for key in HARD_KEYS
    }


@pytest.mark.parametrize(
    "key",
    [
        "app-logos/plain.pn",
        "app-logos/plain.png2",
        "App-logos/plain.png",
        "app-logos",
        "app-logos/",
        "app-logos/plain.png/",
        "app-logos/plain.png//",
        "app-logos//plain.png",
        "/app-logos/plain.png",
        "//app-logos/plain.png",
        "app-logos/two%20words.png",
        "app-logos/two+words.png",
        "a b.png",
        "100%25.png",
        "%252e%252e/a.png",
        "a/b.png",
        "a?versionId=4",
        "a",
        "trailing",
        "chat-files/u1/A\u030a.png",
        "c\u0002d.png",
    ],
)
def test_a_near_miss_of_a_key_is_missing(store: ObjectStore, served: ServedS3, key: str) -> None:
    item = prove(store, served, key)[key]
    assert (item.state, item.info.size, item.info.etag) == (TargetState.MISSING, None, None)
    assert item.detail


def test_keys_with_odd_slashes_are_told_apart(store: ObjectStore, served: ServedS3) -> None:
    if not served.holds_odd_slashes:
        pytest.skip("this server cannot hold such keys; near misses of them are tested above")
    for key in ODD_SLASHES:
        served.put(key)
    evidence = prove(store, served, *ODD_SLASHES, "trail", "leading.png", "a/b.png")
    there = {key for key, item in evidence.items() if item.state is TargetState.EXISTS}
    assert there == set(ODD_SLASHES)


@pytest.mark.parametrize("key", ["x" * 1025, "\u00e9" * 513, "", "\ud800"])
def test_a_key_that_no_object_can_have_is_missing(
    store: ObjectStore, served: ServedS3, key: str
) -> None:
    assert prove(store, served, key)[key].state is TargetState.MISSING


@pytest.mark.parametrize("key", ["./a", "app-logos/../app-logos/plain.png", "a/.", "..", "a/.."])
def test_a_key_that_clients_fold_is_unknown(store: ObjectStore, served: ServedS3, key: str) -> None:
    assert prove(store, served, key)[key].state is TargetState.UNKNOWN


def test_targets_in_a_bucket_that_is_not_there_are_unknown(
    store: ObjectStore, served: ServedS3
) -> None:
    wrong = ObjectRef("no-such-bucket", "app-logos/plain.png")
    good = ObjectRef(served.bucket, "app-logos/plain.png")
    states = {item.target: item.state for item in store.prove([wrong, good])}
    assert states == {wrong: TargetState.UNKNOWN, good: TargetState.EXISTS}


def test_a_wrong_bucket_is_a_matter_of_configuration(store: ObjectStore, served: ServedS3) -> None:
    error = store.check("no-such-bucket")
    assert isinstance(error, ConfigurationError)
    assert served.endpoint in str(error)
    assert "'no-such-bucket'" in str(error)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("S3_SECRET_ACCESS_KEY", "a-wrong-secret"),
        ("S3_ACCESS_KEY_ID", "AWRONGKEYID"),
    ],
)
def test_refused_credentials_are_named_and_not_repeated(
    served: ServedS3, name: str, value: str
) -> None:
    if not served.checks_signatures:
        pytest.skip("this server takes any signature")
    settings = S3Settings.from_environ(
        {**served.environ(), name: value}, endpoint=None, fallback_endpoint="http://unused.invalid"
    )
    store = open_objects(settings)
    error = store.check(served.bucket)
    assert isinstance(error, NotPermittedError)
    (item,) = store.prove([ObjectRef(served.bucket, "app-logos/plain.png")])
    assert item.state is TargetState.UNKNOWN
    for text in (str(error), item.detail, repr(settings)):
        assert value not in text


@pytest.mark.parametrize(
    "prefix", ["app-logos/", "app-logos/two w", "chat-files/", "a%", "a+", "c", "...", "nothing/"]
)
def test_a_listing_shows_every_object_under_a_prefix_and_no_other(
    store: ObjectStore, served: ServedS3, prefix: str
) -> None:
    found = list(store.contents(served.bucket, prefix))
    there = sorted(key for key in HARD_KEYS if key.startswith(prefix))
    for each, key in zip(found, there, strict=True):
        assert key in each.keys
        assert each.info.size == len(key.encode())
        assert each.info.modified is not None
        assert timedelta() <= datetime.now(UTC) - each.info.modified < timedelta(hours=1)
        assert each.keys == (key,) or " " in key


def test_a_listing_goes_on_from_page_to_page(
    store: ObjectStore, served: ServedS3, many: list[str]
) -> None:
    found = [each.keys for each in store.contents(served.bucket, "many/")]
    assert found == [(key,) for key in many]


def test_a_listing_of_a_whole_bucket_is_in_order(store: ObjectStore, served: ServedS3) -> None:
    found = [each.keys[0] for each in store.contents(served.bucket, "") if len(each.keys) == 1]
    assert found == sorted(set(found))
    assert set(HARD_KEYS) - set(found) <= {key for key in HARD_KEYS if " " in key}


def test_a_bucket_that_is_not_there_cannot_be_listed(store: ObjectStore, served: ServedS3) -> None:
    with pytest.raises(ServiceError, match="no-such-bucket"):
        list(store.contents("no-such-bucket", "app-logos/"))


def test_the_clock_of_a_server_is_told(store: ObjectStore, served: ServedS3) -> None:
    before = datetime.now(UTC).replace(microsecond=0)  # a server tells its time to the second
    told = store.clock(served.bucket)
    assert told is not None
    assert before <= told <= datetime.now(UTC)


def test_a_server_that_is_gone_is_unknown_soon(tmp_path: Path) -> None:
    with rclone(tmp_path) as server:
        settings = S3Settings.from_environ(
            server.environ(), endpoint=None, fallback_endpoint="http://unused.invalid"
        )
    store = open_objects(settings)
    assert isinstance(store.check(server.bucket), ServiceError)
    evidence = list(store.prove(ObjectRef(server.bucket, f"k{n}") for n in range(2_000)))
    assert len(evidence) == 2_000
    assert {item.state for item in evidence} == {TargetState.UNKNOWN}
    assert "connection refused" in evidence[-1].detail
    assert sum(item.detail.startswith("not asked") for item in evidence) > 1_500
