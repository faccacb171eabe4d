"""The simulation finds what it should, and what it once found stays mended."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.vocabulary import COVERED, TEXTS, UNMAPPED, covered_in, new_in


def simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the simulation in a process of its own, which its clock and its disk change for good."""
    return subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments],
        capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": "0"}, check=False,
    )  # fmt: skip


def test_migrations_break_no_promise() -> None:
    """The same seeds each time, and few; `.ci/run` takes a minute of fresh ones."""
    ended = simulate("--seeds", "100", "--first", "40000")
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_what_once_failed_holds() -> None:
    ended = simulate("--failed")
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_seed_is_replayed_step_for_step() -> None:
    one, other = (simulate("--seed", "4", "--verbose", "--no-shrink") for _ in range(2))
    assert "arrives" in one.stdout
    assert _without_folder(one.stdout) == _without_folder(other.stdout)


def _without_folder(text: str) -> str:
    return re.sub(r"simulation-\w+", "", re.sub(r"\"seal\": \"\w+\"", "", text))


@pytest.mark.parametrize("name", [each.name for each in MUTANTS])
def test_a_broken_promise_is_noticed(name: str) -> None:
    ended = simulate("--mutant", name)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_no_url_is_a_part_of_another() -> None:
    urls = [*(each.old for each in COVERED), UNMAPPED, *{each.new for each in COVERED}]
    assert not [(one, two) for one in urls for two in urls if one != two and one in two]


def test_every_text_with_a_url_is_counted_by_its_words() -> None:
    for text in TEXTS:
        assert text.count("://") == len(covered_in(text)) + len(new_in(text)) + (UNMAPPED in text)
