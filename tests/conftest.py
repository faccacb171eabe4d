"""Servers that several suites share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulator import running_emulator
from tests.scripted_firestore import scripted_firestore


@pytest.fixture(scope="session")
def emulator_host() -> Iterator[str]:
    """``host:port`` of Google's Firestore emulator; skips where this machine has none."""
    with running_emulator() as host:
        yield host


@pytest.fixture(scope="session")
def scripted_host() -> Iterator[str]:
    """``host:port`` of a Firestore server of our own."""
    with scripted_firestore() as server:
        yield server.host
