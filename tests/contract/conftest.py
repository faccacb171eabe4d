"""The implementations that the document-store contract is run over."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contract.embedded_harness import embedded_harness
from tests.contract.firestore_harness import emulator_harness
from tests.contract.harness import Harness
from tests.contract.mock_harness import mock_harness
from tests.contract.scripted_harness import scripted_harness

# An implementation is a line here; the factory takes what it needs (tmp_path, monkeypatch, a
# server) from the request's fixtures.
HARNESSES: dict[str, Callable[[pytest.FixtureRequest], Harness]] = {
    "embedded": embedded_harness,
    "mock": mock_harness,
    "scripted": scripted_harness,
    "emulator": emulator_harness,
}


@pytest.fixture(params=HARNESSES)
def harness(request: pytest.FixtureRequest) -> Harness:
    return HARNESSES[request.param](request)
