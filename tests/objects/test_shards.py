"""Shards in a folder and in a bucket: the first attempt wins, the second finds it."""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.s3 import moto, rclone
from url_rewriter.errors import ConfigurationError, NotPermittedError, ServiceError
from url_rewriter.pipeline.shard_places import open_shards
from url_rewriter.shards import Shards


@pytest.fixture(params=["folder", "bucket"])
def shards(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shards]:
    if request.param == "folder":
        yield open_shards(str(tmp_path / "shards"), {}, None, probe=True)
        return
    with moto() as server:
        place = f"s3://{server.bucket}/work/shards"
        yield open_shards(place, server.environ(), server.endpoint, probe=True)


def test_the_first_attempt_wins_and_the_second_finds_it(shards: Shards) -> None:
    assert not shards.has("scan/a")
    assert shards.open("scan/a") is None
    assert shards.put("scan/a", io.BytesIO(b"first"))
    assert not shards.put("scan/a", io.BytesIO(b"second"))
    file = shards.open("scan/a")
    assert file is not None
    with file:
        assert file.read() == b"first"
    assert shards.has("scan/a")


def test_shards_of_one_folder_are_named_in_order_and_removed_alone(shards: Shards) -> None:
    for name in ("scan/b", "scan/a", "other/c"):
        assert shards.put(name, io.BytesIO(b"x"))
    assert list(shards.names("scan")) == ["scan/a", "scan/b"]
    shards.remove("scan")
    assert list(shards.names("scan")) == []
    assert list(shards.names("other")) == ["other/c"]


def test_a_server_that_overwrites_what_it_must_not_is_refused(tmp_path: Path) -> None:
    with rclone(tmp_path) as server, pytest.raises(ConfigurationError, match="If-None-Match"):
        open_shards(f"s3://{server.bucket}/x", server.environ(), server.endpoint, probe=True)


def test_what_is_wrong_with_a_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServiceError, match="shards cannot be kept there"):
        open_shards(str(tmp_path / "file"), {}, None).put("scan/a", io.BytesIO(b"x"))
    with pytest.raises(ConfigurationError, match="s3://BUCKET/PREFIX"):
        open_shards("s3://", {}, None)
    with moto() as server, pytest.raises((NotPermittedError, ServiceError), match="NoSuchBucket"):
        open_shards("s3://none-such/x", server.environ(), server.endpoint, probe=True)


def test_a_folder_of_shards_is_its_owners_alone(tmp_path: Path) -> None:
    open_shards(str(tmp_path / "shards"), {}, None).put("scan/a", io.BytesIO(b"x"))
    kept = [tmp_path / "shards", tmp_path / "shards/scan", tmp_path / "shards/scan/a"]
    assert not [each for each in kept if stat.S_IMODE(each.stat().st_mode) & 0o077]
