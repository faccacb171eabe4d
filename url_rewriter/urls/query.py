"""The strict grammar of a query: what may be dropped with a URL, and where the text goes on.

A query is ``name=value`` pairs. The values of parameters that Cloud Storage knows have known
alphabets; those of others are unreserved characters. The first character that can be in neither
ends the query: nothing behind it is ever dropped.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from url_rewriter.urls.parameters import parameter_class


class Outer(StrEnum):
    """What a URL stands in, unescaped, which decides whose parameters follow it."""

    NOTHING = "nothing"
    # In the path of another URL: unknown parameters are that URL's.
    PATH = "path"
    # In the query of another URL, or of an address like `mailto:`: `&` begins that one's next
    # parameter, and `%20` is that one's blank.
    QUERY = "query"
    # In the query of another URL, escaped for it: `+` is a blank.
    FORM = "form"


# A letter or a digit; in between, what joins words and numbers, and never a separator at the end.
_WORD = r"[A-Za-z0-9]+"
UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_HEX = r"[0-9a-fA-F]+(?:-[0-9a-fA-F]+)*(?![A-Za-z0-9_])"
_NAMES = rf"{_WORD}(?:[_-]{_WORD})*"
_DIGITS = r"[0-9]+"
_BASE64 = r"(?:[A-Za-z0-9/_-]|\+(?=[A-Za-z0-9/+]{8})|%2[bBfF])+(?:=|%3[dD]){0,2}"
_ACCOUNT = r"(?:[A-Za-z0-9_/+-]|\.(?=[a-z])|@(?=[a-z])|%40|%2[fF])+"
_HEADERS = rf"{_NAMES}(?:(?:;|%3[bB]|%2[fF]){_NAMES})*"
_JWT = r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*"

_ALPHABETS = tuple(
    (re.compile(names), re.compile(value))
    for names, value in (
        (r"token|downloadtokens?", rf"{UUID}|{_HEX}|{_NAMES}"),
        (r"alt", r"(?:media|json|proto)(?![A-Za-z0-9])|[A-Za-z0-9]+"),
        (r"(?:meta)?generation|expires|x-\w+-expires|authuser|if\w+match", _DIGITS),
        (r"x-\w+-signature", rf"[0-9a-fA-F]+(?![A-Za-z0-9])|{_WORD}"),
        (r"signature", _BASE64),
        (r"x-\w+-credential|googleaccessid", _ACCOUNT),
        (r"x-\w+-signedheaders", _HEADERS),
        (r"x-\w+-(?:date|algorithm)|awsaccesskeyid|userproject|prettyprint", _NAMES),
        (r"access_token|oauth_token|id_token|auth|x-\w+-security-token", rf"{_BASE64}|{_JWT}"),
    )
)
# A dot joins digits (`1.2`) and lower-case words (`a.png`), never a sentence (`3.See`); a time
# has colons; what an opened bracket holds belongs to it.
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:\.[0-9]+)?"
_JOINT = r"(?<=[0-9])\.(?=[0-9])|(?<=[a-z])\.(?=[a-z])|\.(?=[_~%-])"
_ESCAPE = r"%[0-9a-fA-F]{2}"
_ANY = re.compile(
    rf"(?:{_TIME}|{_JOINT}|{_ESCAPE}|[A-Za-z0-9_~/+$=-])*(?:\([A-Za-z0-9_+~%-]*\)[A-Za-z0-9_()+~%-]*)?"
)
# What a URL that stands unescaped in a query shares with that query: blanks and line ends.
_SHARED = re.compile(rf"(?:{_TIME}|{_JOINT}|%(?!20|09|0[aAdD])[0-9a-fA-F]{{2}}|[A-Za-z0-9_~/$=-])*")
_FORM = re.compile(rf"(?:{_TIME}|{_JOINT}|{_ESCAPE}|[A-Za-z0-9_~/$=-])*")
_NAME = re.compile(rf"([A-Za-z_$](?:[\w.$~\[\]-]|{_ESCAPE})*)=", re.ASCII)
_KNOWN = re.compile(r"[?&](?:alt|token|generation|expires|x-goog-[\w-]+)=", re.IGNORECASE)
_BARE = re.compile(r"[A-Za-z0-9_]+(?=[&#>\"']|\Z)")
_SCHEME = re.compile(r"gc?s\Z", re.IGNORECASE)
_GLUE = "-._~/+$"


def end_of_query(text: str, mark: int, limit: int, outer: Outer, *, closed: bool) -> int:
    """Where the query ends whose ``?`` is at ``mark``; ``mark`` itself where none is.

    It never reaches beyond ``limit``. ``closed``: what stands at ``limit`` is no text that could
    go on, so that a name without a value may be the last parameter.

    >>> text = "?alt=media&token=0f-1,active"
    >>> text[: end_of_query(text, 0, len(text), Outer.NOTHING, closed=True)]
    '?alt=media&token=0f-1'
    """
    end, at, known = mark, mark + 1, False
    while at <= limit:
        past = _end_of_parameter(text, at, limit, outer, first=at == mark + 1)
        if past is None and not known:
            past = _end_of_bare(text, at, limit, outer, closed=closed)
        if past is None:
            break
        end, known = past, known or _KNOWN.match(text, at - 1, past) is not None
        if past >= limit or text[past] != "&":
            break
        at = past + 1
    # What a URL in the path of another leaves to that one's parameters needs a `?` before it.
    if outer is Outer.PATH and end > mark and text.startswith("&", end) and end < limit:
        name = _NAME.match(text, end + 1, limit)
        return end + 1 if name else end
    return end


def _end_of_parameter(text: str, at: int, limit: int, outer: Outer, *, first: bool) -> int | None:
    named = _NAME.match(text, at, limit)
    if named is None:
        return None
    name = named[1].lower()
    known = parameter_class(name) is not None
    if not known and (outer is Outer.PATH or (outer is Outer.QUERY and not first)):
        return None
    value = _value(name, known, outer).match(text, named.end(), limit)
    end = value.end() if value else named.end()
    if text.startswith("://", end) and (scheme := _SCHEME.search(text, named.end(), end)):
        end = scheme.start()
    return _without_glue(text, named.end(), end)


@lru_cache(maxsize=1024)
def _value(name: str, known: bool, outer: Outer) -> re.Pattern[str]:
    if known:
        for names, pattern in _ALPHABETS:
            if names.fullmatch(name):
                return pattern
    if outer is Outer.FORM:
        return _FORM
    return _SHARED if outer is Outer.QUERY else _ANY


def _without_glue(text: str, start: int, end: int) -> int:
    while end > start and text[end - 1] in _GLUE:
        end -= 1
    return end


def _end_of_bare(text: str, at: int, limit: int, outer: Outer, *, closed: bool) -> int | None:
    """The end of a name without a value, as cache-busters are; a word of a sentence is none."""
    if outer not in (Outer.NOTHING, Outer.FORM):
        return None
    bare = _BARE.match(text, at)
    if bare is None or bare.end() > limit:
        return None
    return bare.end() if closed or bare.end() < len(text) else None
