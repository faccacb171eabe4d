"""PHP's serialized strings: lengths in bytes that follow what they count."""

import json
from collections.abc import Callable

import pytest

from tests.core.urls.conftest import Move
from url_rewriter.urls import Remark, find

OLD = "https://storage.googleapis.com/data/"
NEW = "https://s3.test/data/data/"


def s(text: str) -> str:
    return f's:{len(text.encode())}:"{text}";'


def option(old: str) -> str:
    return f"a:2:{{{s('url')}{s(old + 'a.png')}i:0;{s('é ' + old + 'b.png, ☃ ' + old + 'c.png')}}}"


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: text,
        lambda text: s(text),
        lambda text: s(s(text)),
        lambda text: f'O:3:"Foo":1:{{{s("x")}{text}}}',
        lambda text: f"INSERT INTO t VALUES (1, '{text}');",
        lambda text: "INSERT INTO t VALUES (1, '{}');".format(text.replace('"', '\\"')),
        lambda text: json.dumps({"option": text}),
        lambda text: json.dumps(json.dumps([text, text])),
        lambda text: s(json.dumps({"option": text})),
        lambda text: f'{{"option": {json.dumps(text)}, broken',
    ],
)
def test_lengths_are_recomputed_in_every_wrapping(moved: Move, wrap: Callable[[str], str]) -> None:
    assert moved(wrap(option(OLD))) == wrap(option(NEW))


def test_a_string_in_a_serialized_document_is_a_value(moved: Move) -> None:
    assert moved(f"a:1:{{i:0;{s(OLD + 'a b (1).png')}}}") == (
        f"a:1:{{i:0;{s(NEW + 'a%20b%20%281%29.png')}}}"
    )
    assert moved(f"a:1:{{i:0;{s('storage.googleapis.com/data/a')}}}") == (
        f"a:1:{{i:0;{s(NEW + 'a')}}}"
    )


def test_a_serialized_string_with_quotes_in_it_ends_where_its_length_says(moved: Move) -> None:
    def text(old: str) -> str:
        return s(f'<img src="{old}a.png">"; <b>') + s(f"{old}b.png")

    assert moved(text(OLD)) == text(NEW)


@pytest.mark.parametrize("wrong", [-1, 1, 100, -30])
def test_a_wrong_length_is_not_repaired_and_its_url_is_left(moved: Move, wrong: int) -> None:
    url = OLD + "a.png"
    text = f'a:1:{{s:3:"url";s:{len(url) + wrong}:"{url}";}} {OLD}b.png'
    assert moved(text) == text.replace(f"{OLD}b", f"{NEW}b")
    assert [left.remark for left in find(text).left] == [Remark.CORRUPT_LENGTH]


def test_an_intact_string_beside_a_corrupt_one_is_rewritten(moved: Move) -> None:
    text = f'a:2:{{i:0;s:3:"{OLD}a.png";i:1;%s}}'
    assert moved(text % s(OLD + "b.png")) == text % s(NEW + "b.png")


def test_a_length_that_is_declared_within_a_url_is_a_part_of_its_key(moved: Move) -> None:
    once = moved(f"""see {OLD}0's:9:"{OLD}d""")
    assert once == f"""see {NEW}0%27s%3A9:"{NEW}d"""
    assert moved(once) == once
