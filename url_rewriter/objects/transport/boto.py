"""Requests to S3 through boto3: every outcome of a request comes back as an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from url_rewriter.concurrency.request_rate import RequestRate
from url_rewriter.concurrency.worker_pool import WorkerPool
from url_rewriter.errors import ConfigurationError, NotPermittedError
from url_rewriter.objects.transport.answers import Answer, Listed
from url_rewriter.objects.transport.base import FEW, Place
from url_rewriter.objects.transport.boto_answers import ask_for, read_fault
from url_rewriter.objects.transport.listing_page import read_page
from url_rewriter.objects.transport.persistence import Persistence
from url_rewriter.objects.transport.settings import S3Settings
from url_rewriter.objects.transport.sigv4 import Credentials
from url_rewriter.objects.transport.verdicts import is_folded
from url_rewriter.urls import ObjectRef

if TYPE_CHECKING:
    from botocore.session import Session
    from mypy_boto3_s3 import S3Client


T = TypeVar("T")

_BODY = "RawBody"
_FEW_BYTES = 64
_KEY_ENDING = 4


class Client:
    """Asks about buckets and objects. Safe to share between threads."""

    def __init__(self, settings: S3Settings) -> None:
        """Set up a connection pool; contacts no server. Raises ConfigurationError."""
        self._session, self._s3 = connect(settings)
        self._endpoint = settings.endpoint
        self._without_checksums: set[str] = set()  # buckets
        self.rate = RequestRate(settings.max_rps, patience=settings.busy_patience)
        self._persistence = Persistence(settings, self.rate, settings.longest)
        self._s3.meta.events.register("before-call.s3", follow_no_redirect)
        self._s3.meta.events.register("before-parse.s3.ListObjectsV2", _keep_body)

    def head(self, target: ObjectRef, *, checksums: bool = False) -> Answer:
        """The answer to ``HEAD`` of an object, with the ``checksums`` that the server keeps.

        A server that turns that wish down is asked without it, from then on.
        """
        if not checksums or target.bucket in self._without_checksums:
            return self._head(target, {})
        answer = self._head(target, {"ChecksumMode": "ENABLED"})
        if answer.status in (400, 501):
            plain = self._head(target, {})
            if plain.status in (200, 404):
                self._without_checksums.add(target.bucket)
            return plain
        return answer

    def _head(self, target: ObjectRef, more: Mapping[str, Any]) -> Answer:
        return self._ask(
            lambda: self._s3.head_object(Bucket=target.bucket, Key=target.key, **more)
        )[0]

    def head_bucket(self, bucket: str) -> Answer:
        """The answer to ``HEAD`` of a bucket."""
        return self._ask(lambda: self._s3.head_bucket(Bucket=bucket))[0]

    def get(self, target: ObjectRef) -> Answer:
        """The answer to ``GET`` of an object, its body unread: errors come with their code."""

        def request() -> Mapping[str, Any]:
            reply = self._s3.get_object(Bucket=target.bucket, Key=target.key)
            reply["Body"].close()
            return reply

        return self._ask(request)[0]

    def first_byte(self, target: ObjectRef) -> Answer:
        """The answer to ``GET`` of an object's first byte."""

        def request() -> Mapping[str, Any]:
            reply = self._s3.get_object(Bucket=target.bucket, Key=target.key, Range="bytes=0-0")
            if reply["ResponseMetadata"]["HTTPStatusCode"] == 206:
                reply["Body"].read(_FEW_BYTES)  # so that the connection can be used again
            reply["Body"].close()
            return reply

        return self._ask(request)[0]

    def find_listed(self, target: ObjectRef) -> Listed:
        """Whether a listing shows exactly this key."""
        bucket, key = target
        answer, page = self._ask(
            lambda: self._s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
        )
        # A page of another server parses as an empty listing: it must name what it lists.
        if answer.status != 200 or (page.get("Name"), page.get("Prefix")) != (bucket, key):
            return Listed.UNKNOWN
        shown = any(entry["Key"] == key for entry in page.get("Contents", ()))
        return Listed.SHOWN if shown else Listed.ABSENT

    def page(self, place: Place) -> Answer:
        """The answer to a request for a page of a bucket's listing."""
        bucket, after, prefix = place
        start: dict[str, Any] = {"StartAfter": after} if after else {}
        if prefix:
            start |= {"Prefix": prefix, "MaxKeys": FEW}
        answer, reply = self._ask(
            lambda: self._s3.list_objects_v2(Bucket=bucket, EncodingType="url", **start)
        )
        if answer.status != 200:
            return answer
        return answer._replace(page=read_page(reply[_BODY], bucket, after))

    def first_keys(self, bucket: str, count: int = 10, prefix: str = "") -> list[str]:
        """A few keys that the bucket lists; none where no listing could be had."""
        more: dict[str, Any] = {"Prefix": prefix} if prefix else {}
        answer, page = self._ask(
            lambda: self._s3.list_objects_v2(Bucket=bucket, MaxKeys=count, **more)
        )
        if answer.status != 200 or page.get("Name") != bucket:
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

    def describe_key(self) -> tuple[str, str] | None:
        """The end of the key id that requests are signed with, and where boto3 found it.

        None where there is no key. Raises NotPermittedError where it cannot be had.
        """
        from botocore.exceptions import BotoCoreError

        try:
            found = self._session.get_credentials()
            frozen = found.get_frozen_credentials() if found else None
        except BotoCoreError as error:
            fault = read_fault(error).fault
            raise NotPermittedError(f"No credentials for S3: {fault}") from error
        if found is None or frozen is None or not frozen.access_key:
            return None
        return frozen.access_key[-_KEY_ENDING:], found.method

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

    def _ask(self, request: Callable[[], Mapping[str, Any]]) -> tuple[Answer, Mapping[str, Any]]:
        return self._persistence.ask(lambda: ask_for(request))


