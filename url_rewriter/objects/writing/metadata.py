"""What an object carries beside its bytes, from Cloud Storage's words into S3's and back.

Google's custom metadata may be any text; S3's travels in headers, which are ASCII. What is not goes
encoded as RFC 2047 has it, which is how S3 itself returns such values (S3 user guide, "User-defined
object metadata").
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.objects.transport.answers import Answer

_DEFAULT_TYPE = "application/octet-stream"
"""What Cloud Storage serves an object as that was stored without a type."""

_TOKENS = "firebasestoragedownloadtokens"
"""Firebase's passwords for single objects. S3 would show them to everybody who reads the object."""

_HEADERS = {
    "ContentType": "content-type",
    "CacheControl": "cache-control",
    "ContentDisposition": "content-disposition",
    "ContentEncoding": "content-encoding",
    "ContentLanguage": "content-language",
}

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # a token (RFC 9110, section 5.6.2)
_PLAIN = re.compile(r"(?![ \t])[\x20-\x7e]*(?<![ \t])")  # survives in a header as it is


def put_arguments(source: ObjectInfo) -> dict[str, Any]:
    """What boto3 is to be told of an object that is stored: its headers and its metadata."""
    headers = {"content-type": source.content_type or _DEFAULT_TYPE, **source.headers}
    metadata = {
        name.lower(): _ascii(value)
        for name, value in source.metadata.items()
        if name.lower() != _TOKENS
    }
    told = {name: headers[header] for name, header in _HEADERS.items() if headers.get(header)}
    return {**told, "Metadata": metadata}


def trouble(source: ObjectInfo) -> str:
    """Why S3 cannot hold what an object carries beside its bytes; "" where it can."""
    for argument, value in put_arguments(source).items():
        if argument in _HEADERS and not _PLAIN.fullmatch(value):
            return f"no header can carry its {_HEADERS[argument]}, {value!r}"
    names = [name.lower() for name in source.metadata]
    if len(set(names)) < len(names):
        return "names of its metadata differ in case only, which S3 does not tell apart"
    odd = next((name for name in source.metadata if not _NAME.fullmatch(name)), None)
    return "" if odd is None else f"S3 can hold no metadata called {odd!r}"


def not_kept(sent: Mapping[str, Any], answer: Answer) -> list[str]:
    """Names of what was sent by ``put_arguments`` and does not come back with the object."""
    lost = [
        header
        for argument, header in _HEADERS.items()
        if argument in sent and answer.headers.get(header, "") != sent[argument]
    ]
    metadata: Mapping[str, str] = sent["Metadata"]
    lost += [
        f"metadata {name}"
        for name, value in sorted(metadata.items())
        if answer.headers.get(f"x-amz-meta-{name}", "") != value
    ]
    return lost


def _ascii(text: str) -> str:
    """Text as a header can carry it.

    >>> _ascii("plain"), _ascii("Zo\u00eb")
    ('plain', '=?UTF-8?B?Wm/Dqw==?=')
    """
    if _PLAIN.fullmatch(text):
        return text
    return f"=?UTF-8?B?{b64encode(text.encode()).decode('ascii')}?="
