"""Real writing: texts modelled on public reports and files, each with its right result.

``expected`` is that result, to the byte; ``null`` stands for "rewritten rightly, or reported":
what stays as it was, and nothing here covers, planning reports as unread.
``objects`` exist, as ``bucket/key``. A URL is rewritten to ``x/<bucket>/<key>`` in the bucket
``all``, by its first reading that was served and whose object exists.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from url_rewriter.urls import (
    Form,
    Grammar,
    ObjectRef,
    Occurrence,
    Reading,
    Replacement,
    find,
    rewrite,
    target_url,
)

ENDPOINT = "https://s3.new.example"
GRAMMAR = Grammar(targets=(ENDPOINT,))
NEEDLE = re.compile(r"googleapis", re.IGNORECASE)

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent / "data/texts.jsonl").read_text("utf-8").splitlines()
]

# Debatable, and decided otherwise: numbers in other parts of a document may count the characters
# of a text (operations on it, say), and nothing tells which. They stay as they are.
DECIDED = {
    "d131": '{"base": "See https://s3.new.example/all/x/acme-media/a.png now",'
    ' "changes": [{"retain": 52}, {"insert": "x"}]}',
}


def target_of(source: ObjectRef) -> ObjectRef:
    return ObjectRef("all", f"x/{source.bucket}/{source.key}")


def taken(occurrence: Occurrence, objects: Collection[str]) -> Reading | None:
    for reading in occurrence.readings:
        if reading.served and "/".join(reading.source) in objects:
            return reading
    return None


def planned(text: str, objects: Collection[str]) -> list[Replacement]:
    found = find(text, GRAMMAR)
    literal = [left.literal for left in found.left if left.literal]
    replacements = []
    for occurrence in (*found.occurrences, *literal):
        if occurrence.form is Form.TARGET:
            continue
        if reading := taken(occurrence, objects):
            url = target_url(ENDPOINT, target_of(reading.source), fragment=reading.fragment)
            replacements.append(Replacement(occurrence, reading, url))
    return replacements


def unread(text: str) -> list[str]:
    """The needles that nothing found covers."""
    found = find(text, GRAMMAR)
    spans = [
        *((left.start, left.end) for left in found.left),
        *((r.start, r.end) for each in found.occurrences for r in each.readings),
    ]
    return [
        text[max(0, match.start() - 20) : match.end() + 20]
        for match in NEEDLE.finditer(text)
        if not any(start <= match.start() < end for start, end in spans)
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_text_is_rewritten_to_the_byte_or_left_and_told(case: dict[str, Any]) -> None:
    text, objects = case["text"], set(case["objects"])
    after = rewrite(text, planned(text, objects))
    if (expected := DECIDED.get(case["id"], case["expected"])) is not None:
        assert after == expected
    elif after != text:
        assert not unread(after)


def test_only_debatable_texts_are_decided_otherwise() -> None:
    assert all(case.get("debatable") for case in CASES if case["id"] in DECIDED)


@pytest.mark.parametrize("more", [".lost", ".lost?authuser=1", "-2", "_thumb", ".bak#t=1"])
def test_a_name_that_goes_on_behind_an_extension_is_another_name(more: str) -> None:
    old = f"https://storage.googleapis.com/acme-media/a.png{more}"
    for text in (old, f"See {old} here", f'<a href="{old}">x</a>', f"![x]({old})"):
        assert planned(text, {"acme-media/a.png"}) == []
