"""What a command printed: its JSON document, and whether it names a place."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.simulation.database import Place, spelled
from tests.simulation.driver import Ended


def one_line(text: str) -> str:
    return " ".join(text.split())[:300]


def result_of(ended: Ended) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ended.out)
    return found


def names(ended: Ended, path: str, place: Place) -> bool:
    """Whether what was printed names a document and a place in one entry."""
    where = re.compile(rf"(?<![\w\].]){re.escape(spelled(place))}(?![\w\[.])")
    entries = [line for line in ended.err.splitlines() if path in line]
    if ended.out.strip():
        entries += [" ".join(_strings(entry)) for entry in _entries(result_of(ended), path)]
    return any(where.search(entry) for entry in entries)


def _entries(value: Any, path: str) -> list[dict[str, Any]]:
    """The innermost dictionaries one of whose values is a document's path."""
    if isinstance(value, dict):
        if path in value.values():
            return [value]
        return [found for each in value.values() for found in _entries(each, path)]
    if isinstance(value, list):
        return [found for each in value for found in _entries(each, path)]
    return []


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for each in value.values() for text in _strings(each)]
    if isinstance(value, list):
        return [text for each in value for text in _strings(each)]
    return []
