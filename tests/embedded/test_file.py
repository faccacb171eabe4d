"""The file as others see it: permissions, replacement, writers side by side, failures."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.concurrency.clock import Clock
from tests.embedded.support import NEW, OLD, file_of, line, scanned, text, update
from url_rewriter.documents import WriteStatus
from url_rewriter.errors import ConfigurationError, NotPermittedError, ServiceError
from url_rewriter.stores import open_reader
from url_rewriter.stores.base import Query
from url_rewriter.stores.embedded import EmbeddedReader, EmbeddedStore
from url_rewriter.stores.embedded.file import LOCK_WAIT

needs_permissions = pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"absent\.jsonl: no such file"):
        EmbeddedReader(tmp_path / "absent.jsonl")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="a folder"):
        EmbeddedReader(tmp_path)


def test_a_file_deleted_meanwhile_is_named(tmp_path: Path) -> None:
    path = file_of(tmp_path, line("a/1"))
    store = EmbeddedStore(path)
    document = store.get(["a/1"])["a/1"]
    path.unlink()
    with pytest.raises(ConfigurationError, match="no such file"):
        store.write([update(document)])


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    path = file_of(tmp_path, line("a/1"))
    assert not hasattr(open_reader(f"embedded:{path}"), "write")


def test_a_reader_leaves_the_file_alone(tmp_path: Path) -> None:
    path = file_of(tmp_path, line("a/1"))
    before = (path.stat(), sorted(tmp_path.iterdir()))
    scanned(EmbeddedReader(path))
    after = (path.stat(), sorted(tmp_path.iterdir()))
    assert (before[0].st_mtime_ns, before[0].st_ino, before[1]) == (
        after[0].st_mtime_ns,
        after[0].st_ino,
        after[1],
    )


def test_the_locator_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file_of(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert EmbeddedReader(Path("documents.jsonl")).locator == f"embedded:{path.resolve()}"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_the_mode_of_the_file_is_kept(tmp_path: Path, mode: int) -> None:
    path = file_of(tmp_path, line("a/1"))
    path.chmod(mode)
    store = EmbeddedStore(path)
    store.write([update(store.get(["a/1"])["a/1"])])
    assert path.stat().st_mode & 0o7777 == mode


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    path = file_of(tmp_path, line("a/1"))
    link = tmp_path / "link.jsonl"
    link.symlink_to(path)
    store = EmbeddedStore(link)
    store.write([update(store.get(["a/1"])["a/1"])])
    assert link.is_symlink()
    assert NEW in path.read_text()


def test_nothing_but_the_file_is_left_behind(tmp_path: Path) -> None:
    path = file_of(tmp_path, line("a/1"))
    store = EmbeddedStore(path)
    store.write([update(store.get(["a/1"])["a/1"])])
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_changes_nothing_leaves_the_file_alone(tmp_path: Path) -> None:
    path = file_of(tmp_path, line("a/1"))
    store = EmbeddedStore(path)
    document = store.get(["a/1"])["a/1"]
    inode = path.stat().st_ino
    (result,) = store.write([update(document, after=OLD)])
    assert (result.status, result.revision) == (WriteStatus.WRITTEN, document.revision)
    assert path.stat().st_ino == inode


@needs_permissions
@pytest.mark.parametrize("where", ["file", "folder"])
def test_a_write_without_permission_is_refused(tmp_path: Path, where: str) -> None:
    path = file_of(tmp_path, line("a/1"))
    store = EmbeddedStore(path)
    document = store.get(["a/1"])["a/1"]
    before = path.read_bytes()
    forbidden = path if where == "file" else tmp_path
    mode = forbidden.stat().st_mode
    forbidden.chmod(0o555)
    try:
        with pytest.raises(NotPermittedError, match=str(path)):
            store.write([update(document)])
    finally:
        forbidden.chmod(mode)
    assert path.read_bytes() == before


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_folder_that_takes_no_new_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(**_: object) -> None:
        raise OSError(number, os.strerror(number))

    path = file_of(tmp_path, line("a/1"))
    store = EmbeddedStore(path)
    document = store.get(["a/1"])["a/1"]
    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with pytest.raises(NotPermittedError, match="its folder must be writable"):
        store.write([update(document)])
    assert path.read_text() == line("a/1")


def test_a_full_disk_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file_of(tmp_path, line("a/1"))
    store = EmbeddedStore(path)
    document = store.get(["a/1"])["a/1"]
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", _no_space)
        with pytest.raises(ServiceError, match="No space left"):
            store.write([update(document)])
    assert path.read_text() == line("a/1")
    assert list(tmp_path.iterdir()) == [path]
    assert store.get(["a/1"])["a/1"] == document
    assert store.write([update(document)])[0].status is WriteStatus.WRITTEN


def _no_space(_: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_change_by_another_process_is_seen(tmp_path: Path) -> None:
    path = file_of(tmp_path, line("a/1"), line("a/2"))
    store = EmbeddedStore(path)
    one, two = store.get(["a/1", "a/2"]).values()
    file_of(tmp_path, line("a/2", {"image": text(OLD), "likes": {"integerValue": "1"}}))
    gone, stale = store.write([update(one), update(two)])
    assert (gone.status, stale.status) == (WriteStatus.STALE, WriteStatus.STALE)
    assert (gone.detail, stale.detail) == ("the document is gone", "the document has changed")
    assert [document.path for document in scanned(store)] == ["a/2"]


def test_a_scan_under_way_goes_on_over_the_file_it_began_with(tmp_path: Path) -> None:
    store = EmbeddedStore(file_of(tmp_path, line("a/1"), line("a/2")))
    scan = store.scan(Query(), store.partitions(Query(), 1)[0])
    first = next(scan)
    file_of(tmp_path, line("a/9"))
    assert store.count(Query()) == 1
    assert [getattr(item, "path", None) for item in (first, next(scan))] == ["a/1", "a/2"]


def test_a_taken_lock_is_waited_for_and_then_reported(tmp_path: Path) -> None:
    path, clock = file_of(tmp_path, line("a/1")), Clock()
    store = EmbeddedStore(path, lock_wait=replace(LOCK_WAIT, pause=clock.pause, clock=clock))
    document = store.get(["a/1"])["a/1"]
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ServiceError, match="held its lock"):
            store.write([update(document)])
    assert 29 < clock.now <= 30
    assert store.write([update(document)])[0].status is WriteStatus.WRITTEN


def test_a_file_replaced_just_before_its_lock_is_got_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file_of(tmp_path, line("a/1"))
    store = EmbeddedStore(path)
    document = store.get(["a/1"])["a/1"]
    theirs = line("a/1", {"image": text("theirs")})
    locks: list[int] = []

    def lock(opened: BinaryIO, operation: int) -> None:
        if not locks:
            (tmp_path / "new").write_text(theirs)
            (tmp_path / "new").replace(path)
        locks.append(operation)

    monkeypatch.setattr(fcntl, "flock", lock)
    assert store.write([update(document)])[0].status is WriteStatus.STALE
    assert len(locks) == 2
    assert path.read_text() == theirs


def test_a_write_to_a_document_leaves_those_below_it(tmp_path: Path) -> None:
    paths = ["users/ada", "users/ada/files/f", "users/ada/files/f/parts/p"]
    store = EmbeddedStore(file_of(tmp_path, *map(line, paths)))
    store.write([update(store.get([path])[path]) for path in paths[:2]])
    assert {found.path: found.strings[0][1] for found in scanned(store)} == {
        "users/ada": NEW,
        "users/ada/files/f": NEW,
        "users/ada/files/f/parts/p": OLD,
    }


COUNT_UP = """
import sys
from pathlib import Path
from url_rewriter.documents import Edit, Update, WriteStatus
from url_rewriter.stores.embedded import EmbeddedStore

