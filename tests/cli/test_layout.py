"""Lines fit a terminal: no line too long, no word split, at every width."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from url_rewriter.cli.terminal.prose import wrap
from url_rewriter.cli.terminal.tables import TableColumn, fit

CONTROL = re.compile(r"\x1b\[[0-9;]*m")

words = st.lists(st.text("abcdefgh.:/", min_size=1, max_size=30), min_size=1, max_size=30)


@given(words=words, width=st.sampled_from([60, 80, 120]), indent=st.integers(0, 40))
def test_prose_is_wrapped_between_words_only(words: list[str], width: int, indent: int) -> None:
    lines = wrap(" " * indent + " ".join(words), width)
    assert " ".join(lines).split() == words
    assert [line for line in lines if len(line) > width and len(line.split()) > 1] == []


@pytest.mark.parametrize("width", [20, 60, 80, 120])
@pytest.mark.parametrize("digits", [1, 9, 17])
def test_numbers_are_left_out_before_a_row_is_torn(width: int, digits: int) -> None:
    titles = [f"number-{place}" for place in range(6)]
    columns = [TableColumn("name", ["a-name-of-some-length"], ["a-name-of-some-length"], 21)]
    number = 10 ** (digits - 1)
    text = f"{number:,}"
    columns += [TableColumn(each, [text], [number], max(len(each), len(text))) for each in titles]
    table = fit(columns, width, ())
    lines = [CONTROL.sub("", line) for line in table.lines()]
    shown = [each for each in titles if each in lines[0]]
    assert max(map(len, lines)) <= width
    assert [text] * len(shown) == lines[1].split()[1:]
    assert [each for each in titles if each in table.left_out()] == titles[len(shown) :]
