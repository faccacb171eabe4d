"""Inventories of targets: all that S3, rclone and people write, and what is wrong with others."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import sys
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.inventories.writing import CURRENT, VERSIONED, csv_text, parquet_bytes, write_inventory
from url_rewriter.errors import ConfigurationError
from url_rewriter.inventories.target import open_target_inventory, require_recent

MADE = datetime(2026, 11, 26, 2, 30, tzinfo=UTC)


def row(key: str, **more: Any) -> dict[str, Any]:
    return {
        "Bucket": "data", "Key": key, "VersionId": "v1", "IsLatest": True, "IsDeleteMarker": False,
        "Size": 3, "LastModifiedDate": "2026-01-01T00:00:00.000Z", "ETag": "1f",
        "StorageClass": "STANDARD", **more,
    }  # fmt: skip


def expected(rows: list[dict[str, Any]]) -> set[tuple[str, str, int, str, bool]]:
    """What an inventory says, read the plainest way there is."""
    archives = {"GLACIER", "DEEP_ARCHIVE", "ARCHIVE"}
    said = set()
    for each in rows:
        if each["IsLatest"] and not each["IsDeleteMarker"]:
            kinds = {each["StorageClass"], each.get("IntelligentTieringAccessTier")}
            archived = not archives.isdisjoint(kinds)
            said.add((each["Bucket"], each["Key"], each["Size"], each["ETag"], archived))
    return said


def read(text: str, **more: Any) -> set[tuple[str, str, int | None, str | None, bool]]:
    listed = open_target_inventory(text, **more).rows()
    return {(*each[:4], bool(each.archive)) for each in listed}


KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
ROWS = st.lists(
    st.builds(
        row, KEYS, IsLatest=st.booleans(), IsDeleteMarker=st.booleans(),
        Size=st.integers(0, 2**62), ETag=st.sampled_from(["1f", "2a-3"]),
        StorageClass=st.sampled_from(["STANDARD", "GLACIER", "GLACIER_IR", "DEEP_ARCHIVE"]),
        IntelligentTieringAccessTier=st.sampled_from([None, "FREQUENT", "ARCHIVE"]),
    ),
    min_size=1, max_size=8,
)  # fmt: skip


@given(ROWS, st.sampled_from(["CSV", "Parquet"]), st.permutations(VERSIONED))
def test_an_inventory_says_what_its_rows_say_whatever_the_order_of_its_columns(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, Any]], form: str, columns: list[str],
) -> None:  # fmt: skip
    folder = tmp_path_factory.mktemp("inventory")
    rows = [row("always"), *rows]
    manifest = write_inventory(folder, "data", rows, MADE, form=form, columns=columns)
    assert read(str(manifest)) == expected(rows)


@given(ROWS, st.sampled_from(["csv", "csv.gz", "parquet"]))
def test_a_bare_table_says_what_its_rows_say(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], form: str
) -> None:
    file = tmp_path_factory.mktemp("bare") / "list"  # its content tells what it is, not its name
    rows = [row("always"), *rows]
    if form == "parquet":
        file.write_bytes(parquet_bytes(VERSIONED, rows))
    else:
        text = ",".join(VERSIONED) + "\r\n" + csv_text(VERSIONED, rows, encoded=False)
        file.write_bytes(gzip.compress(text.encode()) if form == "csv.gz" else text.encode())
    assert read(str(file)) == expected(rows)


def test_a_manifest_says_when_it_was_made_and_of_which_bucket(tmp_path: Path) -> None:
    inventory = open_target_inventory(str(write_inventory(tmp_path, "data", [row("a")], MADE)))
    assert (inventory.made_at, inventory.bucket) == (MADE, "data")
    assert inventory.name.endswith("manifest.json of 2026-11-26 02:30:00Z")


@pytest.mark.parametrize("data", ["data", "files", "2026-11-26T02-30Z", "2026-11-26T02-30Z/data"])
def test_files_are_found_where_s3_puts_them_and_beside_the_manifest(
    tmp_path: Path, data: str
) -> None:
    manifest = write_inventory(tmp_path, "data", [row("a"), row("b")], MADE, data=data)
    assert {key for _, key, *_ in read(str(manifest))} == {"a", "b"}


def test_files_are_found_where_a_bucket_was_copied_whole(tmp_path: Path) -> None:
    manifest = write_inventory(tmp_path / "inventories", "data", [row("a")], MADE, data="odd/x")
    assert {key for _, key, *_ in read(str(manifest))} == {"a"}


def test_an_inventory_of_current_versions_has_no_columns_of_versions(tmp_path: Path) -> None:
    manifest = write_inventory(tmp_path, "data", [row("a")], MADE, columns=CURRENT)
    assert read(str(manifest)) == {("data", "a", 3, "1f", False)}


RCLONE = [
    {"Path": "x", "Name": "x", "Size": -1, "IsDir": True},
    {"Path": "x/a b.png", "Name": "a b.png", "Size": 4, "IsDir": False, "Tier": "STANDARD"},
    {"Path": "x/old.png", "Name": "old.png", "Size": 5, "IsDir": False, "Tier": "GLACIER"},
]


@pytest.mark.parametrize("lines", [False, True])
def test_what_rclone_lists_is_below_what_it_was_given(tmp_path: Path, lines: bool) -> None:
    file = tmp_path / "list.json"
    file.write_text("\n".join(map(json.dumps, RCLONE)) if lines else json.dumps(RCLONE))
    os.utime(file, (MADE.timestamp(), MADE.timestamp()))
    listed = {("data", "p/x/a b.png", 4, None, False), ("data", "p/x/old.png", 5, None, True)}
    assert read(f"s3://data/p={file}") == listed
    assert {key for _, key, *_ in read(str(file), only_bucket="data")} == {"x/a b.png", "x/old.png"}
    assert open_target_inventory(f"s3://data={file}").made_at == MADE
    later = MADE + timedelta(hours=1)
    assert open_target_inventory(f"s3://data={file}", made_at=later).made_at == later
    with pytest.raises(ConfigurationError, match="--target-inventory s3://BUCKET"):
        open_target_inventory(str(file))


def test_an_inventory_that_is_too_old_or_from_the_future_is_refused(tmp_path: Path) -> None:
    inventory = open_target_inventory(str(write_inventory(tmp_path, "data", [row("a")], MADE)))
    require_recent(inventory, timedelta(hours=1), MADE + timedelta(hours=1))
    with pytest.raises(ConfigurationError, match="is 25 hours old, and --max-age allows 24"):
        require_recent(inventory, timedelta(days=1), MADE + timedelta(hours=25))
    with pytest.raises(ConfigurationError, match="from the future"):
        require_recent(inventory, timedelta(days=1), MADE - timedelta(hours=1))


def test_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = write_inventory(tmp_path, "data", [row("a")], MADE, form="Parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'url-rewriter\[parquet\]'"):
        list(open_target_inventory(str(manifest)).rows())


# -- damage -----------------------------------------------------------------------------------


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def swap(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("form", ["CSV", "Parquet"])
@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (cut, "bytes, manifest.json says"),
        (swap, "its MD5 is .* damaged; copy it anew"),
        (Path.unlink, "its file 'inventories/data/config/data/00000000.*' is not there"),
    ],
)
def test_a_file_that_is_not_as_the_manifest_says_is_refused_with_its_name(
    tmp_path: Path, form: str, harm: Callable[[Path], None], message: str
) -> None:
    manifest = write_inventory(tmp_path, "data", [row("a"), row("b")], MADE, form=form)
    harm(next((tmp_path / "data/config/data").glob("00000000*")))
    with pytest.raises(ConfigurationError, match=message):
        open_target_inventory(str(manifest))


def test_a_file_that_is_damaged_after_it_was_opened_is_refused(tmp_path: Path) -> None:
    inventory = open_target_inventory(str(write_inventory(tmp_path, "data", [row("a")], MADE)))
    swap(next((tmp_path / "data/config/data").glob("00000000*")))
    with pytest.raises(ConfigurationError, match=r"its MD5 is .* damaged"):
        list(inventory.rows())


def test_a_manifest_that_is_not_as_its_checksum_says_is_refused(tmp_path: Path) -> None:
    manifest = write_inventory(tmp_path, "data", [row("a")], MADE)
    manifest.write_bytes(manifest.read_bytes().replace(b'"size"', b'"size" '))
    with pytest.raises(ConfigurationError, match=r"manifest\.checksum says"):
        open_target_inventory(str(manifest))


CHANGED: dict[str, tuple[dict[str, Any], str]] = {
    "ORC": ({"fileFormat": "ORC"}, "its files are ORC, which is not read: .* CSV or Parquet"),
    "no time": ({"creationTimestamp": "soon"}, "creationTimestamp must be a number"),
    "odd time": ({"creationTimestamp": "9" * 18}, "is no time"),
    "no files": ({"files": []}, "files a list of files"),
    "odd file": ({"files": [{"key": "a", "size": 3}]}, r"files\[0\] must have key, size and MD5"),
    "no bucket": ({"sourceBucket": None}, "sourceBucket must be a text"),
    "no key": ({"fileSchema": "Bucket, Size"}, r"csv\.gz:0: no column Key"),
    "fewer columns": ({"fileSchema": "Bucket, Key, Size"}, r"csv\.gz:1: 11 columns, not 3"),
    "another bucket": ({"sourceBucket": "other"}, r"csv\.gz:1: a row of bucket 'data', not of oth"),
}


@pytest.mark.parametrize(("change", "message"), CHANGED.values(), ids=CHANGED)
def test_a_manifest_that_is_none_is_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    manifest = write_inventory(tmp_path, "data", [row("a")], MADE)
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | change))
    manifest.with_suffix(".checksum").unlink()
    with pytest.raises(ConfigurationError, match=message):
        list(open_target_inventory(str(manifest)).rows())


@given(st.data())
def test_a_manifest_that_was_cut_anywhere_is_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    manifest = write_inventory(tmp_path_factory.mktemp("cut"), "data", [row("a")], MADE, files=1)
    manifest.with_suffix(".checksum").unlink()
    content = manifest.read_bytes()
    manifest.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(ConfigurationError, match=r"manifest\.json"):
        open_target_inventory(str(manifest))


HEAD = "Bucket,Key,Size\n"

BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", ":0: no column Key among none"),
    "only a header": (HEAD.encode(), "it lists no object"),
    "no header": (b"data,a,3\n", ":1: no column Key among data, a, 3"),
    "cut in a line": (f"{HEAD}data,a,3\ndata,b,".encode(), ":3: cut short or damaged: the last"),
    "cut in a field": (f'{HEAD}data,a,3\ndata,"b'.encode(), ":3: "),
    "fewer columns": (f"{HEAD}data,a,3\ndata,b\n".encode(), ":3: 2 columns, not 3"),
    "odd size": (f"{HEAD}data,a,three\n".encode(), ":2: Size must be a whole number, not 'three'"),
    "no key": (f"{HEAD}data,,3\n".encode(), ":2: Key must be a text, not ''"),
    "no bucket": (f"{HEAD},a,3\n".encode(), ":2: a row of bucket ''"),
    "odd flag": (b"Bucket,Key,IsLatest\ndata,a,yes\n", ":2: IsLatest must be true or false"),
    "not UTF-8": (b"Bucket,Key\ndata,\xff\n", "not UTF-8"),
    "quotes": (f'{HEAD}data,"a"b,3\n'.encode(), ":2: no CSV"),
    "ORC": (b"ORC\x00\x00", "ORC is not read: have it written as CSV"),
    "cut gzip": (gzip.compress(f"{HEAD}data,a,3\n".encode())[:-9], "cut short or damaged"),
    "cut Parquet": (parquet_bytes(CURRENT, [row("a")])[:-9], "cut short or damaged"),
    "cut JSON": (b'[{"Path":"a","Size":3,"IsDir":false}', "the file ends within its array"),
    "other JSON": (b'[{"a":1}]', "no row of `rclone lsjson`, and no manifest"),
    "no bucket column": (b"Key,Size\na,3\n", "no column Bucket: say of which bucket"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_no_inventory_is_refused_with_the_place(
    tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "list"
    file.write_bytes(content)
    text = f"s3://data={file}" if content.startswith(b"[") else str(file)
    with pytest.raises(ConfigurationError, match=message) as refused:
        list(open_target_inventory(text).rows())
    assert str(file) in str(refused.value)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize("key", ["a%", "a%2", "%zz", "%ff"])
def test_a_key_that_is_not_url_encoded_in_an_inventory_of_s3_is_damage(
    tmp_path: Path, key: str
) -> None:
    manifest = write_inventory(tmp_path, "data", [row("KEY")], MADE, files=1)
    part = next((tmp_path / "data/config/data").iterdir())
    content = gzip.decompress(part.read_bytes()).replace(b"KEY", key.encode())
    part.write_bytes(content)
    members = json.loads(manifest.read_text())
    size, md5 = len(content), hashlib.md5(content).hexdigest()
    members["files"][0] |= {"size": size, "MD5checksum": md5}
    manifest.write_text(json.dumps(members))
    manifest.with_suffix(".checksum").unlink()
    with pytest.raises(ConfigurationError, match=r"csv\.gz:1: Key is no URL-encoded UTF-8"):
        list(open_target_inventory(str(manifest)).rows())


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        open_target_inventory(str(tmp_path / "manifest.json"))


def test_memory_stays_flat_as_an_inventory_grows(tmp_path: Path) -> None:
    rows = [row(f"{n:09}/" + "x" * 200) for n in range(8_000)]
    manifest = write_inventory(tmp_path, "data", rows, MADE)
    inventory = open_target_inventory(str(manifest))
    tracemalloc.start()
    count = sum(1 for _ in inventory.rows())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 8_000
    assert peak < 1_000_000
