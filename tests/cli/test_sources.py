"""``--check-size`` and ``--check-source``: targets against the objects that moved."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import google_crc32c
import pytest
from boto3.s3.transfer import TransferConfig

from tests.cli.command import (
    NEW,
    OLD,
    RULES,
    Workshop,
    clean_environ,
    plan_arguments,
    read_database,
    texts,
    write_database,
)
from tests.servers.cloud_storage import ServedCloudStorage, cloud_storage
from tests.servers.fault import Reaction, fault_server
from tests.servers.s3 import ServedS3, moto, rclone_binary

LARGE = bytes(range(256)) * 16 * 1536  # six megabytes: two parts


@pytest.fixture(scope="module")
def google() -> Iterator[ServedCloudStorage]:
    with cloud_storage() as server:
        yield server


@pytest.fixture(scope="module")
def amazon() -> Iterator[ServedS3]:
    """A server that keeps checksums, and gives objects in parts the ETags that Amazon does."""
    with moto() as server:
        yield server


@pytest.fixture
def moved(tmp_path: Path, google: ServedCloudStorage, amazon: ServedS3) -> Workshop:
    """A workshop whose files moved from an emulator of Cloud Storage to S3."""
    (tmp_path / "rules.yaml").write_text(RULES)
    google.wipe()
    for entry in amazon.client().list_objects_v2(Bucket=amazon.bucket).get("Contents", ()):
        amazon.client().delete_object(Bucket=amazon.bucket, Key=entry["Key"])
    return Workshop(tmp_path, clean_environ({**amazon.environ(), **google.environ()}))


def use(workshop: Workshop, *names: str) -> None:
    documents = {f"apps/{n}": texts(image=OLD + name) for n, name in enumerate(names)}
    write_database(workshop.folder / "db.jsonl", documents)


def upload(amazon: ServedS3, key: str, body: bytes, **more: object) -> None:
    """In parts, where it is large."""
    amazon.client().upload_fileobj(
        BytesIO(body), amazon.bucket, key, ExtraArgs=more,
        Config=TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20),
    )  # fmt: skip


def test_an_object_that_moved_whole_is_a_match(
    moved: Workshop, google: ServedCloudStorage, amazon: ServedS3
) -> None:
    google.put("old-logos", "a.png", b"body")
    amazon.put("app-logos/a.png", b"body")
    use(moved, "a.png")
    planned = moved.json(*plan_arguments("--check-source", "--check-size"))
    assert planned["comparisons"] == {
        "match": 1, "mismatch": 0, "size-only": 0, "source-gone": 0, "unknown": 0,
    }  # fmt: skip
    moved.json("apply", "x.plan", "--yes")
    verified = moved.json("verify", "x.plan", "--check-source", "--check-size")
    gates = {gate["name"]: gate["passed"] for gate in verified["gates"]}
    assert gates["targets-same"] is True


@pytest.mark.parametrize("option", ["--check-size", "--check-source"])
def test_another_size_blocks_the_plan(
    moved: Workshop, google: ServedCloudStorage, amazon: ServedS3, option: str
) -> None:
    google.put("old-logos", "a.png", b"body")
    google.put("old-logos", "b.png", b"body")
    amazon.put("app-logos/a.png", b"half")
    amazon.put("app-logos/b.png", b"bo")
    use(moved, "b.png")
    planned = moved.json(*plan_arguments(option), status=3)
    assert planned["blocked"] is True
    assert (planned["urls"]["mismatch"], planned["targets"]["mismatch"]) == (1, 1)
    assert planned["findings"] == {"mismatched-target": 1}
    assert planned["comparisons"]["mismatch"] == 1
    shown = moved.run("show", "x.plan", "--status", "mismatch").out
    assert "the target has 2 bytes, its source 4" in shown
    before = read_database(moved.folder / "db.jsonl")
    assert moved.run("apply", "x.plan", "--yes").status == 3
    assert read_database(moved.folder / "db.jsonl") == before


def test_other_bytes_of_one_size_are_seen_by_hash_and_not_by_size(
    moved: Workshop, google: ServedCloudStorage, amazon: ServedS3
) -> None:
    google.put("old-logos", "a.png", b"body")
    amazon.put("app-logos/a.png", b"bodY")
    use(moved, "a.png")
    assert moved.json(*plan_arguments("--check-size"))["comparisons"]["size-only"] == 1
    planned = moved.json(*plan_arguments("--check-source"), status=3)
    assert planned["comparisons"]["mismatch"] == 1
    assert "MD5 hashes differ" in moved.run("show", "x.plan").out


def test_an_object_in_parts_is_no_match_without_a_checksum_of_the_whole(
    moved: Workshop, google: ServedCloudStorage, amazon: ServedS3
) -> None:
    google.put("old-logos", "a.png", LARGE)
    upload(amazon, "app-logos/a.png", LARGE)
    use(moved, "a.png")
    planned = moved.json(*plan_arguments("--check-source"))
    assert planned["comparisons"]["size-only"] == 1
    assert planned["findings"] == {"size-only": 1}
    moved.json("apply", "x.plan", "--yes")
    by_size = moved.json("verify", "x.plan", "--check-size")
    assert {gate["name"]: gate for gate in by_size["gates"]}["targets-same"]["passed"] is True
    verified = moved.json("verify", "x.plan", "--check-source", "--check-size", status=3)
    gates = {gate["name"]: gate for gate in verified["gates"]}
    assert gates["targets-same"]["passed"] is False
    assert gates["targets-same"]["says"].endswith(": 1 size-only")
    assert verified["comparisons"]["size-only"] == 1
    listed = moved.run("verify", "x.plan", "--check-source").out
    assert f"size-only  apps/0 image  {NEW}a.png" in listed


def test_a_crc32c_of_the_whole_proves_an_object_whose_etag_does_not(
    moved: Workshop, google: ServedCloudStorage, amazon: ServedS3
) -> None:
    for name, body in (("good.png", b"body"), ("bad.png", b"bodY")):
        google.put("old-logos", name, b"body")
        amazon.client().put_object(
            Bucket=amazon.bucket, Key=f"app-logos/{name}", Body=body, ChecksumAlgorithm="CRC32C",
            ChecksumCRC32C=base64.b64encode(google_crc32c.Checksum(body).digest()).decode(),
            ServerSideEncryption="aws:kms",
        )  # fmt: skip
    use(moved, "good.png", "bad.png")
    planned = moved.json(*plan_arguments("--check-source"), status=3)
    assert (planned["comparisons"]["match"], planned["comparisons"]["mismatch"]) == (1, 1)
    shown = moved.run("show", "x.plan", "--status", "mismatch").out
    assert "CRC32C checksums differ" in shown


def test_a_source_that_was_deleted_is_no_mismatch_and_no_match(
    moved: Workshop, amazon: ServedS3
) -> None:
    amazon.put("app-logos/a.png", b"body")
    use(moved, "a.png")
    planned = moved.json(*plan_arguments("--check-source"))
    assert planned["comparisons"]["source-gone"] == 1
    assert planned["findings"] == {"source-gone": 1}
    moved.json("apply", "x.plan", "--yes")
    verified = moved.json("verify", "x.plan", "--check-source", status=3)
    failed = [gate["says"] for gate in verified["gates"] if not gate["passed"]]
    assert failed == ["targets are not proven to match their source: 1 source-gone"]


REFUSALS = [
    (403, "forbidden", 4, "forbidden (403): grant storage.objects.get"),
    (402, "payment", 4, "its project is not billed (402)"),
    (404, "", 3, "404 that Cloud Storage did not send"),
]


@pytest.mark.parametrize(("status", "reason", "ends", "words"), REFUSALS)
def test_a_source_that_cannot_be_asked_for_blocks_the_plan(
    moved: Workshop, amazon: ServedS3, status: int, reason: str, ends: int, words: str
) -> None:
    amazon.put("app-logos/a.png", b"body")
    use(moved, "a.png")
    refusal = json.dumps({"error": {"code": status, "errors": [{"reason": reason}]}}).encode()
    answer = Reaction(status, {"content-type": "application/json"}, refusal)
    with fault_server(lambda _: answer) as at:
        moved.environ["STORAGE_EMULATOR_HOST"] = at.endpoint
        ended = moved.run(*plan_arguments("--check-source", "--format", "json"))
    planned = json.loads(ended.out)
    assert ended.status == ends
    assert words in (ended.err if ends == 4 else moved.run("show", "x.plan").out)
    assert planned["blocked"] is True
    assert planned["urls"]["unknown"] == 1
    assert planned["comparisons"]["unknown"] == 1
    assert planned["findings"] == {"unknown-source": 1}
    before = read_database(moved.folder / "db.jsonl")
    assert moved.run("apply", "x.plan", "--yes").status == 3
    assert read_database(moved.folder / "db.jsonl") == before


def test_a_plan_that_was_blocked_by_its_sources_is_ready_once_they_answer(
    moved: Workshop, google: ServedCloudStorage, amazon: ServedS3
) -> None:
    google.put("old-logos", "a.png", b"body")
    amazon.put("app-logos/a.png", b"body")
    use(moved, "a.png")
    address = moved.environ["STORAGE_EMULATOR_HOST"]
    with fault_server(lambda _: Reaction(403)) as at:
        moved.environ["STORAGE_EMULATOR_HOST"] = at.endpoint
        moved.json(*plan_arguments("--check-source"), status=4)
    moved.environ["STORAGE_EMULATOR_HOST"] = address
    assert moved.json(*plan_arguments("--check-source"))["blocked"] is False


def test_an_inventory_stands_in_for_buckets_that_are_gone(
    moved: Workshop, google: ServedCloudStorage, amazon: ServedS3
) -> None:
    google.put("old-logos", "img/a.png", b"body")
    amazon.put("app-logos/img/a.png", b"body")
    use(moved, "img/a.png")
    remote = f":gcs,endpoint='{google.address}/storage/v1/',anonymous=true:old-logos"
    listed = subprocess.run(
        [rclone_binary(), "lsjson", "-R", "--hash", remote], check=True, capture_output=True
    )
    (moved.folder / "list.json").write_bytes(listed.stdout)
    google.wipe()
    del moved.environ["STORAGE_EMULATOR_HOST"]  # and no credentials either
    planned = moved.json(
        *plan_arguments("--check-source", "--inventory", "gs://old-logos=list.json")
    )
    assert planned["comparisons"]["match"] == 1


def test_a_server_that_checks_signatures_proves_by_its_etags(
    workshop: Workshop, s3: ServedS3, google: ServedCloudStorage
) -> None:
    workshop.environ |= google.environ()
    google.wipe()
    for name, there, here in (("same.png", b"body", b"body"), ("other.png", b"body", b"bodY")):
        google.put("old-logos", name, there)
        s3.put(f"app-logos/{name}", here)
    use(workshop, "same.png", "other.png")
    ended = workshop.run(*plan_arguments("--check-source"))
    assert ended.status == 3
    assert "targets compared with their sources: 1 match, 1 mismatch" in ended.out
    assert f"compared with the Cloud Storage emulator at {google.address}" in ended.err


def test_verify_finds_the_source_of_a_url_by_the_rules_and_not_where_two_lead_there(
    moved: Workshop, google: ServedCloudStorage, amazon: ServedS3
) -> None:
    for bucket in ("old-logos", "merged"):
        google.put(bucket, "a.png", b"body")
    amazon.put("app-logos/a.png", b"body")
    write_database(moved.folder / "db.jsonl", {"apps/1": texts(image=f"{NEW}a.png")})
    verify = ("verify", "--rules", "rules.yaml", "--store", "embedded:db.jsonl", "--check-source")
    assert moved.json(*verify)["passed"] is True
    merged = "  - {name: merged, source: {bucket: merged}, target: {prefix: app-logos/}}\n"
    (moved.folder / "rules.yaml").write_text(RULES + merged)
    gates = {gate["name"]: gate for gate in moved.json(*verify, status=3)["gates"]}
    assert gates["targets-same"]["says"].endswith(": 1 unknown")
    amazon.put("app-logos/a.png", b"bodY")
    (moved.folder / "rules.yaml").write_text(RULES)
    gates = {gate["name"]: gate for gate in moved.json(*verify, status=3)["gates"]}
    assert gates["targets-same"]["says"].endswith(": 1 mismatch")
    assert gates["targets-exist"]["passed"] is False


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--inventory", "list.json"), "--check-source"),
        (("--check-source", "--inventory", "none.json"), "none.json: cannot be read"),
        (("--check-source", "--inventory", "rules.yaml"), "rules.yaml:"),
    ],
)
def test_what_is_wrong_with_an_inventory_is_said_before_anything_is_read(
    moved: Workshop, arguments: tuple[str, ...], says: str
) -> None:
    use(moved, "a.png")
    ended = moved.run(*plan_arguments(*arguments))
    assert (ended.status, ended.out) == (2, "")
    assert says in ended.err
    assert not (moved.folder / "x.plan.part").exists()


def test_missing_credentials_are_said_before_anything_is_read(moved: Workshop) -> None:
    use(moved, "a.png")
    del moved.environ["STORAGE_EMULATOR_HOST"]
    moved.environ |= {"CLOUDSDK_CONFIG": str(moved.folder), "NO_GCE_CHECK": "true"}
    ended = moved.run(*plan_arguments("--check-source"))
    assert ended.status == 4
    assert "gcloud auth application-default login" in ended.err
