"""The house itself: one word for a thing, a vocabulary that the code has, modules that exist."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import url_rewriter

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "url_rewriter"
DOCUMENTS = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")], key=str
)


def classes() -> Iterator[tuple[str, str]]:
    """Every class of the package, and its module."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                yield node.name.strip("_"), str(path.relative_to(ROOT))


def test_no_class_name_has_two_meanings() -> None:
    modules = defaultdict(list)
    for name, module in classes():
        modules[name].append(module)
    assert {name: where for name, where in modules.items() if len(where) > 1} == {}


def test_every_word_of_the_vocabulary_is_a_word_of_the_code() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    assert url_rewriter.__doc__ is not None
    words = set(re.findall(r"\w+", source.replace(url_rewriter.__doc__, "").lower()))
    parts = words | {part for word in words for part in word.split("_")}
    table = url_rewriter.__doc__.split("==\n")[1:]
    rows = [line for part in table for line in part.splitlines() if re.match(r"[a-zA-Z]", line)]
    assert len(rows) > 15
    for row in rows[1:]:
        term = row.split("  ")[0]
        for word in re.findall(r"[A-Za-z]+", term):
            assert {word.lower(), f"{word.lower()}s"} & parts, f"{term}: the code has no {word!r}"


def test_every_module_that_the_documentation_names_exists() -> None:
    named = [
        (document.name, name)
        for document in DOCUMENTS
        for name in re.findall(
            r"`((?:url_rewriter|tests|benchmarks)/[\w/.-]*)`", document.read_text()
        )
    ]
    assert named
    recipes = re.compile("NAME|VERB")  # a name that the reader puts in
    missing = [each for each in named if not (ROOT / each[1]).exists()]
    assert [each for each in missing if not recipes.search(each[1])] == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_tests_use_what_is_public(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = [
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("url_rewriter")
        for alias in node.names
    ]
    assert [name for name in imported if re.match(r"_[a-z]|_[A-Z]", name)] == []
