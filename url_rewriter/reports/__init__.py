"""Reports: what a plan file says, for people and for other programs.

A report needs the plan file and nothing else: no store, no network. One module per format; the
table below is the list of them. The same plan file gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from url_rewriter.planfile import Plan
from url_rewriter.reports import csv, html, json, junit, markdown, parquet, redirects
from url_rewriter.reports.privacy import Privacy, privacy_of


class Report(Protocol):
    """A format. ``SUFFIXES`` are those of its files; the first is the usual one."""

    SUFFIXES: tuple[str, ...]
    SHOWN_ON_TERMINALS: bool

    def render(self, plan: Plan, privacy: Privacy) -> Iterator[str] | Iterator[bytes]:
        """The report in chunks, of text or of bytes. Memory stays flat where the format allows."""


REPORTS: dict[str, Report] = {
    "html": html,
    "json": json,
    "csv": csv,
    "markdown": markdown,
    "junit": junit,
    "parquet": parquet,
    "redirects": redirects,
}

__all__ = ["REPORTS", "Privacy", "Report", "privacy_of"]
