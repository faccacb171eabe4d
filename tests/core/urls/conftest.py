from collections.abc import Callable

import pytest

from url_rewriter.urls import (
    Form,
    Grammar,
    ObjectRef,
    Reading,
    Replacement,
    find,
    rewrite,
    target_url,
)

ENDPOINT = "https://s3.test"

Move = Callable[[str], str]
"""Rewrites every URL of a text, as the fixture ``moved`` does."""


@pytest.fixture
def grammar() -> Grammar:
    return Grammar(
        hosts={"cdn.example.com": "media", "files.test:8443": "files"}, targets=(ENDPOINT,)
    )


@pytest.fixture
def moved(grammar: Grammar) -> Move:
    """Rewrite every URL of a text to ``https://s3.test/data/BUCKET/KEY``, as the likeliest reading.

    Asserts on the way what holds for every text: nothing is left to rewrite afterwards.
    """

    def url(reading: Reading) -> str:
        ref = ObjectRef("data", f"{reading.source.bucket}/{reading.source.key}")
        return target_url(ENDPOINT, ref, fragment=reading.fragment)

    def move(text: str) -> str:
        found = find(text, grammar)
        replacements = [
            Replacement(occurrence, occurrence.readings[0], url(occurrence.readings[0]))
            for occurrence in found.occurrences
            if occurrence.form is not Form.TARGET
        ]
        after = rewrite(text, replacements)
        again = find(after, grammar)
        assert [each.form for each in again.occurrences] == [Form.TARGET] * len(found.occurrences)
        return after

    return move
