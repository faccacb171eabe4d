"""Spellings of digests."""

from __future__ import annotations

import base64


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
