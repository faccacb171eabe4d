"""One line of the file: a document in Firestore's REST form, with its path."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_NAME = re.compile(r"projects/[^/]+/databases/[^/]+/documents/(?P<path>.+)", re.DOTALL)


class LineError(ValueError):
    """Says what a line holds in place of a document."""


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A document as its line spells it; ``members`` is the whole JSON object."""

    path: str
    members: dict[str, Any]

    @property
    def fields(self) -> dict[str, Any]:
        """The document's own fields (REST leaves the member out where there are none)."""
        fields: dict[str, Any] = self.members.get("fields", {})
        return fields


def parse(line: bytes) -> DocumentLine:
    """Read one line. Raises LineError.

    >>> parse(b'{"name": "projects/p/databases/(default)/documents/users/ada"}').path
    'users/ada'
    """
    members = _members(line)
    path = _path(members)
    segments = path.split("/")
    if "" in segments:
        raise LineError(f"document path {path!r} has an empty segment")
    if len(segments) % 2:
        raise LineError(
            f"{path!r} is no document path: {len(segments)} segments, expected an even number"
            " (collection/id/collection/id)"
        )
    if not isinstance(members.get("fields", {}), dict):
        raise LineError('member "fields" is not an object')
    return DocumentLine(path, members)


def _members(line: bytes) -> dict[str, Any]:
    try:
        members = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise LineError(f"not UTF-8 at byte {error.start + 1}") from error
    except json.JSONDecodeError as error:
        raise LineError(f"not JSON: {error.msg} at column {error.colno}") from error
    except RecursionError as error:
        raise LineError("nested too deeply") from error
    if not isinstance(members, dict):
        raise LineError(f"expected a JSON object, found {_kind(members)}")
    return members


def _path(members: dict[str, Any]) -> str:
    match members:
        case {"path": str(path)}:
            return path
        case {"path": other} | {"name": other} if not isinstance(other, str):
            raise LineError(f"the document path is {_kind(other)}, not a string")
        case {"name": str(name)}:
            if matched := _NAME.fullmatch(name):
                return matched["path"]
            raise LineError('"name" is not projects/P/databases/D/documents/PATH')
        case _:
            raise LineError('no "path" (nor "name")')


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def spell(line: DocumentLine, like: bytes) -> bytes:
    """Write a line anew, escaped where ``like`` was, and with its line ending.

    >>> spell(parse(b'{"path":"a/b"}'), like=b"{}\\r\\n")
    b'{"path": "a/b"}\\r\\n'
    """
    ending = like[len(like.rstrip(b"\r\n")) :]
    if not like.isascii():
        try:
            return json.dumps(line.members, ensure_ascii=False).encode("utf-8") + ending
        except UnicodeEncodeError:
            pass  # half a surrogate pair, which only an escape can say
    return json.dumps(line.members).encode("ascii") + ending
