r"""Text for people: what came from a document made harmless, numbers with their nouns.

>>> spell_out("a\x1b[31mb\u202e")
'a\\x1b[31mb\\u202e'
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""Controls, direction marks, invisible characters, surrogates: what looks like nothing or lies."""


def spell_out(text: str) -> str:
    """Text with every control, direction mark and invisible character spelled out."""
    return _UNSAFE.sub(_spelled, text)


def _spelled(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def shorten(text: str, length: int) -> str:
    """At most ``length`` characters, saying how many there were.

    >>> shorten("abcdefgh", 3)
    'abc… (8 characters)'
    """
    return text if len(text) <= length else f"{text[:length]}… ({len(text):,} characters)"


def elide(text: str, length: int) -> str:
    """``text`` in at most ``length`` characters, its middle left out where it is longer.

    >>> elide("https://host/a/b/name.png", 15)
    'https:/…ame.png'
    """
    if len(text) <= length:
        return text
    head = length // 2
    return f"{text[:head]}…{text[len(text) - (length - head - 1) :]}"


def counted(count: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "URL"), counted(1200, "document")
    ('1 URL', '1,200 documents')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


_NOUN = re.compile(
    r"\b(URL|document|key|name|object|request|rule|scan|store|target|text|thing|write)s\b"
)
_VERBS = {"are": "is", "were": "was", "do": "does", "name": "names", "stand": "stands"}
_VERB = re.compile(rf"\b({'|'.join(_VERBS)})\b")


def agreed(count: int, says: str) -> str:
    """What is said of several things, in words that agree with how many there are.

    What follows a colon or a bracket is left as it is.

    >>> agreed(1, "URLs that a rule covers are still there"), agreed(2, "texts are unread")
    ('URL that a rule covers is still there', 'texts are unread')
    """
    head = re.split("[(:]", says, maxsplit=1)[0]
    noun = _NOUN.search(head)
    if count != 1 or noun is None:
        return says
    rest = _VERB.sub(lambda match: _VERBS[match[0]], head[noun.end() :], count=1)
    rest = rest.replace(" their ", " its ").replace(" ones ", " one ")
    return f"{head[: noun.start()]}{noun[1]}{rest}{says[len(head) :]}"


def spell_duration(length: timedelta) -> str:
    """A length of time as options take it, to the second.

    >>> spell_duration(timedelta(days=8)), spell_duration(timedelta(minutes=90))
    ('8d', '90m')
    """
    seconds = int(length.total_seconds())
    units = ((86_400, "d"), (3_600, "h"), (60, "m"))
    return next(
        (f"{seconds // size}{unit}" for size, unit in units if seconds and not seconds % size),
        f"{seconds}s",
    )


def sized(count: int) -> str:
    """A number of bytes, in the unit that people would use.

    >>> sized(1), sized(1536), sized(5 * 2**30)
    ('1 byte', '1.5 KiB', '5.0 GiB')
    """
    if count < 1024:
        return counted(count, "byte")
    size, unit = count / 1024, "KiB"
    for larger in ("MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:,.1f} {unit}"


def may_hold(text: str, needles: Sequence[str]) -> bool:
    """Whether ``text``, lower-cased, holds one of ``needles``; without needles any text may.

    >>> may_hold("GS://b/k", ("gs://",)), may_hold("plain", ("gs://",)), may_hold("plain", ())
    (True, False, True)
    """
    lowered = text.lower()
    for needle in needles:
        if needle in lowered:
            return True
    return not needles
