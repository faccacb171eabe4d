"""A second opinion: a dumb reader, which sees names of Cloud Storage in raw documents.

It shares no code with the grammar and imports nothing of this package, so that the two fail in
different ways. It undoes every escape it knows, wherever one stands, and looks for names: Google's
hosts of objects, ``gs:``, hosts that the rules declare, their buckets. A bucket's name may be an
ordinary word, so it counts only where a bucket is meant: in a path of Google's interfaces
(``/b/NAME/o``), behind a scheme (an unknown one if the name has a digit or a mark in it), and alone
in a field called ``bucket``, unless a target has this name too.
"""

from __future__ import annotations

import ctypes
import re
import unicodedata
from collections.abc import Iterable, Iterator
from html import unescape
from itertools import chain
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import unquote

_GAP = r"[\s\[\](){}<>]{0,3}"
_NAMES = rf"""storage[^\s/\"'<>]{{0,60}}?googleapis|firebasestorage|storage\.cloud\.google
|storage{_GAP}(?:\.|dot){_GAP}googleapis{_GAP}(?:\.|dot)|apidata\.googleusercontent
|googleapis\.com(?::\d+)?[/\\]+(?:[a-z]+[/\\]+)?storage[/\\]
|(?:console\.(?:cloud|developers)|sandbox)\.google\.com[/\\]+(?:m[/\\]+cloud)?storage
|(?<![a-z0-9+.-])gc?s:[/\\]{{1,3}}(?=[^\s/\\])|(?<![a-z0-9.-])(?:%(hosts)s)(?![a-z0-9.-])
|[/\\]b[/\\]+(?:%(any)s)[/\\]+o(?![a-z0-9_-])|buckets[/\\]+(?:%(any)s)(?![a-z0-9._-])
|(?:gsutil|gcloud|gc?s\+[a-z]+|(?:(?:google|cloud|firebase)-?)?storage):[/\\]+(?:%(any)s)[/\\]
|(?<![a-z0-9+.-])(?!https?:|s3[an]?:|file:)[a-z][a-z0-9+.-]*:[/\\]{{2}}(?:%(rare)s)[/\\]"""
_ESCAPE = re.compile(
    r"\\{1,9}u(?:\{0*([0-9a-f]{1,5})\}|([0-9a-f]{4}))|\\{1,9}x([0-9a-f]{2})|%u([0-9a-f]{4})|=([2-7][0-9a-f])"
    r"|\\{1,9}0?([01][0-7]{2})|\\{1,9}([/.:_&=?#-])|\\{1,9}[nrtbfv]"
)
_UNSEEN = re.compile("[\0\u00ad\u180e\u200b-\u200f\u2060-\u2064\ufeff]|=\r?\n")
# An excerpt begins with the scheme and ends before a query, which may hold secrets.
_BEFORE = re.compile(r"(?:(?<![a-z0-9])[a-z]{2,10}:)?[/\\]{2,4}(?:[a-z0-9_-]+\.)*$")
_END = re.compile(r"[?#;&\s\"'<>`|]|%(?:25)*(?:3[bf]|2[36])")
_ROUNDS, _LONGEST = 5, 120

# The quick search, in lower-cased bytes: a word near another, or a mark that begins an escape.
_NEAR = re.compile(rb"google(?:ap|us|[^a-z\s]\S{0,8}com)|cloud[^a-z\s]\S{0,12}google|ebasest"
    rb"|\xc2\xad|\xe2\x80[\x8b-\x8f]|\xe2\x81[\xa0-\xa4]|\xef\xbb\xbf|=\r?\n")  # fmt: skip
_MARKED = rb""":(?:(?<=[gc]s:)[/\\%&]|[/\\]{2,4}(?:NAME)(?![a-z0-9._-]))
|%(?:25)*(?:(?:u00)?LETTER|2fb%)|%(?<=[gc]s%)(?:25)*3a
|\\{1,9}(?:(?:u\{?0*|x)LETTER|0?1[0-7]{2}|/b\\)|\\(?<=[gc]s\\)\\{0,9}(?:u\{?0*3a|x3a|0?72|:)
|&(?:amp;)*(?:#|colon|shy|zw)""".replace(b"LETTER", rb"(?:4[1-9a-f]|5[0-9a]|6[1-9a-f]|7[0-9a])")
_FIELD = rb"bucket\x12.{1,3}\x8a\x01.(?:NAME)"
_MARKS, _DENSE = (b":", b"%", b"\\", b"&"), 64  # nearer than so many bytes, a search is cheaper
_Words: TypeAlias = Iterable[str]
_memmem = ctypes.PyDLL(None).memmem  # the C library's search, three times as fast as bytes.find
_memmem.restype = ctypes.c_void_p
_memmem.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]


class RawText(NamedTuple):
    """A text of a raw document: what holds it (a string, name, bytes or id), and where."""

    holder: str
    path: tuple[str | int, ...]
    text: str


