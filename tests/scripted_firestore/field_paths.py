"""Field paths as masks spell them, and what a mask does to a document."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from typing import Any

from tests.scripted_firestore.faults import InvalidRequestError

FieldPath = tuple[str, ...]

_STEP = re.compile(r"(?P<plain>[A-Za-z_][A-Za-z_0-9]*)|`(?P<quoted>(?:[^`\\]|\\.)+)`", re.DOTALL)


def parse(text: str) -> FieldPath:
    r"""Read a field path.

    >>> parse(r"a.`b.c\`d`")
    ('a', 'b.c`d')
    """
    names: list[str] = []
    at = 0
    while step := _STEP.match(text, at):
        names.append(step["plain"] or re.sub(r"\\(.)", r"\1", step["quoted"], flags=re.DOTALL))
        at = step.end()
        if at == len(text):
            return tuple(names)
        if text[at] != ".":
            break
        at += 1
    raise InvalidRequestError(f"Invalid property path {text!r}.")


def parse_mask(texts: Iterable[str]) -> list[FieldPath]:
    """Read a mask, whose paths may not lie inside one another."""
    paths = sorted(map(parse, texts))
    for one, other in itertools.pairwise(paths):
        if other[: len(one)] == one:
            raise InvalidRequestError(f"Field paths conflict: {one!r} and {other!r}.")
    return paths


def apply_mask(document: Any, payload: Any, paths: Iterable[FieldPath]) -> None:
    """Make ``document`` like ``payload`` at each of ``paths``, and nowhere else."""
    for path in paths:
        value = _get(payload.fields, path)
        if value is None:
            _delete(document.fields, path)
        else:
            _set(document.fields, path, value)


def _get(fields: Any, path: FieldPath) -> Any | None:
    for name in path[:-1]:
        if name not in fields or not fields[name].HasField("map_value"):
            return None
        fields = fields[name].map_value.fields
    return fields.get(path[-1])


def _delete(fields: Any, path: FieldPath) -> None:
    for name in path[:-1]:
        if name not in fields or not fields[name].HasField("map_value"):
            return
        fields = fields[name].map_value.fields
    if path[-1] in fields:
        del fields[path[-1]]


def _set(fields: Any, path: FieldPath, value: Any) -> None:
    for name in path[:-1]:
        # As the real one does: whatever stands in the way, an array too, becomes a map.
        fields[name].map_value.SetInParent()
        fields = fields[name].map_value.fields
    fields[path[-1]].CopyFrom(value)
