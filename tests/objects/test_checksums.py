"""What an object store says of a target's bytes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import replace

import google_crc32c
import pytest

from tests.servers.fault import Reaction, fault_server, present, s3_with, xml_error
from tests.servers.s3 import ServedS3, moto
from url_rewriter.evidence import TargetState
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.objects import S3Settings
from url_rewriter.objects.proving.checksums import ChecksumReader, read_checksums
from url_rewriter.objects.transport.answers import Answer
from url_rewriter.urls import ObjectRef

TARGET = ObjectRef("b.c_d", "k")
CRC = "Jj/JUA=="


def said(**headers: str) -> ObjectInfo:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = Answer(200, {"etag": '"e1"', "content-length": "4", **names})
    return read_checksums(TARGET, answer).info


def test_the_etag_of_a_plain_object_is_its_md5() -> None:
    assert said() == ObjectInfo(4, "e1", etag_is_md5=True)
    assert said(x_amz_server_side_encryption="AES256").etag_is_md5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-amz-server-side-encryption", "aws:kms"),
        ("x-amz-server-side-encryption", "aws:kms:dsse"),
        ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
        ("x-amz-storage-class", "EXPRESS_ONEZONE"),
    ],
)
def test_an_etag_of_what_s3_encrypts_with_anothers_key_is_none(name: str, value: str) -> None:
    assert not said(**{name.replace("-", "_"): value}).etag_is_md5


def test_only_a_crc32c_of_the_whole_counts() -> None:
    assert said(x_amz_checksum_crc32c=CRC).crc32c == CRC
    assert said(x_amz_checksum_crc32c=CRC, x_amz_checksum_type="FULL_OBJECT").crc32c == CRC
    assert said(x_amz_checksum_crc32c=CRC, x_amz_checksum_type="COMPOSITE").crc32c is None
    assert said(x_amz_checksum_crc32c=f"{CRC}-2").crc32c is None


@pytest.mark.parametrize(
    ("reaction", "trouble"),
    [
        (Reaction(403), "answered 403"),
        (xml_error(404, "NoSuchKey"), "answered 404"),
        (Reaction(503), "answered 503"),
        (Reaction(200), "answered 200"),
        (Reaction(hang_up=True), "the connection was closed before the answer was complete"),
    ],
)
def test_a_fault_is_told_as_such(reaction: Reaction, trouble: str) -> None:
    with fault_server(s3_with({"k": reaction})) as server:
        settings = S3Settings(server.endpoint, "AK", "SK", attempts=1, backoff=0.001)
        (told,) = ChecksumReader(settings).read([TARGET])
    assert (told.target, told.state, told.detail) == (TARGET, TargetState.UNKNOWN, trouble)


def test_a_target_is_asked_for_as_often_as_the_settings_say() -> None:
    with fault_server(lambda _: Reaction(500)) as server:
        settings = S3Settings(server.endpoint, "AK", "SK", attempts=2, backoff=0.001)
        list(ChecksumReader(settings).read([TARGET]))
        assert server.keys() == ["k", "k"]


def test_checksums_are_asked_for() -> None:
    with fault_server(s3_with({"k": present()})) as server:
        settings = S3Settings(server.endpoint, "AK", "SK")
        list(ChecksumReader(settings).read([TARGET]))
        (request,) = server.requests
    assert request.headers["x-amz-checksum-mode"] == "ENABLED"


@pytest.fixture(scope="module")
def served() -> Iterator[ServedS3]:
    with moto() as server:
        yield server


def test_a_real_server_tells_the_checksum_that_was_stored(served: ServedS3) -> None:
    crc32c = base64.b64encode(google_crc32c.Checksum(b"body").digest()).decode()
    served.client().put_object(
        Bucket=served.bucket, Key="summed", Body=b"body", ChecksumAlgorithm="CRC32C",
        ChecksumCRC32C=crc32c,
    )  # fmt: skip
    served.put("plain", b"body")
    settings = S3Settings.from_environ(served.environ(), endpoint=None, fallback_endpoint="")
    reader = ChecksumReader(replace(settings, workers=4))
    targets = [ObjectRef(served.bucket, key) for key in ("summed", "plain")]
    told = {each.target.key: each.info for each in reader.read(targets)}
    reader.close()
    md5 = hashlib.md5(b"body").hexdigest()
    assert {(each.size, each.etag, each.etag_is_md5) for each in told.values()} == {(4, md5, True)}
    assert (told["summed"].crc32c, told["plain"].crc32c) == (crc32c, None)
