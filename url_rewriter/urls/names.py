"""Which names a bucket and an object can have, and which only look like names."""

from __future__ import annotations

import re

from url_rewriter.urls.model import Remark

_LABEL = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_BUCKET = re.compile(rf"(?=.{{1,222}}\Z){_LABEL}(?:\.{_LABEL})*")
_IPV4 = re.compile(r"\d+\.\d+\.\d+\.\d+")

# `${B}`, `{{ b }}`, `{b}`, `%s`, `%(b)s`, `<b>`, `$B`, `[B]`, `BUCKET_NAME`, `:bucket`
_PLACEHOLDER = re.compile(
    r"\$\{|\{\{|\{[^{}]*\}|<[^<>]*>?|\$[A-Za-z_]|%s|%d|%\(|%[A-Z_]+%|\[[^\[\]]*\]|\A:[a-z]"
    r"|\A[A-Z][A-Z0-9]*(?:[_-][A-Z0-9]+)+\Z|\A[A-Z]+\Z|\.\.\.\Z|…\Z|\Ayour[-_]"
)
_KEY_PLACEHOLDER = re.compile(
    r"\$\{|\{\{|(?:(?<![^/_.-])|(?<=%2F)|(?<=%2f))\{[A-Za-z_][\w.]*\}|%\(\w+\)s"
    r"|(?<!\w)\$[A-Z_][A-Z0-9_]+|(?:(?<![0-9])|(?<=%[0-9A-Fa-f][0-9]))%[sdv](?![A-Za-z0-9])"
    r"|\$(?:Number|Time|RepresentationID|Bandwidth|SubNumber)(?:%0[0-9]+d)?\$"
)

_WILDCARD = re.compile(r"\*\*|(?:\A|[/_-])\*|\*(?:\Z|[/._-])")
_DOT_SEGMENT = re.compile(r"(?:\A|/)\.\.?(?:/|\Z)")
LONGEST_KEY = 1024
"""The longest key in bytes of UTF-8, of S3 as of Cloud Storage (documentation, "Object names")."""


def is_bucket(name: str) -> bool:
    """Whether a bucket can have this name, by Google's naming rules for existing buckets.

    One and two characters pass (test suites and samples use them); the rule against "google" in
    new names is not applied, because Google's own buckets break it.

    >>> is_bucket("my_bucket.example.com"), is_bucket("Bucket"), is_bucket("10.0.0.1")
    (True, False, False)
    """
    return _BUCKET.fullmatch(name) is not None and _IPV4.fullmatch(name) is None


def is_placeholder(name: str) -> bool:
    """Whether ``name``, found where a bucket should be, is meant to be filled in."""
    return _PLACEHOLDER.search(name) is not None


def has_placeholder(raw_key: str) -> bool:
    """Whether a key, as spelled, has parts that are meant to be filled in."""
    return _KEY_PLACEHOLDER.search(raw_key) is not None


def is_wildcard(key: str) -> bool:
    """Whether gsutil would expand ``key`` rather than take it as a name."""
    return _WILDCARD.search(key) is not None


def key_trouble(key: str) -> Remark | None:
    """Why no URL of ``key`` can be written, or None.

    >>> key_trouble("a/../b")
    <Remark.UNADDRESSABLE_KEY: 'unaddressable-key'>
    """
    try:
        size = len(key if key.isascii() else key.encode("utf-8"))
    except UnicodeError:
        return Remark.INVALID_UTF8
    if not 0 < size <= LONGEST_KEY or "\n" in key or "\r" in key:
        return Remark.INVALID_KEY
    if ("/." in key or key[0] == ".") and _DOT_SEGMENT.search(key):
        return Remark.UNADDRESSABLE_KEY
    return None


def key_remarks(key: str) -> tuple[Remark, ...]:
    """What is odd about a key that can be written."""
    remarks = []
    if key.startswith("/") or "//" in key:
        remarks.append(Remark.SLASHES)
    if key.endswith("/"):
        remarks.append(Remark.TRAILING_SLASH)
    return tuple(remarks)
