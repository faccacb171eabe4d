"""The rehearsal of `docs/rehearsal.md`, on a copy that Google's emulator exports and imports."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.command import Workshop, clean_environ
from tests.cli.omi import RULES, TARGET, Data, make_data
from tests.contract.firestore_harness import FirestoreHarness
from tests.docs.shown import ROOT, blocks
from tests.servers.s3 import rclone

PAGE = ROOT / "docs" / "rehearsal.md"
MARK = "run by tests/cli/test_rehearsal.py"
# The emulator imports into the default database of a project, whatever database is asked for.
PLACES = (
    ("--project my-project --database rehearsal", "--project {copy}"),
    ("my-project rehearsal", "{copy} '(default)'"),
    ("my-project", "{copy}"),
)


@pytest.fixture
def data() -> Data:
    return make_data(150)


@pytest.fixture
def workshop(data: Data, emulator_host: str, tmp_path: Path) -> Iterator[Workshop]:
    """A folder with rules and the page's script, and objects for the URLs of the data."""
    script = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert script is not None
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "compare.py").write_text(script[1])
    lenient = RULES.replace("rules:", "defaults: {on_missing: skip}\nrules:", 1)
    (folder / "rules.yaml").write_text(lenient)
    (tmp_path / "objects").mkdir()
    with rclone(tmp_path / "objects", TARGET) as objects:
        client = objects.client()
        for key in data.keys:
            client.put_object(Bucket=TARGET, Key=key, Body=b"x")
        environ = clean_environ({**objects.environ(), "FIRESTORE_EMULATOR_HOST": emulator_host})
        yield Workshop(folder, environ)


def copy_database(host: str, source: str, target: str, folder: Path) -> None:
    """Export a database of the emulator, and import it as another one."""
    ask(host, source, "export", export_directory=str(folder), export_name="copied")
    metadata = folder / "copied" / "copied.overall_export_metadata"
    ask(host, target, "import", export_directory=str(metadata))


def ask(host: str, database: str, verb: str, **members: str) -> None:
    project = database.split("/")[1]
    request = urllib.request.Request(
        f"http://{host}/emulator/v1/projects/{project}:{verb}",
        json.dumps({"database": database, **members}).encode(),
        {"Authorization": "Bearer owner", "Content-Type": "application/json"},
    )
    urllib.request.urlopen(request).close()


def in_places(text: str, project: str) -> str:
    """A command of the page, of the copy that is in this project."""
    for shown, meant in PLACES:
        text = text.replace(shown, meant.format(copy=project))
    return text


def compare(workshop: Workshop, words: list[str], status: int) -> list[str]:
    """The lines that the page's script prints."""
    arguments = [workshop.environ["BEFORE"] if each == "$BEFORE" else each for each in words]
    ended = subprocess.run(
        [sys.executable, *arguments], cwd=workshop.folder, env=workshop.environ,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == status, ended.stderr
    return ended.stdout.splitlines()


def test_a_rehearsal_ends_with_no_difference(
    data: Data,
    workshop: Workshop,
    emulator_host: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = FirestoreHarness(emulator_host, monkeypatch)
    original.load(data.before)
    as_it_was = original.states(data.before)
    copied = FirestoreHarness(emulator_host, monkeypatch)
    copy_database(emulator_host, original.database, copied.database, tmp_path)
    (block,) = [each for each in blocks(PAGE) if each.mark == MARK]
    workshop.environ["BEFORE"] = datetime.now(UTC).isoformat()
    told = []
    for line in block.lines[1:]:
        program, *words = shlex.split(in_places(line.text, copied.project))
        if program == "python":
            told.append(compare(workshop, words, line.status))
        else:
            ended = workshop.run(*words)
            assert ended.status == line.status, ended.err
    applied, undone = told
    assert applied[:-1] == sorted(data.changed)
    assert undone == [f"{len(data.before)} documents compared, 0 differences"]

    for path, state in copied.states(data.before).items():
        before = as_it_was[path]
        assert state is not None
        assert before is not None
        assert state.fields == before.fields, path
    assert original.states(data.before) == as_it_was
