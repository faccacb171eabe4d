"""What an S3 server's answer to a HEAD means.

An object exists on ``200`` with an ETag. It is missing on a ``404`` that only an S3 server sends.
Anything else leaves it unknown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from url_rewriter.evidence import TargetState
from url_rewriter.objects.transport.answers import NOT_ASKED, Answer, Listed
from url_rewriter.urls.names import LONGEST_KEY

_SURROGATE = re.compile("[\ud800-\udfff]")


_ARCHIVES = ("GLACIER", "DEEP_ARCHIVE", "ARCHIVE_ACCESS", "DEEP_ARCHIVE_ACCESS")
"""Storage classes, and tiers of one, whose objects are shown by HEAD and refused to GET."""


class DenialStyle(StrEnum):
    """How a bucket's server denies a key that cannot be there.

    ``MARKED``: 404, with a header that only S3 servers send, so a 404 without one is not its own.
    ``UNMARKED``: 404 without such a header, but it says ``NoSuchKey`` in S3's XML when asked with
    GET, so a bare 404 may be its own. ``HIDDEN``: 403, as S3 does for an identity that may not list
    the bucket: a forbidden key may be a missing one.
    """

    MARKED = "marked"
    UNMARKED = "unmarked"
    HIDDEN = "hidden"


class TargetVerdict(NamedTuple):
    """A target's state and why; ``again`` where asking once more may settle it."""

    state: TargetState
    detail: str = ""
    again: bool = False


_EXISTS = TargetVerdict(TargetState.EXISTS)


def judge(answer: Answer, style: DenialStyle | None) -> TargetVerdict:
    """What the answer to ``HEAD`` of an object says, from a server with this style.

    None: the server has not been found honest, so nothing is known whatever it says.

    >>> judge(Answer(200, {"etag": '"1f"'}), DenialStyle.MARKED).state.value
    'exists'
    >>> judge(Answer(404), DenialStyle.MARKED).detail
    '404 that no S3 server signed; something in front of it answered'
    """
    if style is None:
        return _unknown(answer.fault or "its server was not found honest")
    if answer.listed is not Listed.NOT_ASKED:
        return _judge_folded(judge(answer._replace(listed=Listed.NOT_ASKED), style), answer.listed)
    match answer.status:
        case 200:
            return _judge_presence(answer)
        case 404:
            return _judge_absence(answer, style)
        case 401 | 403:
            hidden = "; to these credentials a missing object looks the same"
            more = hidden if style is DenialStyle.HIDDEN else ""
            return _unknown(f"forbidden ({answer.status}){more}")
        case 0:
            return _unknown(answer.fault, again=answer.code != NOT_ASKED)
        case _:
            return _judge_other(answer)


def _judge_other(answer: Answer) -> TargetVerdict:
    match answer.status:
        case status if answer.busy:
            return _unknown(f"throttled or busy ({status}); --max-rps asks less often", again=True)
        case 400:
            return _unknown(
                "answered 400, as for an object encrypted with a customer's key (SSE-C)"
            )
        case status if 300 <= status < 400:
            where = f" to region {answer.region}" if answer.region else ""
            return _unknown(f"redirected{where} ({status})")
        case status:
            return _unknown(f"answered {status}", again=answer.passing)


def _judge_presence(answer: Answer) -> TargetVerdict:
    if not answer.etag:
        return _unknown("200 without an ETag: not an S3 server, or cut short", again=True)
    if kind := _archive(answer):
        return _unknown(f"archived ({kind}): it cannot be read before it is restored")
    return _EXISTS


def _archive(answer: Answer) -> str:
    """The class of an object whose bytes are archived and not restored; "" for all others."""
    headers = answer.headers
    kind = headers.get("x-amz-archive-status") or headers.get("x-amz-storage-class", "")
    restored = 'ongoing-request="false"' in headers.get("x-amz-restore", "")
    return kind if kind in _ARCHIVES and not restored else ""


def _judge_absence(answer: Answer, style: DenialStyle) -> TargetVerdict:
    if answer.code == "NoSuchBucket":
        return _unknown("the bucket does not exist")
    if not answer.marked and style is not DenialStyle.UNMARKED:
        return _unknown(
            "404 that no S3 server signed; something in front of it answered", again=True
        )
    if answer.headers.get("x-amz-delete-marker") == "true":
        return TargetVerdict(TargetState.MISSING, "deleted; a delete marker hides it")
    return TargetVerdict(TargetState.MISSING, "no such key")


def judge_key(key: str) -> TargetVerdict | None:
    """The verdict on a key that cannot be asked for; None for all others.

    >>> judge_key("a/../b").state.value
    'unknown'
    """
    if key.isascii() and 0 < len(key) <= LONGEST_KEY and key[0] != "." and "/." not in key:
        return None  # nearly all keys: a quick way out
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        return TargetVerdict(
            TargetState.MISSING, "the key is not valid Unicode, which no object's is"
        )
    if not key:
        return TargetVerdict(TargetState.MISSING, "an empty key names no object")
    if size > LONGEST_KEY:
        return TargetVerdict(
            TargetState.MISSING, f"the key has {size} bytes, S3 allows {LONGEST_KEY}"
        )
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
    return max(map(len, keys), default=0) <= (LONGEST_KEY if text.isascii() else 256) and (
        text.isascii() or _SURROGATE.search(text) is None
    )


def is_folded(key: str) -> bool:
    """True for a key whose slashes some servers drop, so that they answer for another object.

    MinIO drops a leading slash; rclone's server drops trailing ones. Only a listing tells.
    """
    return key.startswith("/") or key.endswith("/") or "//" in key


def _judge_folded(verdict: TargetVerdict, listed: Listed) -> TargetVerdict:
    """The verdict on a folded key, given the one on its HEAD and whether a listing shows it.

    The HEAD said that the key exists, or the server refused to be asked for it.
    """
    match listed:
        case Listed.UNKNOWN:
            return _unknown(
                "its slashes may be folded, and the listing that would tell failed", again=True
            )
        case Listed.SHOWN:
            return verdict
        case Listed.ABSENT if verdict.state is TargetState.EXISTS:
            return TargetVerdict(TargetState.MISSING, "the server answers for another key")
        case _:
            return TargetVerdict(
                TargetState.MISSING, "the server refuses such a key and lists none"
            )


def _unknown(detail: str, *, again: bool = False) -> TargetVerdict:
    return TargetVerdict(TargetState.UNKNOWN, detail, again)
