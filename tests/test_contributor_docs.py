"""The pages for contributors keep up with the code: every path, name and link in them exists."""

from __future__ import annotations

import importlib
import pkgutil
import re
import tomllib
from pathlib import Path

import pytest

import url_rewriter

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("*.md"), *ROOT.glob("benchmarks/*.md")])
PACKAGE = {each.name for each in pkgutil.iter_modules(url_rewriter.__path__)}

_PATH = re.compile(r"(?:url_rewriter|tests|benchmarks|docs|rules)/[\w./-]*")
_NAME = re.compile(r"(?:url_rewriter\.)?([a-z_]+(?:\.\w+)+)")
_PLACEHOLDER = re.compile(r"NAME|VERB")
_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")


def spans(page: Path) -> list[str]:
    """The code spans of a page, those in its code blocks left out."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
    return re.findall(r"`([^`\n]+)`", text)


def names(pages: list[Path]) -> list[str]:
    """Names of the package's modules and what is in them, relative to the package."""
    found = [match[1] for page in pages for span in spans(page) if (match := _NAME.fullmatch(span))]
    return sorted({name for name in found if name.partition(".")[0] in PACKAGE})


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


def shown(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    paths = [each for each in spans(page) if _PATH.fullmatch(each)]
    missing = [each for each in paths if not (_PLACEHOLDER.search(each) or (ROOT / each).exists())]
    assert not missing


@pytest.mark.parametrize("name", names([page for page in PAGES if page.name != "CHANGELOG.md"]))
def test_every_module_function_and_class_that_a_page_names_exists(name: str) -> None:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(["url_rewriter", *parts[:length]]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            found = getattr(found, attribute)
        return
    pytest.fail(f"{name} is not in the package")


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_decision_is_listed_and_numbered_in_order() -> None:
    index = (ROOT / "docs/decisions/README.md").read_text(encoding="utf-8")
    records = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert [record.name for record in records] == re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", index)
    assert [int(record.name[:4]) for record in records] == list(range(1, len(records) + 1))


def test_the_layers_are_those_of_the_import_contract() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    section = page.partition("\n## Layers\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[^|]+`) \|", section, re.MULTILINE)
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = contract["tool"]["importlinter"]["contracts"][0]["layers"]
    assert [re.findall(r"`(\w+)`", row) for row in rows] == [each.split(" | ") for each in layers]


def lines_of_the_threat_model() -> list[list[str]]:
    page = (ROOT / "docs/threat-model.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("|")]
    return [row for row in rows if row[-1] != "test" and not set(row[-1]) <= set("- |")]


def test_every_line_of_the_threat_model_names_a_test_that_there_is() -> None:
    rows = lines_of_the_threat_model()
    assert len(rows) > 30
    missing = []
    for row in rows:
        file, _, name = row[-1].strip("`").partition("::")
        path = ROOT / "tests" / file
        if not path.is_file() or f"\ndef {name}(" not in path.read_text(encoding="utf-8"):
            missing.append(row[-1])
    assert not missing
