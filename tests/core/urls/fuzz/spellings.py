"""URLs whose meaning is known because they are made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random

ENDPOINT = "https://s3.new.example"
TARGET_BUCKET = "all"
MEDIA, FIREBASE, DOTTED, APP = (
    "acme-media",
    "acme-app.appspot.com",
    "acme_old.assets",
    "acme-app.firebasestorage.app",
)
BUCKETS = (MEDIA, FIREBASE, DOTTED, APP)

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def percent(text: str, keep: str = "", lower: bool = False) -> str:
    """``text`` percent-encoded as UTF-8, but for RFC 3986's unreserved characters and ``keep``."""
    pieces = []
    for character in text:
        if character in _UNRESERVED or character in keep:
            pieces.append(character)
        else:
            pieces += [f"%{byte:02x}" if lower else f"%{byte:02X}" for byte in character.encode()]
    return "".join(pieces)


def new_url(bucket: str, key: str) -> str:
    """What a URL of the object must become."""
    return f"{ENDPOINT}/{TARGET_BUCKET}/x/{bucket}/{percent(key, '/')}"


class Fate(StrEnum):
    """What must come of a URL."""

    REWRITTEN = "rewritten"
    REPORTED = "reported"  # it stays, and is counted: no rule, no object, no object's address
    MIGRATED = "migrated"  # it stays, and its object counts as mentioned
    FOREIGN = "foreign"  # it stays


class Tail(StrEnum):
    """What a URL ends with, which says what may follow without becoming a part of it."""

    KEY = "key"
    KNOWN = "known"  # a query whose last value has a known alphabet
    UNKNOWN = "unknown"  # a query of unknown parameters
    FRAGMENT = "fragment"


@dataclass(frozen=True, slots=True)
class Url:
    """One URL: as it is spelled, and what it means.

    ``alphabet``: what could continue its last query value. ``raw``: what it holds that often ends
    a URL in a text. ``odd``: it is not spelled as any form is.
    """

    text: str
    fate: Fate
    new: str = ""
    bucket: str = ""
    key: str = ""
    exists: bool = True
    tail: Tail = Tail.KEY
    alphabet: str = ""
    raw: str = ""
    odd: bool = False

    @property
    def is_literal(self) -> bool:
        return self.text[:1] in "gG"

    @property
    def is_relative(self) -> bool:
        return self.text.startswith("//")


HEX = "0123456789abcdefABCDEF-"
DIGITS = "0123456789"
WORD = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
BASE64 = WORD + "+/=%"

_NAMES = ["a", "doc1", "3f2a", "IMG_0042", "photo-1", "up.load", "x~y", "report.final"]
_FANCY = [
    "my photo",
    "café",
    "图片",
    "фото",
    "a+b",
    "100% real",
    "q?a",
    "c#",
    "a&b",
    "(1)",
    "e\u0301",
]
_FANCY += ["Smith, John", "it's", "a=b", "é😀", "x@2x", "a;b", "[x]", "a%20b"]
_FOLDERS = ["", "", "u/", "img/2024/", "users/ada lovelace/", "a.b/c-d/", "папка/"]
_EXTENSIONS = [".png", ".jpg", ".pdf", ".mp4", ".webp", ".tar.gz", "", "", ".PNG", ".xyz"]


def _key(random: Random, fancy: float = 0.4) -> str:
    folder = random.choice(_FOLDERS)
    if random.random() < fancy:
        name = random.choice(_FANCY)
        if random.random() < 0.3:
            name += random.choice(_NAMES)
    else:
        name = random.choice(_NAMES)
        folder = folder if folder.isascii() and " " not in folder else ""
    return f"{folder}{name}{random.choice(_EXTENSIONS)}"


def _uuid(random: Random) -> str:
    digits = f"{random.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _v4(random: Random) -> str:
    return (
        "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=sa%40acme.iam.gserviceaccount.com"
        "%2F20240101%2Fauto%2Fstorage%2Fgoog4_request&X-Goog-Date=20240101T000000Z"
        f"&X-Goog-Expires=3600&X-Goog-SignedHeaders=host&X-Goog-Signature={random.getrandbits(256):064x}"
    )


def _v2(random: Random) -> str:
    signature = percent(f"{random.getrandbits(90):x}+/=="[:20] + "==")
    return (
        f"GoogleAccessId=sa%40acme.iam.gserviceaccount.com&Expires=1580000000&Signature={signature}"
    )


_Query = tuple[Callable[[Random], str], Tail, str]

