"""The Firestore harness over the scripted server, which needs no Java."""

from __future__ import annotations

import pytest

from tests.contract.firestore_harness import FirestoreHarness


def scripted_harness(request: pytest.FixtureRequest) -> FirestoreHarness:
    return FirestoreHarness(
        request.getfixturevalue("scripted_host"), request.getfixturevalue("monkeypatch")
    )
