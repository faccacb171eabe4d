"""Cloud Storage itself, through ``google-cloud-storage``; it is only ever read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from url_rewriter.concurrency.worker_pool import WorkerPool
from url_rewriter.copying import ReadError
from url_rewriter.credentials import default_credentials
from url_rewriter.errors import ConfigurationError
from url_rewriter.evidence import SourceEvidence, SourceState
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.sources.listing import SourceListing, SourcePage
from url_rewriter.sources.resources import describe
from url_rewriter.urls import ObjectRef
from url_rewriter.urls.names import LONGEST_KEY

if TYPE_CHECKING:
    from google.cloud.storage import Client

EMULATOR = "STORAGE_EMULATOR_HOST"
"""The variable of Google's own clients; despite its name it holds a scheme too."""

THREADS = 32
"""Questions under way at once by default; more only wait for one another."""

CHUNK = 8 * 2**20
"""Bytes that are asked for at once; what a reader holds in memory is a small multiple."""

_BATCH = 4_000  # refs that are looked at together: some pages full, where they lie close
_FIELDS = (
    "nextPageToken,items(bucket,name,size,crc32c,md5Hash,generation,contentType,cacheControl,"
    "contentDisposition,contentEncoding,contentLanguage,metadata)"
)
_LOG_IN = "not authenticated: run `gcloud auth application-default login`"
_TIMEOUT = (5.0, 15.0)  # seconds, to connect and to answer


@dataclass(frozen=True, slots=True)
class StorageClient:
    """A client of Google's, and whether it talks to an emulator."""

    client: Client
    emulated: bool


def connect(environ: Mapping[str, str], *, threads: int = THREADS) -> StorageClient:
    """A client with application default credentials, on the emulator without any.

    Nothing is asked of the server yet. Raises what ``open_cloud_storage`` does.
    """
    from google.auth.credentials import AnonymousCredentials
    from google.auth.transport.requests import AuthorizedSession
    from google.cloud.storage import Client
    from requests.adapters import HTTPAdapter

    emulator = environ.get(EMULATOR, "")
    if emulator:
        _require_address(emulator)
        credentials, project = AnonymousCredentials(), ""  # type: ignore[no-untyped-call]  # ships no types
    else:
        credentials, project = default_credentials()
    scoped = _with_scope(credentials, Client.SCOPE)
    session = AuthorizedSession(scoped)  # type: ignore[no-untyped-call]  # ships no types
    pool = HTTPAdapter(pool_connections=1, pool_maxsize=threads)
    session.mount("https://", pool)
    session.mount("http://", pool)
    client = Client(  # type: ignore[no-untyped-call]  # ships no types
        project=project or "<none>",  # reading objects needs none
        credentials=scoped,
        client_options={"api_endpoint": emulator} if emulator else None,
        _http=session,
    )
    return StorageClient(client, emulated=bool(emulator))


@dataclass(frozen=True, slots=True)
class SourceAnswer:
    """The outcome of a question; ``passing``: trouble that may be over when it is put again."""

    evidence: SourceEvidence
    passing: bool = False


