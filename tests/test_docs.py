"""README and pages keep up with the program: findings, exit statuses, promises, the navigation."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from url_rewriter import errors
from url_rewriter.findings import Code
from url_rewriter.planning import check_examples
from url_rewriter.rules import load_rules
from url_rewriter.urls import Remark

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text(encoding="utf-8")
STATUSES = {
    error.exit_code
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, errors.UrlRewriterError)
}


def test_the_readme_is_read_in_minutes() -> None:
    assert len(README.encode()) <= 8192


@pytest.mark.parametrize("code", [*Code, *Remark])
def test_every_finding_code_is_explained(code: str) -> None:
    assert f"| `{code}` |" in (DOCS / "findings.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["README.md", "docs/exit-status.md"])
def test_every_exit_status_is_explained(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for status in (*STATUSES, 0, 130):
        assert re.search(rf"^\| {status}\b", text, re.MULTILINE)


def test_every_promise_of_the_readme_names_tests() -> None:
    section = README.partition("\n## What is promised\n")[2].partition("\n## ")[0]
    promises = [line for line in section.splitlines() if line.startswith("| ")][2:]
    assert len(promises) > 5
    for promise in promises:
        files = re.findall(r"\]\((tests/[^)]+)\)", promise)
        assert files, promise
        for file in files:
            assert (ROOT / file).exists(), file


def test_the_rules_of_the_readme_load_and_hold(tmp_path: Path) -> None:
    example = re.search(r"<!-- rules -->\n```yaml\n(.*?)```", README, re.S)
    assert example is not None
    file = tmp_path / "rules.yaml"
    file.write_text(example[1])
    environ = {"S3_ENDPOINT_URL": "https://s3.example.com", "S3_BUCKET_NAME": "omi-data"}
    results = list(check_examples(load_rules(file, environ)))
    assert results
    assert [result.why for result in results if not result.ok] == []


@pytest.mark.parametrize("marker", ["demo", "tests"])
def test_both_set_up_commands_are_marked(marker: str) -> None:
    assert f"<!-- {marker} -->\n```sh\npython3 -m venv" in README


def named_in_the_navigation(page: Path) -> list[str]:
    """The patterns of pages that a page lists, as names without their ending from ``docs/``."""
    trees = re.findall(r"^```\{toctree\}\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    entries = [line for tree in trees for line in tree.splitlines() if not line.startswith(":")]
    folder = page.parent.relative_to(DOCS)
    return [str(folder / entry) for entry in entries if entry]


def test_every_page_is_in_the_navigation() -> None:
    pages = {str(page.relative_to(DOCS).with_suffix("")) for page in DOCS.rglob("[!_]*.md")}
    wanted = [entry for page in pages for entry in named_in_the_navigation(DOCS / f"{page}.md")]
    lost = [each for each in pages if not any(fnmatch(each, entry) for entry in wanted)]
    assert lost == ["index"], "name these pages in a toctree of docs/index.md"
    assert [each for each in wanted if "*" not in each and each not in pages] == []
