"""Variables in the values of a rules file: ``${NAME}``, ``${NAME:-default}``, ``$$`` for ``$``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_DOLLAR = re.compile(
    r"""\$(?: (?P<dollar>\$)
            | \{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?: :-(?P<default>[^}$]*) )?\}
            )?
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Filled:
    """A text with its variables filled in, those that are not set, and whether a ``$`` is stray."""

    text: str
    unset: tuple[str, ...] = ()
    stray: bool = False


def fill(text: str, environ: Mapping[str, str]) -> Filled:
    """Fill in the variables of one text.

    As in a shell, a default also stands in for a variable that is set and empty.

    >>> fill("${HOST}:${PORT:-9000}/$$1", {"HOST": "minio"}).text
    'minio:9000/$1'
    >>> fill("${HOTS}", {"HOST": "minio"}).unset
    ('HOTS',)
    """
    unset: list[str] = []
    stray = False

    def value(match: re.Match[str]) -> str:
        nonlocal stray
        name, default = match["name"], match["default"]
        if match["dollar"]:
            return "$"
        if name is None:
            stray = True
            return ""
        if default is None and name not in environ:
            unset.append(name)
        return environ.get(name) or default or ""

    filled = _DOLLAR.sub(value, text)
    return Filled(filled, tuple(unset), stray)
