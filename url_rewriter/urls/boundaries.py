"""Where a URL in a text begins and ends.

The characters that end one, the punctuation that belongs to the sentence around it (GitHub Flavored
Markdown 6.9, linkify-it), and whether the blanks behind it are its own.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import unescape
from typing import NamedTuple


# Counts are bounded to keep hostile text linear.
def _spelled(character: str) -> tuple[tuple[str, str], ...]:
    """The escapes of a character: the first character of each, and a pattern of the rest of it."""
    code = ord(character)
    name = {":": "|colon", "/": "|sol"}.get(character, "")
    hexadecimal, octal = f"{code:02x}", f"{code:03o}"
    if hexadecimal[1].isalpha():
        hexadecimal = f"{hexadecimal[0]}[{hexadecimal[1]}{hexadecimal[1].upper()}]"
    # A slash that JSON escapes within a percent-encoded document has an escaped backslash.
    backslash = r"(?:(?:25){0,4}5[cC]%){0,2}" if character == "/" else ""
    return (
        ("%", rf"{backslash}(?:25){{0,4}}{hexadecimal}"),
        ("\\", rf"\\{{0,7}}(?:u00{hexadecimal}|x{hexadecimal}|{octal})"),
        (
            "&",
            rf"(?:amp;){{0,2}}(?:\#(?:0{{0,4}}{code}|[xX]0{{0,4}}{hexadecimal}){name});",
        ),
    )


def _any_spelling(character: str) -> str:
    """A pattern of one character, which is a letter in any case, in any escaping."""
    cases = dict.fromkeys((character, character.upper()))
    escapes = (re.escape(first) + rest for case in cases for first, rest in _spelled(case))
    raw = "".join(cases)
    extra = rf"|\\{{1,8}}{character}" if character in ":/" else ""
    return rf"(?:[{raw}]|{'|'.join(escapes)}{extra})"


def _begun(character: str) -> str:
    """The escapes of a character, behind the first character of each."""
    cases = dict.fromkeys((character, character.upper()))
    escapes = [
        rf"(?<={re.escape(first)}){rest}" for case in cases for first, rest in _spelled(case)
    ]
    if character in ":/":
        escapes.append(rf"(?<=\\)\\{{0,7}}{character}")
    return rf"(?:{'|'.join(escapes)})"


_COLON, _SLASH = _any_spelling(":"), _any_spelling("/")
_T, _P, _S, _C = map(_any_spelling, "tpsc")
_HTTP = rf"{_T}{_T}{_P}{_S}?{_COLON}{_SLASH}{_SLASH}"
_GS = rf"{_C}?{_S}{_COLON}{_SLASH}{_SLASH}"
_S3 = rf"{_any_spelling('3')}{_COLON}{_SLASH}{_SLASH}"
_HOST = rf"{_SLASH}(?=[A-Za-z0-9])"


def _anchor(*, s3: bool) -> re.Pattern[str]:
    first, begun, scheme = "hHgG", f"{_begun('h')}{_HTTP}|{_begun('g')}{_GS}", ""
    if s3:
        first, begun = "hHgGsS", f"{begun}|{_begun('s')}{_S3}"
        scheme = rf"|(?<=[sS])(?=[3\\%&]){_S3}"
    return re.compile(
        # One set of first characters, which the regex engine skips to quickly, and for each of them
        # a look at the next one, which nearly always is another.
        rf"[{first}/\\%&](?:(?<=[hH])(?=[tT\\%&]){_HTTP}|(?<=[gG])(?=[cCsS\\%&]){_GS}{scheme}"
        rf"|(?<=/)(?=[/\\%&]){_HOST}|(?<=[\\%&])(?:{begun}|{_begun('/')}{_HOST}))"
    )


_SCHEME_AHEAD = r"[hH][tT]{2}[pP][sS]?:|[gG][cC]?[sS]:(?:\\?/){2}|//[A-Za-z0-9]"
_S3_AHEAD = r"[sS]3:(?:\\?/){2}"

# Blanks and controls, what no URL may hold, quotation marks, CJK punctuation, invisible marks.
# U+200C and U+200D, which words are spelled with, are not among them.
STOPS = (
    r"\s\x00-\x1f\x7f-\x9f\"<>`^|\u2018-\u201f\u2039\u203a\u00ab\u00bb\u200b\u200e\u200f\u202a-\u202e"
    r"\u2060\u2066-\u2069\ufeff"
    r"\u3000-\u3003\u3008-\u3011\u3014-\u301b\uff01\uff08\uff09\uff0c\uff0e\uff1a\uff1b\uff1f"
    r"\uff3b\uff3d\uff5b-\uff65"
)
_ESCAPED = r"\\{1,8}(?:/|[uU][0-9a-fA-F]{4}|x[0-9a-fA-F]{2})|\\[0-3][0-7]{2}|\\[_*~=&:%#?.,;@+$-]"
_ENTITY = r"&(?:(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)?"


def _run(ahead: str) -> re.Pattern[str]:
    return re.compile(rf"(?:[^{STOPS}\\,;&]++|{_ENTITY}|{_ESCAPED}|[,;](?!{ahead}))*+")


_ENCODED = r"(?:(?:%(?:25)*5[cC])?%(?:25)*2[fF])"
_OUR_HOST = (
    r"(?i:(?:[\w-]{1,63}\.){0,8}(?:[\w-]{0,63}storage[\w-]{0,63}(?:\.mtls|\.[\w-]{1,63}\.rep)?\.googleapis|storage\.cloud\.google"
    r"|[\w-]{1,63}-apidata\.googleusercontent|www\.googleapis|firebasestorage)\.)"
)


def _second(our_host: str) -> str:
    return (
        r"(?:(?<=/)/(?=[\w-])"
        rf"{our_host}"
        r"|(?<=[hH])(?=[tT])[tT]{2}[pP][sS]?"
        rf"(?::(?://|(?:/{{1,3}}|\\{{1,2}}|{_ENCODED}{{2}}){our_host})|%(?:25)*3[aA](?://|{_ENCODED}{{2}}){our_host})"
        r"|(?<=[gG])(?=[cCsS])(?:(?<![A-Za-z][gG])|(?<=%[0-9a-fA-F]{2}[gG]))[cC]?[sS]"
        rf"(?:://|%(?:25)*3[aA]{_ENCODED}{{2}})"
    )


_SECOND_S3 = (
    r"|(?<=[sS])(?=3)(?:(?<![A-Za-z0-9][sS])|(?<=%[0-9a-fA-F]{2}[sS]))3"
    rf"(?:://|%(?:25)*3[aA]{_ENCODED}{{2}})"
)


class Marks(NamedTuple):
    """What shows where URLs begin.

    ``anchor`` is the beginning of one in any escaping: a scheme with its slashes, or two slashes
    and a host. ``run`` is what may belong to it, behind its anchor, in a text without escapings or
    in several. ``second`` is another URL within a run of characters: a scheme, or a host of ours in
    another spelling.
    """

    anchor: re.Pattern[str]
    run: re.Pattern[str]
    second: re.Pattern[str]


MARKS = Marks(
    _anchor(s3=False), _run(f"(?:{_SCHEME_AHEAD})"), re.compile(f"[hHgG/]{_second(_OUR_HOST)})")
)


@lru_cache(maxsize=16)
def marks_with_s3(hosts: tuple[str, ...]) -> Marks:
    """The marks where ``s3://`` is a scheme too, and ``hosts``, or what ends with one, are ours."""
    theirs = "|".join(re.escape(host.partition(":")[0]) for host in hosts)
    our_host = rf"(?:{_OUR_HOST}|(?i:(?:[\w-]{{1,63}}\.){{0,8}}(?:{theirs})))"
    return Marks(
        _anchor(s3=True),
        _run(f"(?:{_SCHEME_AHEAD}|{_S3_AHEAD})"),
        re.compile(f"[hHgGsS/]{_second(our_host)}{_SECOND_S3})"),
    )


