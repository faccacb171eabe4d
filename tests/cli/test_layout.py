"""Lines fit a terminal: no line too long, no word split, at every width."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from url_rewriter.cli.terminal.prose import wrap

words = st.lists(st.text("abcdefgh.:/", min_size=1, max_size=30), min_size=1, max_size=30)


@given(words=words, width=st.sampled_from([60, 80, 120]), indent=st.integers(0, 40))
def test_prose_is_wrapped_between_words_only(words: list[str], width: int, indent: int) -> None:
    lines = wrap(" " * indent + " ".join(words), width)
    assert " ".join(lines).split() == words
    assert [line for line in lines if len(line) > width and len(line.split()) > 1] == []
