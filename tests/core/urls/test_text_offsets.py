"""Offsets beside a text in JSON move with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from url_rewriter.urls import Grammar, Replacement, find, rewrite

OLD = "https://storage.googleapis.com/data/a.png?generation=12"
NEW = "https://s3.test/a.png"


def moved(text: str) -> str:
    found = find(text, Grammar())
    return rewrite(text, [Replacement(each, each.readings[0], NEW) for each in found.occurrences])


def utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


def named(text: str, start: int, length: int) -> str:
    """What a range names, as JavaScript counts."""
    return utf16(text)[2 * start : 2 * (start + length)].decode("utf-16-le")


def ranges_of(text: str, *parts: str) -> list[dict[str, int]]:
    found = []
    for part in parts:
        before = text[: text.index(part)]
        found.append({"offset": len(utf16(before)) // 2, "length": len(utf16(part)) // 2})
    return found


def draft(text: str, *parts: str) -> dict[str, Any]:
    block = {"text": text, "entityRanges": ranges_of(text, *parts), "inlineStyleRanges": []}
    return {"blocks": [{"text": "before", "entityRanges": [{"offset": 1, "length": 2}]}, block]}


def telegram(text: str, *parts: str) -> dict[str, Any]:
    return {"entities": ranges_of(text, *parts), "id": 7, "text": text, "caption": "x"}


def captioned(text: str, *parts: str) -> dict[str, Any]:
    return {"text": "no URL", "caption": text, "caption_entities": ranges_of(text, *parts)}


SPELLINGS: list[Callable[[Any], str]] = [
    json.dumps,
    lambda value: json.dumps(value, ensure_ascii=False),
    lambda value: json.dumps(value, indent=1).replace("/", "\\/"),
    lambda value: json.dumps({"raw": json.dumps(value)}),
    lambda value: json.dumps(json.dumps(value)),
    lambda value: f"Sent: {json.dumps(value)}, [see] {{above}}",
    lambda value: f"[{json.dumps(value)}, oops [",
]


def loaded(text: str) -> Any:
    """The innermost document of a text that is JSON however often."""
    text = text.removeprefix("Sent: ").removesuffix(", [see] {above}")
    if text.endswith(", oops ["):
        text = text.removeprefix("[").removesuffix(", oops [")
    value = json.loads(text)
    if isinstance(value, dict) and "raw" in value:
        value = value["raw"]
    return json.loads(value) if isinstance(value, str) else value


@pytest.mark.parametrize("spell", SPELLINGS)
@pytest.mark.parametrize("make", [draft, telegram, captioned])
def test_ranges_name_after_a_rewrite_what_they_named_before(
    make: Callable[..., dict[str, Any]], spell: Callable[[Any], str]
) -> None:
    text = f"\U0001f600 first é, {OLD} then, and again {OLD} last"
    parts = ("first", OLD, "then", "last", "é")
    value = make(text, *parts)
    after = loaded(moved(spell(value)))
    holder = after["blocks"][1] if "blocks" in after else after
    new = holder.get("caption") if make is captioned else holder["text"]
    assert new == text.replace(OLD, NEW)
    ranges = holder[
        {"draft": "entityRanges", "telegram": "entities", "captioned": "caption_entities"}[
            make.__name__
        ]
    ]
    assert [named(new, each["offset"], each["length"]) for each in ranges] == [
        part.replace(OLD, NEW) for part in parts
    ]
    if make is draft:
        assert after["blocks"][0] == value["blocks"][0]


@pytest.mark.parametrize(
    "value",
    [
        {"text": OLD, "entities": [{"offset": "0", "length": 3}, {"offset": 1.5, "length": 2}]},
        {"text": OLD, "entities": {"offset": 60, "length": 3}},
        {"title": OLD, "entities": [{"offset": 60, "length": 3}]},
        {"text": OLD, "entities": [60, [60, 3]], "offset": 60, "length": 3},
        {"text": {"text": OLD}, "entities": [{"offset": 60, "length": 3}]},
    ],
)
def test_numbers_that_are_no_ranges_of_the_text_stay(value: Any) -> None:
    assert json.loads(moved(json.dumps(value))) == json.loads(json.dumps(value).replace(OLD, NEW))


@settings(deadline=None)
@given(
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_ranges_outside_the_url_move_as_a_whole(
    before: str, after: str, start: int, length: int
) -> None:
    text = f"{before} {OLD} {after}"
    put = json.dumps({"text": text, "entities": [{"offset": start, "length": length}]})
    place = len(utf16(f"{before} ")) // 2
    end = start + length
    if end > place and start < place + len(OLD):
        return
    (entity,) = json.loads(moved(put))["entities"]
    grown = 0 if end <= place else len(NEW) - len(OLD)
    assert entity == {"offset": start + grown, "length": length}


@pytest.mark.parametrize("text", ['{"offset":', '[{"offset": 1', '"offset": }{', '["offset": [{]}'])
def test_what_is_no_json_is_survived(text: str) -> None:
    assert moved(f"{text} {OLD} {text}") == f"{text} {NEW} {text}"


def test_a_message_in_a_message_moves_both() -> None:
    inner = json.dumps(telegram(f"see {OLD}", OLD))
    text = f"{inner} and the rest"
    after = json.loads(moved(json.dumps(telegram(text, "and the rest"))))
    (entity,) = after["entities"]
    assert named(after["text"], entity["offset"], entity["length"]) == "and the rest"
    (within,) = json.loads(after["text"].removesuffix(" and the rest"))["entities"]
    assert (within["offset"], within["length"]) == (4, len(NEW))
