"""The commands that pages show, as they stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])

_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*?) -->\n+)?"
    r"^(?P<indent> *)```(?P<kind>sh|console|bash|shell)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Line:
    """A command, the exit status that the page says it has, and what it says that is printed."""

    text: str
    status: int = 0
    printed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """A block of commands and what is said in the comment just before it.

    ``not run: REASON``, ``run by TEST`` and ``demo``, ``tests`` (which ``.ci/run`` runs) keep it
    from being run here;
    ``anew`` and ``anew: STATE`` begin with a world as it was at first.
    """

    page: str
    mark: str
    lines: list[Line] = field(default_factory=list)

    @property
    def reason(self) -> str | None:
        """Why it is not run here."""
        if self.mark in ("demo", "tests"):
            return "`.ci/run` and the picture of the demo run it"
        found = re.fullmatch(r"not run: (.+)|(run by \S+)", self.mark)
        return found and (found[1] or found[2])

    @property
    def anew(self) -> str | None:
        """The state of the world in which it begins, if that is to be made anew."""
        found = re.fullmatch(r"anew(?:: (.+))?", self.mark)
        return found and (found[1] or "")


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page."""
    name = str(page.relative_to(ROOT))
    for match in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        text = "\n".join(line.removeprefix(match["indent"]) for line in match["text"].splitlines())
        lines = _console(text) if match["kind"] == "console" else map(_line, _logical(text))
        yield Block(name, match["mark"] or "", list(lines))


def _logical(text: str) -> Iterator[str]:
    """Commands, those that go on in the next line joined, without empty lines and comments."""
    joined = re.sub(r"(?:\\|(?<=&&))\n\s*", " ", text)
    yield from (line for line in joined.splitlines() if line.strip() and line[0] != "#")


def _line(text: str, printed: tuple[str, ...] = ()) -> Line:
    command, _, comment = text.partition(" # ")
    status = re.search(r"exit status (\d+)", comment)
    return Line(command.strip(), int(status[1]) if status else 0, printed)


def _console(text: str) -> Iterator[Line]:
    """Commands after ``$``, and below each what it prints."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, *printed = part.splitlines()
        yield _line(command, tuple(" ".join(each.split()) for each in printed if each.strip()))


def hidden_commands(page: Path) -> list[str]:
    """Commands in blocks that do not say that a shell reads them."""
    found = re.findall(r"^ *```(\w*)\n(.*?)^ *```$", page.read_text(encoding="utf-8"), re.M | re.S)
    return [
        line
        for kind, text in found
        if kind in ("", "text")
        for line in re.findall(r"^\s*(?:\$ )?(url-rewriter .*)", text, re.MULTILINE)
        if "[OPTIONS]" not in line
    ]
