"""Documents as the core sees them: a path, a revision, and the strings that may hold a URL.

A store's adapter keeps the rest of a document to itself, so nothing here can damage it.

>>> format_value_path(("files", 2, "thumb.nail"))
'files[2].`thumb.nail`'
>>> collection_of("users/ada/files/f1")
'users/ada/files'
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, NewType, TypeAlias

from url_rewriter.second_opinion import RawText

FieldPath: TypeAlias = tuple[str, ...]
"""Names from the document down through maps."""

ValuePath: TypeAlias = tuple[str | int, ...]
"""A field path that may also step into arrays, by index."""

Revision = NewType("Revision", str)
"""Opaque token of a document's state, made by its store; equal tokens mean equal states."""

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Environment(StrEnum):
    """Whether a store holds data that matters. The texts are kept in plan files."""

    PRODUCTION = "production"
    DISPOSABLE = "a throw-away store"


_RESERVED = re.compile(r"__.*__", re.DOTALL)


def is_typed_value(names: Collection[str]) -> bool:
    """Whether a map with these names is none, but a value of another type.

    Firestore keeps vectors as maps with ``__type__``, and the BSON types of its Enterprise edition
    as maps with one reserved name (``__regex__``, ``__oid__``, ``__binary__``, ...). It reserves
    all names of that kind, so types that are not known yet are told too.

    >>> is_typed_value(["__oid__"]), is_typed_value(["__oid__", "url"])
    (True, False)
    """
    if "__type__" in names:
        return True
    return len(names) == 1 and _RESERVED.fullmatch(next(iter(names))) is not None


class Holder(StrEnum):
    """A place that may hold a URL which no edit can reach."""

    MAP_KEY = "map_key"
    BYTES = "bytes"
    TYPED_VALUE = "typed_value"  # a map that stands for a value of its own: see `is_typed_value`


@dataclass(frozen=True, slots=True)
class UnreachableText:
    """Text outside the strings of a document: seen and reported, never rewritten.

    For a map key ``value_path`` ends with the key itself; bytes are decoded as Latin-1, so that
    every byte is one character.
    """

    value_path: ValuePath
    holder: Holder
    text: str


class Suspect(NamedTuple):
    """A raw document in which the second opinion's quick search found something.

    ``read`` gives all texts of ``raw``. ``hits`` are where it was found, as offsets into bytes in
    which ``raw`` begins at ``begin``; without any, the document was not searched as bytes.
    """

    read: Callable[[Any], Iterator[RawText]]
    raw: Any
    hits: Sequence[int] = ()
    begin: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """One document, read at ``revision``.

    ``path`` is relative to the database (``users/ada``). ``strings`` are ``(value path, text)``
    pairs in the order of the stored document; ``measured`` are the paths of those that an array
    beside them names parts of, by offset and length. ``raw`` belongs to the adapter that made the
    document: what it needs to write an array whole from a read of the same revision. ``created_at``
    tells it from one that was deleted and made again; None where the store does not say.
    ``suspect`` is there where the query's second opinion may see something in it.
    """

    path: str
    revision: Revision
    strings: tuple[tuple[ValuePath, str], ...]
    unreachable: tuple[UnreachableText, ...] = ()
    raw: object = field(default=None, repr=False, compare=False)
    measured: frozenset[ValuePath] = frozenset()
    created_at: str | None = None
    suspect: Suspect | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Edit:
    """One string of a document, before and after; ``urls`` of its URLs are replaced."""

    value_path: ValuePath
    before: str
    after: str
    urls: int = 1


@dataclass(frozen=True, slots=True)
class Update:
    """Edits to one document, with the read they were decided on.

    The write requires ``document.revision``. Each edit's ``before`` is the string that
    ``document`` holds at its value path.
    """

    document: Document
    edits: tuple[Edit, ...]


class WriteStatus(StrEnum):
    """What a store said of one write.

    ``STALE``: the document is not at the required revision (or is gone), nothing was written.
    ``REFUSED``: it can never be written as asked (too large, malformed), nothing was written.
    ``UNSETTLED``: no answer, or a passing fault; only reading the document back can tell.
    """

    WRITTEN = "written"
    STALE = "stale"
    REFUSED = "refused"
    UNSETTLED = "unsettled"


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The answer to one update: ``revision`` is the new one where written; ``detail`` says why.

    ``pressed``: the store wants fewer writes (a lock is held, a quota is used up). ``exhausted``: a
    quota refused this write, which may be sent again as it is.
    """

    path: str
    status: WriteStatus
    revision: Revision | None = None
    detail: str = ""
    pressed: bool = False
    exhausted: bool = False


class Outcome(StrEnum):
    """What became of one planned write. Every planned write ends in exactly one.

    ``UNCHANGED``: nothing was left to write, the document already says what was planned.
    ``CONFLICT``: the document changed and still holds a planned URL that was left alone.
    ``GONE``: the document was deleted since it was read.
    """

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"
    GONE = "gone"
    FAILED = "failed"


class UrlOutcome(StrEnum):
    """What became of one URL of a document that was dealt with.

    ``ALREADY_NEW``: the application wrote the new one itself. ``CONFLICT``: it was left, and stays.
    ``GONE``: the application removed it. ``APPEARED``: more of them stand there than were planned.
    """

    WRITTEN = "written"
    ALREADY_NEW = "already_new"
    CONFLICT = "conflict"
    GONE = "gone"
    FAILED = "failed"
    APPEARED = "appeared"


def collection_of(path: str) -> str:
    """The path of the collection that the document at ``path`` is in."""
    return path.rpartition("/")[0]


def collection_pattern(path: str) -> str:
    """The collections alike: document ids on the way to a collection are left open.

    >>> collection_pattern("users/ada/files/f1")
    'users/*/files'
    """
    names = path.split("/")[:-1]
    return "/".join("*" if index % 2 else name for index, name in enumerate(names))


def format_name(name: str) -> str:
    """One name of a path as Firestore spells it: odd ones in backticks.

    >>> format_name("a`b")
    '`a\\\\`b`'
    """
    if _PLAIN_NAME.fullmatch(name):
        return name
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def format_value_path(path: ValuePath) -> str:
    """A value path for people: ``files[2].thumbnail``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{format_name(step)}" if text else format_name(step)
    return text


def field_pattern(path: ValuePath) -> str:
    """A value path with every array index left out: ``files[].thumbnail``; groups alike places."""
    return re.sub(r"\[\d+\]", "[]", format_value_path(path))
