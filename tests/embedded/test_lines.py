"""What a file of documents may look like, and what is said of one that is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.embedded.support import NEW, OLD, file_of, line, scanned, text, update
from url_rewriter.documents import WriteStatus
from url_rewriter.errors import ConfigurationError
from url_rewriter.stores.embedded import EmbeddedReader, EmbeddedStore


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("{", "not JSON"),
        ('{"path": "users/ada"} trailing', "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        (b'{"path": "users/\xff"}', "not UTF-8"),
        ("[1]", "expected a JSON object, found an array"),
        ("null", "expected a JSON object, found null"),
        ("3", "expected a JSON object, found a number"),
        ('{"fields": {}}', 'no "path"'),
        ('{"path": 3}', "the document path is a number"),
        ('{"name": null}', "the document path is null"),
        ('{"name": "users/ada"}', "projects/P/databases/D/documents/PATH"),
        ('{"path": "users"}', "1 segments, expected an even number"),
        ('{"path": "users/ada/files"}', "3 segments, expected an even number"),
        ('{"path": "/users/ada"}', "an empty segment"),
        ('{"path": "users//ada/x"}', "an empty segment"),
        ('{"path": ""}', "an empty segment"),
        ('{"path": "users/ada", "fields": []}', '"fields" is not an object'),
        (line("users/first"), "a second document with the path 'users/first'"),
    ],
)
def test_a_bad_line_is_named_with_what_was_found(
    tmp_path: Path, bad: str | bytes, said: str
) -> None:
    path = file_of(tmp_path, line("users/first"), "\n", bad)
    with pytest.raises(ConfigurationError) as caught:
        EmbeddedReader(path)
    assert str(caught.value).startswith(f"{path}:3: ")
    assert said in str(caught.value)


def test_an_empty_file_is_an_empty_database(tmp_path: Path) -> None:
    assert scanned(EmbeddedReader(file_of(tmp_path))) == []


def test_a_document_without_fields_is_a_document(tmp_path: Path) -> None:
    store = EmbeddedReader(file_of(tmp_path, '{"path": "users/ada"}'))
    assert [document.path for document in scanned(store)] == ["users/ada"]


def test_a_name_stands_in_place_of_a_path(tmp_path: Path) -> None:
    store = EmbeddedReader(
        file_of(tmp_path, '{"name": "projects/p/databases/(default)/documents/users/ada"}')
    )
    assert list(store.get(["users/ada"])) == ["users/ada"]


@pytest.mark.parametrize(
    "document_id", ["a.b", "..", "/".join("abcd"), "%2F", "`", " ", "é", "__id7__"]
)
def test_odd_ids_keep_their_documents_apart(tmp_path: Path, document_id: str) -> None:
    odd = f"users/{document_id}/files/x" if "/" not in document_id else document_id
    store = EmbeddedStore(file_of(tmp_path, line(odd), line("users/plain")))
    before = store.get([odd, "users/plain"])
    assert store.write([update(before[odd])])[0].status is WriteStatus.WRITTEN
    after = store.get([odd, "users/plain"])
    assert dict(after[odd].strings) == {("image",): NEW}
    assert after["users/plain"] == before["users/plain"]


UNTOUCHED = (
    b"\xef\xbb\xbf",
    b"\n  \t\r\n",
    b'{ "fields":{"u":{"stringValue":"\\u0067s:\\/\\/b\\/k"}},"n":1e2,"path":"a/1"}\r\n',
    b'{"path": "a/2", "fields": {"x": {"someday": [1, 2.50, {"y": null}]}}, "kept": true}\n',
)


def test_every_other_byte_of_the_file_stays(tmp_path: Path) -> None:
    path = file_of(tmp_path, *UNTOUCHED, line("a/3"), b"\n", line("a/4").rstrip())
    store = EmbeddedStore(path)
    store.write([update(store.get(["a/3"])["a/3"])])
    expected = (*UNTOUCHED, line("a/3", {"image": text(NEW)}).encode(), b"\n", line("a/4").encode())
    assert path.read_bytes() == b"".join(expected).rstrip(b"\n")


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_a_rewritten_line_keeps_its_ending(tmp_path: Path, ending: str) -> None:
    path = file_of(tmp_path, line("a/1").rstrip() + ending)
    store = EmbeddedStore(path)
    store.write([update(store.get(["a/1"])["a/1"])])
    expected = line("a/1", {"image": text(NEW)}).rstrip() + ending
    assert path.read_bytes() == expected.encode()


@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_a_rewritten_line_is_escaped_as_it_was(tmp_path: Path, ensure_ascii: bool) -> None:
    def spelled(image: str) -> bytes:
        document = {"path": "a/1", "fields": {"n": text("Ünal"), "image": text(image)}}
        return json.dumps(document, ensure_ascii=ensure_ascii).encode()

    path = file_of(tmp_path, spelled(OLD))
    store = EmbeddedStore(path)
    store.write([update(store.get(["a/1"])["a/1"])])
    assert path.read_bytes() == spelled(NEW)


def test_half_a_surrogate_pair_survives(tmp_path: Path) -> None:
    path = file_of(
        tmp_path,
        '{"path": "a/é", "fields": {"odd": {"stringValue": "\\ud800"}, "image": '
        + json.dumps(text(OLD))
        + "}}",
    )
    store = EmbeddedStore(path)
    store.write([update(store.get(["a/é"])["a/é"])])
    assert json.loads(path.read_bytes())["fields"] == {"odd": text("\ud800"), "image": text(NEW)}


def test_other_members_of_a_line_are_kept(tmp_path: Path) -> None:
    path = file_of(tmp_path, line("a/1", createTime="2020-01-01T00:00:00Z", note=[1]))
    store = EmbeddedStore(path)
    store.write([update(store.get(["a/1"])["a/1"])])
    kept = json.loads(path.read_bytes())
    assert (kept["createTime"], kept["note"]) == ("2020-01-01T00:00:00Z", [1])
