"""Storing objects: on real S3 servers, and on ones that something goes wrong with."""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google_crc32c
import pytest
from botocore.exceptions import ClientError

from tests.servers.fault import MARK, Reaction, Request, fault_server, xml_error
from tests.servers.proxy import Meddle, before, forward
from tests.servers.s3 import ACCESS_KEY_ID, SECRET_ACCESS_KEY, ServedS3, moto, rclone
from url_rewriter.copying import ReadError, Transfer, TransferOutcome
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.objects import S3Settings, open_writer
from url_rewriter.objects.writing.parts import PART
from url_rewriter.urls import ObjectRef

COPIED, THERE = TransferOutcome.COPIED, TransferOutcome.ALREADY_THERE
MISMATCH, FAILED = TransferOutcome.MISMATCH, TransferOutcome.FAILED

MODE, IF = "x-amz-checksum-mode", "if-none-match"

BIG = bytes(range(256)) * (PART // 256) + b"the end"


@pytest.fixture(scope="module", params=["moto", "rclone"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedS3]:
    folder: Path = tmp_path_factory.mktemp("rclone")
    # All of moto's servers in a process share their buckets, so these tests have one of their own.
    bucket = "for.writing"
    with moto(bucket) if request.param == "moto" else rclone(folder, bucket) as server:
        yield server


@pytest.fixture(scope="module")
def amazon() -> Iterator[ServedS3]:
    with moto("for.meddling") as server:
        yield server


class Uploads:
    """Remembers uploads as the plan file does, in a list."""

    def __init__(self) -> None:
        self.open: list[tuple[ObjectRef, str]] = []
        self.all = 0

    def begun(self, target: ObjectRef, upload: str) -> None:
        self.open.append((target, upload))
        self.all += 1

    def ended(self, target: ObjectRef, upload: str) -> None:
        self.open.remove((target, upload))


def describe(body: bytes, **changes: Any) -> ObjectInfo:
    crc32c = base64.b64encode(google_crc32c.value(body).to_bytes(4, "big")).decode()
    members: dict[str, Any] = {
        "size": len(body),
        "crc32c": crc32c,
        "md5": hashlib.md5(body).hexdigest(),
        "content_type": "image/png",
    }
    return ObjectInfo(**{**members, **changes})


def write(
    endpoint: str,
    bucket: str,
    key: str,
    body: bytes,
    *,
    sent: bytes | None = None,
    uploads: Uploads | None = None,
    **changes: Any,
) -> Transfer:
    """Write ``body``; where the source is to send something else than it says, that is ``sent``."""
    log = uploads or Uploads()
    settings = S3Settings(
        endpoint, ACCESS_KEY_ID, SECRET_ACCESS_KEY, workers=2, attempts=1, backoff=0.001
    )
    writer = open_writer(settings, log)
    stream = body if sent is None else sent
    chunks = (stream[at : at + PART] for at in range(0, len(stream), PART))
    transfer = writer.write(ObjectRef(bucket, key), describe(body, **changes), chunks)
    writer.close()
    assert log.open == []
    assert SECRET_ACCESS_KEY not in repr(transfer)
    return transfer


def stored(served: ServedS3, key: str) -> Any:
    """The object as a plain client reads it; None where there is none."""
    try:
        return served.client().get_object(Bucket=served.bucket, Key=key)
    except served.client().exceptions.NoSuchKey:
        return None


def unfinished(served: ServedS3) -> list[Any]:
    """Uploads in parts that are under way."""
    try:
        page = served.client().list_multipart_uploads(Bucket=served.bucket)
    except ClientError as error:  # how rclone's server says that there never was one
        assert "NoSuchUpload" in str(error)  # noqa: PT017 - not what is tested
        return []
    return list(page.get("Uploads", ()))


@pytest.mark.parametrize("body", [b"body", b"", BIG], ids=["small", "empty", "in parts"])
def test_an_object_arrives_with_everything_that_it_carries(served: ServedS3, body: bytes) -> None:
    key = f"kept/{len(body)}.png"
    transfer = write(
        served.endpoint, served.bucket, key, body,
        content_type="image/x-odd", metadata={"Owner": "ada", "n": "Zoë"},
        headers={
            "cache-control": "public, max-age=60", "content-language": "de",
            "content-disposition": 'attachment; filename="a b.png"',
        },
    )  # fmt: skip
    assert transfer == Transfer(COPIED, bytes=len(body))
    found = stored(served, key)
    assert found["Body"].read() == body
    assert found["ContentType"] == "image/x-odd"
    assert found["CacheControl"] == "public, max-age=60"
    assert found["ContentLanguage"] == "de"
    assert found["ContentDisposition"] == 'attachment; filename="a b.png"'
    metadata = {name.lower(): value for name, value in found["Metadata"].items()}
    assert metadata == {"owner": "ada", "n": "=?UTF-8?B?Wm/Dqw==?="}
    assert unfinished(served) == []


def test_a_compressed_object_is_stored_as_it_is(served: ServedS3) -> None:
    body = gzip.compress(b"text " * 1000, mtime=0)
    transfer = write(
        served.endpoint, served.bucket, "z.txt", body, headers={"content-encoding": "gzip"}
    )
    assert transfer.outcome is COPIED
    head = served.client().head_object(Bucket=served.bucket, Key="z.txt")
    assert (head["ContentLength"], head["ContentEncoding"]) == (len(body), "gzip")


def test_passwords_of_firebase_are_not_shown_to_all_readers(served: ServedS3) -> None:
    secret = {"firebaseStorageDownloadTokens": "5e56", "owner": "ada"}
    write(served.endpoint, served.bucket, "token.png", b"x", metadata=secret)
    assert "5e56" not in repr(stored(served, "token.png"))


@pytest.mark.parametrize(
    "key", ["a b.png", "a+b.png", "100%.png", "a%2Fb.png", "a#b?c&d=e.png", "日本/\u212b.png"]
)
def test_a_hard_key_arrives_under_its_own_name(served: ServedS3, key: str) -> None:
    assert write(served.endpoint, served.bucket, key, b"x").outcome is COPIED
    assert key in {
        each["Key"] for each in served.client().list_objects_v2(Bucket=served.bucket)["Contents"]
    }


@pytest.mark.parametrize("body", [b"body", BIG], ids=["small", "in parts"])
def test_flipped_bytes_never_become_visible(served: ServedS3, body: bytes) -> None:
    flipped = body[:-1] + bytes([body[-1] ^ 1])
    key = f"flipped/{len(body)}.png"
    transfer = write(served.endpoint, served.bucket, key, body, sent=flipped)
    assert (transfer.outcome, transfer.detail) == (FAILED, "the CRC32C of what came is wrong")
    assert stored(served, key) is None
    assert unfinished(served) == []


@pytest.mark.parametrize("body", [b"body", BIG], ids=["small", "in parts"])
@pytest.mark.parametrize("change", [-1, 1], ids=["too short", "too long"])
def test_a_source_of_another_length_never_becomes_visible(
    served: ServedS3, body: bytes, change: int
) -> None:
    wrong = body[:change] if change < 0 else body + b"x"
    key = f"length/{len(body)}{change}.png"
    transfer = write(served.endpoint, served.bucket, key, body, sent=wrong)
    assert transfer.outcome is FAILED
    assert transfer.detail.endswith(f"the source has {len(body):,}")
    assert stored(served, key) is None
    assert unfinished(served) == []


def test_md5_vouches_where_there_is_no_crc32c(served: ServedS3) -> None:
    assert write(served.endpoint, served.bucket, "md5.png", b"x", crc32c=None).outcome is COPIED
    wrong = write(served.endpoint, served.bucket, "md5b.png", b"x", sent=b"y", crc32c=None)
    assert (wrong.outcome, wrong.detail) == (FAILED, "the MD5 of what came is wrong")


def test_bytes_that_nothing_vouches_for_are_not_stored(served: ServedS3) -> None:
    transfer = write(served.endpoint, served.bucket, "no.png", b"x", crc32c=None, md5=None)
    assert transfer.outcome is FAILED
    assert "no checksum" in transfer.detail
    assert stored(served, "no.png") is None


@pytest.mark.parametrize("body", [b"body", BIG], ids=["small", "in parts"])
def test_a_stream_that_breaks_leaves_nothing_behind(served: ServedS3, body: bytes) -> None:
    def broken() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        raise ReadError("no answer")

    uploads = Uploads()
    settings = S3Settings(served.endpoint, ACCESS_KEY_ID, SECRET_ACCESS_KEY, workers=2)
    writer = open_writer(settings, uploads)
    key = f"broken/{len(body)}.png"
    with pytest.raises(ReadError):
        writer.write(ObjectRef(served.bucket, key), describe(body), broken())
    writer.close()
    assert stored(served, key) is None
    assert uploads.open == []
    assert unfinished(served) == []


STANDING = {
    "the same": (b"body", THERE, ""),
    "another size": (b"other body", MISMATCH, "the target has 10 bytes, its source 4"),
    "other bytes": (b"ydob", MISMATCH, "of one size, but their MD5 hashes differ"),
}


@pytest.mark.parametrize(("standing", "outcome", "detail"), STANDING.values(), ids=STANDING)
def test_what_is_there_is_left_alone_and_compared(
    served: ServedS3, standing: bytes, outcome: TransferOutcome, detail: str
) -> None:
    key = f"standing/{outcome}-{len(standing)}.png"
    served.put(key, standing, "text/plain")
    assert write(served.endpoint, served.bucket, key, b"body") == Transfer(outcome, detail)
    found = stored(served, key)
    assert (found["Body"].read(), found["ContentType"]) == (standing, "text/plain")


@pytest.mark.parametrize("key", ["x" * 1025, "a/../b.png", ""])
def test_a_key_that_no_object_can_have_is_not_written(served: ServedS3, key: str) -> None:
    transfer = write(served.endpoint, served.bucket, key, b"x")
    assert transfer.outcome is FAILED
    assert transfer.detail


ODD = {
    "case": ({"metadata": {"Owner": "a", "owner": "b"}}, "differ in case only"),
    "name": ({"metadata": {"a b": "c"}}, "no metadata called 'a b'"),
    "header": ({"headers": {"content-disposition": "inline; filename=é"}}, "content-disposition"),
    "line end": ({"headers": {"cache-control": "no-cache\r\nx-evil: 1"}}, "cache-control"),
}


@pytest.mark.parametrize(("changes", "says"), ODD.values(), ids=ODD)
def test_what_s3_cannot_hold_is_not_dropped_in_silence(
    served: ServedS3, changes: dict[str, Any], says: str
) -> None:
    transfer = write(served.endpoint, served.bucket, "odd.png", b"x", **changes)
    assert transfer.outcome is FAILED
    assert says in transfer.detail
    assert stored(served, "odd.png") is None


@pytest.mark.parametrize("key", ["folding/a//b.png", "folding/trail/"])
def test_odd_slashes_are_stored_as_they_are_or_not_at_all(served: ServedS3, key: str) -> None:
    served.put("folding/c.png", b"c")
    transfer = write(served.endpoint, served.bucket, key, b"x")
    there = {
        each["Key"]
        for each in served.client()
        .list_objects_v2(Bucket=served.bucket, Prefix="folding/")
        .get("Contents", ())
    }
    if served.holds_odd_slashes:
        assert (transfer.outcome, key in there) == (COPIED, True)
    else:
        assert (transfer.outcome, there) == (FAILED, {"folding/c.png"})


# -- something goes wrong ------------------------------------------------------------------------


def meddled(
    served: ServedS3, meddle: Meddle, key: str, body: bytes
) -> tuple[Transfer, list[Request]]:
    """Write through a proxy that comes between."""
    with fault_server(before(served.endpoint, meddle)) as proxy:
        return write(proxy.endpoint, served.bucket, key, body), proxy.requests


@pytest.mark.parametrize(("status", "code"), [(503, "SlowDown"), (500, "InternalError")])
@pytest.mark.parametrize("body", [b"body", BIG], ids=["small", "in parts"])
def test_a_server_in_trouble_is_a_passing_failure(
    served: ServedS3, body: bytes, status: int, code: str
) -> None:
    def meddle(request: Request) -> Reaction | None:
        return xml_error(status, code) if request.method == "PUT" else None

    transfer, _ = meddled(served, meddle, f"trouble/{len(body)}-{status}", body)
    assert (transfer.outcome, transfer.passing, transfer.forbidden) == (FAILED, True, False)
    assert f"answered {status} {code}" in transfer.detail
    assert unfinished(served) == []


def test_an_identity_that_may_not_write_is_told_apart(served: ServedS3) -> None:
    def meddle(request: Request) -> Reaction | None:
        return xml_error(403, "AccessDenied") if request.method == "PUT" else None

    transfer, _ = meddled(served, meddle, "forbidden.png", b"body")
    assert (transfer.outcome, transfer.forbidden) == (FAILED, True)
    assert transfer.detail == "storing it: answered 403 AccessDenied"


@pytest.mark.parametrize("header", ["if-none-match", "x-amz-checksum-crc32c"])
def test_a_server_that_turns_a_header_down_is_asked_without_it(
    served: ServedS3, header: str
) -> None:
    def meddle(request: Request) -> Reaction | None:
        return xml_error(501, "NotImplemented") if header in request.headers else None

    transfer, requests = meddled(served, meddle, f"without-{header}.png", b"body")
    assert transfer.outcome is COPIED
    last = [request for request in requests if request.method == "PUT"][-1]
    assert header not in last.headers
    assert ("if-none-match" in last.headers) is (header != "if-none-match")


COPIES = (
    ("412 to If-None-Match, and nothing is there", "asks twice, stores without it, and says so"),
    ("501 or 400 to If-None-Match, or to a checksum", "asks without what is turned down"),
    ("400 to x-amz-checksum-mode", "asks for the object without checksums from then on"),
    ("404 behind a write, and a listing shows the object", "unknown: a cache stands before it"),
)
"""What is tried below, in words."""

FULL = {
    "Ceph": (403, "QuotaExceeded"),
    "MinIO, quota": (400, "XMinioAdminBucketQuotaExceeded"),
    "MinIO, disk": (507, "XMinioStorageFull"),
    "a disk": (507, ""),
}


@pytest.mark.parametrize(("status", "code"), FULL.values(), ids=FULL)
@pytest.mark.parametrize("body", [b"body", BIG], ids=["small", "in parts"])
def test_a_target_that_is_full_is_no_matter_of_permission(
    amazon: ServedS3, body: bytes, status: int, code: str
) -> None:
    def meddle(request: Request) -> Reaction | None:
        return xml_error(status, code) if request.method == "PUT" else None

    transfer, _ = meddled(amazon, meddle, f"full-{status}{code}-{len(body)}", body)
    assert (transfer.outcome, transfer.full, transfer.forbidden) == (FAILED, True, False)
    assert "the target is full, or a quota is used up" in transfer.detail
    assert unfinished(amazon) == []


def test_a_cap_that_is_told_in_words_only_is_heard(amazon: ServedS3) -> None:
    body = b"<Error><Code>AccessDenied</Code><Message>Storage cap exceeded.</Message></Error>"

    def meddle(request: Request) -> Reaction | None:
        return Reaction(403, {**MARK}, body) if request.method == "PUT" else None

    transfer, _ = meddled(amazon, meddle, "cap.png", b"body")
    assert (transfer.full, transfer.forbidden) == (True, False)


def test_a_head_whose_wish_for_checksums_is_turned_down_is_asked_without(amazon: ServedS3) -> None:
    def meddle(request: Request) -> Reaction | None:
        return xml_error(400, "InvalidArgument") if MODE in request.headers else None

    transfer, requests = meddled(amazon, meddle, "without-mode.png", b"body")
    assert transfer.outcome is COPIED
    heads = [request for request in requests if request.method == "HEAD"]
    assert [MODE in each.headers for each in heads] == [True, False, False]


@pytest.mark.parametrize("body", [b"body", BIG], ids=["small", "in parts"])
def test_a_condition_that_is_never_met_is_let_go_and_that_is_said(
    amazon: ServedS3, body: bytes
) -> None:
    def meddle(request: Request) -> Reaction | None:
        return xml_error(412, "PreconditionFailed") if IF in request.headers else None

    key = f"never-met-{len(body)}.png"
    transfer, requests = meddled(amazon, meddle, key, body)
    assert transfer.outcome is COPIED
    assert "refuses If-None-Match although nothing is there (412)" in transfer.detail
    assert sum(IF in request.headers for request in requests) >= 2
    assert stored(amazon, key)["Body"].read() == body
    assert unfinished(amazon) == []


def test_a_404_out_of_a_cache_behind_a_write_claims_nothing(amazon: ServedS3) -> None:
    def meddle(request: Request) -> Reaction | None:
        return xml_error(404, "NoSuchKey") if request.method == "HEAD" else None

    transfer, _ = meddled(amazon, meddle, "cached.png", b"body")
    assert transfer.outcome is TransferOutcome.UNKNOWN
    assert "as by a cache before the server" in transfer.detail


def test_another_400_does_not_cost_the_protection(served: ServedS3) -> None:
    def meddle(request: Request) -> Reaction | None:
        return xml_error(400, "BadDigest") if request.method == "PUT" else None

    transfer, requests = meddled(served, meddle, "digest.png", b"body")
    assert transfer.outcome is FAILED
    puts = [request for request in requests if request.method == "PUT"]
    assert len(puts) == 1
    assert puts[0].headers["if-none-match"] == "*"


@pytest.mark.parametrize("body", [b"body", BIG], ids=["small", "in parts"])
def test_what_somebody_else_stores_meanwhile_is_not_overwritten(body: bytes) -> None:
    with moto() as served:

        def meddle(request: Request) -> Reaction | None:
            completes = request.method == "POST" and "uploadId=" in request.path
            if completes or (request.method == "PUT" and "partNumber=" not in request.path):
                served.put("raced.png", b"somebody else's")
            return None

        transfer, _ = meddled(served, meddle, "raced.png", body)
        assert transfer.outcome is MISMATCH
        assert stored(served, "raced.png")["Body"].read() == b"somebody else's"
        assert unfinished(served) == []


@pytest.mark.parametrize("body", [b"body", BIG], ids=["small", "in parts"])
def test_a_write_whose_answer_is_lost_is_found_again(served: ServedS3, body: bytes) -> None:
    def meddle(request: Request) -> Reaction | None:
        completes = request.method == "POST" and "uploadId=" in request.path
        if completes or (request.method == "PUT" and "partNumber=" not in request.path):
            forward(served.endpoint, request)
            return Reaction(hang_up=True)
        return None

    transfer, _ = meddled(served, meddle, f"lost/{len(body)}.png", body)
    assert transfer.outcome is THERE
    assert stored(served, f"lost/{len(body)}.png")["Body"].read() == body


def test_a_header_that_the_server_loses_is_said(served: ServedS3) -> None:
    def meddle(request: Request) -> Reaction | None:
        if request.method != "HEAD":
            return None
        reply = forward(served.endpoint, request)
        headers = {k: v for k, v in reply.headers.items() if k != "content-type"}
        return Reaction(reply.status, headers, reply.body)

    transfer, _ = meddled(served, meddle, "typeless.png", b"body")
    assert (transfer.outcome, transfer.detail) == (COPIED, "the server did not keep content-type")


def test_an_upload_that_was_left_can_be_given_up(served: ServedS3) -> None:
    begun = served.client().create_multipart_upload(Bucket=served.bucket, Key="left.bin")
    target, uploads = ObjectRef(served.bucket, "left.bin"), Uploads()
    uploads.begun(target, begun["UploadId"])
    settings = S3Settings(served.endpoint, ACCESS_KEY_ID, SECRET_ACCESS_KEY)
    writer = open_writer(settings, uploads)
    assert writer.give_up(target, begun["UploadId"]) == ""
    assert unfinished(served) == []
    uploads.begun(target, begun["UploadId"])
    assert writer.give_up(target, begun["UploadId"]) == ""  # gone already
    assert uploads.open == []
