"""Rows of a plan file as values, and how values that SQLite has no type for are kept."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import dataclass

from url_rewriter.documents import Edit, Revision, ValuePath
from url_rewriter.planning import Standing


@dataclass(frozen=True, slots=True)
class PlannedWrite:
    """A document that the plan changes: its edits, and the revision they were planned on.

    ``kept`` are its other strings with URLs, which the plan leaves as they are.
    """

    id: int
    path: str
    revision: Revision
    edits: tuple[Edit, ...]
    kept: frozenset[str] = frozenset()


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@functools.lru_cache(maxsize=4096)
def dump_path(path: ValuePath) -> str:
    """A value path as it is kept: a JSON array of names and indices."""
    return _encode(path)


@functools.lru_cache(maxsize=4096)
def load_path(text: str) -> ValuePath:
    """The value path that ``dump_path`` kept.

    >>> load_path(dump_path(("files", 2, "thumbnail")))
    ('files', 2, 'thumbnail')
    """
    return tuple(json.loads(text))


def dump_edits(edits: Iterable[Edit]) -> str:
    """Edits as the journal keeps them."""
    rows = [[edit.value_path, edit.before, edit.after, edit.urls] for edit in edits]
    return _encode(rows)


def dump_standing(strings: Standing) -> str:
    """Strings of a document as the journal keeps them."""
    return _encode(strings)


def load_standing(text: str) -> Standing:
    """The strings that ``dump_standing`` kept."""
    return tuple((tuple(path), each) for path, each in json.loads(text))


def load_edits(text: str) -> tuple[Edit, ...]:
    """The edits that ``dump_edits`` kept."""
    return tuple(Edit(tuple(path), *rest) for path, *rest in json.loads(text))
