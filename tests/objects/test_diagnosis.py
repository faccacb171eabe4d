"""What is said of a bucket that cannot be used: the kind of trouble, and what to do."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.servers.fault import (
    MARK,
    Behaviour,
    Reaction,
    fault_server,
    listing,
    present,
    s3_with,
    xml_error,
)
from tests.servers.s3 import free_port
from url_rewriter.errors import (
    ConfigurationError,
    NotPermittedError,
    ServiceError,
    UrlRewriterError,
)
from url_rewriter.objects import S3Settings, open_objects

SECRET = "a-secret-that-must-not-show"


def check(endpoint: str, bucket: str = "omi.data") -> UrlRewriterError | None:
    settings = S3Settings(
        endpoint, "AKID", SECRET, attempts=1, connect_timeout=0.5, read_timeout=0.5, backoff=0.001
    )
    store = open_objects(settings)
    error = store.check(bucket)
    store.close()
    return error


TROUBLE: dict[str, tuple[Behaviour, type[UrlRewriterError], str]] = {
    "catch-all": (lambda _: present(), ServiceError, "proves nothing"),
    "portal": (lambda _: Reaction(200, {}, b"<html>"), ServiceError, "proves nothing"),
    "web server": (lambda _: Reaction(404, {}, b"<html>"), ServiceError, "not as an S3 server"),
    "no methods": (lambda _: Reaction(405), ServiceError, "not as an S3 server"),
    "busy": (lambda _: Reaction(503), ServiceError, "503"),
    "only HEAD is busy": (
        lambda r: Reaction(503) if r.method == "HEAD" else xml_error(404, "NoSuchKey"),
        ServiceError,
        "--max-rps",
    ),
    "hangs up": (lambda _: Reaction(hang_up=True), ServiceError, "closed"),
    "stalls": (lambda _: Reaction(delay=1.0), ServiceError, "time limit"),
    "no bucket": (lambda _: xml_error(404, "NoSuchBucket"), ConfigurationError, "no bucket"),
    "bad name": (lambda _: xml_error(400, "InvalidBucketName"), ConfigurationError, "bucket name"),
    "region": (
        lambda _: xml_error(301, "PermanentRedirect", {**MARK, "x-amz-bucket-region": "eu-x-1"}),
        ConfigurationError,
        "in region eu-x-1",
    ),
    "signed for another region": (
        lambda _: xml_error(400, "AuthorizationHeaderMalformed"),
        ConfigurationError,
        "AWS_REGION",
    ),
    "another region in its body": (
        lambda _: Reaction(
            400,
            {**MARK, "content-type": "application/xml"},
            b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>garage</Region></Error>",
        ),
        ConfigurationError,
        "to be signed for region 'garage'; set AWS_REGION=garage",
    ),
    "https elsewhere": (
        lambda r: Reaction(308, {"location": "https://s3.example.com" + r.path}),
        ConfigurationError,
        "AWS_REGION",
    ),
    "https only": (
        lambda r: Reaction(301, {"location": f"https://{r.headers['host']}{r.path}"}),
        ConfigurationError,
        "to https://127.0.0.1",
    ),
    "virtual hosts only": (
        lambda _: xml_error(403, "SecondLevelDomainForbidden"),
        ConfigurationError,
        "takes a bucket as part of the host name only",
    ),
    "firewall": (
        lambda _: Reaction(403, {"content-type": "text/html"}, b"<html>blocked</html>"),
        ServiceError,
        "no S3 server signed this 403",
    ),
    "the endpoint names the bucket": (
        lambda _: xml_error(404, "NoSuchKey"),
        ConfigurationError,
        "seems to name a bucket already",
    ),
    "login page": (lambda _: Reaction(302, {"location": "/login"}), ConfigurationError, "302"),
    "key id": (
        lambda _: xml_error(403, "InvalidAccessKeyId"),
        NotPermittedError,
        "InvalidAccessKeyId",
    ),
    "expired": (lambda _: xml_error(400, "ExpiredToken"), NotPermittedError, "ExpiredToken"),
    "unauthorized": (lambda _: Reaction(401), NotPermittedError, "401"),
    "forbidden, no reason": (lambda _: Reaction(403), NotPermittedError, "403"),
}


@pytest.mark.parametrize(("behaviour", "kind", "words"), TROUBLE.values(), ids=TROUBLE)
def test_trouble_is_named_in_one_sentence(
    behaviour: Behaviour, kind: type[UrlRewriterError], words: str
) -> None:
    with fault_server(behaviour) as server:
        error = check(server.endpoint)
        message = str(error)
        assert type(error) is kind
        assert words in message
        assert server.endpoint in message
        assert "'omi.data'" in message
        assert message.endswith(".")
        assert not re.search(r"\.\s", message)
        assert SECRET not in message
        assert "secret-echo" not in message


def test_a_clock_that_is_off_is_named_with_the_difference() -> None:
    date = format_datetime(datetime.now(UTC) - timedelta(minutes=40), usegmt=True)
    skewed = xml_error(403, "RequestTimeTooSkewed", {**MARK, "date": date})
    with fault_server(lambda _: skewed) as server:
        error = check(server.endpoint)
    assert isinstance(error, NotPermittedError)
    assert "40 minutes" in str(error)
    assert "set the clock" in str(error)


def test_a_clock_that_is_off_is_named_even_where_the_server_does_not_mind() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=12), usegmt=True)
    with fault_server(s3_with({}, mark={**MARK, "date": date})) as server:
        error = check(server.endpoint)
    assert isinstance(error, ServiceError)
    assert "12 minutes ahead of this machine's clock" in str(error)


def test_a_server_that_denies_what_it_lists_proves_nothing() -> None:
    objects = s3_with({})
    page = listing("a.png", bucket="omi.data")
    with fault_server(lambda r: page if "list-type" in r.path else objects(r)) as server:
        error = check(server.endpoint)
    assert isinstance(error, ServiceError)
    assert "proves nothing" in str(error)


def test_a_listed_key_that_may_not_be_asked_for_says_nothing() -> None:
    objects = s3_with({"a.png": Reaction(403, MARK)})
    page = listing("a.png", bucket="omi.data")
    with fault_server(lambda r: page if "list-type" in r.path else objects(r)) as server:
        assert check(server.endpoint) is None


def test_a_refused_connection_is_a_failed_service() -> None:
    error = check(f"http://127.0.0.1:{free_port()}")
    assert isinstance(error, ServiceError)
    assert "connection refused" in str(error)


def test_tls_that_fails_is_a_failed_service() -> None:
    with fault_server(s3_with({})) as server:
        error = check(server.endpoint.replace("http:", "https:"))
    assert isinstance(error, ServiceError)


def test_a_name_that_does_not_resolve_is_a_failed_service() -> None:
    error = check("http://no-such-host.invalid")
    assert isinstance(error, ServiceError)


def test_a_bucket_that_may_not_be_asked_for_is_usable() -> None:
    objects = s3_with({})
    with fault_server(lambda r: objects(r) if r.key else Reaction(403, MARK)) as server:
        assert check(server.endpoint) is None


def test_an_identity_that_may_not_list_is_usable() -> None:
    with fault_server(lambda _: xml_error(403, "AccessDenied")) as server:
        assert check(server.endpoint) is None


def test_a_name_that_boto3_refuses_is_a_matter_of_configuration() -> None:
    with fault_server(s3_with({})) as server:
        assert isinstance(check(server.endpoint, "no@bucket"), ConfigurationError)


@pytest.mark.parametrize("text", ["<script>", "a b", "\u001b[31m", "x" * 200])
def test_a_code_of_a_server_is_not_repeated_unless_it_is_one(text: str) -> None:
    with fault_server(lambda _: xml_error(403, text.replace("<", "&lt;"))) as server:
        assert text not in str(check(server.endpoint))
