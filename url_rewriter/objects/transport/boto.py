"""The one place that talks to S3, through boto3: every outcome of a request comes back as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from url_rewriter.concurrency.rate import RequestRate
from url_rewriter.concurrency.worker_pool import stop_of_this_thread
from url_rewriter.errors import ConfigurationError
from url_rewriter.objects.transport.answers import Answer, clean_code
from url_rewriter.objects.transport.listing_page import Page, make_page
from url_rewriter.objects.transport.settings import S3Settings
from url_rewriter.objects.transport.sigv4 import Credentials
from url_rewriter.urls import ObjectRef

if TYPE_CHECKING:
    from botocore.session import Session
    from mypy_boto3_s3 import S3Client


class _AbandonedError(Exception):
    """Nobody waits for this request any more."""


class Client:
    """Asks about buckets and objects. Safe to share between threads."""

    def __init__(self, settings: S3Settings) -> None:
        """Set up a connection pool; contacts nobody. Raises ConfigurationError."""
        self._session, self._s3 = connect(settings)
        self._endpoint = settings.endpoint
        self.pace = RequestRate(settings.max_rps) if settings.max_rps is not None else None
        # Emitted for each attempt: the client's own retries are paced, and end with their crew.
        self._s3.meta.events.register("before-send.s3", self._before_send)
        self._s3.meta.events.register("before-call.s3", follow_no_redirect)

    def head(self, target: ObjectRef, *, checksums: bool = False) -> Answer:
        """The answer to ``HEAD`` of an object, with the ``checksums`` that the server keeps."""
        more: dict[str, Any] = {"ChecksumMode": "ENABLED"} if checksums else {}
        return ask(lambda: self._s3.head_object(Bucket=target.bucket, Key=target.key, **more))

    def head_bucket(self, bucket: str) -> Answer:
        """The answer to ``HEAD`` of a bucket."""
        return ask(lambda: self._s3.head_bucket(Bucket=bucket))

    def get(self, target: ObjectRef) -> Answer:
        """The answer to ``GET`` of an object, its body unread: errors come with their code."""

        def request() -> Mapping[str, Any]:
            reply = self._s3.get_object(Bucket=target.bucket, Key=target.key)
            reply["Body"].close()
            return reply

        return ask(request)

    def lists(self, target: ObjectRef) -> bool | None:
        """Whether a listing shows exactly this key; None where no listing could be had."""
        page: dict[str, Any] = {}

        def request() -> Mapping[str, Any]:
            page.update(
                self._s3.list_objects_v2(Bucket=target.bucket, Prefix=target.key, MaxKeys=1)
            )
            return page

        answer = ask(request)
        # A page of another server parses as an empty listing: it must name what it lists.
        if answer.status != 200 or (page.get("Name"), page.get("Prefix")) != (
            target.bucket,
            target.key,
        ):
            return None
        return any(entry["Key"] == target.key for entry in page.get("Contents", ()))

    def list_page(self, bucket: str, after: str) -> tuple[Answer, Mapping[str, Any]]:
        """The answer to a request for a page of the bucket's listing, and the page that came."""
        page: dict[str, Any] = {}
        start: dict[str, Any] = {"StartAfter": after} if after else {}

        def request() -> Mapping[str, Any]:
            # An encoding that is asked for is not undone by botocore, which would undo too much.
            page.update(self._s3.list_objects_v2(Bucket=bucket, EncodingType="url", **start))
            return page

        return ask(request), page

    def page(self, bucket: str, after: str) -> Page | None:
        """A page of the bucket's listing; None where there is none that can be relied on."""
        answer, page = self.list_page(bucket, after)
        if answer.status != 200 or page.get("Name") != bucket or "IsTruncated" not in page:
            return None
        entries = page.get("Contents", ())
        if not all({"Key", "Size", "ETag"} <= entry.keys() for entry in entries):
            return None
        # Keys as they were sent: botocore undid XML's entities, which must not be undone twice.
        rows = [
            (escape(each["Key"]), each["ETag"].strip('"'), str(each["Size"])) for each in entries
        ]
        if not all(etag for _, etag, _ in rows):
            return None
        return make_page(
            rows,
            after=after,
            escaped=page.get("EncodingType") == "url",
            truncated=page["IsTruncated"],
        )

    def first_keys(self, bucket: str, count: int = 10) -> list[str]:
        """A few keys that the bucket lists; none where no listing could be had."""
        page: dict[str, Any] = {}

        def request() -> Mapping[str, Any]:
            page.update(self._s3.list_objects_v2(Bucket=bucket, MaxKeys=count))
            return page

        if ask(request).status != 200 or page.get("Name") != bucket:
            return []
        return [entry["Key"] for entry in page.get("Contents", ()) if "Key" in entry]

    @property
    def region(self) -> str:
        """The region that requests are signed for."""
        return self._s3.meta.region_name

    def credentials(self) -> Credentials | None:
        """The credentials at this moment, renewed where they are of the kind that expires.

        None where there are none, or where they cannot be had.
        """
        from botocore.exceptions import BotoCoreError

        try:
            found = self._session.get_credentials()
            frozen = found.get_frozen_credentials() if found else None
        except BotoCoreError:
            return None
        if frozen is None or not frozen.access_key or not frozen.secret_key:
            return None
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token)

    def plain_bundle(self) -> str | None:
        """The file of certificate authorities, where requests are ordinary ones; otherwise None.

        Ordinary: Signature Version 4, no proxy, one file of certificates.
        """
        from botocore.httpsession import get_cert_path
        from botocore.utils import get_environ_proxies

        chosen = self._session.get_config_variable("ca_bundle")
        bundle = str(get_cert_path(chosen or True))
        ordinary = (
            getattr(self._s3.meta.config, "signature_version", None) == "s3v4"
            and not get_environ_proxies(self._endpoint)
            and self._s3.meta.endpoint_url == self._endpoint
            and Path(bundle).is_file()
        )
        return bundle if ordinary else None

    def close(self) -> None:
        """Give back the connections."""
        self._s3.close()

    def _before_send(self, **_: object) -> None:
        stop = stop_of_this_thread()
        if self.pace is not None:
            self.pace.wait(stop)
        if stop.is_set():
            raise _AbandonedError


