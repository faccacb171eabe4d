"""Servers that several suites share."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.botocore_files import read_once
from tests.emulator import running_emulator
from tests.scripted_firestore import scripted_firestore

# Whoever runs the tests in the background of a shell has SIGINT ignored, and so have all commands
# that they start, which are to be interrupted.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

read_once()

# How long an example takes says more of the machine, which others use too, than of the code.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


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
