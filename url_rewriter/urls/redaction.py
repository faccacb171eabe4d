"""Redaction: texts as they may be printed, without what gives access.

What a parameter is called says little of its value: ``accessToken``, ``token[]`` and ``%74oken``
are credentials too. So every value is hidden but those of a short list of names, if they look as
such values do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from url_rewriter.text import may_hold

HIDDEN = "REDACTED"

_NUMBER = re.compile(r"[0-9][0-9.,x]{0,19}|")
_WORD = re.compile(r"(?=.{0,40}\Z)[A-Za-z0-9]+(?:[/._-][A-Za-z0-9]+)*|")
_NUMBERS = """
    generation metageneration ifgenerationmatch ifgenerationnotmatch ifmetagenerationmatch
    ifmetagenerationnotmatch authuser expires x-goog-expires x-amz-expires v w h t width height size
    page
"""
_WORDS = """
    prettyprint projection x-goog-algorithm x-goog-date x-goog-signedheaders x-amz-algorithm
    x-amz-date x-amz-signedheaders x-id response-content-type
"""
_HARMLESS = {
    **dict.fromkeys(_NUMBERS.split(), _NUMBER),
    **dict.fromkeys(_WORDS.split(), _WORD),
    "alt": re.compile("media|json|proto|"),
    "tab": re.compile("live_object|live|objects|"),
}
"""The parameters whose values are shown, and what such a value looks like."""

_PERCENT = r"%(?:25){0,6}"
# Backslashes may be escaped themselves, in JSON within JSON.
_ENTITY = r"(?P<entity>&(?:\#[0-9]{1,7}|\#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});)"
_SEPARATOR = (
    r"(?P<separator>[?&;\#]|\\{1,8}(?:u00(?:26|23|3[fFbB])|x(?:26|23|3[fFbB]))"
    rf"|{_PERCENT}(?:26|23|3[fFbB]))"
)
_EQUALS = rf"(?P<equals>=|\\{{1,8}}(?:u003[dD]|x3[dD])|{_PERCENT}3[dD])"
_STOP = (
    r"(?P<stop>[\s\"<>`]|\\{1,8}(?:[\"nrt]|u00(?:22|3[cCeE])|x(?:22|3[cCeE]))"
    rf"|{_PERCENT}(?:2[02]|3[cCeE]|0[9aAdD]))"
)
_OPENING = re.compile(f"{_ENTITY}|{_SEPARATOR}")
_TOKEN = re.compile("|".join((_ENTITY, _EQUALS, _STOP, _SEPARATOR)))
_URL_BEGINS = re.compile(
    r"(?:https?|gc?s)(?:(?::|\\{1,8}(?:u003a|x3a)|%(?:25){0,6}3a)(?:/|\\|%(?:25){0,6}2f){2})",
    re.IGNORECASE,
)
_CLOSERS = ")]}'.,;:!*"
_BARE = re.compile(r"[\w.~+/%-]{21,}", re.ASCII)
_BARE_PARAMETER = re.compile(r"[?&][\w.~+/%-]{21}", re.ASCII)
_USERINFO = re.compile(
    r"(?P<slashes>(?::|\\{1,8}u003a)(?:/|\\{1,8}/|\\{1,8}u002f){2})[^/?#\s\"'<>\\@]{1,300}(?=@)"
    r"|(?P<escaped>%(?:25){0,4}3a(?:%(?:25){0,4}2f){2})"
    r"(?:(?!%(?:25){0,4}(?:2f|3f|23|40))[^/?#\s\"'<>\\@&]){1,300}(?=%(?:25){0,4}40)",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"(?P<name>\b(?:bearer|basic)\s+|\b(?:authorization|x-goog-api-key|x-amz-security-token"
    r"|x-api-key|cookie)\s*:\s*(?:(?:bearer|basic)\s+)?)[\w.~+/=-]{8,}",
    re.IGNORECASE,
)

_SPELLED = ("=", "3d", "&#", "&equals;")
"""What is in every spelling of an equals sign, in lower case."""

_AT = ("@", "40")
"""What is in every spelling of an at sign."""

_HEADERS = ("bearer", "basic", "authorization", "-key", "-token", "cookie")


def redact(text: str) -> str:
    """``text`` with what gives access in its URLs, escaped ones too, replaced by ``REDACTED``.

    A value ends where text about the URL may go on: at a blank, at a quotation mark.

    >>> redact("see https://x:y@h/b/k?alt=media&accessToken=5e56&generation=95 there")
    'see https://REDACTED@h/b/k?alt=media&accessToken=REDACTED&generation=95 there'
    """
    return _redacted(text, whole=False)


def redact_url(url: str) -> str:
    """A text that is one URL, and nothing else, as it may be printed: blanks end no value in it.

    >>> redact_url("https://h/b/k?alt=media&token=5e56 a1)7")
    'https://h/b/k?alt=media&token=REDACTED'
    """
    return _redacted(url, whole=True)


def _redacted(text: str, *, whole: bool) -> str:
    # Most texts lack what every match holds, and to look for that is a hundred times cheaper.
    if may_hold(text, _SPELLED) or _BARE_PARAMETER.search(text):
        text = "".join(_without_values(text, whole))
    if may_hold(text, _AT):
        text = _USERINFO.sub(lambda match: f"{match['slashes'] or match['escaped']}{HIDDEN}", text)
    if may_hold(text, _HEADERS):
        text = _HEADER.sub(rf"\g<name>{HIDDEN}", text)
    return text


def _without_values(text: str, whole: bool) -> Iterator[str]:
    """The pieces of ``text``, with values hidden."""
    shown = 0
    for start, end in _Values(text, whole).spans():
        yield text[shown:start]
        yield HIDDEN
        shown = end
    yield text[shown:]


class _Values:
    """One pass over a text, for the spans of the values that are to be hidden.

    A separator, an equals sign and an end count by how often they are percent-encoded: the value of
    ``a=b%26c`` goes to the end, that of ``a%3Db%26c`` to ``%26``.
    """

    def __init__(self, text: str, whole: bool) -> None:
        self._text = text
        self._whole = whole
        self._name: int | None = None  # where the name of a parameter begins
        self._value: tuple[int, int, str] | None = None  # begin, depth and name of a value

    def spans(self) -> Iterator[tuple[int, int]]:
        """Where hidden values begin and end, in order."""
        for token in self._tokens():
            kind, depth = _kind(token), _depth(token[0])
            if kind == "equals":
                self._begin_value(token.start(), token.end(), depth)
                continue
            if kind == "other" or self._is_inside(depth):
                continue
            # An escaped blank may stand in a name, and ends only what is escaped as well.
            if kind == "stop" and (self._whole or (depth and not self._value)):
                continue
            yield from self._end(token.start(), cut=kind == "stop")
            self._name = token.end() if kind == "separator" else None
        yield from self._end(len(self._text), cut=True)

    def _tokens(self) -> Iterator[re.Match[str]]:
        """The marks, but for those outside of parameters."""
        position = 0
        while True:
            is_open = self._name is not None or self._value is not None
            token = (_TOKEN if is_open else _OPENING).search(self._text, position)
            if token is None:
                return
            position = token.end()
            yield token

    def _is_inside(self, depth: int) -> bool:
        """Whether what is escaped so often belongs to the value that is open."""
        return self._value is not None and depth > self._value[1]

    def _begin_value(self, start: int, end: int, depth: int) -> None:
        if self._value is not None or self._name is None or start == self._name:
            return
        if _URL_BEGINS.match(self._text, end):
            self._name = None  # the parameters of that URL are looked at one by one
        else:
            self._value = (end, depth, self._text[self._name : start])

    def _end(self, end: int, *, cut: bool) -> Iterator[tuple[int, int]]:
        """The span to hide where a value, or a name without one, ends at ``end``."""
        if cut and not self._whole:
            begin = self._value[0] if self._value else (self._name or 0)
            end = begin + len(self._text[begin:end].rstrip(_CLOSERS))
        if self._value is not None:
            begin, _, name = self._value
            if begin < end and not _is_harmless(name, self._text[begin:end]):
                yield begin, end
        elif self._name is not None and self._is_bare(self._name, end):
            yield self._name, end
        self._value = self._name = None

    def _is_bare(self, begin: int, end: int) -> bool:
        """Whether a parameter without a name is long enough to be a secret; a fragment is none."""
        return self._text[begin - 1] in "?&" and bool(_BARE.fullmatch(self._text, begin, end))


def _is_harmless(name: str, value: str) -> bool:
    pattern = _HARMLESS.get(name.lower())
    return pattern is not None and pattern.fullmatch(value) is not None


def _kind(token: re.Match[str]) -> str:
    """What a mark does; an entity does what its character does."""
    if token.lastgroup != "entity":
        return token.lastgroup or "other"
    match unescape(token[0]):
        case "=":
            return "equals"
        case "?" | "&" | "#" | ";":
            return "separator"
        case '"' | "<" | ">" | "\n" | "\t" | " ":
            return "stop"
    return "other"


def _depth(token: str) -> int:
    """How often a mark is percent-encoded."""
    return token.count("25") + 1 if token[0] == "%" else 0