def connect(settings: S3Settings) -> tuple[Session, S3Client]:
    """A client, and the session that holds its credentials. Raises ConfigurationError."""
    import boto3.session
    import botocore.session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        retries={"mode": "standard", "total_max_attempts": settings.attempts},
        max_pool_connections=settings.threads + 1,  # one for the caller's thread
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # Path style: a bucket name with dots fits no wildcard certificate.
        s3={"addressing_style": "path"},
    )
    try:
        core = botocore.session.get_session()
        if settings.access_key_id is not None and settings.secret_access_key is not None:
            core.set_credentials(settings.access_key_id, settings.secret_access_key)
        session = boto3.session.Session(botocore_session=core)
        client = session.client(
            "s3",
            endpoint_url=settings.endpoint,
            region_name=settings.region or session.region_name or "us-east-1",
            config=config,
        )
    except (BotoCoreError, ValueError) as error:
        raise ConfigurationError(f"The S3 client cannot be set up: {error}") from error
    return core, client


def follow_no_redirect(context: dict[str, Any], **_: object) -> None:
    """Tell botocore's region redirector that its one redirect has been used.

    Evidence comes from the endpoint that was named or not at all. And a server that redirects every
    request sends the redirector into endless recursion: it asks for the bucket's region with a
    request that is redirected in turn (botocore 1.44.5, ``S3RegionRedirectorv2``).
    """
    context.setdefault("s3_redirect", {})["redirected"] = True


