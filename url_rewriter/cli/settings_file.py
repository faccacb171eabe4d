"""The settings file: where it is found, and what stands in it, with its lines."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from url_rewriter.errors import ConfigurationError

FILE_NAME = "url-rewriter.toml"
_PYPROJECT = "pyproject.toml"
_TABLE = ("tool", "url-rewriter")
_MENTIONED = re.compile(r"""^\s*\[\s*tool\s*\.\s*["']?url-rewriter\b""", re.MULTILINE)

Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A file of settings: its tables, and the line that each key stands in."""

    path: Path
    table: Mapping[str, Any]
    lines: Mapping[Keys, int]

    def place(self, keys: Keys) -> str:
        """Where a key stands."""
        line = self.lines.get(keys)
        return f"{self.path}:{line}" if line else str(self.path)


def find_settings(start: Path) -> SettingsFile | None:
    """The file for a working directory: there, else nearest above it within its repository.

    Raises ConfigurationError for two in one folder, for one of another user, and what
    ``read_settings`` raises.
    """
    for folder in _folders(start.absolute()):
        own, shared = folder / FILE_NAME, folder / _PYPROJECT
        found = [each for each in (own,) if each.is_file()]
        if _holds_settings(shared):
            found.append(shared)
        if len(found) > 1:
            raise ConfigurationError(
                f"Settings stand in two files of one folder: {own} and {shared}. Keep one."
            )
        if found:
            _require_own(found[0])
            return read_settings(Path(os.path.relpath(found[0], start)))
    return None


def _folders(start: Path) -> list[Path]:
    """The folder, and those above it up to the root of its repository, if it is in one."""
    folders = [start, *start.parents]
    for number, folder in enumerate(folders):
        if (folder / ".git").exists():
            return folders[: number + 1]
    return [start]


def _holds_settings(path: Path) -> bool:
    try:
        return bool(_MENTIONED.search(path.read_text(encoding="utf-8", errors="replace")))
    except OSError:
        return False


def _require_own(path: Path) -> None:
    """Settings name servers and databases: those of another user are not taken by surprise."""
    user = os.geteuid()
    if user and path.stat().st_uid not in (user, 0):
        raise ConfigurationError(
            f"{path} belongs to another user, so its settings are not taken. If they are right, "
            f"give --config {path}."
        )


def read_settings(path: Path) -> SettingsFile:
    """The settings of a file. Raises ConfigurationError for one that cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        reason = error if isinstance(error, tomllib.TOMLDecodeError) else "not UTF-8"
        raise ConfigurationError(f"{path}: {reason}.") from error
    prefix = _TABLE if path.name == _PYPROJECT else ()
    table: Any = document
    for key in prefix:
        table = table.get(key, {}) if isinstance(table, dict) else {}
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: {'.'.join(prefix)} must be a table.")
    return SettingsFile(path, table, lines_of(text, prefix))


def lines_of(text: str, prefix: Keys = ()) -> dict[Keys, int]:
    """The line of each key below the table ``prefix``, without which the keys are given.

    tomllib tells no lines. The shortest run of lines that is TOML by itself is one statement.

    >>> lines_of('rules = "r"\\n[plan]\\nfield = [\\n  "a",\\n]\\n')
    {('rules',): 1, ('plan',): 2, ('plan', 'field'): 3}
    """
    found: dict[Keys, int] = {}
    table: Keys = ()
    statement, begun = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        heads = not statement and line.lstrip().startswith("[")
        if heads and (head := _parsed(line)) is not None:
            table = next(iter(_paths(head)), ())
            found.setdefault(table, number)
            continue
        if table[: len(prefix)] != prefix or not (statement or line.strip()):
            continue
        begun = begun if statement else number
        statement += f"{line}\n"
        if (values := _parsed(statement)) is None:
            continue
        for keys in _paths(values):
            for depth in range(1, len(keys) + 1):
                found.setdefault((*table, *keys[:depth]), begun)
        statement = ""
    return {
        keys[len(prefix) :]: line
        for keys, line in found.items()
        if len(keys) > len(prefix) and keys[: len(prefix)] == prefix
    }


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _paths(table: Mapping[str, Any]) -> Iterator[Keys]:
    """The keys of every value that is no table, and of every empty table."""
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from ((key, *rest) for rest in _paths(value))
        else:
            yield (key,)
