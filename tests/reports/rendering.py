"""Reports of plan files, rendered for tests."""

from __future__ import annotations

from pathlib import Path

from url_rewriter.planfile import Plan
from url_rewriter.reports import REPORTS, privacy_of


def render(path: Path, name: str, *, pseudonyms: bool = False) -> bytes:
    """The report ``name`` of the plan file at ``path``."""
    plan = Plan(path)
    try:
        chunks = REPORTS[name].render(plan, privacy_of(plan, pseudonyms=pseudonyms))
        return b"".join(each.encode() if isinstance(each, str) else each for each in chunks)
    finally:
        plan.close()


def render_text(path: Path, name: str, *, pseudonyms: bool = False) -> str:
    """A report that is text."""
    return render(path, name, pseudonyms=pseudonyms).decode()
