"""Locators, credentials and what is said where there are none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.emulator import fresh_project
from url_rewriter.concurrency.retry import Backoff
from url_rewriter.documents import Environment
from url_rewriter.errors import ConfigurationError, NotPermittedError, ServiceError
from url_rewriter.stores import open_reader, open_store
from url_rewriter.stores.firestore import FirestoreReader, connect
from url_rewriter.stores.firestore.faults import CallLimits


@pytest.fixture
def no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "FIRESTORE_EMULATOR_HOST",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_CLOUD_PROJECT",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")


@pytest.mark.parametrize(
    "locator", ["", "users", "mongodb://x", "firestore:p", "firestore://p/d/x", "firestore://a b"]
)
def test_a_locator_that_names_no_store_is_answered_with_one_that_does(locator: str) -> None:
    for opened in (open_reader, open_store):
        with pytest.raises(ConfigurationError, match=r"firestore://PROJECT\[/DATABASE\]"):
            opened(locator)


def test_missing_credentials_say_what_to_run(no_credentials: None) -> None:
    with pytest.raises(NotPermittedError, match="gcloud auth application-default login"):
        open_reader("firestore://p")


def test_a_broken_key_file_is_not_repeated(
    no_credentials: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key.json"
    key.write_text(
        json.dumps({"type": "service_account", "private_key": "SECRET", "client_email": "x"})
    )
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    with pytest.raises(NotPermittedError) as caught:
        open_reader("firestore://p")
    assert "SECRET" not in str(caught.value)


def test_the_emulator_needs_no_credentials(
    no_credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    reader = open_reader("firestore://p")
    assert (reader.locator, reader.environment) == (
        "firestore://p/(default)",
        Environment.DISPOSABLE,
    )
    reader.close()


def test_without_a_project_the_environments_is_taken(
    no_credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="GOOGLE_CLOUD_PROJECT"):
        open_reader("firestore://")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "mine")
    assert open_reader("firestore://").locator == "firestore://mine/(default)"


def test_a_server_that_is_not_there_is_given_up_after_the_last_try(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    pauses: list[float] = []
    limits = CallLimits(Backoff(attempts=4, first_pause=1, longest_pause=2, pause=pauses.append))
    reader = FirestoreReader(connect(fresh_project(), limits=limits))
    with pytest.raises(ServiceError, match="UNAVAILABLE"):
        reader.get(["c/d"])
    assert len(pauses) == 3
    assert all(0 < pause <= 2 for pause in pauses)


def test_the_registry_loads_no_client() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, url_rewriter.stores; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"grpc", "google.cloud.firestore_v1", "firebase_admin"} & set(loaded)