PERCENT_RUN = re.compile(r"[A-Za-z0-9%._~!*'()+-]*+")
"""A URL that is percent-encoded as a whole, as it stands in a query or a path."""
HALF_RUN = re.compile(r"[A-Za-z0-9%._~!*'()+/-]*+")
"""One whose slashes are not escaped."""

JSON_ESCAPE = re.compile(r"\\{1,8}(?:/|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2})|(?<!\\)\\[0-3][0-7]{2}")
ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

# A word goes on with `gs://` behind it; a word, a scheme and a path with two slashes.
_WORD = re.compile(r"[A-Za-z-]\Z")
_WORD_OR_PATH = re.compile(r"[A-Za-z0-9_:/\\.%]\Z")
_ESCAPE_BEFORE = re.compile(
    r"(?:(?P<blank>(?:\\|%(?:25){0,4}5[cC])[nrtbf])|(?:\\u00|\\x|%(?:25){0,4})(?P<hex>[0-9a-fA-F]{2})"
    r"|(?P<other>\\u[0-9a-fA-F]{4})|(?P<entity>&\#?[A-Za-z0-9]{1,8};))\Z"
)


def begins_cleanly(text: str, start: int, relative: bool) -> bool:
    """Whether the anchor at ``start`` is not the tail of another word, scheme or path.

    ``http://`` may stand behind anything (``this.https://``), for no other scheme ends in it.
    ``logs://`` and ``x-gs://`` are other schemes; ``ftp://host`` and ``https://a//host`` hold no
    protocol-relative URL.
    """
    if start == 0 or (not relative and text[start] in "hH"):
        return True
    before = _character_before(text, start)
    if not relative:
        return _WORD.search(before) is None
    in_path = before == "/" and text[start] == "%"
    return in_path or _WORD_OR_PATH.search(before) is None


