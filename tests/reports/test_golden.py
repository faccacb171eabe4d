"""One plan file, one golden file per format. ``UPDATE_GOLDEN=1`` writes them anew, for a diff."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.reports.plans import LOGO, make_good_plan, make_plan, verify_plan, write_plan
from tests.reports.rendering import render, render_text
from url_rewriter.documents import Outcome
from url_rewriter.gates import Gate, GateExample, GateLevel, GateName
from url_rewriter.planfile import Operation, Plan
from url_rewriter.reports import REPORTS

GOLDEN = Path(__file__).parent / "golden"
SUFFIXES = {"html": "html", "json": "json", "csv": "csv", "markdown": "md", "junit": "xml"}


def blocked(path: Path) -> Path:
    return make_plan(path)


def conflicted(path: Path) -> Path:
    why = (Outcome.CONFLICT, "changed since, left alone: image")
    return write_plan(make_good_plan(path), outcomes={"plugins_data/p2": why})


def compared(path: Path) -> Path:
    return make_plan(path, missing=(), unknown=(), compared=True)


def rolled_back(path: Path) -> Path:
    return write_plan(write_plan(make_good_plan(path)), Operation.ROLLBACK)


EXAMPLE = GateExample(
    "users/ada@example.com", ("seen", "x"), f"{LOGO}p1.png?token=s3cr3t", "in a field name"
)
GATES = (
    Gate(GateName.NO_OLD_URLS, 0, "URLs that a rule covers are still there"),
    Gate(GateName.UNREACHABLE_PLACES, 0, "URLs stand where no edit reaches", waived=2,
         remarks=("waived: old app, switched off in May",)),
    Gate(GateName.TARGETS_OPEN, 0, "URLs do not open without credentials", GateLevel.TOLD,
         reason="--check-public opens them"),
    Gate(GateName.LEFT_ALONE, 12, "texts name Cloud Storage", GateLevel.TOLD, (EXAMPLE,)),
)  # fmt: skip


def verified(path: Path) -> Path:
    return verify_plan(write_plan(make_good_plan(path)), *GATES)


def refuted(path: Path) -> Path:
    failed = Gate(GateName.UNREAD, 1, "texts cannot be read", examples=(EXAMPLE,))
    limited = Gate(GateName.SCAN_COMPLETE, 0, "documents were not read",
                   reason="only within --collection apps", askable=True)  # fmt: skip
    return verify_plan(write_plan(make_good_plan(path)), failed, limited, *GATES)


@pytest.mark.parametrize("name", SUFFIXES)
@pytest.mark.parametrize("make", [blocked, compared, conflicted, rolled_back, verified, refuted])
def test_a_report_is_what_it_was(tmp_path: Path, name: str, make: object) -> None:
    path = make(tmp_path / "omi.plan")  # type: ignore[operator] # one of six functions
    text = masked(render_text(path, name), path)
    golden = GOLDEN / f"{make.__name__}.{SUFFIXES[name]}"  # type: ignore[attr-defined] # the same
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, newline="")
    assert text == golden.read_bytes().decode()


def masked(text: str, path: Path) -> str:
    """Without what is another thing's business: the seal, the style and the script of the page."""
    plan = Plan(path)
    text = text.replace(plan.seal, "SEAL").replace(plan.seal[:16], "SEAL")
    text = text.replace(plan.seal[:8], "SEAL")
    plan.close()
    text = re.sub(r"<style>.*?</style>", "<style></style>", text, flags=re.DOTALL)
    text = re.sub(r"<script>.*?</script>", "<script></script>", text, flags=re.DOTALL)
    return re.sub(r"sha256-[\w+/=]+", "sha256-HASH", text)


@pytest.mark.parametrize("name", REPORTS)
def test_the_same_plan_file_gives_the_same_bytes_wherever_it_stands(
    tmp_path: Path, name: str
) -> None:
    path = conflicted(tmp_path / "omi.plan")
    first = render(path, name)
    (tmp_path / "elsewhere").mkdir()
    moved = path.rename(tmp_path / "elsewhere" / "omi.plan")
    assert render(moved, name) == first


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_leaves_the_plan_file_as_it_is(tmp_path: Path, name: str) -> None:
    path = conflicted(tmp_path / "omi.plan")
    before = path.read_bytes()
    path.chmod(0o400)
    render(path, name)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["omi.plan"]
