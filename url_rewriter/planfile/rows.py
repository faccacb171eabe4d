"""Rows of a plan file as values, and how values that SQLite has no type for are kept."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import dataclass

from url_rewriter.documents import Edit, Revision, ValuePath


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


@dataclass(frozen=True, slots=True)
class UrlRow:
    """One URL of the plan, as `show` and the reports list it. Texts are whole: redact to print.

    ``old`` is the URL as it stands in the document; ``new`` is what replaces it ("" for none).
    ``others`` are the targets of the readings that were not taken, but for a URL that is rewritten
    as it is likeliest read; ``detail`` is the evidence's,
    ``outcome_detail`` says what of the document was left, and why.
    """

    id: int
    document: str
    value_path: ValuePath
    status: str
    blocks: bool
    form: str
    layer: str
    rule: str
    source_bucket: str
    source_key: str
    target_bucket: str
    target_key: str
    old: str
    new: str
    reading: str
    others: tuple[str, ...]
    remark: str
    state: str
    detail: str
    outcome: str
    outcome_detail: str = ""


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


def load_edits(text: str) -> tuple[Edit, ...]:
    """The edits that ``dump_edits`` kept."""
    return tuple(Edit(tuple(path), *rest) for path, *rest in json.loads(text))