_KNOWN: list[_Query] = [
    (lambda random: "alt=media", Tail.KNOWN, WORD),
    (lambda random: "generation=1580000000000000", Tail.KNOWN, DIGITS),
    (lambda random: "generation=15800&alt=media", Tail.KNOWN, WORD),
    (_v4, Tail.KNOWN, HEX),
    (_v2, Tail.KNOWN, BASE64),
    (lambda random: f"alt=media&token={_uuid(random)}", Tail.KNOWN, HEX),
]
_UNKNOWN: list[_Query] = [
    (lambda random: "v=3", Tail.UNKNOWN, ""),
    (lambda random: "t=1700000000&w=640", Tail.UNKNOWN, ""),
    (lambda random: "_=a%20b", Tail.UNKNOWN, ""),
]
_FIREBASE_QUERY: list[_Query] = [
    *[(lambda random: f"alt=media&token={_uuid(random)}", Tail.KNOWN, HEX)] * 4,
    (lambda random: f"token={_uuid(random)}&alt=media", Tail.KNOWN, WORD),
    (lambda random: "alt=media", Tail.KNOWN, WORD),
]
_FRAGMENTS = ["t=10", "page=3", "", "icon", "t=1,5"]

# Prefix, what is kept of a key beside the unreserved characters, and the queries that fit.
_Form = tuple[str, str, list[_Query], float]

_PATHS = (
    "storage.googleapis.com",
    "storage.googleapis.com:443",
    "commondatastorage.googleapis.com",
    "storage-download.googleapis.com",
    "storage.mtls.googleapis.com",
    "us-east1-storage.googleapis.com",
    "storage.us-central1.rep.googleapis.com",
    "STORAGE.googleapis.COM",
)
_APIS = ("www.googleapis.com", "storage.googleapis.com", "content-storage.googleapis.com")


def _form(random: Random, bucket: str) -> _Form:
    """A way of spelling an object of ``bucket``: what stands before the key."""
    draw = random.random()
    if draw < 0.3:
        host = random.choice(
            ("firebasestorage.googleapis.com",) * 4 + ("firebasestorage.googleapis.com:443",)
        )
        return f"https://{host}/v0/b/{bucket}/o/", "", _FIREBASE_QUERY, 0.8
    if draw < 0.6:
        host = "storage.googleapis.com" if random.random() < 0.7 else random.choice(_PATHS)
        scheme = random.choice(("https:", "https:", "https:", "http:", "HTTPS:", ""))
        if ":" in host:
            scheme = "https:"
        return f"{scheme}//{host}/{bucket}/", "/", _KNOWN + _UNKNOWN, 0.4
    if draw < 0.7:
        suffix = random.choice(("storage.googleapis.com", "commondatastorage.googleapis.com"))
        return f"https://{bucket}.{suffix}/", "/", _KNOWN + _UNKNOWN, 0.4
    if draw < 0.78:
        return random.choice((f"gs://{bucket}/", f"gs://{bucket}/", f"gcs://{bucket}/")), "", [], 0
    if draw < 0.84:
        return f"https://storage.cloud.google.com/{bucket}/", "/", [_KNOWN[0]], 0.2
    if draw < 0.9:
        return f"https://{random.choice(_APIS)}/storage/v1/b/{bucket}/o/", "", _KNOWN[:3], 0.5
    if draw < 0.95:
        host = random.choice(_APIS[:2])
        return f"https://{host}/download/storage/v1/b/{bucket}/o/", "", _KNOWN[1:3], 0.9
    return (
        f"https://0f1e-apidata.googleusercontent.com/download/storage/v1/b/{bucket}/o/",
        "",
        [],
        0,
    )


def _object(random: Random) -> Url:
    bucket = random.choice(BUCKETS)
    before, keep, queries, share = _form(random, bucket)
    literal = before[:1] == "g"
    key = _key(random, 0.1) if literal else _key(random)
    raw = ""
    if literal:
        spelled = key
        raw = "".join(
            character for character in key if character not in _UNRESERVED and character != "/"
        )
    else:
        if random.random() < 0.15:  # as a browser's encodeURI leaves it
            keep += "!$'()*,;:@&=+"
            raw = "".join(character for character in key if character in "!$'()*,;:@&=+")
        spelled = percent(key, keep, lower=random.random() < 0.1)
    text, new = before + spelled, new_url(bucket, key)
    tail, alphabet = Tail.KEY, ""
    if queries and random.random() < share:
        make, tail, alphabet = random.choice(queries)
        text += f"?{make(random)}"
    if not literal and random.random() < 0.06:
        fragment = random.choice(_FRAGMENTS)
        text, new, tail = f"{text}#{fragment}", f"{new}#{fragment}", Tail.FRAGMENT
    return Url(text, Fate.REWRITTEN, new, bucket, key, tail=tail, alphabet=alphabet, raw=raw)