path, own, rounds = sys.argv[1:]
store = EmbeddedStore(Path(path))
for document_path in (own, "a/shared"):
    for _ in range(int(rounds)):
        while True:
            document = store.get([document_path])[document_path]
            ((value_path, before),) = document.strings
            edit = Edit(value_path, before, str(int(before) + 1))
            if store.write([Update(document, (edit,))])[0].status is WriteStatus.WRITTEN:
                break
"""


def test_no_write_of_two_processes_is_lost(tmp_path: Path) -> None:
    paths = ("a/one", "a/two", "a/shared")
    path = file_of(tmp_path, *(line(each, {"n": text("10000")}) for each in paths))
    writers = [
        subprocess.Popen([sys.executable, "-c", COUNT_UP, str(path), own, "25"])
        for own in paths[:2]
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    documents = [json.loads(each) for each in path.read_bytes().splitlines()]
    counted = {each["path"]: each["fields"]["n"]["stringValue"] for each in documents}
    assert counted == {"a/one": "10025", "a/two": "10025", "a/shared": "10050"}


def test_threads_share_a_store(tmp_path: Path) -> None:
    paths = [f"a/{number}" for number in range(4)]
    store = EmbeddedStore(file_of(tmp_path, *map(line, paths)))

    def rewrite(path: str) -> None:
        assert store.write([update(store.get([path])[path])])[0].status is WriteStatus.WRITTEN

    threads = [threading.Thread(target=rewrite, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {document.strings[0][1] for document in scanned(store)} == {NEW}


def test_without_mock_firestore_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mockfirestore.client", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'url-rewriter\[embedded\]'"):
        EmbeddedReader(file_of(tmp_path))


def test_a_past_state_cannot_be_read(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    store = EmbeddedReader(file_of(tmp_path))
    with pytest.raises(ConfigurationError, match="no history"):
        store.partitions(Query(read_time=datetime.now(UTC)), 1)


@pytest.mark.parametrize(
    "hidden",
    [
        '{"stringValue": "gs:\\/\\/b\\/k"}',
        '{"stringValue": "\\u0067s://b/k"}',
        '{"bytesValue": "Z3M6Ly9iL2s="}',
        '{"mapValue": {"fields": {"GS://b/k": {}}}}',
        '{"arrayValue": {"values": [{"stringValue": "see Gs://b/k"}]}}',
    ],
)
def test_a_needle_is_found_however_the_line_spells_it(tmp_path: Path, hidden: str) -> None:
    lines = '{"path": "a/1", "fields": {"x": ' + hidden + "}}\n" + line("a/2", {"x": text("no")})
    store = EmbeddedReader(file_of(tmp_path, lines))
    assert [found.path for found in scanned(store, Query(needles=("gs://",)))] == ["a/1"]
