"""Escapings: each is undone once, with a map back to where every character came from.

A `View` is the text inside an escaping. What is found in it is carried back with its offsets, and
what is put in its place is escaped with the spellings that the replaced text used: ``\\/`` stays
``\\/``, ``%2f`` stays ``%2f``, ``&amp;`` stays ``&amp;``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from html.entities import html5
from itertools import takewhile
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class View:
    """``text`` with an escaping undone.

    ``offsets[i]`` is where the spelling of ``text[i]`` begins in the text outside; the last entry,
    one more than there are characters, is where the whole ends.
    """

    text: str
    offsets: Sequence[int]


@dataclass(frozen=True, slots=True)
class Escaping:
    """One way to escape text.

    ``pattern`` matches one escape and ``undo`` gives its character(s); ``must`` matches what cannot
    stand as itself, and ``redo`` spells such a character when the replaced text did not show how.
    """

    name: str
    pattern: re.Pattern[str]
    undo: Callable[[str], str]
    must: re.Pattern[str]
    redo: Callable[[str], str]

    def view(self, text: str) -> View:
        """``text`` with every escape undone once."""
        pieces: list[str] = []
        offsets: list[int] = []
        done = 0
        for match in self.pattern.finditer(text):
            start, end = match.span()
            character = self.undo(match[0])
            pieces += (text[done:start], character)
            offsets += range(done, start)
            offsets += [start] * len(character)
            done = end
        pieces.append(text[done:])
        offsets += range(done, len(text) + 1)
        return View("".join(pieces), offsets)

    def spellings(self, text: str) -> Mapping[str, str]:
        """How ``text`` spells each of its characters: the first time, or raw where letters are."""
        spelled: dict[str, str] = {}
        done = 0
        for match in self.pattern.finditer(text):
            _note_raw(text[done : match.start()], spelled)
            spelled.setdefault(self.undo(match[0]), match[0])
            done = match.end()
        _note_raw(text[done:], spelled)
        return spelled

    def escape(self, text: str, like: str) -> str:
        """Escape ``text`` as ``like``, a text in this escaping; what both begin with stays."""
        view = self.view(like)
        pairs = zip(text, view.text, strict=False)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        spelled = self.spellings(like)
        rest = "".join(self._spell(character, spelled) for character in text[same:])
        return like[: view.offsets[same]] + rest

    def _spell(self, character: str, spelled: Mapping[str, str]) -> str:
        if character in spelled:
            return spelled[character]
        return self.redo(character) if self.must.match(character) else character


def _note_raw(text: str, spelled: dict[str, str]) -> None:
    for character in text:
        if character.isalnum():
            spelled[character] = character
        else:
            spelled.setdefault(character, character)


_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def _undo_json(escape: str) -> str:
    if escape[1] == "x" and len(escape) > 2:
        return chr(int(escape[2:], 16))
    if len(escape) == 4:
        return chr(int(escape[1:], 8))
    if escape[1] != "u":
        return _SHORT.get(escape[1], escape[1])
    units = bytes.fromhex(escape.replace("\\u", ""))
    return units.decode("utf-16-be", "surrogatepass")


def _redo_json(character: str) -> str:
    return f"\\{character}" if character in '"\\' else f"\\u{ord(character):04x}"


def _undo_html(entity: str) -> str:
    if entity[1] == "#":
        return unescape(entity)
    return html5.get(entity[1:], entity)  # `unescape` would also take a known prefix of the name


def _undo_percent(escapes: str) -> str:
    return bytes.fromhex(escapes.replace("%", "")).decode("utf-8", "surrogateescape")


JSON = Escaping(
    "json",
    re.compile(
        r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
        r"|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\[0-3][0-7]{2}|\\[^u]",
        re.DOTALL,
    ),
    _undo_json,
    re.compile(r'["\\\x00-\x1f]'),
    _redo_json,
)
HTML = Escaping(
    "html",
    re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"),
    _undo_html,
    re.compile(r"[<>\"]"),
    lambda character: f"&#{ord(character)};",
)
# One character at a time, as UTF-8 spells it, so that a view never holds half of one. What is no
# UTF-8 stays escaped: the reader of the key will see it.
PERCENT = Escaping(
    "pct",
    re.compile(
        r"%[0-7][0-9a-fA-F]"
        r"|%[cC][2-9a-fA-F]%[89abAB][0-9a-fA-F]|%[dD][0-9a-fA-F]%[89abAB][0-9a-fA-F]"
        r"|%[eE][0-9a-fA-F](?:%[89abAB][0-9a-fA-F]){2}"
        r"|%[fF][0-4](?:%[89abAB][0-9a-fA-F]){3}"
    ),
    _undo_percent,
    re.compile(r"[^A-Za-z0-9._~-]"),
    lambda character: quote(character, safe=""),
)
SQL = Escaping("sql", re.compile("''"), lambda _: "'", re.compile("'"), lambda _: "''")
MARKDOWN = Escaping(
    "markdown",
    re.compile(r"\\[!-/:-@\[-`{-~]"),
    lambda escape: escape[1],
    re.compile(r"(?!)"),
    str,
)

ESCAPINGS = {each.name: each for each in (JSON, HTML, PERCENT, SQL, MARKDOWN)}

_LAYER = re.compile(r"([a-z]+)([0-9]*)")


def outside(escaping: Escaping, layer: str) -> str:
    """The name of ``layer`` with ``escaping`` around it.

    >>> outside(PERCENT, outside(PERCENT, "")), outside(JSON, "html")
    ('pct2', 'json+html')
    """
    names = [escaping.name, *_names(layer)]
    counted: list[tuple[str, int]] = []
    for name in names:
        if counted and counted[-1][0] == name:
            counted[-1] = (name, counted[-1][1] + 1)
        else:
            counted.append((name, 1))
    return "+".join(
        f"{name}{times}" if times > 1 or name == PERCENT.name else name for name, times in counted
    )


def escapings(layer: str) -> list[Escaping]:
    """The escapings of a layer's name, outermost first."""
    return [ESCAPINGS[name] for name in _names(layer)]


def _names(layer: str) -> list[str]:
    return [name for name, times in _LAYER.findall(layer) for _ in range(int(times or 1))]