class CloudStorage:
    """A source store that is asked for the metadata of objects: many with one page of a listing
    (``storage.objects.list``) where they lie close together, each other one by itself
    (``storage.objects.get``).

    A question is tried again for ``patience`` seconds. When twice as many as there are threads came
    to nothing in a row, the server is taken to be gone, and the rest is not asked.
    """

    def __init__(
        self, connection: StorageClient, *, workers: int | None = None, patience: float = 30.0
    ) -> None:
        from google.cloud.storage.retry import DEFAULT_RETRY

        self.client = connection.client
        self._emulated = connection.emulated
        self._threads = min(workers or THREADS, THREADS)
        self._retry = DEFAULT_RETRY.with_timeout(patience).with_delay(initial=0.5, maximum=8.0)
        self._listing = SourceListing(self._page)

    def stat(self, refs: Iterable[ObjectRef]) -> Iterator[SourceEvidence]:
        """See ``SourceStore.stat``."""
        window, row, silence = 2 * self._threads, 0, ""

        def ask(ref: ObjectRef) -> SourceAnswer:
            return _unknown(ref, f"not asked: {silence}") if silence else self._ask(ref)

        source = iter(refs)
        with WorkerPool(ask, self._threads) as pool:
            while batch := list(islice(source, _BATCH)):
                askable = () if silence else (ref for ref in batch if not _impossible(ref))
                listed = dict(self._listing.find(askable))
                yield from (_exists(ref, listed[ref]).evidence for ref in batch if ref in listed)
                for asked in pool.map((ref for ref in batch if ref not in listed), window):
                    row = row + 1 if asked.passing else 0
                    if row == window:
                        silence = asked.evidence.detail
                    yield asked.evidence

    def read(self, ref: ObjectRef, info: ObjectInfo) -> Iterator[bytes]:
        """See ``SourceReader.read``: a request (``storage.objects.get``) for each ``CHUNK``."""
        size = info.size or 0
        for start in range(0, size, CHUNK):
            length = min(CHUNK, size - start)
            chunk = self._read_range(ref, info.generation, range(start, start + length))
            if len(chunk) != length:
                raise ReadError(f"{len(chunk):,} bytes came where {length:,} were asked for")
            yield chunk

    def _read_range(self, ref: ObjectRef, generation: int | None, positions: range) -> bytes:
        from google.api_core.exceptions import GoogleAPICallError, RetryError
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException
        from urllib3.exceptions import HTTPError

        bucket = self.client.bucket(ref.bucket)  # type: ignore[no-untyped-call]  # ships no types
        blob = bucket.blob(ref.key)
        try:
            chunk: bytes = blob.download_as_bytes(
                client=self.client,
                start=positions[0],
                end=positions[-1],
                raw_download=True,  # gzip stays gzip, and ranges are ranges of what is stored
                if_generation_match=generation,
                checksum=None,  # no server tells one of a range; the reader compares the whole
                timeout=_TIMEOUT,
                retry=self._retry,
            )
        except RetryError as error:
            raise self._unreadable(ref, error.cause) from error
        except (
            GoogleAPICallError, GoogleAuthError, RequestException, HTTPError, ValueError
        ) as error:  # fmt: skip
            raise self._unreadable(ref, error) from error
        return chunk

    def _unreadable(self, ref: ObjectRef, error: BaseException | None) -> ReadError:
        if getattr(error, "code", None) == 412:
            return ReadError("the source changed while it was copied")
        said = self._refused(ref, error).evidence
        gone = said.state is SourceState.GONE
        return ReadError(said.detail, gone=gone, forbidden=said.forbidden)

    def close(self) -> None:
        """See ``SourceStore.close``."""
        self.client.close()  # type: ignore[no-untyped-call]  # ships no types

    def _page(self, start: ObjectRef) -> SourcePage | None:
        """A page of the listing from a key on; None where it cannot be had, for whatever reason."""
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException

        listing = self.client.list_blobs(  # type: ignore[no-untyped-call]  # ships no types
            start.bucket, start_offset=start.key, page_size=1_000, fields=_FIELDS,
            timeout=_TIMEOUT, retry=self._retry,
        )  # fmt: skip
        try:
            names = {blob.name: blob._properties for blob in next(listing.pages, ())}
        except (GoogleAPIError, GoogleAuthError, RequestException, ValueError):
            return None
        except (AttributeError, TypeError):
            return None  # JSON of another kind, which the client does not look at
        refs = {ObjectRef(start.bucket, name): each for name, each in names.items()}
        found = {ref: describe(ref, each) for ref, each in refs.items()}
        return SourcePage(
            objects={ref: info for ref, info in found.items() if info is not None},
            last=str(next(reversed(names), start.key)),
            final=not listing.next_page_token,
        )

    def _ask(self, ref: ObjectRef) -> SourceAnswer:
        """Ask for one object; called in many threads."""
        from google.api_core.exceptions import GoogleAPICallError, RetryError
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException

        if why := _impossible(ref):
            return _gone(ref, why)
        bucket = self.client.bucket(ref.bucket)  # type: ignore[no-untyped-call]  # ships no types
        blob = bucket.blob(ref.key)
        try:
            blob.reload(client=self.client, timeout=_TIMEOUT, retry=self._retry)
        except RetryError as error:
            return self._refused(ref, error.cause)
        except (GoogleAPICallError, GoogleAuthError, RequestException, ValueError) as error:
            return self._refused(ref, error)
        info = describe(ref, blob._properties)
        if info is None:
            return _unknown(ref, "200 that does not describe the object", passing=True)
        return _exists(ref, info)

    def _refused(self, ref: ObjectRef, error: BaseException | None) -> SourceAnswer:
        """What an error says of an object, in our own words: a client's may repeat its request."""
        from google.api_core.exceptions import GoogleAPICallError
        from google.auth.exceptions import GoogleAuthError, TransportError

        if isinstance(error, GoogleAuthError) and not isinstance(error, TransportError):
            return _unknown(ref, _LOG_IN, passing=True, forbidden=True)
        if not isinstance(error, GoogleAPICallError):
            return _unknown(ref, f"no answer ({type(error).__name__})", passing=True)
        match error.code:
            case 404 if self._is_cached(error):
                return _unknown(ref, "404 out of a cache between here and Cloud Storage")
            case 404 if self._is_denial(error):
                return _gone(ref, "no such object")
            case 404:
                return _unknown(ref, "404 that Cloud Storage did not send")
            case 401:
                return _unknown(ref, _LOG_IN, passing=True, forbidden=True)
            case 400 | 402 | 403 as status:
                return _unknown(ref, _refusal(status, error), forbidden=status != 400)
            case 429 | 503 as status:
                return _unknown(ref, f"throttled or busy ({status})", passing=True)
            case int(status):
                return _unknown(ref, f"answered {status:d}", passing=status >= 500)
            case _:
                return _unknown(ref, "an answer without a status", passing=True)

    def _is_cached(self, error: Any) -> bool:
        """Whether an answer is an old one, kept by something in between."""
        age = error.response.headers.get("Age", "0") if error.response is not None else "0"
        return str(age).strip() not in ("", "0")

    def _is_denial(self, error: Any) -> bool:
        """Whether a 404 is Cloud Storage's own: it gives its reason, which a proxy does not."""
        reasons = _reasons(error)
        bare = self._emulated and error.response is not None and not error.response.content
        return "notFound" in reasons or bare


