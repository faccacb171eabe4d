"""Servers that several suites share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator import running_emulator


@pytest.fixture(scope="session")
def emulator_host() -> Iterator[str]:
    """``host:port`` of Google's Firestore emulator; skips where this machine has none."""
    with running_emulator() as host:
        yield host
