"""The picture of the README: what a run of ``url-rewriter demo`` prints, as SVG.

Lines that tell of time, of this machine or of every detail are left out, which a line with ⋮ says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

COLUMNS = 104
_FONTS = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
_ROW, _COLUMN, _MARGIN, _HEAD = 17.0, 7.8, 16, 38

_LINES = {
    "What is there?": (8, 0),
    "What would change?": (10, 6),
    "A plan that would break": (5, 1),
    "Repair": (0, 0),
    "Plan again": (0, 2),
    "Write it": (0, 4),
    "Is anything old left": (0, 3),
    "And back again": (0, 4),
}
"""How many lines of each part of the story are shown, from its beginning and before its end."""

_SGR = re.compile(r"\x1b\[([\d;]*)m")
_TIMED = re.compile(r"\b\d+:\d\d\b")
_CLASSES = {
    "1": "bold", "2": "dim", "31": "red", "32": "green", "33": "yellow",
    "34": "blue", "35": "magenta", "36": "cyan", "90": "dim",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a variant."""

    ground: str
    text: str
    colours: dict[str, str]


LIGHT = Palette(
    "#ffffff", "#24292f",
    {"dim": "#6e7781", "red": "#cf222e", "green": "#116329", "yellow": "#7d4e00",
     "blue": "#0550ae", "magenta": "#8250df", "cyan": "#1b7c83"},
)  # fmt: skip
DARK = Palette(
    "#0d1117", "#e6edf3",
    {"dim": "#8b949e", "red": "#ff7b72", "green": "#56d364", "yellow": "#e3b341",
     "blue": "#79c0ff", "magenta": "#d2a8ff", "cyan": "#56d4dd"},
)  # fmt: skip


def selected(output: str, folder: str) -> list[str]:
    """The lines of a run that are shown; ``folder`` is where it ran."""
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:9000", output).replace(f"{folder}/", "")
    text = re.sub(r"sha256 \w+", "sha256 294ab235", text)  # the port is part of the rules
    lines: list[str] = []
    for part in re.split(r"\n(?=(?:\x1b\[1m)?# )", text)[1:]:
        title, *told = part.rstrip().splitlines()
        head, tail = next(
            (shown for beginning, shown in _LINES.items() if f"# {beginning}" in title), (0, 0)
        )
        told = [line for line in told if not _TIMED.search(line)]
        told, rest = told[: head + 1], told[head + 1 :]
        lines += ["", title, *_without_gaps(told)]
        if rest[:-tail] if tail else rest:
            lines.append("\x1b[2m ⋮\x1b[0m")
        lines += _without_gaps(rest[-tail:] if tail else [])
    return lines[1:]


def _without_gaps(lines: list[str]) -> list[str]:
    return [line for line in lines if line.strip()]


def picture(lines: list[str], palette: Palette) -> str:
    """The lines in a window, as SVG."""
    width = round(COLUMNS * _COLUMN + 2 * _MARGIN)
    height = round(len(lines) * _ROW + _HEAD + _MARGIN)
    colours = "".join(f".{name}{{fill:{colour}}}" for name, colour in palette.colours.items())
    lights = "".join(
        f'<circle cx="{_MARGIN + 4 + 18 * number}" cy="18" r="5" fill="{palette.colours[colour]}"/>'
        for number, colour in enumerate(("red", "yellow", "green"))
    )
    rows = "\n".join(
        f'<text x="{_MARGIN}" y="{_HEAD + _ROW * number + 12:g}" xml:space="preserve">'
        f"{''.join(_spans(line))}</text>"
        for number, line in enumerate(lines)
        if line
    )
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" \
viewBox="0 0 {width} {height}" role="img" aria-label="url-rewriter demo">
<style>text{{fill:{palette.text};white-space:pre;font:13px {_FONTS}}}.bold{{font-weight:700}}\
{colours}</style>
<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8" fill="{palette.ground}" \
stroke="{palette.colours["dim"]}"/>
{lights}
{rows}
</svg>
"""


def _spans(line: str) -> Iterator[str]:
    """The line's pieces, each with the classes of its colours; cut at the window's edge."""
    left, classes = COLUMNS, list[str]()
    line = {"$ ": "\x1b[36m", "# ": "\x1b[1m"}.get(line[:2], "") + line
    for number, piece in enumerate(_SGR.split(line)):
        if number % 2:
            codes = piece.split(";")
            kept = [] if {"", "0"} & {*codes} else classes
            classes = [*kept, *(_CLASSES[code] for code in codes if code in _CLASSES)]
            continue
        shown = piece if len(piece) <= left else f"{piece[: max(left - 1, 0)]}…"
        left -= len(shown)
        if shown:
            named = f' class="{" ".join(classes)}"' if classes else ""
            yield f"<tspan{named}>{escape(shown)}</tspan>"
        if left <= 0:
            return
