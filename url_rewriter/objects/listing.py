"""A page of a bucket's listing, taken at its word only where it is whole and in order."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from operator import lt
from urllib.parse import unquote
from xml.sax.saxutils import unescape

# One pattern for each field: a pattern for a whole <Contents> backtracks without end.
_KEYS = re.compile(r"<Key>([^<]*)</Key>")
_SIZES = re.compile(r"<Size>(\d+)</Size>")
_ETAGS = re.compile(r"<ETag>([^<]+)</ETag>")
_NAME = re.compile(r"<Name>([^<]*)</Name>")
_TRUNCATED = re.compile(r"<IsTruncated>(true|false)</IsTruncated>")
_REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}));")

_LINE_END = re.compile("%0a", re.IGNORECASE)
_ENTITIES = {"&quot;": '"', "&apos;": "'"}

_AMBIGUOUS = frozenset("+&")
"""In an escaped key: a raw plus is a space to Amazon and a plus to others, and nothing that is
escaped needs XML's entities."""

_UNSURE = "\ufffd"
"""What servers put in place of a character that XML cannot hold."""


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a listing: size and ETag of its keys, and the last key that it speaks of.

    ``last`` is None where the listing ends with this page. ``objects`` lacks the keys whose
    spelling leaves more than one reading, so that absence from it says nothing of such keys.
    """

    objects: dict[str, tuple[int, str]]
    last: str | None


def read_page(body: bytes, bucket: str, after: str) -> Page | None:
    """The page of ``bucket`` behind the key ``after``; None where it cannot be relied on.

    It cannot where it is cut, names another bucket, lacks a field for some object, or has keys out
    of order.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    truncated = _TRUNCATED.search(text)
    name = _NAME.search(text)
    whole = text.rstrip().endswith("</ListBucketResult>")
    if not whole or truncated is None or name is None or name[1] != bucket:
        return None
    keys, sizes, etags = _KEYS.findall(text), _SIZES.findall(text), _ETAGS.findall(text)
    if not len(keys) == len(sizes) == len(etags) == text.count("<Contents>"):
        return None
    return make_page(
        keys,
        [int(size) for size in sizes],
        etags,
        after=after,
        escaped="<EncodingType>url</EncodingType>" in text,
        truncated=truncated[1] == "true",
    )


def make_page(
    keys: Sequence[str],
    sizes: Sequence[int],
    etags: Sequence[str],
    *,
    after: str,
    escaped: bool,
    truncated: bool,
) -> Page | None:
    """The page that these columns make, keys as they were sent; None where it is out of order."""
    decoded = _decode(keys, escaped)
    if decoded is None:
        return None
    in_order = all(map(lt, decoded, decoded[1:])) and (not decoded or decoded[0] > after)
    if not in_order or (truncated and not decoded):
        return None
    tags = "\n".join(etags).replace("&quot;", "").replace("&#34;", "").replace('"', "")
    plain = tags.split("\n") if etags else []
    if len(plain) != len(decoded) or not all(plain):
        return None
    objects = dict(zip(decoded, zip(sizes, plain, strict=True), strict=True))
    if escaped and not _AMBIGUOUS.isdisjoint("".join(keys)):
        objects = {
            key: found
            for sent, (key, found) in zip(keys, objects.items(), strict=True)
            if _AMBIGUOUS.isdisjoint(sent)
        }
    return Page(objects, decoded[-1] if truncated else None)


def is_listable(key: str) -> bool:
    """Whether a listing may vouch for a key: no server would spell another key the same way."""
    return _UNSURE not in key


def just_before(key: str) -> str:
    """A key below ``key`` and close to it: a listing that starts behind it can show ``key``.

    >>> just_before("a/10.png")
    'a/10.pnf'
    """
    head, last = key[:-1], ord(key[-1])
    if last <= 1:
        return head
    return head + chr(0xD7FF if last == 0xE000 else last - 1)


def _decode(keys: Sequence[str], escaped: bool) -> list[str] | None:
    """The keys as they are; all at once, since one by one would cost more than all the rest."""
    text = "\n".join(keys)
    if text.count("\n") >= max(1, len(keys)):
        return None  # a line end within a key, which every server escapes
    if "&" in text:
        keys = [unescape(_REFERENCE.sub(_character, key), _ENTITIES) for key in keys]
    if not escaped or not ("%" in text or "+" in text):
        return list(keys)
    try:
        if "&" in text or _LINE_END.search(text):
            return [unquote(key.replace("+", " "), errors="strict") for key in keys]
        return unquote(text.replace("+", " "), errors="strict").split("\n")
    except UnicodeDecodeError:
        return None


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16) if match[1] else int(match[2])
    return chr(code) if code <= sys.maxunicode else _UNSURE
