"""A file of JSON objects, read one at a time: as one array, or one after the other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from url_rewriter.errors import ConfigurationError

_CHUNK = 1 << 20
_LONGEST = 1 << 24  # characters of one object: more is no listing
_SPACE = " \t\r\n"
_SURROGATE = re.compile("[\ud800-\udfff]")
_NUMBER = re.compile(r"[0-9]{1,19}")
_LARGEST = 2**63 - 1  # for Google's API and for SQLite


@dataclass(frozen=True, slots=True)
class JsonRow:
    """One object of a file, as it is written there too, and the line that it begins in."""

    members: dict[str, Any]
    source: str
    path: Path
    line: int

    def trouble(self, what: str) -> ConfigurationError:
        """What is wrong with this row, with its place."""
        return ConfigurationError(f"{self.path}:{self.line}: {what}.")

    def text(self, members: Mapping[str, Any], name: str) -> str:
        """A member that must be a text, in valid Unicode."""
        value = members.get(name)
        if not isinstance(value, str) or not value or _SURROGATE.search(value):
            raise self.trouble(f"{name} must be a text, not {value!r:.80}")
        return value

    def required_number(self, members: Mapping[str, Any], name: str) -> int:
        """A member that must be a whole number."""
        found = number(members.get(name))
        if found is None:
            raise self.trouble(f"{name} must be a whole number, not {members.get(name)!r:.80}")
        return found


def number(value: object) -> int | None:
    """A whole number, which may be written as a text; None for anything else.

    >>> number("17"), number(17), number(-1), number(None)
    (17, 17, None, None)
    """
    text = str(value)
    return int(text) if _NUMBER.fullmatch(text) and int(text) <= _LARGEST else None


def read_rows(path: Path) -> Iterator[JsonRow]:
    """The objects of a file. Memory holds one of them and a chunk of the file at a time.

    Raises ConfigurationError, with the place, for a file that cannot be read or holds anything
    else, and for one that ends too early.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _Reader(path, file).rows()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path}: not UTF-8 ({error.reason}); in PowerShell, write it with "
            "`| Out-File -Encoding utf8`."
        ) from error


class _Reader:
    """Takes values off the front of a buffer that is filled as it runs empty."""

    def __init__(self, path: Path, file: TextIO) -> None:
        self._path = path
        self._file = file
        self._buffer = ""
        self._at = 0
        self._line = 1
        self._ended = False
        self._decode = json.JSONDecoder().raw_decode

    def rows(self) -> Iterator[JsonRow]:
        in_array = self._next() == "["
        if in_array:
            self._skip()
        first = True
        while (char := self._next()) not in ("", "]"):
            if in_array and not first:
                if char != ",":
                    raise self._trouble(f"a comma or ] is missing before {char!r}")
                self._skip()
                char = self._next()
            first = False
            if char != "{":
                raise self._trouble(f"an object must begin here, not {char!r}")
            line = self._line
            yield JsonRow(*self._take(), self._path, line)
        self._end(in_array=in_array, char=char)

    def _end(self, *, in_array: bool, char: str) -> None:
        if in_array and char != "]":
            raise self._trouble("the file ends within its array: it is cut short")
        if char == "]":
            if not in_array:
                raise self._trouble("] without [")
            self._skip()
            if self._next():
                raise self._trouble("something follows the array")

    def _next(self) -> str:
        """The next character that is no white space, left where it is; "" at the end."""
        while True:
            while self._at < len(self._buffer):
                char = self._buffer[self._at]
                if char not in _SPACE:
                    return char
                self._skip()
            if not self._fill():
                return ""

    def _skip(self) -> None:
        self._line += self._buffer[self._at] == "\n"
        self._at += 1

    def _fill(self) -> bool:
        """Read on; False at the end of the file."""
        if not self._ended:
            more = self._file.read(_CHUNK)
            self._ended = not more
            self._buffer = self._buffer[self._at :] + more
            self._at = 0
        return not self._ended

    def _take(self) -> tuple[dict[str, Any], str]:
        """The object that begins here, read and as it is written."""
        while True:
            try:
                value, end = self._decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                long = len(self._buffer) - self._at > _LONGEST
                if not long and self._fill():
                    continue
                if self._ended and error.pos >= len(self._buffer.rstrip(_SPACE)):
                    raise self._trouble("the file ends within an object: it is cut short") from None
                self._line += self._buffer.count("\n", self._at, error.pos)
                raise self._trouble(f"not JSON: {error.msg}") from None
            except RecursionError:
                raise self._trouble("nested too deeply") from None
            source = self._buffer[self._at : end]
            self._line += source.count("\n")
            self._at = end
            return value, source

    def _trouble(self, what: str) -> ConfigurationError:
        return ConfigurationError(f"{self._path}:{self._line}: {what}.")