def connect(settings: S3Settings) -> tuple[Session, S3Client]:
    """A client, and the session that holds its credentials. Raises ConfigurationError."""
    import boto3.session
    import botocore.session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
        retries={"mode": "standard", "total_max_attempts": 1},  # see `Persistence`
        max_pool_connections=settings.threads + 1,  # one for the caller's thread
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # Path style: a bucket name with dots fits no wildcard certificate.
        s3={"addressing_style": "path"},
    )
    try:
        core = botocore.session.get_session()
        if settings.access_key_id is not None and settings.secret_access_key is not None:
            core.set_credentials(
                settings.access_key_id, settings.secret_access_key, settings.session_token
            )
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


def _keep_body(
    response_dict: Mapping[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:
    """Hand out a response's body as well: pages of listings are parsed in one place, ours."""
    customized_response_dict[_BODY] = response_dict["body"]


class BotoTransport:
    """Asks boto3, in up to ``threads`` threads."""

    def __init__(self, client: Client, threads: int) -> None:
        self._client = client
        self._threads = threads

    def heads(self, targets: Iterable[ObjectRef]) -> Iterator[tuple[ObjectRef, Answer]]:
        """See ``Transport.heads``. A key whose slashes may be folded is looked up in a listing."""
        return self._ask(self._head, targets)

    def pages(self, places: Iterable[Place]) -> Iterator[tuple[Place, Answer]]:
        """See ``Transport.pages``."""
        return self._ask(lambda place: (place, self._client.page(place)), places)

    def _ask(
        self, send: Callable[[T], tuple[T, Answer]], items: Iterable[T]
    ) -> Iterator[tuple[T, Answer]]:
        with WorkerPool(send, self._threads) as pool:
            # None waits for a thread: a bucket that is given up meanwhile costs no more requests.
            yield from pool.map(items, self._threads)

    def _head(self, target: ObjectRef) -> tuple[ObjectRef, Answer]:
        answer = self._client.head(target)
        if is_folded(target.key) and (answer.confirms or answer.status == 400):
            answer = answer._replace(listed=self._client.find_listed(target))
        return target, answer
