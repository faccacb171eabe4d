"""What an S3 server's answer to a HEAD means.

An object exists on ``200`` with an ETag: captive portals, and answers cut short after the status
line, come without one. It is missing on a ``404`` that shows an S3 server's hand. Anything else
leaves it unknown.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from url_rewriter.evidence import TargetState
from url_rewriter.objectinfo import ObjectInfo

MAX_KEY_BYTES = 1024
"""The longest key of any S3 object, in UTF-8 (S3 user guide, "Naming Amazon S3 objects")."""

_MARKS = ("x-amz-request-id", "x-amzn-requestid", "x-amz-id-2", "x-minio-error-code")
"""Headers that S3 servers put on every answer and that nothing in front of them sends."""

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,63}")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Manner(StrEnum):
    """How a bucket's server answers for a key that cannot be there.

    ``MARKED``: 404, with a header that only S3 servers send, so a 404 without one is not its own.
    ``UNMARKED``: 404 without such a header, but it says ``NoSuchKey`` in S3's XML when asked with
    GET, so a bare 404 may be its own. ``HIDDEN``: 403, as S3 does for an identity that may not list
    the bucket: a forbidden key may be a missing one.
    """

    MARKED = "marked"
    UNMARKED = "unmarked"
    HIDDEN = "hidden"


class Answer(NamedTuple):
    """What came back for one request, after the client's own retries.

    ``status`` is 0 where nothing usable came back, and ``fault`` says why. ``headers`` have
    lower-case names. ``code`` is the S3 error code, where the server told one.
    """

    status: int = 0
    headers: Mapping[str, str] = MappingProxyType({})
    code: str = ""
    fault: str = ""

    @property
    def marked(self) -> bool:
        """True where a header shows that an S3 server sent this."""
        return any(self.headers.get(name) for name in _MARKS)

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
        return self.status in (0, 408, 429) or self.status >= 500


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


class Verdict(NamedTuple):
    """A target's state and why; ``again`` where asking once more may settle it."""

    state: TargetState
    detail: str = ""
    again: bool = False


_EXISTS = Verdict(TargetState.EXISTS)


def judge(answer: Answer, manner: Manner) -> Verdict:
    """What the answer to ``HEAD`` of an object says, from a server of this manner.

    >>> judge(Answer(200, {"etag": '"1f"'}), Manner.MARKED).state.value
    'exists'
    >>> judge(Answer(404), Manner.MARKED).detail
    '404 that no S3 server signed; something in front of it answered'
    """
    match answer.status:
        case 200 if answer.etag:
            return _EXISTS
        case 200:
            return _unknown("200 without an ETag: not an S3 server, or cut short", again=True)
        case 404:
            return _judge_absence(answer, manner)
        case 401 | 403 if manner is Manner.HIDDEN:
            return _unknown(
                f"forbidden ({answer.status}); to these credentials a missing object looks the same"
            )
        case 401 | 403:
            return _unknown(f"forbidden ({answer.status})")
        case 0:
            return _unknown(answer.fault, again=True)
        case 429 | 503:
            return _unknown(f"throttled or busy ({answer.status})", again=True)
        case status if 300 <= status < 400:
            where = f" to region {answer.region}" if answer.region else ""
            return _unknown(f"redirected{where} ({status})")
        case status:
            return _unknown(f"answered {status}", again=answer.passing)


def _judge_absence(answer: Answer, manner: Manner) -> Verdict:
    if answer.code == "NoSuchBucket":
        return _unknown("the bucket does not exist")
    if not answer.marked and manner is not Manner.UNMARKED:
        return _unknown(
            "404 that no S3 server signed; something in front of it answered", again=True
        )
    if answer.headers.get("x-amz-delete-marker") == "true":
        return Verdict(TargetState.MISSING, "deleted; a delete marker hides it")
    return Verdict(TargetState.MISSING, "no such key")


def judge_key(key: str) -> Verdict | None:
    """The verdict on a key that no question can be put about; None for all others.

    >>> judge_key("a/../b").state.value
    'unknown'
    """
    if key.isascii() and 0 < len(key) <= MAX_KEY_BYTES and key[0] != "." and "/." not in key:
        return None  # nearly all keys: a quick way out
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return Verdict(TargetState.MISSING, "the key is not valid Unicode, which no object's is")
    if not key:
        return Verdict(TargetState.MISSING, "an empty key names no object")
    if size > MAX_KEY_BYTES:
        return Verdict(TargetState.MISSING, f"the key has {size} bytes, S3 allows {MAX_KEY_BYTES}")
    if not {".", ".."}.isdisjoint(key.split("/")):
        # boto3 sends the segment as it is, browsers and proxies fold it away before they send.
        return _unknown("the key has a '.' or '..' segment: its URL reaches another object")
    return None


def are_plain(keys: Sequence[str]) -> bool:
    """True only where none of many keys is folded or has a verdict of its own; much cheaper.

    >>> are_plain(["a/b.png", "c"]), are_plain(["a", "../b"])
    (True, False)
    """
    text = "/".join(("", *keys, ""))
    if "/." in text or "//" in text:
        return False
    # Without a look at their bytes: a character has four of them at most.
    return max(map(len, keys), default=0) <= (MAX_KEY_BYTES if text.isascii() else 256) and (
        text.isascii() or _SURROGATE.search(text) is None
    )


def is_folded(key: str) -> bool:
    """True for a key whose slashes some servers drop, so that they answer for another object.

    MinIO drops a leading slash; rclone's server drops trailing ones. Only a listing tells.
    """
    return key.startswith("/") or key.endswith("/") or "//" in key


def judge_folded(verdict: Verdict, *, listed: bool | None) -> Verdict:
    """The verdict on a folded key, given the one on its HEAD and whether a listing shows it.

    ``listed`` is None where the listing could not be had. The HEAD said that the key exists, or
    the server refused to be asked for it.
    """
    match listed:
        case None:
            return _unknown(
                "its slashes may be folded, and the listing that would tell failed", again=True
            )
        case True:
            return verdict
        case False if verdict.state is TargetState.EXISTS:
            return Verdict(TargetState.MISSING, "the server answers for another key")
        case False:
            return Verdict(TargetState.MISSING, "the server refuses such a key and lists none")


def clean_code(code: object) -> str:
    """An S3 error code, or "" for what is none: a server's text is not to be trusted.

    >>> clean_code("NoSuchKey"), clean_code("404"), clean_code("<b>")
    ('NoSuchKey', '', '')
    """
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _unknown(detail: str, *, again: bool = False) -> Verdict:
    return Verdict(TargetState.UNKNOWN, detail, again)
