"""A page of a bucket's listing, as its server sent it: the one place where pages are parsed.

A page is relied on only where it is whole and in order. Its keys are percent-encoded, which every
server does when asked to, except for one thing: Amazon writes a space as ``+``, others leave a plus
as it is. The reading that makes the keys ascend is taken, with spaces if both do; of a key with a
plus it is in doubt all the same.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from operator import itemgetter, lt
from urllib.parse import unquote
from xml.sax.saxutils import unescape

# As Amazon, MinIO and Ceph write an object: in one go, at half the cost. It cannot backtrack, since
# no field reaches beyond the next "<", as it would in a pattern that skips what it does not know.
_USUAL = re.compile(
    r"<Contents><Key>([^<]*)</Key><LastModified>([^<]*)</LastModified>"
    r"<ETag>&quot;([^<&\"]+)&quot;</ETag>(?:<Checksum[^<]*</Checksum[^<]*)*<Size>([0-9]{1,18})</Size>"
)
# As any server may write one: a pattern for each field.
_FIELDS = (
    re.compile(r"<Key>([^<]*)</Key>"),
    re.compile(r"<LastModified>([^<]*)</LastModified>"),
    re.compile(r"<ETag>([^<]*)</ETag>"),
    re.compile(r"<Size>([0-9]{1,18})</Size>"),
)
_NAME = re.compile(r"<Name>([^<]*)</Name>")
_TRUNCATED = re.compile(r"<IsTruncated>(true|false)</IsTruncated>")
_COUNT = re.compile(r"<KeyCount>([0-9]{1,9})</KeyCount>")
_REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}));")

_LINE_END = re.compile("%0a", re.IGNORECASE)
_ENTITIES = {"&quot;": '"', "&#34;": '"', "&apos;": "'"}

_ARCHIVED = (">GLACIER<", ">DEEP_ARCHIVE<")

_UNSURE = "\ufffd"
"""What servers put in place of a character that XML cannot hold."""

Row = tuple[str, str, str, str]
"""Of an object: its key as it was sent, its date, its ETag without quotes, its size in digits.