def _reasons(error: Any) -> list[object]:
    return [each.get("reason") for each in error.errors if isinstance(each, dict)]


def _refusal(status: int, error: Any) -> str:
    """What it means that Cloud Storage refuses a request, and what to do about it."""
    message = str(error.message).lower()
    if status == 400 and "required" in _reasons(error) and "requester pays" in message:
        return (
            "its bucket is a requester pays bucket (400): list it with `gcloud storage ls --json"
            " --billing-project=PROJECT`, and give that as --inventory"
        )
    if status == 402 or (status == 403 and ("billing" in message or "disabled" in message)):
        return (
            f"its project is not billed ({status}), as Firebase projects of the Spark plan: enable"
            " billing, or give an --inventory that was made before"
        )
    if status == 403:
        return "forbidden (403): grant storage.objects.get and .list (roles/storage.objectViewer)"
    return f"answered {status}"


def _impossible(ref: ObjectRef) -> str:
    """Why no object can have this name, "" for all others; such a name cannot be asked for."""
    if ref.key in ("", ".", ".."):
        return "no object can have this name"
    try:
        long = len(ref.key.encode()) > LONGEST_KEY
    except UnicodeEncodeError:
        return "the name is not valid Unicode, which no object's is"
    return f"the name is longer than {LONGEST_KEY} bytes" if long else ""


def _exists(ref: ObjectRef, info: ObjectInfo) -> SourceAnswer:
    return SourceAnswer(SourceEvidence(ref, SourceState.EXISTS, datetime.now(UTC), info))


def _gone(ref: ObjectRef, why: str) -> SourceAnswer:
    return SourceAnswer(SourceEvidence(ref, SourceState.GONE, datetime.now(UTC), detail=why))


def _unknown(
    ref: ObjectRef, why: str, *, passing: bool = False, forbidden: bool = False
) -> SourceAnswer:
    evidence = SourceEvidence(
        ref, SourceState.UNKNOWN, datetime.now(UTC), detail=why, forbidden=forbidden
    )
    return SourceAnswer(evidence, passing)


def _with_scope(credentials: Any, scopes: Any) -> Any:
    from google.auth.credentials import with_scopes_if_required

    return with_scopes_if_required(credentials, scopes)  # type: ignore[no-untyped-call]  # ships no types


def _require_address(emulator: str) -> None:
    try:
        parts = urlsplit(emulator)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigurationError(f"{EMULATOR} must be http(s)://host[:port], not {emulator!r}.")
