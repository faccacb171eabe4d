"""Escapings around a URL: undone once each, and redone with the same spellings."""

import json

import pytest

from tests.core.urls.conftest import Move
from url_rewriter.urls import Grammar, Remark, find
from url_rewriter.urls.escapes import HTML, JSON, MARKDOWN, PERCENT, SQL, Escaping

OLD = "https://storage.googleapis.com/data/"
NEW = "https://s3.test/data/data/"


def pct(text: str, times: int = 1) -> str:
    for _ in range(times):
        text = "".join(c if c.isalnum() or c in "-._~" else f"%{ord(c):02X}" for c in text)
    return text


def slashed(text: str) -> str:
    return text.replace("/", "\\/")


LAYERS = [
    # JSON, in documents and in fragments of them
    ("json", slashed(OLD) + "a.png", slashed(NEW) + "a.png"),
    ("json", f'x = "{slashed(OLD)}a b.png";', f'x = "{slashed(NEW)}a%20b.png";'),
    ("json", f"cover: '{slashed(OLD)}a.png',", f"cover: '{slashed(NEW)}a.png',"),
    ("json2", slashed(OLD).replace("\\", "\\\\") + "a", slashed(NEW).replace("\\", "\\\\") + "a"),
    ("json", OLD.replace("/", "\\u002F") + "a.png", NEW.replace("/", "\\u002F") + "a.png"),
    ("json", OLD.replace("/", "\\u002f") + "a.png", NEW.replace("/", "\\u002f") + "a.png"),
    ("json", f"x {OLD}a\\u0026b.png y", f"x {NEW}a%26b.png y"),
    ("json", f"x {OLD}a?alt\\u003dmedia\\u0026token\\u003dt y", f"x {NEW}a y"),
    ("json", f"x {OLD}\\ud83d\\ude00.png y", f"x {NEW}%F0%9F%98%80.png y"),
    (
        "json",
        f"\\u003chref=\\u0022{OLD}a.png\\u0022\\u003e",
        f"\\u003chref=\\u0022{NEW}a.png\\u0022\\u003e",
    ),
    ("json", f"one\\n{slashed(OLD)}a.png\\ntwo", f"one\\n{slashed(NEW)}a.png\\ntwo"),
    ("", f'{{\\"u\\": \\"{OLD}a b.png\\"', f'{{\\"u\\": \\"{NEW}a%20b.png\\"'),
    # HTML
    ("html", f'<img src="{OLD}a&amp;b.png">', f'<img src="{NEW}a%26b.png">'),
    ("", f"&lt;img src=&quot;{OLD}a.png&quot;&gt;", f"&lt;img src=&quot;{NEW}a.png&quot;&gt;"),
    ("html", f"x {OLD.replace('/', '&#x2F;')}a y", f"x {NEW.replace('/', '&#x2F;')}a y"),
    ("html", f"x {OLD.replace('/', '&#47;')}a y", f"x {NEW.replace('/', '&#47;')}a y"),
    ("html", f"x {OLD}a&#39;s.png y", f"x {NEW}a%27s.png y"),
    (
        "",
        f'x="{{&quot;u&quot;:&quot;{OLD}a b.png&quot;}}"',
        f'x="{{&quot;u&quot;:&quot;{NEW}a%20b.png&quot;}}"',
    ),
    ("json", f"x=&quot;{slashed(OLD)}a.png&quot;", f"x=&quot;{slashed(NEW)}a.png&quot;"),
    ("", f"file={OLD}a.png&x=1", f"file={NEW}a.png&x=1"),
    ("", f"/go?next={OLD}a.png&x=1 now", f"/go?next={NEW}a.png&x=1 now"),
    # Percent-encoded inside another URL
    ("pct1", f"https://p.test/?u={pct(OLD)}a.png&w=1", f"https://p.test/?u={pct(NEW)}a.png&w=1"),
    (
        "pct1",
        f"https://p.test/?u={pct(OLD + 'a%20b.png')}",
        f"https://p.test/?u={pct(NEW + 'a%20b.png')}",
    ),
    (
        "pct1",
        f"https://p.test/?u={pct(OLD + 'a b.png')}&w=1",
        f"https://p.test/?u={pct(NEW + 'a%20b.png')}&w=1",
    ),
    ("pct1", f"https://p.test/{pct(OLD)}a.png/x?w=1", f"https://p.test/{pct(NEW)}a.png/x?w=1"),
    ("pct1", pct(OLD).lower() + "a.png", pct(NEW).lower() + "a.png"),
    ("pct1", f"see {pct(OLD)}a.png. Next", f"see {pct(NEW)}a.png. Next"),
    ("pct1", f"t=see%20{pct(OLD)}a.png%20now", f"t=see%20{pct(NEW)}a.png%20now"),
    ("pct1", f"({pct(OLD)}a.png)", f"({pct(NEW)}a.png)"),
    (
        "pct2",
        f"https://p.test/?u={pct(OLD, 2)}a.png&w=1",
        f"https://p.test/?u={pct(NEW, 2)}a.png&w=1",
    ),
    ("pct2", f"x%26u%3D{pct(OLD, 2)}a.png%26w", f"x%26u%3D{pct(NEW, 2)}a.png%26w"),
    ("pct3", pct(OLD, 3) + "a", pct(NEW, 3) + "a"),
    (
        "pct1",
        pct('{"u":"') + pct(OLD) + "a.png" + pct('"}'),
        pct('{"u":"') + pct(NEW) + "a.png" + pct('"}'),
    ),
    (
        "pct1",
        "d=" + pct(f'"{OLD}a b.png"'),
        "d=" + pct(f'"{NEW}a%20b.png"'),
    ),
    ("pct2", "d=" + pct(f'["{OLD}a b.png"]', 2), "d=" + pct(f'["{NEW}a%20b.png"]', 2)),
    ("pct1", f"https://p.test/?u={pct('gs://data/a')}", f"https://p.test/?u={pct(NEW)}a"),
    ("pct1", f"https://p.test/?u={pct(OLD[6:])}a", f"https://p.test/?u={pct(NEW)}a"),
    # One in another
    ("json+html", slashed(f"<img src='{OLD}a&amp;b.png'>"), slashed(f"<img src='{NEW}a%26b.png'>")),
    ("json+pct1", f"https:\\/\\/p.test\\/?u={pct(OLD)}a", f"https:\\/\\/p.test\\/?u={pct(NEW)}a"),
    (
        "html+pct1",
        f"https://p.test/?w=1&amp;u={pct(OLD)}a&amp;x",
        f"https://p.test/?w=1&amp;u={pct(NEW)}a&amp;x",
    ),
    ("sql", f"('{OLD}I''m.png', 1)", f"('{NEW}I%27m.png', 1)"),
    ("markdown", f"[a]({OLD}a\\)b.png)", f"[a]({NEW}a%29b.png)"),
]


