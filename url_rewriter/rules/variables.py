"""Variables in the values of a rules file: ``${NAME}``, ``${NAME:-default}``, ``$$`` for ``$``."""

from __future__ import annotations

import re
from collections.abc import Mapping

from url_rewriter.rules.problems import did_you_mean

_DOLLAR = re.compile(
    r"""\$(?: (?P<dollar>\$)
            | \{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?: :-(?P<default>[^}$]*) )?\}
            )?
    """,
    re.VERBOSE,
)


def fill(text: str, environ: Mapping[str, str]) -> tuple[str, list[str]]:
    """``text`` with its variables filled in, and what is wrong with those that could not be.

    As in a shell, a default also stands in for a variable that is set and empty. No value of a
    variable is in what is said of it: it may be a secret that was put in the wrong place.

    >>> fill("${HOST}:${PORT:-9000}/$$1", {"HOST": "minio"})
    ('minio:9000/$1', [])
    >>> fill("${HOTS}", {"HOST": "minio"})
    ('', ['variable HOTS is not set; did you mean "HOST"?'])
    """
    troubles: list[str] = []

    def value(match: re.Match[str]) -> str:
        name, default = match["name"], match["default"]
        if match["dollar"]:
            return "$"
        if name is None:
            troubles.append("a variable is written ${NAME} or ${NAME:-default}, and a dollar $$")
        elif default is not None:
            return environ.get(name) or default
        elif name in environ:
            return environ[name]
        else:
            troubles.append(f"variable {name} is not set{did_you_mean(name, environ)}")
        return ""

    return _DOLLAR.sub(value, text), troubles
