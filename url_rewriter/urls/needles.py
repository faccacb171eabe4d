"""Needles: what every text that holds a URL contains, for a scan to look for in raw bytes.

`find` itself begins with them, so that a scan which looks for needles first misses nothing that
`find` would have found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from url_rewriter.urls.model import Grammar

# Letters, digits, dots and hyphens are spelled as themselves in every escaping; slashes and colons
# are not. `gs:` also meets prose ("settings:"), which costs less than its escapings one by one;
# `s%` is the end of a percent-encoded scheme.
_OURS = (
    b"googleapis",
    b".google.com",
    b"gs:",
    b"gcs:",
    b"s%",
    b"-apidata.google",
    b"firebasestorage",
    b"x-goog-credential",
)
_PLAIN = re.compile(r"[a-z0-9.-]+")


def needles(grammar: Grammar = Grammar()) -> tuple[bytes, ...]:  # noqa: B008 (immutable)
    """Lower-case ASCII needles: lower-cased UTF-8 with anything to find in it holds one of them."""
    return _needles(tuple(grammar.hosts), grammar.targets)


@lru_cache(maxsize=64)
def _needles(hosts: tuple[str, ...], targets: tuple[str, ...]) -> tuple[bytes, ...]:
    names = [*hosts, *(urlsplit(target).netloc for target in targets)]
    configured = {max(_PLAIN.findall(name.lower()), key=len, default="://") for name in names}
    distinct = [name for name in map(str.encode, sorted(configured)) if _adds(name)]
    return (*_OURS, *distinct)


def _adds(name: bytes) -> bool:
    return not any(ours in name for ours in _OURS)


def may_hold(text: str, grammar: Grammar) -> bool:
    """Whether ``text`` holds a needle."""
    return holds_any(text, needles(grammar))


def holds_any(text: str, wanted: Sequence[bytes]) -> bool:
    """Whether ``text`` holds any of these needles."""
    data = text.encode("utf-8", "surrogatepass").lower()
    for needle in wanted:  # noqa: SIM110 (a generator would cost as much as the search)
        if needle in data:
            return True
    return False
