"""Inventory files: what gcloud and rclone wrote over an emulator, and what is wrong with others."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from url_rewriter.errors import ConfigurationError
from url_rewriter.evidence import SourceEvidence, SourceState
from url_rewriter.inventories import json_rows
from url_rewriter.inventories.json_rows import read_rows
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.sources import open_inventory
from url_rewriter.urls import ObjectRef

LISTINGS = Path(__file__).parent / "listings"
HARD = ObjectRef("old-logos", "a b/é#?.png")
PLAIN = ObjectRef("old-logos", "plain.txt")


def stat(*files: str, refs: tuple[ObjectRef, ...] = (HARD, PLAIN)) -> list[SourceEvidence]:
    store = open_inventory(files)
    evidence = list(store.stat(refs))
    store.close()
    return evidence


@pytest.mark.parametrize(
    "name", ["ls.json", "ls_recursive.json", "objects_list.json", "objects_list_raw.json"]
)
def test_what_gcloud_lists_is_read_whatever_its_form(name: str) -> None:
    hard, plain = (each.info for each in stat(str(LISTINGS / name)))
    assert (hard.size, hard.crc32c, hard.md5) == (
        4, "Jj/JUA==", "841a2d689ad86bd1611447453c22c6fc",
    )  # fmt: skip
    assert hard.content_type == "image/png"
    assert hard.headers == {"cache-control": "no-cache", "content-disposition": "inline"}
    assert dict(hard.metadata) == {"x": "y"}
    assert hard.generation is not None
    assert (plain.size, plain.crc32c) == (2, "9Z3Zwg==")


def test_what_rclone_lists_is_read_below_the_bucket_that_is_named() -> None:
    hard, plain = stat(f"gs://old-logos={LISTINGS / 'lsjson.json'}")
    assert (hard.info.size, hard.info.crc32c) == (4, None)
    assert hard.info.md5 == "841a2d689ad86bd1611447453c22c6fc"
    assert plain.state is SourceState.EXISTS


def test_a_prefix_that_rclone_was_given_is_put_back(tmp_path: Path) -> None:
    listing = tmp_path / "a=b.json"
    listing.write_text('[{"Path":"x/y.png","Name":"y.png","Size":3,"IsDir":false}]')
    renamed = listing.rename(tmp_path / "list.json")
    (item,) = stat(f"gs://b/img/s={renamed}", refs=(ObjectRef("b", "img/s/x/y.png"),))
    assert (item.info.size, item.info.md5) == (3, None)


def test_a_rclone_listing_of_no_bucket_says_how_to_give_it() -> None:
    with pytest.raises(ConfigurationError, match=r"lsjson.json:2: .*--inventory gs://BUCKET"):
        stat(str(LISTINGS / "lsjson.json"))


def test_what_is_not_listed_is_unknown_and_never_gone() -> None:
    (item,) = stat(str(LISTINGS / "ls_top.json"), refs=(HARD,))
    assert (item.state, item.info) == (SourceState.UNKNOWN, ObjectInfo())
    assert item.detail == "not listed in ls_top.json"
    (item,) = stat(str(LISTINGS / "ls.json"), refs=(ObjectRef("old-logos", "\ud800"),))
    assert item.state is SourceState.UNKNOWN


def test_several_files_and_lines_of_json_make_one_inventory(tmp_path: Path) -> None:
    lines = tmp_path / "lines.jsonl"
    rows = [{"bucket": "b", "name": f"k{n}", "size": str(n)} for n in range(3)]
    lines.write_text("\ufeff" + "".join(f"{json.dumps(row)}\r\n" for row in rows), "utf-8")
    evidence = stat(str(lines), str(LISTINGS / "ls.json"), refs=(ObjectRef("b", "k2"), PLAIN))
    assert [each.info.size for each in evidence if each.info.size] == [2, 2]


def test_the_newest_version_counts_and_deleted_ones_do_not(tmp_path: Path) -> None:
    file = tmp_path / "versions.json"
    rows = [
        {"bucket": "b", "name": "k", "size": 2, "generation": "20"},
        {"bucket": "b", "name": "k", "size": 1, "generation": "10"},
        {"bucket": "b", "name": "k", "size": 3, "generation": "30", "timeDeleted": "2026-01-01"},
        {"bucket": "b", "name": "k", "size": 4, "generation": "40", "noncurrent_time": "2026"},
    ]
    file.write_text(json.dumps(rows))
    (item,) = stat(str(file), refs=(ObjectRef("b", "k"),))
    assert item.info.size == 2


def test_an_inventory_of_objects_that_another_one_knows_better_is_none_without_objects(
    tmp_path: Path,
) -> None:
    newer, older = tmp_path / "newer.json", tmp_path / "older.json"
    newer.write_text('[{"bucket": "b", "name": "k", "size": 2, "generation": "20"}]')
    older.write_text('[{"Path": "k", "Name": "k", "Size": 1, "IsDir": false}]')
    (item,) = stat(str(newer), f"gs://b={older}", refs=(ObjectRef("b", "k"),))
    assert item.info.size == 2


ROW = '{"bucket": "b", "name": "k", "size": "1"}'

BROKEN = {
    "no file": (None, r"list\.json: cannot be read: No such file"),
    "empty": ("", r"list\.json lists no object"),
    "empty array": ("[]", r"list\.json lists no object"),
    "cut in the array": (f"[\n{ROW},\n{ROW}", r"list\.json:3: the file ends within its array"),
    "cut in an object": (f"[\n{ROW},\n{ROW[:30]}", r"list\.json:3: "),
    "no comma": (f"[{ROW}\n{ROW}]", r"list\.json:2: a comma or \] is missing"),
    "no object": ("[\n\n1]", r"list\.json:3: an object must begin here, not '1'"),
    "text": ("gs://b/k\n", r"list\.json:1: an object must begin here, not 'g'"),
    "not JSON": ('[\n{"bucket":\n b}]', r"list\.json:3: not JSON"),
    "more after the end": (f"[{ROW}]\n{ROW}", r"list\.json:2: something follows the array"),
    "another kind": ('{"a": 1}', r"list\.json:1: no object of gcloud's or rclone's"),
    "no size": ('{"bucket": "b", "name": "k", "size": null}', r"list\.json:1: size must be"),
    "odd size": ('{"bucket": "b", "name": "k", "size": -1}', r"list\.json:1: size must be"),
    "huge size": (f'{{"bucket": "b", "name": "k", "size": {2**63}}}', "size must be"),
    "no name": ('{"bucket": "b", "name": 3, "size": 1}', r"list\.json:1: name must be a text"),
    "surrogate": ('{"bucket": "b", "name": "\\ud800", "size": 1}', "name must be a text"),
    "deep": ("{" + '"a":[' * 200_000, "list.json:1: "),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_no_inventory_is_refused_with_the_place(
    tmp_path: Path, text: str | None, message: str
) -> None:
    file = tmp_path / "list.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        stat(str(file))


def test_a_file_of_powershell_says_how_to_write_it(tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    file.write_bytes(ROW.encode("utf-16"))
    with pytest.raises(ConfigurationError, match="Out-File -Encoding utf8"):
        stat(str(file))


@pytest.mark.parametrize("text", ["gs://=x.json", "gs://b/p", "gs://b="])
def test_a_place_without_a_bucket_or_a_file_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="BUCKET"):
        open_inventory([text])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.lists(st.dictionaries(st.text(), VALUES, max_size=3), max_size=6), st.integers(1, 9),
    st.sampled_from(["array", "indented", "lines"]), st.booleans(),
)  # fmt: skip
def test_rows_are_read_alike_however_the_file_falls_into_chunks(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, object]], chunk: int, form: str, ascii_only: bool,
) -> None:  # fmt: skip
    indent = 1 if form == "indented" else None
    if form == "lines":
        text = "\n".join(json.dumps(row, ensure_ascii=True) for row in rows)
    else:
        text = json.dumps(rows, indent=indent, ensure_ascii=True)
    file = tmp_path_factory.mktemp("rows") / "rows.json"
    file.write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_rows, "_CHUNK", chunk)
        read = list(read_rows(file))
    assert [row.members for row in read] == rows
    assert all(text.split("\n")[row.line - 1].lstrip(" [").startswith("{") for row in read)


def test_memory_stays_flat_as_an_inventory_grows(tmp_path: Path) -> None:
    file = tmp_path / "large.jsonl"
    with file.open("w") as out:
        for n in range(30_000):
            row = {"bucket": "b", "name": f"{n:09}/" + "x" * 200, "size": n, "md5Hash": "A" * 24}
            out.write(json.dumps(row) + "\n")
    assert file.stat().st_size > 7_000_000
    tracemalloc.start()
    store = open_inventory([str(file)])
    (item,) = store.stat([ObjectRef("b", f"{29_999:09}/" + "x" * 200)])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert item.state is SourceState.EXISTS
    assert peak < 6_000_000
