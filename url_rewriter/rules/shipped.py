"""The rules files of the folder ``rules/``, which every installation has.

``url_rewriter/rules/examples`` is a link to that folder; in an installed package it is a copy.
"""

from __future__ import annotations

from importlib import resources

_FILES = resources.files("url_rewriter.rules") / "examples"


def shipped_names() -> list[str]:
    """The names of the files, without ``.yaml``."""
    found = (each.name for each in _FILES.iterdir())
    return sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml"))


def read_shipped(name: str) -> str:
    """The text of a file. ``name`` is one of `shipped_names`."""
    return (_FILES / f"{name}.yaml").read_text(encoding="utf-8")


def describe_shipped(name: str) -> str:
    """What a file is for: the first sentence of its first comment."""
    words: list[str] = []
    for line in read_shipped(name).splitlines():
        if not line.startswith("# "):
            break
        words += line.removeprefix("# ").split()
    return " ".join(words).partition(". ")[0].rstrip(".")
