"""Percent-encoding of keys: undone once when a URL is read, done once when one is written."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

from url_rewriter.urls.model import ObjectRef

_RESERVED = re.compile(r"[^A-Za-z0-9/._~-]+")


def decoded(text: str) -> str | None:
    """``text`` with its percent-escapes undone once; None where they spell no UTF-8.

    A stray ``%`` is literal and so is ``+``: only forms, not paths, write a space as a plus.

    >>> decoded("a%20b%252F+100%")
    'a b%2F+100%'
    >>> decoded("%FF") is None
    True
    """
    try:
        return unquote_to_bytes(text).decode("utf-8") if "%" in text else text
    except UnicodeError:
        return None


def target_url(endpoint: str, ref: ObjectRef, *, query: str = "", fragment: str = "") -> str:
    """The URL of ``ref`` below ``endpoint``, so spelled that every client sends the same bytes.

    RFC 3986's unreserved characters and ``/`` stay, all else is escaped: ``+`` because S3 reads a
    raw one as a space (aws-sdk-ruby#654), and ``( ) ' ! * , ;`` so that the URL can stand in
    Markdown, CSS and HTML as it is. ``query`` and ``fragment`` are appended unchanged.

    >>> target_url("http://localhost:9000/", ObjectRef("data", "a b/c+d (1).png"), fragment="t=1")
    'http://localhost:9000/data/a%20b/c%2Bd%20%281%29.png#t=1'
    """
    return url_below(_bucket_url(endpoint, ref.bucket), ref.key, query=query, fragment=fragment)


def url_below(base: str, key: str, *, query: str = "", fragment: str = "") -> str:
    """The URL that is ``base`` and then ``key``, spelled as `target_url` says."""
    url = base + _RESERVED.sub(_quoted_run, key)
    if query:
        url += f"?{query}"
    return f"{url}#{fragment}" if fragment else url


@lru_cache(maxsize=256)
def _bucket_url(endpoint: str, bucket: str) -> str:
    return f"{endpoint.rstrip('/')}/{_quoted(bucket)}/"


def _quoted_run(run: re.Match[str]) -> str:
    return _quoted(run[0])


@lru_cache(maxsize=256)
def _quoted(text: str) -> str:
    """``text`` with all but RFC 3986's unreserved characters escaped; cached, for the same few
    blanks and buckets come again and again."""
    return quote(text, safe="-._~")
