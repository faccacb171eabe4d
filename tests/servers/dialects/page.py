"""The tables of ``docs/servers.md``, made from the scripted servers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.concurrency.test_request_rate import AT_MOST, LIMITERS
from tests.objects.test_diagnosis import TROUBLE
from tests.objects.test_writer import COPIES, FULL
from tests.servers.dialects.server import Dialect
from tests.servers.dialects.table import DIALECTS, FOLDING, OPENED
from tests.sources.test_cloud_storage import ANSWERS
from url_rewriter.evidence import TargetState


def tables() -> dict[str, str]:
    """The tables of the page by their headings."""
    return {
        "Listings and HEAD": _table(("server", "kinds", "verdicts"), _of_dialects()),
        "What HEAD cannot say": _table(("server", "kinds", "says"), _of_opened()),
        "Keys that are taken for others": _table(
            ("server", "kinds", "stored", "asked: unknown"), _of_folding()
        ),
        "Trouble with a bucket": _table(("answer", "said", "exit status"), _of_trouble()),
        "Servers that are busy": _table(("lets through", "at best", "at most"), _of_limiters()),
        "Copies to a server": _table(("answer", "what copy does"), _of_copies()),
        "Sources in Cloud Storage": _table(("answer", "taken for", "said"), _of_sources()),
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


def _of_trouble() -> Iterator[tuple[str, ...]]:
    for name, (_, kind, says) in TROUBLE.items():
        yield name, f"... {says} ...", str(kind.exit_code)


def _of_limiters() -> Iterator[tuple[str, ...]]:
    for name, (_, keys, best) in LIMITERS.items():
        yield name, f"{keys:,} keys in {best:g} s", f"{AT_MOST:g} times as long"


def _of_copies() -> Iterator[tuple[str, ...]]:
    yield from COPIES
    for name, (status, code) in FULL.items():
        yield f"{status} {code}".rstrip() + f" ({name})", "stops at once: full, or a quota; exit 1"


def _of_sources() -> Iterator[tuple[str, ...]]:
    for name, (_, state, says) in ANSWERS.items():
        yield name, state.value, says


def _states(dialect: Dialect) -> str:
    states = {each.state for each in dialect.things}
    return ", ".join(state.value for state in TargetState if state in states)


def _code(key: str) -> str:
    shown = key if len(key) < 20 else f"{key[:3]}... ({len(key)} characters)"
    return "`" + shown.replace("\0", "\\0").encode("ascii", "backslashreplace").decode() + "`"


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "".join(f"| {' | '.join(each)} |\n" for each in lines)
