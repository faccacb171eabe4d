"""The lane trusts whom boto3 trusts, and nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers.certificates import self_signed
from tests.servers.fault import fault_server, present, s3_with
from url_rewriter.errors import ServiceError
from url_rewriter.objects import open_objects
from url_rewriter.objects.transport.boto import Client
from url_rewriter.objects.transport.fast import FastTransport
from url_rewriter.objects.transport.settings import S3Settings
from url_rewriter.urls import ObjectRef

TARGET = ObjectRef("b.c-d", "k")


def ask_both(endpoint: str) -> tuple[int, int]:
    """The status that boto3 gets, and the one that the lane gets; 0 for a fault."""
    settings = S3Settings(endpoint, "AKID", "secret", workers=1, attempts=1)
    client = Client(settings)
    bundle = client.plain_bundle()
    assert bundle is not None
    lane = FastTransport(settings, client, bundle)
    ((_, answer),) = lane.heads([TARGET])
    lane.close()
    return client.head(TARGET).status, answer.status


def test_a_server_that_the_bundle_vouches_for_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, trusted = self_signed(tmp_path)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(trusted))
    with fault_server(s3_with({"k": present()}), context) as server:
        assert ask_both(server.endpoint) == (200, 200)


def test_a_server_that_nobody_vouches_for_gets_no_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, _ = self_signed(tmp_path)
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    with fault_server(s3_with({"k": present()}), context) as server:
        assert ask_both(server.endpoint) == (0, 0)
        assert server.requests == []


@pytest.mark.parametrize(("address", "named"), [("127.0.0.1", True), ("192.0.2.1", False)])
def test_the_variable_that_makes_a_certificate_trusted_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, named: bool
) -> None:
    context, trusted = self_signed(tmp_path, address)
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    if not named:  # trusted, and of another server
        monkeypatch.setenv("AWS_CA_BUNDLE", str(trusted))
    with fault_server(s3_with({"k": present()}), context) as server:
        settings = S3Settings(server.endpoint, "AKID", "secret", workers=1, attempts=1)
        error = open_objects(settings).check(TARGET.bucket)
    assert isinstance(error, ServiceError)
    assert ("set AWS_CA_BUNDLE to a file" in str(error)) is named


def test_a_certificate_for_another_address_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, trusted = self_signed(tmp_path, "192.0.2.1")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(trusted))
    with fault_server(s3_with({"k": present()}), context) as server:
        assert ask_both(server.endpoint) == (0, 0)
        assert server.requests == []
