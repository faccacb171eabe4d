"""A page of a bucket's listing, taken at its word only where it is whole and in order."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from operator import lt
from urllib.parse import unquote
from xml.sax.saxutils import unescape

# As Amazon, MinIO and Ceph write an object: in one go, at half the cost. It cannot backtrack, since
# no field reaches beyond the next "<", as it would in a pattern that skips what it does not know.
_USUAL = re.compile(
    r"<Contents><Key>([^<]*)</Key><LastModified>[^<]*</LastModified>"
    r"<ETag>&quot;([^<&\"]+)&quot;</ETag>(?:<Checksum[^<]*</Checksum[^<]*)*<Size>([0-9]{1,18})</Size>"
)
# As anybody may write one: a pattern for each field, of which it has one.
_FIELDS = (
    re.compile(r"<Key>([^<]*)</Key>"),
    re.compile(r"<ETag>([^<]+)</ETag>"),
    re.compile(r"<Size>([0-9]{1,18})</Size>"),
)
_NAME = re.compile(r"<Name>([^<]*)</Name>")
_TRUNCATED = re.compile(r"<IsTruncated>(true|false)</IsTruncated>")
_REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}));")

_LINE_END = re.compile("%0a", re.IGNORECASE)
_ENTITIES = {"&quot;": '"', "&#34;": '"', "&apos;": "'"}

_AMBIGUOUS = frozenset("+&")
"""In an escaped key: a raw plus is a space to Amazon and a plus to others, and nothing that is
escaped needs XML's entities."""

_UNSURE = "\ufffd"
"""What servers put in place of a character that XML cannot hold."""


Row = tuple[str, str, str]
"""Of an object: its key as it was sent, its ETag without quotes, its size in digits."""


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a listing: the rows of its keys, and the last key that it speaks of.

    ``last`` is None where the listing ends with this page. ``objects`` lacks the keys whose
    spelling leaves more than one reading, so that absence from it says nothing of such keys.
    """

    objects: dict[str, Row]
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
    # What is said of the page stands before its objects, or behind them.
    first, past = text.find("<Contents>"), text.rfind("</Contents>")
    frame = text if first < 0 else text[:first] + text[past:]
    truncated = _TRUNCATED.search(frame)
    name = _NAME.search(frame)
    whole = text.rstrip().endswith("</ListBucketResult>")
    if not whole or truncated is None or name is None or name[1] != bucket:
        return None
    rows = _read_rows(text)
    if rows is None:
        return None
    return make_page(
        rows,
        after=after,
        escaped="<EncodingType>url</EncodingType>" in frame,
        truncated=truncated[1] == "true",
    )


def _read_rows(text: str) -> Sequence[Row] | None:
    """Key, ETag and size of each object; None where one lacks a field, or has it twice."""
    rows: list[Row] = _USUAL.findall(text)
    if len(rows) == text.count("<Contents>"):
        return rows
    rows = []
    for entry in text.split("<Contents>")[1:]:
        match [pattern.findall(entry) for pattern in _FIELDS]:
            case [[key], [etag], [size]] if plain := unescape(etag, _ENTITIES).strip('"'):
                rows.append((key, plain, size))
            case _:
                return None
    return rows


def make_page(rows: Sequence[Row], *, after: str, escaped: bool, truncated: bool) -> Page | None:
    """The page that these rows make, keys as they were sent; None where it is out of order."""
    sent = [key for key, _, _ in rows]
    text = "\n".join(sent)
    keys = _decode(sent, text, escaped)
    if keys is None or not all(map(lt, keys, keys[1:])) or (keys and not keys[0] > after):
        return None
    if truncated and not keys:
        return None
    objects = dict(zip(keys, rows, strict=True))
    if escaped and not _AMBIGUOUS.isdisjoint(text):
        objects = {key: row for key, row in objects.items() if _AMBIGUOUS.isdisjoint(row[0])}
    return Page(objects, keys[-1] if truncated else None)


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


def _decode(keys: list[str], text: str, escaped: bool) -> list[str] | None:
    """The keys as they are; all at once, since one by one would cost more than all the rest.

    ``text`` is the keys, one a line.
    """
    if text.count("\n") >= max(1, len(keys)):
        return None  # a line end within a key, which every server escapes
    if "&" in text:
        keys = [unescape(_REFERENCE.sub(_character, key), _ENTITIES) for key in keys]
    if not escaped or not ("%" in text or "+" in text):
        return keys
    try:
        if "&" in text or _LINE_END.search(text):
            return [unquote(key.replace("+", " "), errors="strict") for key in keys]
        return unquote(text.replace("+", " "), errors="strict").split("\n")
    except UnicodeDecodeError:
        return None


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16) if match[1] else int(match[2])
    return chr(code) if code <= sys.maxunicode else _UNSURE
