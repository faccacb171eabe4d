"""``import url_rewriter``: what it loads, what it offers, the page that tells of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import firebase_admin
import pytest
from mockfirestore.client import MockFirestore

import url_rewriter
from tests.cli.command import NEW, OLD, RULES, read_database, texts, write_database
from tests.firestore.faults import open_bench
from tests.scripted_firestore import scripted_firestore
from tests.servers.s3 import ServedS3, moto
from url_rewriter.errors import (
    ChecksFailedError,
    ConfigurationError,
    NotPermittedError,
    RefusedError,
)
from url_rewriter.planfile import Operation

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
HEAVY = ("boto3", "botocore", "google", "grpc", "firebase_admin", "mockfirestore", "click", "rich")


def loaded_after(program: str) -> set[str]:
    """The top-level modules that a program has loaded at its end."""
    ended = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys, json\nprint(json.dumps([*sys.modules]))"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    return {name.partition(".")[0] for name in json.loads(ended.stdout.splitlines()[-1])}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedS3]:
    with moto("omi.data") as server:
        for name, value in server.environ().items():
            monkeypatch.setenv(name, value)
        server.put("app-logos/a.png")
        yield server


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


def test_importing_it_loads_no_client_and_no_command_line() -> None:
    loaded = loaded_after("import url_rewriter")
    assert not loaded & {*HEAVY, "pydantic", "ruamel", "sqlite3", "jinja2"}


def test_rewriting_a_text_loads_no_client_and_no_command_line(rules: Path) -> None:
    program = f"import url_rewriter; print(url_rewriter.rewrite({OLD + 'a'!r}, {str(rules)!r}))"
    assert not loaded_after(program) & {*HEAVY, "pyarrow"}


def test_every_name_is_offered_and_on_the_page() -> None:
    for name in url_rewriter.__all__:
        assert getattr(url_rewriter, name)
        assert name in dir(url_rewriter)
        if name[0].islower():
            assert f"`{name}(" in PAGE, name


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = url_rewriter.no_such_name


def test_the_example_of_the_page_runs(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "/notebook/photos/ada.png" in ended.stdout
    assert "'written': 1" in ended.stdout
    assert "<html" in (tmp_path / "photos.html").read_text()


def test_a_mock_is_read_and_written_and_everything_else_stays(
    s3: ServedS3, rules: Path, tmp_path: Path
) -> None:
    client = MockFirestore()
    fields = {"image": OLD + "a.png", "count": 3, "list": [1.0, None, {"deep": OLD + "a.png"}]}
    client.collection("apps").document("1").set(fields)
    path = tmp_path / "x.plan"
    planned = url_rewriter.plan(client, rules, path)
    assert (planned.summary.urls["rewrite"], planned.summary.blocked) == (2, False)
    assert url_rewriter.apply(path, client).totals.outcomes["written"] == 1
    assert client.collection("apps").document("1").get().to_dict() == {
        "image": NEW + "a.png", "count": 3, "list": [1.0, None, {"deep": NEW + "a.png"}],
    }  # fmt: skip
    assert url_rewriter.verify(path, client).passed
    assert url_rewriter.rollback(path, client).totals.outcomes["written"] == 1
    assert client.collection("apps").document("1").get().to_dict() == fields


def test_subcollections_of_a_mock_are_documents_where_they_are_named(
    rules: Path, tmp_path: Path
) -> None:
    client = MockFirestore()
    client.collection("apps").document("1").set({"n": 1})
    client.collection("apps").document("1").collection("files").document("f").set({"u": OLD + "a"})
    named = url_rewriter.mock_database(client, ["files"])
    assert url_rewriter.audit(client, rules).tally.rows()["collection"] == [("apps", 1, 1)]
    assert url_rewriter.audit(named, rules).tally.rows()["collection"] == [("apps/*/files", 1, 1)]


def test_an_embedded_file_is_migrated_by_its_locator(
    s3: ServedS3, rules: Path, tmp_path: Path
) -> None:
    write_database(tmp_path / "db.jsonl", {"apps/1": texts(image=OLD + "a.png")})
    path = tmp_path / "x.plan"
    url_rewriter.plan(f"embedded:{tmp_path / 'db.jsonl'}", rules, path)
    written = url_rewriter.apply(path)
    assert (written.operation, written.left) == (Operation.APPLY, ())
    assert read_database(tmp_path / "db.jsonl") == {"apps/1": texts(image=NEW + "a.png")}
    report = url_rewriter.report(path, tmp_path / "x.md")
    assert report == (tmp_path / "x.md").read_bytes()
    assert (tmp_path / "x.md").stat().st_mode & 0o077 == 0


def test_a_plan_with_a_missing_target_is_not_applied(
    s3: ServedS3, rules: Path, tmp_path: Path
) -> None:
    client = MockFirestore()
    client.collection("apps").document("1").set({"image": OLD + "lost.png"})
    assert url_rewriter.plan(client, rules, tmp_path / "x.plan").summary.blocked
    with pytest.raises(ChecksFailedError, match="is blocked"):
        url_rewriter.apply(tmp_path / "x.plan", client)
    assert client.collection("apps").document("1").get().to_dict() == {"image": OLD + "lost.png"}


def test_a_plan_of_a_mock_is_not_applied_to_another_database(
    s3: ServedS3, rules: Path, tmp_path: Path
) -> None:
    client = MockFirestore()
    client.collection("apps").document("1").set({"image": OLD + "a.png"})
    url_rewriter.plan(client, rules, tmp_path / "x.plan")
    write_database(tmp_path / "db.jsonl", {"apps/1": texts(image=OLD + "a.png")})
    with pytest.raises(RefusedError, match="not for embedded:"):
        url_rewriter.apply(tmp_path / "x.plan", f"embedded:{tmp_path / 'db.jsonl'}")


def test_the_project_of_an_app_is_read(monkeypatch: pytest.MonkeyPatch, rules: Path) -> None:
    with scripted_firestore() as server:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
        bench = open_bench(server)
        bench.fill(["users/ada", "users/bob"])
        project = bench.database.name.split("/")[1]
        app = firebase_admin.initialize_app(options={"projectId": project}, name=project)
        try:
            found = url_rewriter.audit(app, rules)
        finally:
            firebase_admin.delete_app(app)
            bench.store.close()
    assert (found.store, found.tally.scanned) == (f"firestore://{project}/(default)", 2)


def test_the_credentials_are_those_of_the_app(
    monkeypatch: pytest.MonkeyPatch, rules: Path, tmp_path: Path
) -> None:
    for name in ("FIRESTORE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    app = firebase_admin.initialize_app(options={"projectId": "p"}, name="without-credentials")
    try:
        with pytest.raises(NotPermittedError, match="No usable Google credentials in the app"):
            url_rewriter.audit(app, rules)
    finally:
        firebase_admin.delete_app(app)


def test_what_is_no_database_is_refused(rules: Path) -> None:
    with pytest.raises(ConfigurationError, match="A dict is no database"):
        url_rewriter.audit({}, rules)  # type: ignore[arg-type]  # on purpose


def test_a_program_hears_the_events_of_a_run(s3: ServedS3, rules: Path, tmp_path: Path) -> None:
    write_database(tmp_path / "db.jsonl", {"apps/1": texts(image=f"{OLD}a.png?token=5e56")})
    told: list[dict[str, Any]] = []
    url_rewriter.plan(
        f"embedded:{tmp_path / 'db.jsonl'}",
        rules,
        tmp_path / "x.plan",
        progress=url_rewriter.events_to(told.append),
    )
    stages = [each["stage"] for each in told if each["event"] == "stage-ended"]
    assert stages[:2] == ["scan", "prove"]
    assert "5e56" not in json.dumps(told)
