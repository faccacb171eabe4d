"""Cloud Storage as a source, on the emulator and on servers that misbehave."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.servers.cloud_storage import ServedCloudStorage, cloud_storage
from tests.servers.fault import Reaction, Request, fault_server
from url_rewriter.errors import ConfigurationError
from url_rewriter.evidence import SourceEvidence, SourceState
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.sources import open_cloud_storage
from url_rewriter.sources.cloud_storage import CloudStorage, connect
from url_rewriter.urls import ObjectRef

HARD_KEYS = (
    "plain.png", "two words.png", "日本/写真.jpg", "cafe\u0301.png", "caf\u00e9.png", "a//b",
    "/leading", "trailing/", "100%.png", "a%2Fb", "a+b?c#d&e=f;g", "...", "x" * 200,
)  # fmt: skip


@pytest.fixture(scope="module")
def served() -> Iterator[ServedCloudStorage]:
    with cloud_storage() as server:
        yield server


def stat(served: ServedCloudStorage, *keys: str, bucket: str = "old") -> dict[str, SourceEvidence]:
    store = open_cloud_storage(served.environ())
    refs = [ObjectRef(bucket, key) for key in keys]
    evidence = list(store.stat(iter(refs)))
    store.close()
    assert sorted(each.source for each in evidence) == sorted(refs)
    return {each.source.key: each for each in evidence}


def test_an_object_is_described_with_everything_that_a_copy_must_keep(
    served: ServedCloudStorage,
) -> None:
    served.put("old", "logo.png", b"body", cache_control="no-cache",
               content_disposition='attachment; filename="a.png"', content_language="de",
               content_encoding="gzip", metadata={"owner": "Zoë"})  # fmt: skip
    evidence = stat(served, "logo.png")["logo.png"]
    assert evidence.source == ObjectRef("old", "logo.png")
    found = evidence.info
    assert (found.size, found.crc32c) == (4, "Jj/JUA==")
    assert found.md5 == "841a2d689ad86bd1611447453c22c6fc"
    assert found.content_type == "image/png"
    assert found.headers == {
        "cache-control": "no-cache",
        "content-disposition": 'attachment; filename="a.png"',
        "content-encoding": "gzip",
        "content-language": "de",
    }
    assert dict(found.metadata) == {"owner": "Zoë"}
    assert found.generation is not None


def test_hard_keys_are_told_apart(served: ServedCloudStorage) -> None:
    for number, key in enumerate(HARD_KEYS):
        served.put("old", key, b"x" * number)
    found = stat(served, *HARD_KEYS)
    sizes = {key: each.info.size for key, each in found.items()}
    assert sizes == {key: number for number, key in enumerate(HARD_KEYS)}


@pytest.mark.parametrize("key", ["", ".", "..", "plain.pn", "\ud800", "y" * 1025, "é" * 513])
def test_what_is_not_there_is_gone(served: ServedCloudStorage, key: str) -> None:
    served.put("old", "plain.png")
    item = stat(served, key)[key]
    assert (item.state, item.info) == (SourceState.GONE, ObjectInfo())
    assert item.detail


def test_objects_of_a_bucket_that_was_deleted_are_gone(served: ServedCloudStorage) -> None:
    assert stat(served, "a.png", bucket="no-such-bucket")["a.png"].state is SourceState.GONE


def error(status: int, reason: str, message: str = "m") -> Reaction:
    body = {"error": {"code": status, "message": message, "errors": [{"reason": reason}]}}
    return Reaction(status, {"content-type": "application/json"}, json.dumps(body).encode())


def resource(**changes: object) -> Reaction:
    members = {"bucket": "old", "name": "a.png", "size": "4", "crc32c": "Jj/JUA=="} | changes
    return Reaction(200, {"content-type": "application/json"}, json.dumps(members).encode())


REQUESTER_PAYS = (
    "its bucket is a requester pays bucket (400): list it with `gcloud storage ls --json"
    " --billing-project=PROJECT`, and give that as --inventory"
)
NOT_BILLED = (
    "its project is not billed ({}), as Firebase projects of the Spark plan: enable billing, or"
    " give an --inventory that was made before"
)

ANSWERS = {
    "denied": (error(404, "notFound"), SourceState.GONE, "no such object"),
    "a proxy's 404": (
        Reaction(404, {"content-type": "text/html"}, b"<h1>Not Found</h1>"),
        SourceState.UNKNOWN, "404 that Cloud Storage did not send",
    ),
    "a cache's 404": (
        replace(error(404, "notFound"), headers={"content-type": "application/json", "age": "9"}),
        SourceState.UNKNOWN, "404 out of a cache between here and Cloud Storage",
    ),
    "forbidden": (
        error(403, "forbidden"), SourceState.UNKNOWN,
        "forbidden (403): grant storage.objects.get and .list (roles/storage.objectViewer)",
    ),
    "token": (
        error(401, "authError"), SourceState.UNKNOWN,
        "not authenticated: run `gcloud auth application-default login`",
    ),
    "not billed": (error(402, "payment"), SourceState.UNKNOWN, NOT_BILLED.format(402)),
    "billing switched off": (
        error(403, "accountDisabled", "The billing account for the owning project is disabled"),
        SourceState.UNKNOWN, NOT_BILLED.format(403),
    ),
    "requester pays": (
        error(400, "required", "Bucket is a requester pays bucket but no user project provided."),
        SourceState.UNKNOWN,
        REQUESTER_PAYS,
    ),
    "throttled": (error(429, "rateLimitExceeded"), SourceState.UNKNOWN, "throttled or busy (429)"),
    "busy": (error(503, "backendError"), SourceState.UNKNOWN, "throttled or busy (503)"),
    "a bad request": (error(400, "required"), SourceState.UNKNOWN, "answered 400"),
    "captive portal": (
        Reaction(200, {"content-type": "text/html"}, b"<h1>Log in</h1>"),
        SourceState.UNKNOWN, "no answer (JSONDecodeError)",
    ),
    "a list": (
        Reaction(200, {"content-type": "application/json"}, b"[1]"),
        SourceState.UNKNOWN, "200 that does not describe the object",
    ),
    "null": (
        Reaction(200, {"content-type": "application/json"}, b"null"),
        SourceState.UNKNOWN, "200 that does not describe the object",
    ),
    "odd members": (
        resource(metadata=[1], size=["4"]),
        SourceState.UNKNOWN, "200 that does not describe the object",
    ),
    "another object": (
        resource(name="b.png"), SourceState.UNKNOWN, "200 that does not describe the object",
    ),
    "no size": (
        resource(size=None), SourceState.UNKNOWN, "200 that does not describe the object",
    ),
    "there": (resource(), SourceState.EXISTS, ""),
}  # fmt: skip


@pytest.mark.parametrize(("reaction", "state", "detail"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_classified(reaction: Reaction, state: SourceState, detail: str) -> None:
    with fault_server(lambda _: reaction) as server:
        store = CloudStorage(connect({"STORAGE_EMULATOR_HOST": server.endpoint}), patience=0.1)
        (item,) = store.stat([ObjectRef("old", "a.png")])
    assert (item.state, item.detail) == (state, detail)


def test_an_answer_that_is_cut_is_unknown() -> None:
    cut = Reaction(200, {"content-type": "application/json"}, resource().body, cut=120)
    with fault_server(lambda _: cut) as server:
        store = CloudStorage(connect({"STORAGE_EMULATOR_HOST": server.endpoint}), patience=0.1)
        (item,) = store.stat([ObjectRef("old", "a.png")])
    assert item.state is SourceState.UNKNOWN


def test_a_fault_that_passes_leaves_no_trace() -> None:
    seen: list[str] = []

    def behaviour(request: Request) -> Reaction:
        seen.append(request.path)
        return resource() if len(seen) > 2 else error(503, "backendError")

    with fault_server(behaviour) as server:
        store = CloudStorage(connect({"STORAGE_EMULATOR_HOST": server.endpoint}), patience=20)
        (item,) = store.stat([ObjectRef("old", "a.png")])
    assert item.state is SourceState.EXISTS


def test_a_server_that_fell_silent_is_not_asked_for_ever() -> None:
    with fault_server(lambda _: Reaction(hang_up=True)) as server:
        store = CloudStorage(connect({"STORAGE_EMULATOR_HOST": server.endpoint}), patience=0.1)
        evidence = list(store.stat(ObjectRef("old", f"k{n}") for n in range(2_000)))
        assert len(server.requests) < 1_000
    assert len(evidence) == 2_000
    assert {each.state for each in evidence} == {SourceState.UNKNOWN}
    assert sum(each.detail.startswith("not asked: no answer") for each in evidence) > 1_000


def test_an_emulator_without_a_scheme_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigurationError, match="STORAGE_EMULATOR_HOST"):
        open_cloud_storage({"STORAGE_EMULATOR_HOST": "localhost:9023"})
