"""Workshops: a folder with rules and a database, and a real S3 server behind them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import RULES, Workshop, clean_environ
from tests.servers.s3 import ServedS3, rclone


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedS3]:
    """A real S3 server that checks signatures."""
    with rclone(tmp_path_factory.mktemp("objects")) as server:
        yield server


@pytest.fixture
def workshop(tmp_path: Path, s3: ServedS3) -> Workshop:
    """A folder with rules, whose commands talk to the S3 server."""
    (tmp_path / "rules.yaml").write_text(RULES)
    return Workshop(tmp_path, clean_environ(s3.environ()))
