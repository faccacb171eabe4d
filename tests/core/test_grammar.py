"""What is said of one thing is said in the singular, wherever a number stands before it."""

from __future__ import annotations

import re

import click
import pytest
from click.testing import CliRunner

from url_rewriter.cli.console import Console, Terminal
from url_rewriter.gates import Gate, GateName, decide
from url_rewriter.pipeline.forecast import forecast_reads, forecast_writes
from url_rewriter.planfile.obstacles import OF_A_SCAN, SAME_OBJECT, SAME_SIZE
from url_rewriter.text import agreed

ONE = {
    GateName.NO_OLD_URLS: "1 URL that a rule covers is still there",
    GateName.TARGETS_EXIST: "1 target URL without a proven object",
    GateName.NO_UNMAPPED_URLS: "1 URL that no rule takes",
    GateName.UNREAD: "1 text names Cloud Storage in a spelling that cannot be read",
    GateName.LEFT_ALONE: (
        "1 text names Cloud Storage or the target, and no object that a rule takes"
    ),
    GateName.TARGETS_OPEN: "1 URL does not open without credentials",
    GateName.NOTHING_EXPOSED: "1 signed URL was replaced by one that all can open",
    GateName.CONTENT_TYPES: "1 object is served as something else than the name promises",
}


@pytest.mark.parametrize("name", OF_A_SCAN)
def test_one_thing_against_a_gate_is_told_in_the_singular(name: GateName) -> None:
    says = OF_A_SCAN[name].says
    assert decide([Gate(name, 1, says)]).headline == f"Not ready: {ONE[name]}"
    assert decide([Gate(name, 2, says)]).headline == f"Not ready: 2 {says}"


@pytest.mark.parametrize(
    ("says", "one"),
    [
        (SAME_SIZE.says, "target is not proven to have the size of its source"),
        (SAME_OBJECT.says, "target is not proven to match its source"),
        (
            "documents more or less than the store itself counts",
            "document more or less than the store itself counts",
        ),
        (
            "names of Cloud Storage that nothing explains",
            "name of Cloud Storage that nothing explains",
        ),
        ("URLs stand where no edit reaches", "URL stands where no edit reaches"),
        (
            "rules of which a written URL does not open without credentials",
            "rule of which a written URL does not open without credentials",
        ),
        ("planned writes are not done", "planned write is not done"),
        ("things were not looked at", "thing was not looked at"),
        ("URLs that no rule takes (things are so)", "URL that no rule takes (things are so)"),
        ("Every planned document was written", "Every planned document was written"),
    ],
)
def test_words_agree_with_one_thing_and_stay_for_several(says: str, one: str) -> None:
    assert agreed(1, says) == one
    assert agreed(0, says) == agreed(2, says) == says


def test_a_scan_that_read_nothing_is_not_counted() -> None:
    gate = Gate(GateName.SOMETHING_SCANNED, 1, "stores in which no document was read")
    assert decide([gate]).headline == "Not ready: no document was read"


@pytest.mark.parametrize("text", [forecast_reads(1), str(forecast_writes(1, ramp=False))])
def test_a_forecast_of_one_is_singular(text: str) -> None:
    assert not re.search(r"\b1 \w+s\b", text)


def test_a_question_shows_no_empty_default() -> None:
    @click.command()
    def ask() -> None:
        click.echo(Terminal(Console()).answer("Type yes to go on"))

    asked = CliRunner().invoke(ask, input="yes\n")
    assert asked.stdout == "yes\n"
    assert asked.stderr.startswith("Type yes to go on: ")


@pytest.mark.parametrize(("total", "shown"), [(1, "0 of 1 key "), (2, "0 of 2 keys ")])
def test_progress_of_one_is_singular(total: int, shown: str) -> None:
    @click.command()
    def prove() -> None:
        progress = Console().progress()
        progress.begin("prove", "keys", total)
        progress.end()

    assert shown in CliRunner().invoke(prove).stderr
