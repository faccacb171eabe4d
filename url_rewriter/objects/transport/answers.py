"""What an S3 server answered to one request."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import NamedTuple

from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.objects.transport.listing_page import Page

NOT_ASKED = "NotAsked"
"""The code of an answer that stands for a request which was not sent."""

CAP_EXCEEDED = "CapExceeded"
"""Our code for what Backblaze B2 says in words: what an account may store or ask for is used up."""

_MARKS = ("x-amz-request-id", "x-amzn-requestid", "x-amz-id-2", "x-minio-error-code")
"""Headers that S3 servers put on every answer and that nothing in front of them sends."""

BUSY = frozenset({429, 503, 509})
"""Statuses by which servers say that they are asked too often, or are busy otherwise."""

_BUSY_CODES = frozenset(
    {
        *("SlowDown", "SlowDownRead", "SlowDownWrite", "ServiceUnavailable", "ServerBusy"),
        *("Throttling", "ThrottlingException", "RequestThrottled", "RequestLimitExceeded"),
        *("TooManyRequests", "TooManyRequestsException", "QpsLimitExceeded"),
        *("DownloadTrafficRateLimitExceeded", "BandwidthLimitExceeded"),
    }
)
"""The same as codes, of AWS, MinIO, Alibaba and others; some come with 400 or 403."""

_FULL_CODES = frozenset(
    {
        *("QuotaExceeded", "XMinioAdminBucketQuotaExceeded", "XMinioStorageFull"),
        *("InsufficientStorage", "InsufficientCapacity", "StorageFull", CAP_EXCEEDED),
    }
)
"""Codes of Ceph, MinIO and others where nothing more may be stored."""

_REFUSALS = frozenset(
    {
        *("NoCredentials", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken"),
        *("ExpiredToken", "TokenRefreshRequired", "InvalidSecurity", "RequestTimeTooSkewed"),
        *("XMinioInvalidIAMCredentials", CAP_EXCEEDED),
    }
)
"""Codes by which servers refuse credentials; some come with 400."""

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,63}")
_REGION = re.compile(r"[a-z0-9-]{1,40}")


class Listed(Enum):
    """Whether a listing shows exactly the key that was asked for."""

    NOT_ASKED = auto()
    SHOWN = auto()
    ABSENT = auto()
    UNKNOWN = auto()


class Answer(NamedTuple):
    """The result of one request, after the client's own retries.

    ``status`` is 0 where nothing usable came back, and ``fault`` says why. ``headers`` have
    lower-case names. ``code`` is the S3 error code, where the server told one. ``page`` is the page
    of a listing that was asked for, if it is whole. ``listed`` is known of keys that only a listing
    can confirm.
    """

    status: int = 0
    headers: Mapping[str, str] = MappingProxyType({})
    code: str = ""
    fault: str = ""
    page: Page | None = None
    listed: Listed = Listed.NOT_ASKED

    @property
    def marked(self) -> bool:
        """True where a header shows that an S3 server sent this."""
        return any(self.headers.get(name) for name in _MARKS)

    @property
    def confirms(self) -> bool:
        """True where this says that the object exists.

        Captive portals, and answers cut short after the status line, come without an ETag.
        """
        return self.status == 200 and self.etag is not None

    @property
    def etag(self) -> str | None:
        """The entity tag without its quotes."""
        return self.headers.get("etag", "").strip().removeprefix("W/").strip('"') or None

    @property
    def size(self) -> int | None:
        """The object's size in bytes."""
        length = self.headers.get("content-length", "")
        return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None

    @property
    def info(self) -> ObjectInfo:
        """What a positive answer tells of the object."""
        headers = self.headers
        return ObjectInfo(
            self.size,
            self.etag,
            headers.get("content-type"),
            crc32c=whole_crc32c(
                headers.get("x-amz-checksum-crc32c"), headers.get("x-amz-checksum-type")
            ),
            etag_is_md5=_has_md5_etag(headers),
        )

    @property
    def region(self) -> str | None:
        """The region that the server says the bucket is in."""
        region = self.headers.get("x-amz-bucket-region", "")
        return region if _REGION.fullmatch(region) else None

    @property
    def passing(self) -> bool:
        """True for trouble that may be over when the question is put again."""
        return self.status in (0, 408) or self.status >= 500 or self.busy

    @property
    def busy(self) -> bool:
        """True where the server says that it is asked too often."""
        return self.status in BUSY or self.code in _BUSY_CODES

    @property
    def refused(self) -> bool:
        """True where these credentials are refused, or may not do this."""
        return self.status in (401, 403) or self.code in _REFUSALS

    @property
    def full(self) -> bool:
        """True where nothing more can be stored: a quota is used up, or the disk."""
        return self.status == 507 or self.code in _FULL_CODES

    @property
    def pause(self) -> float:
        """Seconds for which the server asks to be left alone (``Retry-After``); 0 where it does
        not, or names a date."""
        text = self.headers.get("retry-after", "")
        return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0.0

    @property
    def words(self) -> str:
        """The status and the code, or the fault, for people."""
        return f"{self.status} {self.code}".rstrip() if self.status else self.fault


def whole_crc32c(text: str | None, kind: str | None = None) -> str | None:
    """A CRC32C as S3 reports it, where it is one of the whole object; otherwise None.

    ``kind`` is the checksum type that the server gives, if any. That of an object in parts may be
    a checksum of checksums, which ends in ``-`` and their number.

    >>> whole_crc32c("Jj/JUA=="), whole_crc32c("Jj/JUA==-3"), whole_crc32c("Jj/JUA==", "COMPOSITE")
    ('Jj/JUA==', None, None)
    """
    if not text or (kind or "FULL_OBJECT").upper() != "FULL_OBJECT":
        return None
    try:
        digest = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return text if len(digest) == 4 else None


def _has_md5_etag(headers: Mapping[str, str]) -> bool:
    """Whether S3 promises that the ETag of an object in one part is the MD5 of its bytes.

    Not for objects encrypted with a key of KMS or of a customer (S3 API reference, ``Object``), nor
    in directory buckets, whose ETags are random (S3 user guide, "Directory buckets").
    """
    return (
        headers.get("x-amz-server-side-encryption", "AES256") == "AES256"
        and "x-amz-server-side-encryption-customer-algorithm" not in headers
        and headers.get("x-amz-storage-class") != "EXPRESS_ONEZONE"
    )


def clean_code(code: object) -> str:
    """An S3 error code, or "" for what is none: a server's text is not to be trusted.

    >>> clean_code("NoSuchKey"), clean_code("404"), clean_code("<b>")
    ('NoSuchKey', '', '')
    """
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""
