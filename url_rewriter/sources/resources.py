"""Objects as Google's JSON API describes them, and as gcloud does, which renames some members.

Nothing is taken for granted: a captive portal answers too, and a file may be edited by hand.
"""

from __future__ import annotations

import base64
from typing import Any

from url_rewriter.inventories.json_rows import number
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.urls import ObjectRef


def describe(ref: ObjectRef, members: object) -> ObjectInfo | None:
    """What ``members`` say of an object; None where they do not name it and tell its size."""
    if not isinstance(members, dict):
        return None
    size = number(members.get("size"))
    if (members.get("bucket"), members.get("name")) != (ref.bucket, ref.key) or size is None:
        return None
    headers = {name: _text(members, *spelled) for name, spelled in _HEADERS.items()}
    custom = members.get("metadata") or members.get("custom_fields")
    return ObjectInfo(
        size,
        content_type=_text(members, "contentType", "content_type"),
        crc32c=_text(members, "crc32c", "crc32c_hash"),
        md5=md5_in_hex(_text(members, "md5Hash", "md5_hash")),
        generation=number(members.get("generation")),
        headers={name: value for name, value in headers.items() if value},
        metadata=custom if isinstance(custom, dict) else {},
    )


_HEADERS = {
    "cache-control": ("cacheControl", "cache_control"),
    "content-disposition": ("contentDisposition", "content_disposition"),
    "content-encoding": ("contentEncoding", "content_encoding"),
    "content-language": ("contentLanguage", "content_language"),
}


def _text(members: dict[str, Any], *names: str) -> str | None:
    value = next((members[name] for name in names if members.get(name)), None)
    return value if isinstance(value, str) else None


def md5_in_hex(text: str | None) -> str | None:
    """An MD5 in base64, as Cloud Storage spells it, as ETags are spelled; None for what is none.

    >>> md5_in_hex("hBotaJrYa9FhFEdFPCLG/A==")
    '841a2d689ad86bd1611447453c22c6fc'
    """
    try:
        digest = base64.b64decode(text or "", validate=True)
    except ValueError:
        return None
    return digest.hex() if len(digest) == 16 else None
