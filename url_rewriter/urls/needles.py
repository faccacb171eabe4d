"""Needles: what every text that holds a URL contains, for a scan to look for in raw bytes.

`find` itself begins with them, so that a scan which looks for needles first misses nothing that
`find` would have found.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit

from url_rewriter.urls.model import Grammar
from url_rewriter.urls.s3_addresses import hosts_of

# Letters, digits, dots and hyphens are spelled as themselves in every escaping; slashes and colons
# are not. `gs:` also meets prose ("settings:"), which costs less than its escapings one by one;
# `s%` is the end of a percent-encoded scheme. `;&#` is in every URL of which
# HTML escapes each letter.
_OURS = (
    "googleapis",
    ".google.com",
    "gs:",
    "gcs:",
    "s%",
    "-apidata.google",
    "firebasestorage",
    "x-goog-credential",
    ";&#",
)
_S3 = ("s3:", "s3%")
_PLAIN = re.compile(r"[a-z0-9.-]+")
# The grammar that was asked for last, with its needles: `find` asks for every text.
_latest: tuple[Grammar | None, tuple[str, ...]] = (None, _OURS)


def needles(grammar: Grammar = Grammar()) -> tuple[str, ...]:  # noqa: B008 (immutable)
    """Lower-case ASCII needles: lower-cased text with anything to find in it holds one of them."""
    global _latest
    asked, known = _latest
    if asked is not grammar:
        bases = [place.base for place in grammar.places]
        hosts = (*grammar.declared, *hosts_of(grammar.addresses))
        known = _needles(hosts, (*grammar.targets, *bases))
        known = (*known, *_S3) if grammar.addresses else known
        _latest = grammar, known
    return known


@lru_cache(maxsize=64)
def _needles(hosts: tuple[str, ...], targets: tuple[str, ...]) -> tuple[str, ...]:
    names = [*hosts, *(urlsplit(target).netloc for target in targets)]
    configured = {max(_PLAIN.findall(name.lower()), key=len, default="://") for name in names}
    distinct = [name for name in sorted(configured) if _adds(name)]
    return (*_OURS, *distinct)


def _adds(name: str) -> bool:
    return not any(ours in name for ours in _OURS)
