"""The Firestore harness over the scripted server, which needs no Java."""

from __future__ import annotations

import pytest

from tests.contract.firestore_harness import FirestoreHarness
from tests.contract.harness import Ability


class ScriptedHarness(FirestoreHarness):
    """A server that takes every value, as each edition of Firestore takes its own."""

    abilities = frozenset(Ability)


def scripted_harness(request: pytest.FixtureRequest) -> ScriptedHarness:
    return ScriptedHarness(
        request.getfixturevalue("scripted_host"), request.getfixturevalue("monkeypatch")
    )
