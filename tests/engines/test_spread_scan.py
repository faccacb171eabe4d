"""A scan over an engine, without a cluster: parts that run twice, shards that are damaged."""

from __future__ import annotations

import gzip
import io
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.pipeline.cutover import Cutover
from url_rewriter.engines import ThreadEngine, asked_to_stop
from url_rewriter.errors import ConfigurationError, RefusedError, ServiceError
from url_rewriter.pipeline.requests import EngineOptions, Limits
from url_rewriter.pipeline.scan_part import ScanTask, read_part
from url_rewriter.rules import rules_to_json
from url_rewriter.shards import FolderShards, read_lines, write_lines
from url_rewriter.stores import open_reader
from url_rewriter.stores.base import Partition, ReadWhole


@pytest.fixture
def task(tmp_path: Path) -> ScanTask:
    cutover = Cutover(tmp_path)
    cutover.fill({f"c/{number:03}": {"u": f"gs://old-logos/{number}.png"} for number in range(9)})
    reader = open_reader(cutover.locator)
    assert isinstance(reader, ReadWhole)
    return ScanTask(
        scan="a" * 32, shards=str(tmp_path / "shards"), s3_endpoint=None, store=reader.locator,
        kept_at=reader.environment, state=reader.state(), rules=rules_to_json(cutover.rules()),
        limits=Limits(),
    )  # fmt: skip


def test_a_part_that_is_read_twice_is_kept_once_and_the_first_wins(
    task: ScanTask, tmp_path: Path
) -> None:
    shards = FolderShards(tmp_path / "shards")
    name = read_part(task)
    first = (tmp_path / "shards" / name).read_bytes()
    assert not shards.put(name, io.BytesIO(b"what a slower attempt has made"))
    assert read_part(task) == name
    assert (tmp_path / "shards" / name).read_bytes() == first
    assert [each.name for each in (tmp_path / "shards").rglob("*") if each.is_file()] == [
        name.rpartition("/")[2]
    ]


def test_the_name_of_a_part_depends_on_all_that_its_content_does(task: ScanTask) -> None:
    others = [
        replace(task, scan="b" * 32), replace(task, store="embedded:other"),
        replace(task, state="other"), replace(task, rules="{}"),
        replace(task, limits=Limits(collections=("c",))),
        replace(task, limits=Limits(fields=("u",))),
        replace(task, verifies=True), replace(task, watches=True),
        replace(task, partition=Partition("c")), replace(task, after="c/001"),
        replace(task, limit=5),
    ]  # fmt: skip
    assert len({each.name for each in (task, *others)}) == 1 + len(others)
    assert replace(task, shards="elsewhere").name == task.name


def test_a_worker_that_sees_another_state_of_the_store_refuses(
    task: ScanTask, tmp_path: Path
) -> None:
    Cutover(tmp_path).fill({"c/1": {"u": "changed since"}})
    with pytest.raises(RefusedError, match="not in the state"):
        read_part(task)


@pytest.mark.parametrize("cut", [1, 40, 9])
def test_a_damaged_shard_is_refused(cut: int) -> None:
    file = io.BytesIO()
    write_lines(file, [["a", 1], ["b", 2]])
    whole = file.getvalue()
    assert list(read_lines(io.BytesIO(whole), "x")) == [["a", 1], ["b", 2]]
    with pytest.raises(ServiceError, match="damaged"):
        list(read_lines(io.BytesIO(whole[:-cut]), "x"))


def test_a_shard_without_its_end_is_refused() -> None:
    with pytest.raises(ServiceError, match="damaged"):
        list(read_lines(io.BytesIO(gzip.compress(b'["a",1]\n')), "x"))


def test_shards_are_for_their_owner_alone(task: ScanTask, tmp_path: Path) -> None:
    name = read_part(task)
    path = tmp_path / "shards" / name
    assert path.stat().st_mode & 0o077 == 0
    assert (tmp_path / "shards").stat().st_mode & 0o077 == 0


def test_a_scheduler_needs_a_place_that_all_workers_see() -> None:
    with pytest.raises(ConfigurationError, match="--scheduler needs --shards"):
        EngineOptions("dask", "tcp://10.0.0.1:8786")
    with pytest.raises(ConfigurationError, match="need --engine dask"):
        EngineOptions("threads", shards="x")


def test_what_a_piece_of_work_raises_is_raised_and_the_rest_is_stopped() -> None:
    def work(piece: int) -> int:
        if piece == 3:
            raise ServiceError("broken")
        while not asked_to_stop():
            time.sleep(0.001)
        return piece

    with ThreadEngine(4) as engine, pytest.raises(ServiceError, match="broken"):
        list(engine.map(work, [1, 2, 3]))