class SecondOpinion:
    """Sees names of Cloud Storage, ``hosts`` and ``buckets``, which ``targets`` may share."""

    def __init__(self, hosts: _Words, buckets: _Words, targets: _Words) -> None:
        self._hosts, known, new = (set(map(str.lower, each)) for each in (hosts, buckets, targets))
        self._alone = known - new
        rare = {each for each in self._alone if not each.isalpha()}
        named = {"hosts": _any_of(self._hosts), "any": _any_of(known), "rare": _any_of(rare)}
        self._names, name = re.compile(_NAMES.replace("\n", "") % named), named["any"].encode()
        self._field = re.compile(_FIELD.replace(b"NAME", name), re.DOTALL)
        self._marked = re.compile(_MARKED.replace(b"NAME", name).replace(b"\n", b""))

    def hits(self, lowered: bytes) -> list[int]:
        """Where in lower-cased bytes a name may be: a quick search, which sees too much."""
        near, field = _NEAR.search, self._field.match
        found = [at for at in _each(b"storage", lowered) if near(lowered, max(0, at - 64), at + 96)]
        found += [at for at in _each(b"bucket\x12", lowered) if field(lowered, at)]
        found += chain.from_iterable(_each(host.encode(), lowered) for host in self._hosts)
        found += chain.from_iterable(self._marked_by(mark, lowered) for mark in _MARKS)
        return sorted(found)

    def _marked_by(self, mark: bytes, lowered: bytes) -> Iterator[int]:
        at, left = lowered.find(mark), len(lowered) // _DENSE + _DENSE
        while at >= 0 and left:
            if self._marked.match(lowered, at):
                yield at
            at, left = lowered.find(mark, at + 1), left - 1
        for match in self._marked.finditer(lowered, at) if at >= 0 else ():
            if lowered.startswith(mark, match.start()):
                yield match.start()

    def sightings(self, raw: RawText) -> list[str]:
        """An excerpt for each name in a text, as it reads once escapes are undone: no secrets."""
        text, field = raw.text, str(raw.path[-1]).lower() if raw.path else ""
        if field.endswith("bucket") and text.strip().lower() in self._alone:
            return [text.strip()]
        if text.isascii() and not self.hits(text.lower().encode()):
            return []
        seen = [[_excerpt(at) for at in self._names.finditer(plain)] for plain in _readings(text)]
        return max(reversed(seen), key=len)


def _any_of(words: _Words) -> str:
    return "|".join(map(re.escape, words)) or "(?!)"


def _each(needle: bytes, data: bytes) -> Iterator[int]:
    begin = at = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0
    while at := _memmem(at, begin + len(data) - at, needle, len(needle)):
        yield at - begin
        at += 1


def _readings(text: str) -> Iterator[str]:
    """The text with more and more of its escapes undone."""
    plain = _UNSEEN.sub("", unicodedata.normalize("NFKC", text)).lower().replace("\u3002", ".")
    for _ in range(_ROUNDS):
        yield plain
        undone = _UNSEEN.sub("", unescape(unquote(_ESCAPE.sub(_character, plain)))).lower()
        if undone == plain:
            return
        plain = undone


def _character(escape: re.Match[str]) -> str:
    *numbers, octal, bare = escape.groups(default="")
    number = int("".join(numbers), 16) if any(numbers) else int(octal or "0", 8)
    return chr(number) if 0 < number < 0xD800 else bare or " "


def _excerpt(found: re.Match[str]) -> str:
    text, most = found.string, found.end() + _LONGEST
    before = _BEFORE.search(text, max(0, found.start() - _LONGEST), found.start())
    end = _END.search(text, found.end(), most)
    return text[(before or found).start() : end.start() if end else most]


def texts_of_response(data: bytes) -> Iterator[RawText]:
    """The texts of the document in a RunQueryResponse of Firestore's protocol, its name first."""
    (_, name), *parts = _parts(next(_parts(data))[1])
    return texts_of_fields((name.decode(), _map_of(each for number, each in parts if number == 2)))


def _map_of(entries: Iterable[bytes]) -> dict[str, Any]:
    parts = [dict(_parts(each)) for each in entries]
    return {
        each.get(1, b"").decode(errors="replace"): _value_of(each.get(2, b"")) for each in parts
    }


def _value_of(data: bytes) -> Any:
    for number, content in _parts(data):
        if number == 6:
            return _map_of(each for _, each in _parts(content))
        if number == 9:
            return [_value_of(each) for _, each in _parts(content)]
        # References and strings; bytes, and values of types that do not exist yet.
        return content.decode(errors="replace") if number in (5, 17) else content
    return None


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields of a serialized message that have a length."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        size, past = _varint(data, at) if tag & 7 in (0, 2) else (0, at)
        if tag & 7 == 2:
            yield tag >> 3, data[past : past + size]
        at = {0: past, 1: at + 8, 2: past + size, 5: at + 4}.get(tag & 7, len(data))


def _varint(data: bytes, at: int) -> tuple[int, int]:
    shift = number = 0
    while data[at] > 0x7F:
        number, shift, at = number | (data[at] & 0x7F) << shift, shift + 7, at + 1
    return number | data[at] << shift, at + 1


def texts_of_fields(document: tuple[str, Any]) -> Iterator[RawText]:
    """The texts of a document: of its name, and of its fields in plain values."""
    yield RawText("id", (), document[0])
    yield from _texts(document[1], ())


def _texts(value: Any, path: tuple[str | int, ...]) -> Iterator[RawText]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield RawText("name", (*path, name), str(name))
            yield from _texts(each, (*path, name))
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _texts(each, (*path, index))
    elif isinstance(value, bytes):
        yield RawText("bytes", path, value.decode("latin-1"))
    elif isinstance(value, str):
        yield RawText("string", path, value)
