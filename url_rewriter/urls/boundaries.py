"""Where a URL in a text begins and ends.

The characters that end one, the punctuation that belongs to the sentence around it (GitHub Flavored
Markdown 6.9, linkify-it), and whether the blanks behind it are its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from url_rewriter.urls.parameters import parameter_class

# `:` and `/`, as the escapings spell them. Counts are bounded to keep hostile text linear.
_COLON = r"(?::|%(?:25){0,4}3[aA]|\\{1,8}u003[aA]|&\#(?:58|[xX]3[aA]);|&colon;)"
_SLASH = r"(?:/|\\{1,8}(?:/|u002[fF])|%(?:25){0,4}2[fF]|&\#(?:47|[xX]2[fF]);|&sol;)"
_SLASH_TAIL = (
    r"(?:(?<=/)|(?<=\\)\\{0,7}(?:/|u002[fF])|(?<=%)(?:25){0,4}2[fF]"
    r"|(?<=&)(?:\#47;|\#[xX]2[fF];|sol;))"
)

ANCHOR = re.compile(
    # One set of first characters: the regex engine skips to them quickly.
    r"[hHgG/\\%&](?:"
    rf"(?<=[hH])[tT]{{2}}[pP][sS]?{_COLON}{_SLASH}{_SLASH}"
    rf"|(?<=[gG])[cC]?[sS]{_COLON}{_SLASH}{_SLASH}"
    rf"|{_SLASH_TAIL}{_SLASH}(?=[A-Za-z0-9])"
    r")"
)
"""The beginning of a URL in any escaping: a scheme with its slashes, or two slashes and a host."""

_SCHEME_AHEAD = r"(?:[hH][tT]{2}[pP][sS]?:|[gG][cC]?[sS]:(?:\\?/){2}|//[A-Za-z0-9])"

# Blanks and controls, what no URL may hold, quotation marks, CJK punctuation, invisible marks.
# U+200C and U+200D, which words are spelled with, are not among them.
STOPS = (
    r"\s\x00-\x1f\x7f-\x9f\"<>`^|\u2018-\u201f\u2039\u203a\u00ab\u00bb\u200b\u200e\u200f\u2060\ufeff"
    r"\u3000-\u3003\u3008-\u3011\u3014-\u301b\uff01\uff08\uff09\uff0c\uff0e\uff1a\uff1b\uff1f"
    r"\uff3b\uff3d\uff5b-\uff65"
)
RUN = re.compile(
    rf"(?:[^{STOPS}\\,;]++|\\{{1,8}}(?:/|u[0-9a-fA-F]{{4}})|\\[_*~]|[,;](?!{_SCHEME_AHEAD}))*+"
)
"""What may belong to a URL, from its anchor on, in a text without escapings or in several."""

PERCENT_RUN = re.compile(r"[A-Za-z0-9%._~!*'()+-]*+")
"""A URL that is percent-encoded as a whole, as it stands in a query or a path."""

JSON_ESCAPE = re.compile(r"\\(?:\\{0,7}/|\\{0,7}u[0-9a-fA-F]{4})")
ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
SECOND_URL = re.compile(rf"[\s,;|](?={_SCHEME_AHEAD})")

_SCHEME_CHARACTER = re.compile(r"[A-Za-z0-9+.-]")
_SCHEME_BEFORE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*\Z")
_ESCAPE_BEFORE = re.compile(r"(?:\\[nrtbf]|\\u[0-9a-fA-F]{4}|%[0-9a-fA-F]{2})\Z")
_OPENS_RELATIVE = re.compile(
    r"(?:\A|[\s\"'`(\[{<>=,;|\u2018\u201c]|%(?:25)*(?:3[dD]|2[27])|&quot;)\Z"
)


def begins_cleanly(text: str, start: int, relative: bool) -> bool:
    """Whether the anchor at ``start`` is not the tail of another word, scheme or path.

    ``logs://``, ``x-gs://``, ``evil-https://`` are other schemes; ``ftp://host`` and
    ``https://a//host`` hold no protocol-relative URL.
    """
    if start == 0:
        return True
    before = text[max(0, start - 12) : start]
    if relative:
        return _OPENS_RELATIVE.search(before) is not None
    if not _SCHEME_CHARACTER.match(before[-1]) or _ESCAPE_BEFORE.search(before):
        return True
    return _SCHEME_BEFORE.search(before) is None


# The extensions of files that people store; a name with another one is still a name.
_EXTENSION = (
    r"\.(?:jpe?g|png|gif|webp|svg|bmp|tiff?|ico|heic|heif|avif|psd|mp[34]|m4[av]|mov|avi|mkv|webm|wav"
    r"|ogg|opus|flac|aac|3gp|pdf|docx?|xlsx?|pptx?|odt|ods|txt|md|csv|tsv|json|jsonl|xml|ya?ml|html?"
    r"|css|js|ts|zip|gz|tgz|bz2|xz|7z|rar|tar|iso|dmg|exe|apk|ipa|parquet|avro|bin|dat|log|sql|ics"
    r"|eot|ttf|otf|woff2?|srt|vtt|epub|glb|gltf|usdz|stl|obj|kml|kmz|gpx|geojson|tif|part)"
)
EXTENSION = re.compile(rf"{_EXTENSION}\Z", re.IGNORECASE)
_ATTRIBUTED = re.compile(rf"{_EXTENSION}(?=\[)", re.IGNORECASE)
_GLUED = re.compile(rf"{_EXTENSION}(?=([^\x00-\x7f]))", re.IGNORECASE)

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
    return _without_punctuation(run, end)


def _closing(run: str, opener: str, closer: str) -> int:
    """Where ``closer`` closes an ``opener`` that stands before ``run``, or -1."""
    depth = 0
    for match in re.finditer(rf"[{re.escape(opener + closer)}]", run):
        depth += 1 if match[0] == opener else -1
        if depth < 0:
            return match.start()
    return -1


def _without_punctuation(run: str, end: int) -> int:
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


@dataclass(frozen=True, slots=True)
class End:
    """A place where a URL may end, and how that differs from the likeliest."""

    at: int
    why: str = ""


_QUOTED_TITLE = re.compile(r"\s+(?:\"[^\"]*\"|'[^']*')\s*\Z")
_DESCRIPTOR = re.compile(r"\s+[0-9]+(?:\.[0-9]+)?[wxh]\s*(?:,|\Z)")
_SENTENCE_END = re.compile(r"[.,;:!?]\s")
_PROSE = re.compile(
    r"\b(?:is|are|was|were|the|this|that|here|and|or|for|see|please|has|have|will|to|from|by|as|it|not"
    r"|you|your|end|now|wow)\b|[.,;:!?](?:\s|\Z)",
    re.IGNORECASE,
)
_BREAK = re.compile(rf"[{STOPS}]")
_INNER_PUNCTUATION = re.compile(r"[,;)\]}&]")
_LONGEST_PUNCTUATION = 4
_SPACED_WORD = r" [^\s\"<>/:%&\\]"
_SPACED_FILE = re.compile(
    rf"(?:{_SPACED_WORD}{{1,60}}){{0,4}}?{_SPACED_WORD}{{0,60}}?{_EXTENSION}(?!\w)", re.IGNORECASE
)
_PARAMETER_NAME = re.compile(r"[?&]([^&=]*)")
_PARAMETERS = re.compile(r"\?(?:alt|token|generation|GoogleAccessId|X-Goog-\w+|X-Amz-\w+)=", re.I)


def other_ends(text: str, start: int, end: int, run_end: int) -> Iterator[End]:
    """Where else a URL may end that begins at ``start``, and most likely ends at ``end``."""
    if 0 < run_end - end <= _LONGEST_PUNCTUATION:
        yield End(run_end, "the punctuation behind it belongs to the key")
    query = text.find("?", start, end)
    if cut := _INNER_PUNCTUATION.search(text, start, end if query < 0 else query):
        yield End(cut.start(), "the URL ends at the punctuation")
    if cut := _GLUED.search(text, start, end):
        yield End(cut.start(1), "the URL ends at its extension")
    if EXTENSION.search(text[start:end]) is None and (spaced := _SPACED_FILE.match(text, end)):
        yield End(spaced.end(), "blanks belong to the key")


def end_of_parameter(text: str, start: int, end: int) -> int:
    """Where a URL ends that stands unescaped in a foreign URL's query.

    The parameters behind it are its own as long as they are ones that Cloud Storage knows.
    """
    mark = text.find("?", start, end)
    if mark < 0:
        ampersand = text.find("&", start, end)
        return end if ampersand < 0 else ampersand
    for match in _PARAMETER_NAME.finditer(text, mark, end):
        if match[0][0] == "&" and parameter_class(match[1].lower()) is None:
            return match.start()
    return end


def is_one(value: str) -> bool:
    """Whether ``value``, which begins with a URL, is likely that URL with all that follows.

    Writers that do not escape make ``.../my file.png``; people write ``.../file.png is here``, in
    Chinese without a blank.

    >>> is_one("gs://b/my file.png"), is_one("gs://b/file.png is here")
    (True, False)
    """
    blank = _BREAK.search(value)
    if blank is None:
        return True
    first, rest = value[: blank.start()], value[blank.start() :]
    if (
        _DESCRIPTOR.match(rest)
        or _QUOTED_TITLE.search(rest)
        or _SENTENCE_END.match(value, blank.start() - 1)
    ):
        return False
    if _PARAMETERS.search(rest):
        return True
    if EXTENSION.search(first):
        return False
    path = re.split(r"[?#]", value, maxsplit=1)[0] if "?" in rest or "#" in rest else value
    if EXTENSION.search(path.rstrip()):
        return True
    return len(rest.split()) <= 4 and _PROSE.search(rest) is None
