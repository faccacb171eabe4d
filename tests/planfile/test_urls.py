"""The URLs of a plan file, as `show`, `copy` and the reports list them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.memory import MemoryObjects, MemoryStore
from tests.pipeline.migration import OLD, Migration
from url_rewriter.errors import ConfigurationError
from url_rewriter.planfile import Plan, UrlFilter

PATHS = (
    "USER_FILES/1",
    "user_files/1",
    "userXfiles/1",
    "users/ada/user_files/1",
    "user_files/1/u/1",
)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    made = Migration(
        tmp_path, MemoryStore({path: {"a": OLD + "a"} for path in PATHS}), MemoryObjects()
    )
    made.plan()
    return Plan(made.path)


@pytest.mark.parametrize(
    ("collection", "listed"),
    [
        ("user_files", ["user_files/1", "users/ada/user_files/1"]),
        ("USER_FILES", ["USER_FILES/1"]),
        ("users/ada/user_files", ["users/ada/user_files/1"]),
        ("users/*/user_files", ["users/ada/user_files/1"]),
        ("user_files/**", ["user_files/1", "user_files/1/u/1"]),
        ("%", []),
    ],
)
def test_a_collection_is_listed_and_no_other(
    plan: Plan, collection: str, listed: list[str]
) -> None:
    assert sorted(row.document for row in plan.urls(UrlFilter(collection=collection))) == listed


def test_a_pattern_that_names_no_collection_is_refused(plan: Plan) -> None:
    with pytest.raises(ConfigurationError, match="collection 'users//x'"):
        plan.urls(UrlFilter(collection="users//x"))
