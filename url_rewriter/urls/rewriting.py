"""Rewriting: other URLs in the same places, escaped as the ones they replace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from url_rewriter.urls.escapes import Escaping, escapings
from url_rewriter.urls.model import Replacement
from url_rewriter.urls.serialized import Splice, relengthened
from url_rewriter.urls.text_offsets import moved_offsets


def rewrite(text: str, replacements: Iterable[Replacement]) -> str:
    """``text`` with each replacement's URL in its place; everything else is as it was.

    Each URL is escaped the way the text it replaces is. PHP's serialized strings get the length
    that they have afterwards, and ranges that JSON names by offsets move along with the text. The
    replacements are of occurrences found in ``text``.
    """
    if not replacements:
        return text
    splices: list[Splice] = []
    for replacement in replacements:
        start, end = replacement.reading.start, replacement.reading.end
        layers = escapings(replacement.occurrence.layer)
        splices.append((start, end, _escaped(replacement.url, text[start:end], layers)))
    splices += moved_offsets(text, relengthened(text, splices))
    pieces: list[str] = []
    done = 0
    for start, end, new in relengthened(text, splices):
        pieces += (text[done:start], new)
        done = end
    return "".join((*pieces, text[done:]))


def _escaped(url: str, old: str, layers: Sequence[Escaping]) -> str:
    if not layers:
        # A query that goes on as that of another URL around this one needs its question mark.
        return f"{url}?" if old.endswith("&") and "?" in old and "#" not in old else url
    outermost, *inner = layers
    return outermost.escape(_escaped(url, outermost.view(old).text, inner), like=old)
