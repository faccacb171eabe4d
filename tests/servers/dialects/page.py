"""The tables of ``docs/servers.md``, made from the scripted servers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.servers.dialects.server import Dialect
from tests.servers.dialects.table import DIALECTS, FOLDING, OPENED
from url_rewriter.evidence import TargetState


def tables() -> dict[str, str]:
    """The tables of the page by their headings."""
    return {
        "Listings and HEAD": _table(("server", "kinds", "verdicts"), _of_dialects()),
        "What HEAD cannot say": _table(("server", "kinds", "says"), _of_opened()),
        "Keys that are taken for others": _table(
            ("server", "kinds", "stored", "asked: unknown"), _of_folding()
        ),
    }


def _of_dialects() -> Iterator[tuple[str, ...]]:
    for name, dialect in DIALECTS.items():
        yield name, dialect.who, _states(dialect)


def _of_opened() -> Iterator[tuple[str, ...]]:
    for name, (dialect, says) in OPENED.items():
        yield name, dialect.who, f"unknown: ... {says} ..." if says else "exists"


def _of_folding() -> Iterator[tuple[str, ...]]:
    for name, folding in FOLDING.items():
        keys = ((_code(each) for each in some) for some in (folding.stored, folding.asked))
        yield (name, folding.who, *(", ".join(each) for each in keys))


def _states(dialect: Dialect) -> str:
    states = {each.state for each in dialect.things}
    return ", ".join(state.value for state in TargetState if state in states)


def _code(key: str) -> str:
    shown = key if len(key) < 20 else f"{key[:3]}... ({len(key)} characters)"
    return "`" + shown.replace("\0", "\\0").encode("ascii", "backslashreplace").decode() + "`"


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "".join(f"| {' | '.join(each)} |\n" for each in lines)
