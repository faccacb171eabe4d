"""Patterns that name collections and fields: in a rules file's scope, and on the command line.

One star stands for one name and two for any number of them. A star is never a part of a name:
``users-*`` is refused, not guessed at.

>>> CollectionPattern("files").matches("users/ada/files")
True
>>> CollectionPattern("users/*/files").matches("users/ada/files")
True
>>> FieldPattern("files[].thumbnail").matches(("files", 2, "thumbnail"))
True
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from url_rewriter.documents import ValuePath, format_name
from url_rewriter.errors import ConfigurationError


class PatternError(ConfigurationError):
    """A pattern that cannot be read; the message says why, and not where it stands."""


@dataclass(frozen=True, slots=True)
class CollectionPattern:
    """Names collections. Raises PatternError for a text that names none.

    A name without a slash is a collection group: every collection of that name, at any depth. A
    path is one collection, with ``*`` for one segment and ``**`` for any number of them (none,
    too): ``users/**`` is ``users`` and every collection below it. Subcollections of a collection
    that matches do not match on its account.
    """

    text: str
    _regex: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_regex", _collection_regex(self.text))

    @property
    def group(self) -> str | None:
        """The name, where the pattern is one collection group; None for paths and wildcards."""
        return None if "/" in self.text or "*" in self.text else self.text

    @property
    def path(self) -> str | None:
        """The path, where the pattern is one collection, spelled out; otherwise None."""
        return self.text if "/" in self.text and "*" not in self.text else None

    @property
    def matches_everything(self) -> bool:
        """Whether no collection escapes the pattern."""
        segments = _segments(self.text)
        others = [segment for segment in segments if segment != "**"]
        return "**" in segments and others in ([], ["*"])

    def matches(self, collection_path: str) -> bool:
        """Whether the pattern names the collection at this path (``users/ada/files``)."""
        return self._regex.fullmatch(f"/{collection_path}") is not None


class _Wild(Enum):
    """Steps of a field pattern that are no name."""

    ONE_NAME = "*"
    ANY_DEPTH = "**"
    ELEMENT = "[]"


_Step: TypeAlias = str | _Wild

_SEGMENTS = {"*": "/[^/]+", "**": "(?:/[^/]+)*"}
_STEP = re.compile(
    r"""(?P<wild>\*\*?)(?!\*)
      | (?P<plain>[A-Za-z_][A-Za-z0-9_]*)
      | `(?P<quoted>(?:[^`\\]|\\.)+)`
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class FieldPattern:
    """Names fields, each with everything below it. Raises PatternError for a malformed text.

    Names are joined with dots: ``*`` is any one name, ``**`` any number of steps (none, too), and
    ``[]`` any element of the array before it. A name that is no plain identifier stands in
    backticks, as in every path this tool prints: ``content.`image-url` ``.
    """

    text: str
    _steps: tuple[_Step, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_steps", (*_field_steps(self.text), _Wild.ANY_DEPTH))

    @property
    def matches_everything(self) -> bool:
        """Whether no field escapes the pattern."""
        others = [step for step in self._steps if step is not _Wild.ANY_DEPTH]
        return others in ([], [_Wild.ONE_NAME])

    def matches(self, value_path: ValuePath) -> bool:
        """Whether the value at this path is in a field that the pattern names."""
        return _covers(self._steps, value_path)


def _segments(text: str) -> list[str]:
    # A bare name is short for "at any depth". A run of "**" means what one does, and is slow.
    path = text if "/" in text else f"**/{text}"
    return re.sub(r"\*\*(/\*\*)+(?=/|$)", "**", path).split("/")


def _collection_regex(text: str) -> re.Pattern[str]:
    """A regex for a collection path with a slash before it, so that ``**`` may match nothing."""
    segments = _segments(text)
    for segment in segments:
        if not segment:
            raise PatternError("a name is missing: no slash at either end, none doubled")
        if "*" in segment and segment not in _SEGMENTS:
            raise PatternError("a star stands for a whole name, not for a part of one")
    if len(segments) % 2 == 0 and "**" not in segments:
        raise PatternError("names documents; the path of a collection has 1, 3, 5... names")
    return re.compile("".join(_SEGMENTS.get(s, f"/{re.escape(s)}") for s in segments))


def _field_steps(text: str) -> Iterator[_Step]:
    at = 0
    while True:
        step = _STEP.match(text, at)
        if step is None:
            raise PatternError(_trouble(text, at))
        yield _step(step)
        at = step.end()
        while text.startswith("[]", at):
            yield _Wild.ELEMENT
            at += 2
        if at == len(text):
            return
        if text[at] != ".":
            raise PatternError(_trouble(text, step.start()))
        at += 1


def _step(match: re.Match[str]) -> _Step:
    if match["wild"]:
        return _Wild(match["wild"])
    return match["plain"] or re.sub(r"\\(.)", r"\1", match["quoted"], flags=re.DOTALL)


def _trouble(text: str, at: int) -> str:
    """Why no step, or no end of a step, can be read in what begins at ``at``."""
    chunk = re.match(r"[^.]*", text[at:], re.DOTALL)
    word = chunk[0] if chunk else ""
    if not word or word.startswith("[]"):
        return "a name is missing: none of it may be empty"
    if "`" in word:
        return "a name in backticks has no end, or has something behind it"
    if "*" in word:
        return "a star stands for a whole name, not for a part of one"
    if "[" in word or "]" in word:
        return "any element of an array is written [], as in files[].url"
    return f"a name like this one stands in backticks: {format_name(word)}"


def _takes(step: _Step, part: str | int) -> bool:
    match step:
        case _Wild.ONE_NAME:
            return isinstance(part, str)
        case _Wild.ELEMENT:
            return isinstance(part, int)
        case _:
            return step == part


def _covers(steps: Sequence[_Step], path: ValuePath) -> bool:
    """Match a whole path, returning to the last ``**`` on failure: at most steps times path."""
    at_step = at_path = 0
    retry_step, retry_path = -1, 0
    while at_path < len(path):
        if at_step < len(steps) and steps[at_step] is _Wild.ANY_DEPTH:
            retry_step, retry_path = at_step, at_path
            at_step += 1
        elif at_step < len(steps) and _takes(steps[at_step], path[at_path]):
            at_step += 1
            at_path += 1
        elif retry_step >= 0:
            retry_path += 1
            at_step, at_path = retry_step + 1, retry_path
        else:
            return False
    return all(step is _Wild.ANY_DEPTH for step in steps[at_step:])