@pytest.mark.parametrize(("layer", "before", "after"), LAYERS)
def test_a_layer_is_redone_as_it_was(moved: Move, layer: str, before: str, after: str) -> None:
    assert moved(before) == after


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (layer, text)
        for layer, text, _ in LAYERS
        if not text.startswith(("https:\\/\\/p", "<", "\\u003c"))
    ],
)
def test_the_layer_of_an_occurrence_is_named(layer: str, text: str) -> None:
    named = [occurrence.layer for occurrence in find(text).occurrences]
    if layer == "html+pct1":
        layer = "pct1"  # the entities stand outside the nested URL
    assert named == [layer]


def test_a_query_that_is_kept_keeps_its_spelling() -> None:
    found = find(f'<img src="{OLD}a.png?alt=media&amp;v=3&amp;w=4">')
    assert found.occurrences[0].readings[0].query == "v=3&w=4"


# -- documents kept in a string --------------------------------------------------------------------


def document(old: str) -> dict[str, object]:
    return {
        "image": f"{old}a.png",
        "n": [1, 2.50, None, True, 12345678901234567890],
        "text": f"See {old}b.png.\n\tDone “ok” \\ / é",
        "inner": json.dumps({"u": f"{old}c.png", "deep": json.dumps([f"{old}d.png"])}),
        "html": f'<img src="{old}e.png">',
        f"{old}key.png": "a key is a string too",
        "other": ["", "plain", "https://example.com/a"],
    }


@pytest.mark.parametrize("indent", [None, 2, "\t"])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_each_string_of_a_json_document_is_a_value_and_the_rest_stays(
    moved: Move, indent: int | str | None, ascii_only: bool
) -> None:
    def dumped(old: str) -> str:
        return json.dumps(document(old), indent=indent, ensure_ascii=ascii_only)

    assert moved(dumped(OLD)) == dumped(NEW)


