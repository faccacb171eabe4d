"""Addresses that may name objects although they name no host of Cloud Storage.

Rules have to declare them: S3 servers to which objects were copied already, emulators of Cloud
Storage, and hosts of one's own in front of a bucket. A proposal of rules tells of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from url_rewriter.text import may_hold
from url_rewriter.urls import is_cloud_storage, redact_url
from url_rewriter.urls.encoding import decoded


class AddressKind(StrEnum):
    """What an address looks like: an S3 server, an API of Cloud Storage at another host, or a host
    whose URLs carry Google's signature."""

    S3 = "s3"
    FIREBASE = "firebase"
    CLOUD_STORAGE = "cloud-storage"
    SIGNED = "signed"


class Address(NamedTuple):
    """Where objects of a bucket are opened, by a URL that was found; ``bucket`` may be unknown."""

    kind: AddressKind
    endpoint: str
    bucket: str


# What a text that holds such an address contains; a scan looks for these in raw bytes.
ADDRESS_NEEDLES = (
    "localhost",
    "127.0.0.1",
    "10.0.2.2",
    "minio",
    "x-amz-",
    "awsaccesskeyid",
    "amazonaws",
    "digitaloceanspaces",
    "cloudflarestorage",
    "backblazeb2",
    "wasabisys",
)

_MARKS = (*ADDRESS_NEEDLES, "x-goog-")

_URL = re.compile(
    r"(?<![a-z0-9+.-])(?P<scheme>https?)://"
    r"(?P<authority>(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?)"
    r"(?P<path>/[^\s\"'<>`\\^|?#]*)(?P<query>\?[^\s\"'<>`\\^|#]*)?",
    re.IGNORECASE,
)
_FIREBASE = re.compile(r"/v\d\w*/b/(?P<bucket>[^/]+)/o/.")
_JSON = re.compile(r"(?:/download)?/storage/v\d\w*/b/(?P<bucket>[^/]+)/o/.")
_GOOGLE_SIGNED = re.compile(r"[?&]x-goog-(?:credential|signature)=", re.IGNORECASE)
_S3_SIGNED = re.compile(r"[?&](?:x-amz-(?:credential|signature)|awsaccesskeyid)=", re.IGNORECASE)
_S3_HOST = re.compile(
    r"(?:(?P<bucket>.+?)\.)??(?P<host>s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?"
    r"|[a-z0-9-]+\.digitaloceanspaces\.com|[0-9a-f]{32}\.r2\.cloudflarestorage\.com"
    r"|s3\.[a-z0-9-]+\.(?:backblazeb2|wasabisys)\.com"
    r"|(?:[a-z0-9-]+\.)*minio(?:[a-z0-9-]*)(?:\.[a-z0-9-]+)*(?::[0-9]+)?|[^:]+:9000)"
)
_BUCKET = re.compile(r"/(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/[^/),.;\]}]")


def find_addresses(text: str, buckets: Sequence[str] = ()) -> Iterator[tuple[Address, str]]:
    """Each address in ``text``, with the URL that shows it, redacted.

    ``buckets`` are buckets of the target: a URL with one of them in its path is one of S3.

    >>> [found for found, _ in find_addresses("see http://minio:9000/data/a.png")]
    [Address(kind=<AddressKind.S3: 's3'>, endpoint='http://minio:9000', bucket='data')]
    """
    if not may_hold(text, (*_MARKS, *buckets)):
        return
    for match in _URL.finditer(text.replace("\\/", "/")):
        if not is_cloud_storage(match[0]) and (address := _address(match, buckets)) is not None:
            yield address, redact_url(match[0])


def _address(match: re.Match[str], buckets: Sequence[str]) -> Address | None:
    scheme, authority = match["scheme"].lower(), match["authority"].lower()
    path, query = match["path"], match["query"] or ""
    origin = f"{scheme}://{authority}"
    for kind, pattern in (
        (AddressKind.FIREBASE, _FIREBASE),
        (AddressKind.CLOUD_STORAGE, _JSON),
    ):
        if api := pattern.match(path):
            return Address(kind, origin, decoded(api["bucket"]) or "")
    if _GOOGLE_SIGNED.search(query):
        return Address(AddressKind.SIGNED, origin, "")
    for bucket in buckets:
        before, found, key = path.partition(f"/{bucket}/")
        if found and key:
            return Address(AddressKind.S3, f"{origin}{before}", bucket)
    host = _S3_HOST.fullmatch(authority)
    if host and host["bucket"]:
        return Address(AddressKind.S3, f"{scheme}://{host['host']}", host["bucket"])
    first = _BUCKET.match(path)
    if first and (host or _S3_SIGNED.search(query)):
        return Address(AddressKind.S3, origin, first["bucket"])
    return None
