"""``show``: which URLs it lists, and what it says where there are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.reports.plans import make_plan
from url_rewriter.cli import main
from url_rewriter.planfile import Plan


@pytest.fixture(scope="module")
def plan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_plan(tmp_path_factory.mktemp("show") / "omi.plan")


def show(plan_file: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["show", str(plan_file), *options], catch_exceptions=False)


@pytest.mark.parametrize("form", ["text", "json", "copy-list"])
@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--rule", "app-logo", "the plan's rules are app-logos"),
        ("--collection", "nowhere", "the plan's collections with URLs are "),
        ("--document", "nowhere/d", "the plan has no URL in it"),
        ("--document", "nowhere", "the plan has no URL in it"),
    ],
)
def test_what_the_plan_does_not_hold_is_a_mistake(
    plan_file: Path, option: str, value: str, says: str, form: str
) -> None:
    shown = show(plan_file, option, value, "--format", form)
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert f"{option} {value}: {says}" in shown.stderr


def test_the_collections_that_there_are_are_named(plan_file: Path) -> None:
    said = show(plan_file, "--collection", "nowhere").stderr
    plan = Plan(plan_file)
    names = [share.values[0] for share in plan.shares("collection")]
    plan.close()
    assert names
    assert all(name in said for name in names)


def test_nothing_that_matches_is_said(plan_file: Path) -> None:
    shown = show(plan_file, "--outcome", "gone")
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert "No URL of the plan is of this kind." in shown.stderr


def test_only_what_blocks_is_listed(plan_file: Path) -> None:
    listed = json.loads(show(plan_file, "--blocking", "--format", "json").stdout)["rows"]
    plan = Plan(plan_file)
    blocks = [each.blocks for each in plan.urls()]
    blocking = sum(plan.summarize().blocking.values())
    plan.close()
    assert len(listed) == sum(blocks) == blocking
    assert 0 < blocking < len(blocks)


def test_no_more_than_the_limit_is_listed(plan_file: Path) -> None:
    every = json.loads(show(plan_file, "--format", "json").stdout)["rows"]
    listed = json.loads(show(plan_file, "--limit", "2", "--format", "json").stdout)["rows"]
    assert listed == every[:2]
    shown = show(plan_file, "--limit", "1", "--status", "rewrite")
    assert shown.stdout.count("\n       -> ") == 1
    assert "More follow" in shown.stderr
    count = str(len(every))
    assert "More follow" not in show(plan_file, "--limit", count).stderr