def test_a_json_document_with_escaped_slashes_keeps_them(moved: Move) -> None:
    def dumped(old: str) -> str:
        return slashed(json.dumps(document(old)))

    assert moved(dumped(OLD)) == dumped(NEW)


def test_oddly_formatted_json_is_not_serialised_again(moved: Move) -> None:
    text = '{ "a" :\n[ 1.0 , 1E5,"^a b.png" ],"a":"^c\\u002epng", "é":"\\u00e9" }'
    assert moved(text.replace("^", OLD)) == (
        text.replace("^a b", f"{NEW}a%20b").replace("^c\\u002epng", f"{NEW}c.png")
    )


def test_a_json_string_ends_where_its_quotes_do(moved: Move) -> None:
    assert moved(json.dumps([f'{OLD}a"b.png', f"{OLD}c (d)"])) == json.dumps(
        [f"{NEW}a%22b.png", f"{NEW}c%20%28d%29"]
    )


def test_json_nested_beyond_reason_is_left_in_peace() -> None:
    text = "[" * 100_000 + f'"{OLD}a"' + "]" * 100_000
    assert len(find(text).occurrences) == 1


# -- foreign URLs ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "after"),
    [
        ("https://p.test/?u=^a.png&w=64", "https://p.test/?u=$a.png&w=64"),
        ("https://p.test/?u=^a.png?alt=media&token=t&w=64", "https://p.test/?u=$a.png&w=64"),
        ("https://p.test/?u=^a.png?X-Amz-Date=1&X-Amz-Signature=0", "https://p.test/?u=$a.png"),
        ("https://web.archive.org/web/2020/^a.png", "https://web.archive.org/web/2020/$a.png"),
        ("https://p.test/?u=//storage.googleapis.com/data/a", "https://p.test/?u=$a"),
    ],
)
def test_a_url_inside_a_foreign_one_is_rewritten_and_listed(
    moved: Move, url: str, after: str
) -> None:
    text = url.replace("^", OLD)
    assert moved(text) == after.replace("$", NEW)
    assert Remark.NESTED in find(text).occurrences[0].remarks


@pytest.mark.parametrize(
    ("url", "signed"),
    [
        (f"https://x.imgix.net/{pct(OLD)}a?w=1&s=abc", True),
        (f"https://res.cloudinary.com/d/image/fetch/s--abcdefgh--/{OLD}a", True),
        (f"https://p.test/?sig=0&u={pct(OLD)}a", True),
        (f"https://p.test/?w=1&u={pct(OLD)}a&q=75", False),
        (f"https://p.test/insecure/rs:fit/plain/{OLD}a", False),
    ],
)
def test_a_signature_of_the_outer_url_is_told(url: str, signed: bool) -> None:
    remarks = find(url).occurrences[0].remarks
    assert (Remark.OUTER_SIGNATURE in remarks) is signed


def test_nested_urls_are_left_and_counted_where_they_are_switched_off() -> None:
    text = f"{OLD}a https://p.test/?u={pct(OLD)}b"
    found = find(text, Grammar(nested=False))
    assert [each.readings[0].source.key for each in found.occurrences] == ["a"]
    assert [left.remark for left in found.left] == [Remark.NESTED]


def test_a_url_that_begins_inside_another_is_one_of_its_own() -> None:
    found = find(f"{OLD}c/{OLD}d")
    assert [each.readings[0].source.key for each in found.occurrences] == ["c", "d"]


def test_a_url_that_goes_with_a_query_is_told() -> None:
    (occurrence,) = find(f"{OLD}a?redirect={OLD}b").occurrences
    assert Remark.DROPPED_URL in occurrence.remarks


# -- the escapings themselves ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("escaping", "escaped", "plain"),
    [
        (JSON, r"a\/b\u0026\ud83d\ude00\n\"", 'a/b&\U0001f600\n"'),
        (JSON, r"\ud83d", "\ud83d"),
        (HTML, "&amp;&#x2F;&#47;&eacute;&nope;&copyx;", "&//é&nope;&copyx;"),
        (PERCENT, "%2F%e2%98%83%FF%", "/☃%FF%"),
        (SQL, "I''m", "I'm"),
        (MARKDOWN, r"a\_b\(c\d", r"a_b(c\d"),
    ],
)
def test_an_escaping_is_undone_once(escaping: Escaping, escaped: str, plain: str) -> None:
    view = escaping.view(escaped)
    assert view.text == plain
    assert len(view.offsets) == len(plain) + 1
    assert (view.offsets[0], view.offsets[-1]) == (0, len(escaped))
