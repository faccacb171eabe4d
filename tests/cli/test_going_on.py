"""An application goes on working between kills, applies and rollbacks, on real servers.

``GOING_ON=26`` makes so many runs of 300 documents; by default there are few, and small.
"""

from __future__ import annotations

import copy
import json
import os
import random
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.omi import ENDPOINT, HOST, TARGET
from tests.cli.test_firestore import Migration, Objects, firestore, objects  # noqa: F401 - fixtures
from tests.contract.firestore_harness import FirestoreHarness

RUNS = int(os.environ.get("GOING_ON", "0"))
DOCUMENTS = 300 if RUNS else 60
OLD, NEW = f"{HOST}/omi-app-thumbnails/", f"{ENDPOINT}/{TARGET}/app-thumbnails/"
KEYS = [f"k{number}.png" for number in range(12)]


class Application:
    """``own`` is what its documents would hold had there never been a migration."""

    def __init__(self, migration: Migration, seed: int) -> None:
        self.database = migration.firestore
        self.chance = random.Random(seed)
        self.own = {f"users/u{number}": self._document() for number in range(DOCUMENTS)}
        self.database.load({path: _fields(tree) for path, tree in self.own.items()})

    def _text(self) -> str:
        url = OLD + self.chance.choice(KEYS)
        return self.chance.choice([url, f"see {url} here", "no URL"])

    def _document(self) -> dict[str, Any]:
        files = [self._text() for _ in range(self.chance.randint(0, 4))]
        return {"image": self._text(), "logo": self._text(), "files": files}

    def work(self) -> None:
        """Change a tenth of the documents, each as it is in the database now."""
        for path in self.chance.sample(sorted(self.own), DOCUMENTS // 10):
            stored = self.stored(path)
            kind, at, text = self.chance.randrange(6), self.chance.random(), self._text()
            for tree in (self.own[path], stored):
                _change(tree, kind, at, text)
            self.database.merge(path, _fields(stored))

    def stored(self, path: str) -> dict[str, Any]:
        state = self.database.state(path)
        assert state is not None
        return {name: _plain(value) for name, value in json.loads(state.fields).items()}


def _change(tree: dict[str, Any], kind: int, at: float, text: str) -> None:
    files = tree["files"]
    place = int(at * len(files))
    match kind:
        case 0:
            files.insert(place, text)
        case 1:
            del files[place : place + 1]
        case 2:
            files[place : place + 1] = [f"edited {each}" for each in files[place : place + 1]]
        case 3:
            tree["image"] = f"edited {tree['image']}"
        case 4:
            tree["image"], tree["logo"] = tree["logo"], tree["image"]
        case 5:
            files.append(files.pop(0)) if files else None


def _fields(tree: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(each) for name, each in tree.items()}


def _value(each: Any) -> Any:
    if isinstance(each, list):
        return {"arrayValue": {"values": [_value(one) for one in each]}}
    return {"stringValue": each}


def _plain(value: Any) -> Any:
    if "arrayValue" in value:
        return [_plain(each) for each in value["arrayValue"]]
    return value["stringValue"]


def _strings(tree: dict[str, Any]) -> dict[str, str]:
    found = {name: each for name, each in tree.items() if isinstance(each, str)}
    return {**found, **{f"files[{n}]": each for n, each in enumerate(tree["files"])}}


def _rewritten(text: str) -> str:
    return text.replace(OLD, NEW)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(RUNS or 1))
def test_what_stays_after_kills_edits_and_a_rollback_is_its_own_or_listed(
    tmp_path: Path,
    firestore: FirestoreHarness,  # noqa: F811 - a fixture
    objects: Objects,  # noqa: F811 - a fixture
    seed: int,
) -> None:
    migration = Migration(tmp_path, firestore, objects)
    objects.load({f"app-thumbnails/{key}" for key in KEYS})
    application = Application(migration, seed)
    migration.plan()
    application.work()
    for verb in application.chance.choices(["apply", "apply", "rollback"], k=4):
        _kill_at_any_time(migration, verb, application.chance.uniform(0.3, 1.8))
        application.work()
    _judge_apply(migration, application)
    application.work()
    _judge_rollback(migration, application)


def _kill_at_any_time(migration: Migration, verb: str, seconds: float) -> None:
    process = migration.workshop.start(verb, "x.plan", "--yes", "--max-rps", "200")
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    process.communicate()


def _judge_apply(migration: Migration, application: Application) -> None:
    ended = migration.workshop.run("apply", "x.plan", "--yes", "--format", "json")
    assert ended.status in (0, 5), ended.err
    urls = dict(ended.json["urls"])
    assert urls.pop("found") + urls.pop("appeared") == sum(urls.values())
    assert ended.status == (5 if any(e["outcome"] == "conflict" for e in ended.json["left"]) else 0)
    _assert_nothing_is_lost(application)


def _judge_rollback(migration: Migration, application: Application) -> None:
    ended = migration.workshop.run("rollback", "x.plan", "--yes", "--format", "json")
    listed = {each["document"]: each["detail"] for each in ended.json["left"]}
    _assert_nothing_is_lost(application)
    remaining = [
        (path, place)
        for path, own in application.own.items()
        for place, text in _strings(application.stored(path)).items()
        if text != _strings(own)[place]
    ]
    assert ended.status == (5 if remaining or listed else 0)
    for path, place in remaining:
        assert place in listed.get(path, ""), (path, place, listed.get(path))


def _assert_nothing_is_lost(application: Application) -> None:
    for path, own in application.own.items():
        mine, stored = _strings(copy.deepcopy(own)), _strings(application.stored(path))
        assert mine.keys() == stored.keys(), path
        for place, text in stored.items():
            assert text in (mine[place], _rewritten(mine[place])), (path, place)
