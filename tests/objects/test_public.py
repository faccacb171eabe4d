"""What somebody without credentials gets for the URL that is written."""

from __future__ import annotations

import pytest

from tests.servers.fault import MARK, Reaction, Request, fault_server, present
from url_rewriter.evidence import Access, AccessEvidence, WrittenUrl
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.objects import S3Settings
from url_rewriter.objects.proving.public import PublicReader
from url_rewriter.urls import ObjectRef, target_url

PUBLIC, NOT_PUBLIC, UNKNOWN = Access.PUBLIC, Access.NOT_PUBLIC, Access.UNKNOWN


def check(endpoint: str, key: str = "a b+c.png") -> AccessEvidence:
    ref = ObjectRef("b.c_d", key)
    settings = S3Settings(endpoint, "AKID", "secret", attempts=1, read_timeout=0.5, backoff=0.001)
    written = WrittenUrl(ref, target_url(endpoint, ref), ObjectInfo(3, "e1"))
    (found,) = PublicReader(settings).check([written])
    assert found.target == ref
    return found


ANSWERS: dict[str, tuple[Reaction, Access, str]] = {
    "the object": (present(), PUBLIC, ""),
    "forbidden": (Reaction(403, MARK), NOT_PUBLIC, "forbidden"),
    "unauthorized": (Reaction(401), NOT_PUBLIC, "forbidden"),
    "hidden": (Reaction(404, MARK), NOT_PUBLIC, "nothing is there"),
    "a login page": (Reaction(200, {"content-type": "text/html"}, b"<html>"), NOT_PUBLIC, "else"),
    "another object": (Reaction(200, {"etag": '"e2"'}), NOT_PUBLIC, "else"),
    "no ETag, the same size": (Reaction(200, {}, b"abc"), PUBLIC, ""),
    "a redirect to a login": (Reaction(302, {"location": "/login"}), UNKNOWN, "redirected"),
    "busy": (Reaction(503), UNKNOWN, "503"),
    "hanging up": (Reaction(hang_up=True), UNKNOWN, "closed"),
}


@pytest.mark.parametrize(("reaction", "access", "detail"), ANSWERS.values(), ids=ANSWERS)
def test_an_anonymous_answer_is_classified(reaction: Reaction, access: Access, detail: str) -> None:
    with fault_server(lambda _: reaction) as server:
        found = check(server.endpoint)
    assert found.access is access
    assert detail in found.detail
    assert bool(found.detail) is (access is not PUBLIC)


def test_exactly_the_written_url_is_asked_for_without_credentials() -> None:
    with fault_server(lambda _: present()) as server:
        check(server.endpoint)
        (request,) = server.requests
    assert (request.method, request.path) == ("HEAD", "/b.c_d/a%20b%2Bc.png")
    assert not {"authorization", "x-amz-date", "cookie"} & set(request.headers)


def test_a_server_that_knows_no_head_is_asked_for_the_first_byte() -> None:
    def behave(request: Request) -> Reaction:
        if request.method == "HEAD":
            return Reaction(405)
        assert request.headers["range"] == "bytes=0-0"
        return Reaction(206, {"etag": '"e1"'}, b"x")

    with fault_server(behave) as server:
        assert check(server.endpoint).access is PUBLIC
