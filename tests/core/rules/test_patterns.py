import pytest
from hypothesis import given
from hypothesis import strategies as st

from url_rewriter.documents import ValuePath, field_pattern
from url_rewriter.rules import CollectionPattern, FieldPattern, PatternError


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("files", "files", True),
        ("files", "users/ada/files", True),
        ("files", "users/ada/other-files", False),
        ("files", "files/f1/parts", False),
        ("users/ada/files", "users/ada/files", True),
        ("users/ada/files", "teams/t/users/ada/files", False),
        ("users/*/files", "users/ada/files", True),
        ("users/*/files", "users/ada/files/f/files", False),
        ("users/**", "users", True),
        ("users/**", "users/ada/files/f1/parts", True),
        ("users/**", "users2", False),
        ("users/**/parts", "users/ada/files/f1/parts", True),
        ("**/parts", "parts", True),
        ("*", "users/ada/files", True),
        ("a.b", "axb", False),
        ("odd\nname", "x/y/odd\nname", True),
    ],
)
def test_a_collection_pattern_names_collections(pattern: str, path: str, matches: bool) -> None:
    assert CollectionPattern(pattern).matches(path) is matches


@pytest.mark.parametrize("text", ["", "/users", "users/", "a//b", "users-*", "***", "users/ada"])
def test_a_malformed_collection_pattern_is_refused(text: str) -> None:
    with pytest.raises(PatternError):
        CollectionPattern(text)


@pytest.mark.parametrize("text", ["*", "**", "**/**", "*/**", "**/*"])
def test_a_collection_pattern_knows_that_it_matches_everything(text: str) -> None:
    assert CollectionPattern(text).matches_everything
    assert CollectionPattern(text).matches("users")
    assert CollectionPattern(text).matches("users/ada/files")


@pytest.mark.parametrize("text", ["users", "users/**", "*/*/*", "**/users"])
def test_other_collection_patterns_do_not_match_everything(text: str) -> None:
    assert not CollectionPattern(text).matches_everything


def test_a_collection_pattern_tells_a_group_from_a_path() -> None:
    assert CollectionPattern("files").group == "files"
    assert CollectionPattern("users/ada/files").path == "users/ada/files"
    for wild in "users/*/files", "**/files", "*":
        assert (CollectionPattern(wild).group, CollectionPattern(wild).path) == (None, None)


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("image", ("image",), True),
        ("image", ("image", "url"), True),
        ("image", ("images",), False),
        ("image", ("a", "image"), False),
        ("files[].thumb", ("files", 3, "thumb"), True),
        ("files[].thumb", ("files", "3", "thumb"), False),
        ("files[].thumb", ("files", 3), False),
        ("files", ("files", 3, "thumb"), True),
        ("*.url", ("a", "url"), True),
        ("*.url", ("a", "b", "url"), False),
        ("*.url", ("a", 0, "url"), False),
        ("**.url", ("url",), True),
        ("**.url", ("a", 0, "b", "url", 5), True),
        ("**.url", ("a", "urls"), False),
        ("a.**.b.**.c", ("a", "b", "x", "b", "c"), True),
        ("a.**.b.**.c", ("a", "c", "b"), False),
        ("**[].x", ("a", 1, "x"), True),
        ("m[][]", ("m", 1, 2), True),
        ("`a.b`.`c``".replace("``", "\\``"), ("a.b", "c`"), True),
        ("`back\\\\slash`", ("back\\slash",), True),
        ("`*`", ("x",), False),
        ("`*`", ("*",), True),
    ],
)
def test_a_field_pattern_names_fields_and_what_is_below(
    pattern: str, path: ValuePath, matches: bool
) -> None:
    assert FieldPattern(pattern).matches(path) is matches


@pytest.mark.parametrize(
    "text",
    ["", ".", "a.", ".a", "a..b", "[]", "a[3]", "a[", "a*", "***", "`a", "`a`b", "``", "a-b"],
)
def test_a_malformed_field_pattern_is_refused(text: str) -> None:
    with pytest.raises(PatternError):
        FieldPattern(text)


def test_the_message_shows_how_an_odd_name_is_written() -> None:
    with pytest.raises(PatternError, match="`image-url`"):
        FieldPattern("content.image-url")


_names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
_paths = st.lists(st.one_of(_names, st.integers(0, 99)), max_size=5)


@given(_names, _paths)
def test_every_path_matches_its_own_spelling(first: str, rest: list[str | int]) -> None:
    path = (first, *rest)
    assert FieldPattern(field_pattern(path)).matches(path)


def test_many_stars_do_not_make_matching_slow() -> None:
    pattern = FieldPattern(".".join(["**.a"] * 30) + ".b")
    assert not pattern.matches(("a",) * 5_000)
    collections = CollectionPattern("/".join(["**"] * 40) + "/end")
    assert not collections.matches("/".join(["x"] * 199))