def _stays(random: Random) -> Url:
    """One of ours that stays: its object is missing, or no rule takes its bucket."""
    url = _object(random)
    if random.random() < 0.5:
        return Url(
            url.text, Fate.REPORTED, "", url.bucket, url.key, False, url.tail, url.alphabet, url.raw
        )
    text = url.text.replace(url.bucket, "other-bucket")
    return Url(text, Fate.REPORTED, "", "", "", False, url.tail, url.alphabet, url.raw)


def _migrated(random: Random) -> Url:
    bucket, key = random.choice(BUCKETS), _key(random)
    return Url(new_url(bucket, key), Fate.MIGRATED, "", bucket, key)


_FOREIGN = [
    "https://example.test/x?y=1",
    "https://example.test",
    "http://photos.example.test/a.png",
    "https://cdn.test/img/a.png?w=300&h=200#top",
    "ftp://files.example.test/a.png",
    "s3://somewhere/a.png",
    "https://ru.example.test/страница",
    "mailto:ana@example.test",
    "www.example.test/a.png",
]
_LOOKALIKES = [
    "https://storage.googleapis.com.evil.test/acme-media/a.png",
    "https://notstorage.googleapis.com/acme-media/a.png",
    "https://storage-googleapis.com/acme-media/a.png",
    "https://user:pw@storage.googleapis.com/acme-media/a.png",
    "https://storage.googleapis.com:8080/acme-media/a.png",
]
_NO_OBJECTS = [
    "https://storage.googleapis.com/acme-media",
    "https://firebasestorage.googleapis.com/v0/b/acme-app.appspot.com/o",
    "https://console.cloud.google.com/storage/browser/acme-media",
    "https://storage.googleapis.com/upload/storage/v1/b/acme-media/o?uploadType=media",
    "https://storage.googleapis.com/${BUCKET}/a.png",
    "gs://acme-media",
    "https://www.googleapis.com/auth/devstorage.read_write",
]


_ODDITIES: list[Callable[[str], str]] = [
    lambda text: text.replace("://", ":/", 1),
    lambda text: text.replace("://", ":///", 1),
    lambda text: text.replace("://", ":\\\\", 1).replace("/", "\\"),
    lambda text: text.replace(":", "&#058;", 1),
    lambda text: text.replace(":", "&#x003A;", 1),
    lambda text: text.replace(":", "&amp;#58;", 1),
    lambda text: text.replace(":", "\\:", 1),
    lambda text: text.replace("://", "\\x3a\\x2f\\x2f", 1).replace("=", "\\x3d"),
    lambda text: text.replace("=", "\\075").replace("&", "\\046"),
    lambda text: text.replace("=", "\\=").replace("&", "\\&"),
    lambda text: text.replace("_", "\\_").replace("&", "\\&"),
    lambda text: text.replace(":", "%3A", 1),
    lambda text: text.replace("://", ":%2F%2F", 1),
    lambda text: text.replace("?", "%3F").replace("=", "%3D").replace("&", "%26"),
    lambda text: "".join(f"&#{ord(character)};" for character in text),
    lambda text: "".join(f"&#x{ord(character):x};" for character in text),
    lambda text: text.replace(".", "&#46;"),
    lambda text: text.replace(".", "%2E"),
    lambda text: text.replace("://", ":", 1),
    lambda text: text.partition("://")[2] or text,
    lambda text: text.replace("://", "://\u200b", 1),
    lambda text: text.replace("=", "=3D"),
    lambda text: text[:75] + "\r\n " + text[75:],
    lambda text: text.replace("h", "&#104;", 1),
    lambda text: text.replace("/", "\\u002f"),
    lambda text: text.replace("/", "&#47;"),
]


_SEEN_BY_SCANS = ("googleapis", "firebasestorage", ".google.com", "-apidata.google")


def _odd(random: Random) -> Url:
    """One of ours in a spelling that may be read or left, but not passed over."""
    while True:
        url = _object(random)
        text = random.choice(_ODDITIES)(url.text)
        # A scan looks for what no escaping hides; of a gs:// URL that is none little is left.
        if not url.is_literal and any(name in text.lower() for name in _SEEN_BY_SCANS):
            return replace(url, text=text, odd=True)


def make_url(random: Random) -> Url:
    """A URL of any kind; most are to be rewritten."""
    draw = random.random()
    if draw < 0.68:
        return _object(random)
    if draw < 0.74:
        return _odd(random)
    if draw < 0.80:
        return _stays(random)
    if draw < 0.86:
        return _migrated(random)
    if draw < 0.93:
        return Url(random.choice(_FOREIGN), Fate.FOREIGN)
    return Url(random.choice(_LOOKALIKES + _NO_OBJECTS), Fate.REPORTED)