def ask(request: Callable[[], Mapping[str, Any]]) -> Answer:
    """What came of a request to boto3, whatever it was."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return _answer(request())
    except ClientError as error:
        return _answer(error.response)
    except BotoCoreError as error:
        return _fault(error)
    except _AbandonedError:
        return Answer(fault="abandoned")
    except (ValueError, ArithmeticError):
        # botocore converts header values (dates, lengths) without catching what that raises.
        return Answer(fault="an answer with headers that cannot be read")


def _answer(reply: Mapping[str, Any]) -> Answer:
    metadata = reply.get("ResponseMetadata", {})
    headers = metadata.get("HTTPHeaders", {})
    code = clean_code(reply.get("Error", {}).get("Code"))
    return Answer(
        status=metadata.get("HTTPStatusCode", 0),
        headers=headers,
        code=code or clean_code(headers.get("x-minio-error-code")),
        fault="" if "HTTPStatusCode" in metadata else "an answer that cannot be read",
    )


_FAULTS = {
    "SSLError": "TLS failed",
    "ProxyConnectionError": "the proxy cannot be reached",
    "ConnectTimeoutError": "no connection within the time limit",
    "ReadTimeoutError": "no answer within the time limit",
    "ConnectionClosedError": "the connection was closed before the answer was complete",
    "ResponseParserError": "an answer that is not S3",
}
_CREDENTIALS = {
    "NoCredentialsError": "no credentials were found",
    "PartialCredentialsError": "the credentials are incomplete",
    "CredentialRetrievalError": "the credentials could not be fetched",
    "TokenRetrievalError": "the credentials could not be fetched",
    "UnauthorizedSSOTokenError": "the single sign-on session has ended",
    "SSOTokenLoadError": "there is no single sign-on session",
}


def _fault(error: Exception) -> Answer:
    """The cause in our own words: a client's message may repeat what it sent."""
    name = type(error).__name__
    if name in _CREDENTIALS:
        return Answer(fault=_CREDENTIALS[name], code="NoCredentials")
    if name == "ParamValidationError":
        return Answer(fault="a name that boto3 refuses to ask for", code="InvalidBucketName")
    if name == "EndpointConnectionError":
        return Answer(fault=_why_unreachable(str(getattr(error, "kwargs", {}).get("error"))))
    return Answer(fault=_FAULTS.get(name, f"the request failed ({name})"))


def _why_unreachable(message: str) -> str:
    text = message.lower()
    if "refused" in text:
        return "connection refused"
    if "resolve" in text or "name or service" in text or "nodename" in text:
        return "the host name is unknown"
    return "it cannot be reached"


Opener = Callable[[str, str], Answer]
"""Makes one request, of a method for a URL, without credentials and without following redirects."""


def make_opener(settings: S3Settings) -> Opener:
    """A function, safe to share between threads, that asks as boto3 would but signs nothing."""
    import botocore.session
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import BotoCoreError
    from botocore.httpsession import URLLib3Session
    from botocore.utils import get_environ_proxies

    session = URLLib3Session(
        verify=botocore.session.get_session().get_config_variable("ca_bundle") or True,
        proxies=get_environ_proxies(settings.endpoint),
        # Its stubs know whole numbers only; botocore itself passes a pair.
        timeout=(settings.connect_timeout, settings.read_timeout),  # type: ignore[arg-type]
        max_pool_connections=settings.threads,
    )
    pace = RequestRate(settings.max_rps) if settings.max_rps is not None else None

    def open_url(method: str, url: str) -> Answer:
        if pace is not None:
            pace.wait(stop_of_this_thread())
        headers = {"User-Agent": "Mozilla/5.0 (url-rewriter)", "Accept": "*/*"}
        if method == "GET":
            headers["Range"] = "bytes=0-0"
        request = AWSRequest(method=method, url=url, headers=headers, stream_output=True)
        try:
            reply = session.send(request.prepare())
        except BotoCoreError as error:
            return _fault(error)
        reply.raw.close()
        return Answer(reply.status_code, {k.lower(): v for k, v in reply.headers.items()})

    return open_url
