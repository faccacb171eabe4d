"""The URLs that documents of a simulated database hold, each with what it must become.

Texts are words between single spaces, and a URL is one word, so that no grammar is needed to find
it: that the program sees the same URLs in these texts is checked by ``test_vocabulary.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

ENDPOINT = "https://s3.example.com"
RULES = f"""
version: 1
target: {{endpoint: "{ENDPOINT}", bucket: data}}
rules:
  - name: moved
    source: {{bucket: old-bucket}}
    target: {{prefix: moved/}}
  - name: spare
    source: {{bucket: spare-bucket}}
    target: {{prefix: spare/}}
    on_missing: skip
"""


@dataclass(frozen=True)
class Covered:
    """A URL that a rule covers: what it becomes, the key of its target, and the rule."""

    old: str
    new: str
    key: str
    rule: str


def _covered(old: str, key: str, rule: str = "moved") -> Covered:
    return Covered(old, f"{ENDPOINT}/data/{key}", key, rule)


SECRET = "5ec7e75e-c7e7-4ec7-ae75-ec7e75ec7e75"  # no hash, and no name of a folder, holds it
_STORAGE = "https://storage.googleapis.com"
_FIREBASE = "https://firebasestorage.googleapis.com/v0/b/old-bucket/o"
COVERED = (
    _covered(f"{_STORAGE}/old-bucket/a.png", "moved/a.png"),
    _covered("gs://old-bucket/a.png", "moved/a.png"),
    _covered(f"{_STORAGE}/old-bucket/b.png", "moved/b.png"),
    _covered(f"{_FIREBASE}/c.png?alt=media&token={SECRET}", "moved/c.png"),
    _covered(f"{_STORAGE}/old-bucket/d.png", "moved/d.png"),
    _covered(f"{_STORAGE}/spare-bucket/s.png", "spare/s.png", "spare"),
)
UNMAPPED = f"{_STORAGE}/other-bucket/z.png"

BY_OLD = {each.old: each for each in COVERED}
NEW = tuple(dict.fromkeys(each.new for each in COVERED))
KEY_OF_NEW = {each.new: each.key for each in COVERED}
KEYS = tuple(dict.fromkeys(each.key for each in COVERED))


def _texts() -> Iterator[str]:
    for each in COVERED:
        yield each.old
    for each in COVERED[:3]:
        yield f"see {each.old} here"
    yield f"see {COVERED[0].old} and {COVERED[2].old} here"
    yield f"see {COVERED[4].old} and {COVERED[4].old} here"
    yield f"see {COVERED[1].old} and {COVERED[5].old} here"
    yield f"see {COVERED[2].new} and {COVERED[3].old} here"
    yield COVERED[0].new
    yield COVERED[4].new
    yield UNMAPPED
    yield "no URL"


TEXTS = tuple(_texts())
"""What the application writes."""


def covered_in(text: str) -> list[Covered]:
    """The covered URLs of a text, in their order."""
    return [BY_OLD[word] for word in text.split(" ") if word in BY_OLD]


def new_in(text: str) -> list[str]:
    """The new URLs of a text, in their order."""
    return [word for word in text.split(" ") if word in KEY_OF_NEW]


def replaced(before: str, after: str) -> list[Covered] | None:
    """The URLs whose rewriting makes ``after`` of ``before``; None where nothing else may do so."""
    words = list(zip(before.split(" "), after.split(" "), strict=False))
    if before.count(" ") != after.count(" "):
        return None
    changed = [(old, new) for old, new in words if old != new]
    if any(old not in BY_OLD or BY_OLD[old].new != new for old, new in changed):
        return None
    return [BY_OLD[old] for old, _ in changed]
