"""What every source store promises, on Cloud Storage's emulator and on inventories made of it."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.servers.cloud_storage import ServedCloudStorage, cloud_storage
from tests.servers.s3 import rclone_binary
from url_rewriter.evidence import SourceEvidence, SourceState
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.sources import SourceStore, open_cloud_storage, open_inventory
from url_rewriter.urls import ObjectRef

KEYS = (
    "plain.png", "two words.png", "日本/写真.jpg", "cafe\u0301.png", "caf\u00e9.png", "100%.png",
    "a%2Fb.png", "a+b?c#d&e=f;g", "quote'd \"name\".png", "x" * 200,
)  # fmt: skip
BUCKETS = ("old", "old.dev")


def body_of(bucket: str, key: str) -> bytes:
    return b"" if key == "plain.png" else f"{bucket}/{key}".encode()


@pytest.fixture(scope="module")
def served() -> Iterator[ServedCloudStorage]:
    with cloud_storage() as server:
        for bucket in BUCKETS:
            for key in KEYS:
                server.put(bucket, key, body_of(bucket, key), cache_control="no-cache")
        yield server


def direct(served: ServedCloudStorage, folder: Path) -> SourceStore:
    return open_cloud_storage(served.environ())


def listed_by_the_api(served: ServedCloudStorage, folder: Path) -> SourceStore:
    """As ``gcloud storage objects list --raw`` has it: the resources themselves."""
    with (folder / "raw.jsonl").open("w") as out:
        for bucket in BUCKETS:
            for blob in served.client.list_blobs(bucket):
                out.write(json.dumps(blob._properties) + "\n")
    return open_inventory([str(folder / "raw.jsonl")])


def listed_by_rclone(served: ServedCloudStorage, folder: Path) -> SourceStore:
    remote = f":gcs,endpoint='{served.address}/storage/v1/',anonymous=true"
    for bucket in BUCKETS:
        command = [rclone_binary(), "lsjson", "-R", "--hash", f"{remote}:{bucket}"]
        listing = subprocess.run(command, check=True, capture_output=True).stdout
        (folder / f"{bucket}.json").write_bytes(listing)
    return open_inventory([f"gs://{each}={folder / each}.json" for each in BUCKETS])


STORES: dict[str, Callable[[ServedCloudStorage, Path], SourceStore]] = {
    "cloud storage": direct,
    "gcloud": listed_by_the_api,
    "rclone": listed_by_rclone,
}


@pytest.fixture(scope="module", params=STORES)
def store(
    request: pytest.FixtureRequest,
    served: ServedCloudStorage,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SourceStore]:
    opened = STORES[request.param](served, tmp_path_factory.mktemp("inventory"))
    yield opened
    opened.close()


def stat(store: SourceStore, *refs: ObjectRef) -> dict[ObjectRef, SourceEvidence]:
    evidence = list(store.stat(iter(refs)))
    assert sorted(each.source for each in evidence) == sorted(refs)
    return {each.source: each for each in evidence}


def test_every_object_is_found_with_its_size_and_hash(store: SourceStore) -> None:
    refs = [ObjectRef(bucket, key) for bucket in BUCKETS for key in KEYS]
    before = datetime.now(UTC)
    for ref, item in stat(store, *refs).items():
        body = body_of(ref.bucket, ref.key)
        assert item.state is SourceState.EXISTS
        assert (item.source, item.info.size) == (ref, len(body))
        assert item.info.md5 == hashlib.md5(body).hexdigest()
        assert item.info.content_type == "image/png"
        assert before <= item.checked_at <= datetime.now(UTC)
        assert item.detail == ""


@pytest.mark.parametrize(
    "ref",
    [
        ObjectRef("old", "plain.pn"),
        ObjectRef("old", "two%20words.png"),
        ObjectRef("old", "a/b.png"),
        ObjectRef("old", "Plain.png"),
        ObjectRef("ol", "plain.png"),
        ObjectRef("old", "\ud800"),
        ObjectRef("old", ""),
    ],
)
def test_what_is_not_there_is_never_found(store: SourceStore, ref: ObjectRef) -> None:
    item = stat(store, ref)[ref]
    assert item.state in (SourceState.GONE, SourceState.UNKNOWN)
    assert item.info == ObjectInfo()
    assert item.detail


def test_refs_are_taken_as_the_work_goes_on(store: SourceStore) -> None:
    taken = 0

    def endless() -> Iterator[ObjectRef]:
        nonlocal taken
        while True:
            taken += 1
            yield ObjectRef("old", KEYS[taken % len(KEYS)])

    evidence = store.stat(endless())
    for _ in range(50):
        next(evidence)
    assert taken < 10_000
