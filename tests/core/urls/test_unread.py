"""The safety net: what names Cloud Storage is read, left with a reason, or reported as unread."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.urls.test_properties import GRAMMAR, patient, texts
from url_rewriter.urls import Remark, find

HOSTS = (
    "storage.googleapis.com",
    "firebasestorage.googleapis.com",
    "commondatastorage.googleapis.com",
    "storage.cloud.google.com",
    "cdn.example.com",
)
# Deliberately dumb, so that it can be wrong only in other ways than what it checks.
NEEDLE = re.compile("|".join(map(re.escape, HOSTS)) + r"|\bgs://[a-z]", re.IGNORECASE)

ODD = [
    "xhttps://storage.googleapis.com/data/a",
    "see storage.googleapis.com/data/a.png for it",
    "c3RvcmFnZQ== storage.googleapis.com",
    "https:storage.googleapis.com/data/a.png",
    "https://storage.googleapis.com/\u200bdata/a.png",
    "https\\072//storage.googleapis.com/data/a.png",
    "storage\\x2egoogleapis\\x2ecom/data/a.png",
    "&#115;torage.googleapis.com/data/a.png",
    "%73torage.googleapis.com/data/a.png",
    "//storage&#46;googleapis&#46;com",
    "=?utf-8?q?storage=2Egoogleapis=2Ecom?=",
    "/gs/bucket gs:\\\\bucket\\key",
    "www.googleapis.com/storage/v1/b/data/o/a.png",
    "https%3A%26%23x2F%3B%26%23x2F%3Bwww.googleapis.com%26%23x2F%3Bauth%26%23x2F%3Bdevstorage.x",
    "C\\rgs:\\\\data\\a.png",
    "https://stor\u200bage.googleapis.com/data/a.png",
    "https://storage\ufeff.googleapis.com/data/a.png",
    "https://stor\u00adage.googleapis.com/data/a.png",
    "https://stor=\r\nage.googleapis.com/data/a.png",
    "https://=73torage.googleapis.com/data/a.png",
]

pieces = st.one_of(
    texts,
    st.sampled_from(ODD),
    st.builds("{}{}{}".format, st.text(max_size=3), st.sampled_from(HOSTS), st.text(max_size=3)),
)


@patient
@given(st.lists(pieces, max_size=4).map("".join))
def test_every_needle_is_covered(text: str) -> None:
    found = find(text, GRAMMAR)
    covered = [
        *((left.start, left.end) for left in found.left),
        *((each.start, max(r.end for r in each.readings)) for each in found.occurrences),
    ]
    for needle in NEEDLE.finditer(text):
        if needle[0][0] in "gG" and re.match(r"[A-Za-z0-9+.-]", text[needle.start() - 1 :][:1]):
            continue  # the end of another scheme
        if needle[0].lower() == "cdn.example.com" and _inside_a_name(text, needle):
            continue
        assert any(start < needle.end() and needle.start() < end for start, end in covered)


def _inside_a_name(text: str, needle: re.Match[str]) -> bool:
    around = text[max(0, needle.start() - 1) : needle.start()] + text[needle.end() :][:1]
    return re.search(r"[A-Za-z0-9.-]", around) is not None


@patient
@given(st.lists(pieces, max_size=4).map("".join))
def test_what_is_unread_lies_apart_from_what_was_read(text: str) -> None:
    found = find(text, GRAMMAR)
    spans = sorted(
        [(left.start, left.end) for left in found.left]
        + [(each.start, max(r.end for r in each.readings)) for each in found.occurrences]
    )
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


@pytest.mark.parametrize("text", ODD)
def test_an_odd_spelling_is_not_passed_over(text: str) -> None:
    found = find(text, GRAMMAR)
    assert found.occurrences or found.left


def test_an_unread_spelling_is_quoted_up_to_the_blanks_around_it() -> None:
    text = "see storage.googleapis.com/data/a.png, please"
    (left,) = find(text).left
    assert left.remark is Remark.UNREAD
    assert text[left.start : left.end] == "storage.googleapis.com/data/a.png,"


@pytest.mark.parametrize(
    "text",
    [
        "Meetings: see settings://x and logs://data/a",
        "https://fonts.googleapis.com/css2?family=Inter",
        "the storage is full",
        "https://cdn.example.com.evil.test/ and xcdn.example.com",
    ],
)
def test_what_names_something_else_is_not_reported(text: str) -> None:
    assert Remark.UNREAD not in [left.remark for left in find(text, GRAMMAR).left]


def test_no_reading_runs_over_a_name_that_a_shorter_one_leaves_out() -> None:
    text = "https://storage.googleapis.com/data/a.png**firebasestorage.googleapis.com/v0/b/data"
    found = find(text)
    (occurrence,) = found.occurrences
    end = text.index("firebasestorage")
    assert all(reading.end <= end for reading in occurrence.readings)
    assert [left.remark for left in found.left] == [Remark.UNREAD]


def test_a_name_right_behind_another_one_is_a_name_of_its_own() -> None:
    text = "see http://storage.cloud.google.com\x1bstorage.googleapis.com"
    last = find(text).left[-1]
    assert last.end == len(text)
    assert last.remark is Remark.UNREAD


def test_a_url_without_a_scheme_does_not_keep_a_second_one_as_its_fragment() -> None:
    second = "https://firebasestorage.googleapis.com/v0/b/data/o/b.png?alt=media"
    text = f"www.googleapis.com/storage/v1/b/data/o/a.png#{second}"
    first, another = find(text).occurrences
    assert all(second not in reading.fragment for reading in first.readings)
    assert text[another.start : another.end] == second


def test_a_key_with_a_line_end_does_not_hide_a_name_behind_it() -> None:
    text = "https://data.storage.googleapis.com/a.jpg%0Ahttps:firebasestorage.googleapis.com/v0/b/d"
    found = find(text)
    (doubted,) = [left for left in found.left if left.literal]
    end = text.index("firebasestorage")
    assert doubted.literal is not None
    assert all(reading.end <= end for reading in doubted.literal.readings)
    assert [left.remark for left in found.left if left.start >= doubted.end] == [Remark.UNREAD]
