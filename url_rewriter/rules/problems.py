"""What is wrong with a rules file: every problem with its place, told together."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from url_rewriter.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong. ``line`` and ``column`` count from 1; 0 where the file has no such place.

    >>> str(Problem("rules/omi.yaml", 12, 5, "no value"))
    'rules/omi.yaml:12:5: no value'
    >>> str(Problem("rules/omi.yaml", 0, 0, "no such file"))
    'rules/omi.yaml: no such file'
    """

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}"


class RulesError(ConfigurationError):
    """A rules file that cannot be used. Its message lists all ``problems``, one on a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def quoted(text: str) -> str:
    r"""Text of the operator's file as a message shows it: in quotes, on one line, not for ever.

    >>> print(quoted("a\x1b[31mb\u202e"))
    "a\x1b[31mb\u202e"
    """
    shown = text if len(text) <= 80 else f"{text[:79]}…"
    return '"' + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in shown) + '"'


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message: the known word that ``word`` is a slip of, or nothing.

    >>> did_you_mean("tagret", ["source", "target"])
    '; did you mean "target"?'
    >>> did_you_mean("colour", ["source", "target"])
    ''
    """
    by_lower = {candidate.lower(): candidate for candidate in known}
    near = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.7)
    return f"; did you mean {quoted(by_lower[near[0]])}?" if near else ""