def _character_before(text: str, start: int) -> str:
    """What stands before ``start``, without the escaping that it may have."""
    escape = _ESCAPE_BEFORE.search(text, max(0, start - 14), start)
    if escape is None:
        return text[start - 1]
    if escape["hex"]:
        return chr(int(escape["hex"], 16))
    return unescape(escape["entity"]) if escape["entity"] else " "


# The extensions of files that people store; a name with another one is still a name.
EXTENSION_PATTERN = (
    r"\.(?:jpe?g|png|gif|webp|svg|bmp|tiff?|ico|heic|heif|avif|psd|mp[34]|m4[av]|mov|avi|mkv|webm|wav"
    r"|ogg|opus|flac|aac|3gp|pdf|docx?|xlsx?|pptx?|odt|ods|txt|md|csv|tsv|jsonl?|xml|ya?ml|html?"
    r"|css|js|ts|zip|gz|tgz|bz2|xz|7z|rar|tar|iso|dmg|exe|apk|ipa|parquet|avro|bin|dat|log|sql|ics"
    r"|eot|ttf|otf|woff2?|srt|vtt|epub|glb|gltf|usdz|stl|obj|kml|kmz|gpx|geojson|tif|part)"
)
EXTENSION = re.compile(rf"{EXTENSION_PATTERN}\Z", re.IGNORECASE)
EXTENDED_PATTERN = rf"(?i:{EXTENSION_PATTERN})(?=[+=~$@]|[._-]+(?:(?![\w%/.-])|(?i:https?|gc?s):))"
EXTENDED = re.compile(EXTENDED_PATTERN)
"""An extension behind which the URL may end. ``.lost`` and ``-2`` are the rest of another name:
to take them for text would call a URL rewritten whose object is missing."""
_ATTRIBUTED = re.compile(rf"{EXTENSION_PATTERN}(?=\[)", re.IGNORECASE)

_CLOSER = {"(": ")", "[": "]", "{": "}"}
_BBCODE_END = re.compile(r"\[/[A-Za-z]+\]")
_TRAILING_ENTITY = re.compile(r"&[A-Za-z0-9]+;\Z")
_SENTENCE = ".,:;!?'*\u2026"


def trimmed(run: str, before: str) -> int:
    """The length of ``run`` without what belongs to the text around it.

    ``before`` is the character that stands before the run.
    """
    end = len(run)
    if match := _BBCODE_END.search(run):
        end = match.start()
    if match := _ATTRIBUTED.search(run):
        end = min(end, match.end())
    if (closer := _CLOSER.get(before)) and (closed := _closing(run[:end], before, closer)) >= 0:
        end = closed
    if before in ("_", "~") and run.endswith(before, 0, end):
        end -= len(run[:end]) - len(run[:end].rstrip(before))
    return without_punctuation(run, end)


def _closing(run: str, opener: str, closer: str) -> int:
    """Where ``closer`` closes an ``opener`` that stands before ``run``, or -1."""
    depth = 0
    for match in re.finditer(rf"[{re.escape(opener + closer)}]", run):
        depth += 1 if match[0] == opener else -1
        if depth < 0:
            return match.start()
    return -1


def without_punctuation(run: str, end: int) -> int:
    """``end`` without the punctuation of a sentence and brackets that ``run`` does not open."""
    unopened = {
        closer: run.count(closer, 0, end) - run.count(opener, 0, end)
        for opener, closer in _CLOSER.items()
    }
    while end:
        last = run[end - 1]
        if last == ";" and (match := _TRAILING_ENTITY.search(run[max(0, end - 34) : end])):
            end -= len(match[0])
        elif last in _SENTENCE:
            end -= 1
        elif unopened.get(last, 0) > 0:
            unopened[last] -= 1
            end -= 1
        else:
            break
    return end