The date and the ETag are "" where the server tells none.
"""

_SENT, _ETAG = itemgetter(0), itemgetter(2)


@dataclass(frozen=True)
class Page:
    """Part of a listing: objects with the keys that they are likeliest to have, which ascend.

    ``last`` is the last key that the page speaks of, None where the listing ends with it.
    ``archived``: of some object the storage class is one whose bytes must be restored first.
    """

    rows: Sequence[Row]
    keys: Sequence[str]
    escaped: bool
    last: str | None
    archived: bool = False

    @cached_property
    def objects(self) -> Mapping[str, Row]:
        """The objects whose keys are certain and that have an ETag.

        That a key is absent from these says nothing.
        """
        objects = zip(self.keys, self.rows, strict=True)
        if self._is_plain:
            return dict(objects)
        return {key: row for key, row in objects if row[2] and self._is_certain(row[0])}

    def find(self, keys: Sequence[str]) -> Sequence[Row | None]:
        """Each of the keys in ``objects``; None for those that are absent."""
        if self._is_plain and keys == self.keys:
            return self.rows  # where all are wanted, a mapping would be the larger part of the work
        return list(map(self.objects.get, keys))

    def denies(self, key: str) -> bool:
        """Whether a key that the page covers is certainly not on it."""
        return self._mentioned is not None and key not in self._mentioned

    @property
    def needs_head(self) -> bool:
        """Whether there are objects of which HEAD must be heard as well."""
        return self.archived or "%" in self._spelling

    def is_doubtful(self, row: Row) -> bool:
        """Whether HEAD must be heard of an object as well.

        Its key may be escaped twice, or not at all; its bytes may be archived.
        """
        return self.archived or "%" in row[0]

    @cached_property
    def _mentioned(self) -> Set[str] | None:
        """Every key that an object of the page may have; None where that cannot be told."""
        if self._is_plain:
            return set(self.keys)
        readings = [self.readings(index) for index in range(len(self.rows))]
        return set(chain.from_iterable(readings)) if all(readings) else None

    @cached_property
    def _spelling(self) -> str:
        return "".join(map(_SENT, self.rows))

    @cached_property
    def _is_plain(self) -> bool:
        return self._is_certain(self._spelling) and all(map(_ETAG, self.rows))

    def readings(self, index: int) -> tuple[str, ...]:
        """Every key that the object at ``index`` may have; none where that cannot be told."""
        sent, key = self.rows[index][0], self.keys[index]
        if not is_listable(key):
            return ()
        if self._is_certain(sent):
            return (key,)
        if self.escaped and self._is_certain(sent.replace("+", "")):
            return (unquote(sent.replace("+", " ")), unquote(sent))
        return ()

    def _is_certain(self, sent: str) -> bool:
        """Whether a key that is sent like this has one reading only.

        Nothing that is percent-encoded needs XML's entities. A line end that is not encoded may
        have been another one.
        """
        return not any(mark in sent for mark in ("\n\r+&" if self.escaped else "\n\r"))


def read_page(body: bytes, bucket: str, after: str) -> Page | None:
    """The page of ``bucket`` behind the key ``after``; None where it cannot be relied on.

    It cannot where it is cut, names another bucket, lacks an object's key or size, contradicts
    itself, or has keys out of order.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    # The page's own fields stand before its objects, or behind them.
    first, past = text.find("<Contents>"), text.rfind("</Contents>")
    frame = text if first < 0 else text[:first] + text[past:]
    truncated = _TRUNCATED.search(frame)
    name = _NAME.search(frame)
    whole = text.rstrip().endswith("</ListBucketResult>")
    if not whole or truncated is None or name is None or name[1] != bucket:
        return None
    rows = _read_rows(text)
    more = truncated[1] == "true"
    if rows is None or (more and not rows) or ("<NextContinuationToken>" in frame and not more):
        return None
    if (count := _COUNT.search(frame)) and int(count[1]) > len(rows):
        return None
    escaped = "<EncodingType>url</EncodingType>" in frame
    keys = _order([row[0] for row in rows], after, escaped=escaped)
    if keys is None:
        return None
    archived = any(mark in text for mark in _ARCHIVED)
    return Page(rows, keys, escaped, keys[-1] if more else None, archived)


def _read_rows(text: str) -> Sequence[Row] | None:
    """The fields of each object; None where one lacks its key or its size, or has a field twice."""
    rows: list[Row] = _USUAL.findall(text)
    if len(rows) == text.count("<Contents>"):
        return rows
    rows = []
    for entry in text.split("<Contents>")[1:]:
        match [pattern.findall(entry) for pattern in _FIELDS]:
            case [[key], ([] | [_]) as dates, ([] | [_]) as tags, [size]]:
                etag = unescape("".join(tags), _ENTITIES).strip('"')
                rows.append((key, "".join(dates), etag, size))
            case _:
                return None
    return rows


def is_listable(key: str) -> bool:
    """Whether a listing can prove a key: no server would spell another key the same way."""
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


def _order(sent: list[str], after: str, *, escaped: bool) -> Sequence[str] | None:
    """The keys as they are, read so that they ascend from ``after``; None where they do not."""
    text = "\n".join(sent)
    if "&" in text:
        sent = [unescape(_REFERENCE.sub(_character, key), _ENTITIES) for key in sent]
    if not escaped or not ("%" in text or "+" in text):
        return sent if _ascend(sent, after) else None
    at_once = text.count("\n") == len(sent) - 1 and not ("&" in text or _LINE_END.search(text))
    try:
        for space in (" ", "+") if "+" in text else ("+",):
            if at_once:  # one by one would cost more than all the rest
                keys = unquote(text.replace("+", space), errors="strict").split("\n")
            else:
                keys = [unquote(key.replace("+", space), errors="strict") for key in sent]
            if _ascend(keys, after):
                return keys
    except UnicodeDecodeError:
        return None
    return None


def _ascend(keys: Sequence[str], after: str) -> bool:
    return all(map(lt, keys, keys[1:])) and (not keys or keys[0] > after)


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16) if match[1] else int(match[2])
    return chr(code) if code <= sys.maxunicode else _UNSURE
