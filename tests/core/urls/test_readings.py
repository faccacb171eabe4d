"""Several honest readings: the likeliest first, the others for the object store to decide."""

import pytest

from url_rewriter.urls import Replacement, find, rewrite

BASE = "https://storage.googleapis.com/data/"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (f"{BASE}a.png", ["a.png"]),
        (f"{BASE}what?.png", ["what", "what?.png"]),
        (f"{BASE}a?b=c.png", ["a", "a?b=c.png"]),
        (f"{BASE}no #1.png", ["no ", "no #1.png", "no"]),
        (f"{BASE}a?b#c", ["a", "a?b", "a?b#c"]),
        (f"{BASE}a?alt=media&token=t", ["a"]),
        (f"{BASE}a%2520b", ["a%20b", "a b", "a%2520b"]),
        (f"{BASE}a%20b", ["a b", "a%20b"]),
        (f"{BASE}a+b", ["a+b", "a b"]),
        (f"{BASE}100%25", ["100%", "100%25"]),
        (f"{BASE}my file.png", ["my file.png", "my"]),
        (f"{BASE}a.png.", ["a.png.", "a.png"]),
        (f"{BASE}a,b.png", ["a,b.png", "a"]),
        (f"See {BASE}a.png.", ["a.png", "a.png."]),
        (f"See {BASE}a.png, and", ["a.png", "a.png,"]),
        (f"See {BASE}a;b.png here", ["a;b.png", "a"]),
        (f"See {BASE}a.png)b here", ["a.png)b", "a.png"]),
        (f"See {BASE}my file.pdf for it", ["my", "my file.pdf"]),
        (f"See {BASE}a.png这是图 here", ["a.png这是图", "a.png"]),
        ("gs://data/a%20b", ["a%20b", "a b"]),
        ("gs://data/a?generation=12", ["a?generation=12", "a"]),
        ("gs://data/a b", ["a b", "a"]),
        ("gs://data/take#7", ["take", "take#7"]),
    ],
)
def test_an_ambiguous_url_carries_every_honest_key(text: str, keys: list[str]) -> None:
    (occurrence,) = find(text).occurrences
    assert [reading.source.key for reading in occurrence.readings] == keys
    assert occurrence.readings[0].why == ""
    assert all(reading.why for reading in occurrence.readings[1:])


@pytest.mark.parametrize(
    ("text", "which", "after"),
    [
        (f"See {BASE}my file.pdf for it", 1, "See NEW for it"),
        (f"See {BASE}a.png.", 1, "See NEW"),
        (f"{BASE}my file.png", 1, "NEW file.png"),
        (f'x = "{BASE}a;b c"; y', 1, 'x = "NEW c"; y'),
    ],
)
def test_any_reading_can_be_the_one_that_is_replaced(text: str, which: int, after: str) -> None:
    (occurrence,) = find(text).occurrences
    replacement = Replacement(occurrence, occurrence.readings[which], "NEW")
    assert rewrite(text, [replacement]) == after


@pytest.mark.parametrize(
    "text", [f"[img]{BASE}a b.png[/img][img]{BASE}c.png[/img]", f"{BASE}a {BASE}b.png"]
)
def test_no_reading_reaches_into_the_next_occurrence(text: str) -> None:
    first, second = find(text).occurrences
    assert max(reading.end for reading in first.readings) <= second.start


@pytest.mark.parametrize(
    ("text", "repairs"),
    [
        (f"{BASE}what?.png", ["what?.png"]),
        (f"{BASE}no #1.png", ["no #1.png"]),
        (f"{BASE}a%2520b", ["a b", "a%2520b"]),
        (f"{BASE}a%20b", ["a%20b"]),
        (f"{BASE}a+b", ["a b"]),
        (f"{BASE}my file.png", []),
        (f"See {BASE}a,b.png here", []),
        ("gs://data/a%20b", ["a b"]),
        ("gs://data/a?generation=12", []),
    ],
)
def test_a_reading_that_was_never_served_is_a_repair(text: str, repairs: list[str]) -> None:
    (occurrence,) = find(text).occurrences
    assert occurrence.readings[0].served
    assert [each.source.key for each in occurrence.readings if not each.served] == repairs
