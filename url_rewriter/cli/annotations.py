"""Annotations of GitHub Actions: what failed, at the line of the rules file that it is about.

They are written to stderr, where a runner reads them as well, so that stdout stays the result. What
a document holds cannot become a command of the runner: see ``defanged``.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from url_rewriter.errors import UrlRewriterError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from url_rewriter.gates import Gate
    from url_rewriter.planfile import Summary
    from url_rewriter.rules import Rules

_PLACED = re.compile(r"(?P<file>[^:]+\.ya?ml):(?P<line>\d+)(?::(?P<column>\d+))?: (?P<says>.*)")


def are_wanted() -> bool:
    """Whether this is a step of GitHub Actions."""
    return bool(os.environ.get("GITHUB_ACTIONS"))


def annotate(
    level: str, says: str, *, file: str = "", line: int = 0, column: int = 0, title: str = ""
) -> None:
    """Write one annotation, ``error``, ``warning`` or ``notice``, where a runner reads it."""
    if not are_wanted():
        return
    from url_rewriter.cli.console import printable

    given = {
        "file": _relative(file) if file else "",
        "line": str(line) if file and line else "",
        "col": str(column) if file and line and column else "",
        "title": title,
    }
    properties = ",".join(
        f"{name}={_escaped_property(printable(value))}" for name, value in given.items() if value
    )
    lead = f"{level} {properties}" if properties else level
    click.echo(f"::{lead}::{_escaped('; '.join(map(printable, says.splitlines())))}", err=True)


def annotate_error(error: UrlRewriterError) -> None:
    """Annotate what an error says: each problem of a rules file at its line."""
    first, *more = str(error).splitlines() or [""]
    placed = [match for each in (first, *more) if (match := _PLACED.fullmatch(each))]
    for match in placed:
        annotate(
            "error",
            match["says"],
            file=match["file"],
            line=int(match["line"]),
            column=int(match["column"] or 0),
        )
    if not placed:
        annotate("error", first, title="url-rewriter")


def annotate_gates(gates: Iterable[Gate], rules_file: str) -> None:
    """Annotate each gate that stands in the way, and each that is only told."""
    from url_rewriter.gates import GateState

    for gate in gates:
        against = gate.against if gate.count else gate.says
        counted = "; ".join(filter(None, (against, gate.reason, *gate.remarks)))
        if not gate.passed:
            annotate("error", counted, file=rules_file, line=1, title=f"gate {gate.name}")
        elif gate.state is GateState.TOLD:
            annotate("warning", counted, title=f"gate {gate.name}")


def annotate_plan(summary: Summary, rules: Rules, rules_file: Path) -> None:
    """Annotate each rule whose URLs stand against a plan, at its line."""
    lines = {rule.name: rule.line for rule in rules.rules}
    for each in summary.rules:
        counts = {"missing": each.missing, "unknown": each.unknown, "mismatch": each.mismatch}
        said = ", ".join(f"{count:,} {word}" for word, count in counts.items() if count)
        if said:
            level = "error" if summary.blocked else "warning"
            says = f"rule {each.rule}: targets of URLs are not proven: {said}"
            annotate(level, says, file=str(rules_file), line=lines.get(each.rule, 0))


def defanged(line: str) -> str:
    """A line of output in which a runner reads no command of its own.

    >>> defanged("  ::add-mask::x"), defanged("a ##[error]b")
    ('  : :add-mask::x', 'a # #[error]b')
    """
    if line.lstrip().startswith("::"):
        line = line.replace("::", ": :", 1)
    return line.replace("##[", "# #[")


def _relative(file: str) -> str:
    """The path of a file in the repository, by which a runner finds it."""
    workspace = os.environ.get("GITHUB_WORKSPACE")
    path = Path(file)
    if workspace and path.is_absolute() and path.is_relative_to(workspace):
        return str(path.relative_to(workspace))
    return file


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
