"""Tables that fit a terminal: columns are left out before a row is torn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from url_rewriter.cli.terminal.emphasis import Emphasis, of_word, style
from url_rewriter.cli.terminal.prose import wrap

_GAP = "  "
_LEAST_NAME = 8
_LEAST_PROSE = 16


@dataclass(slots=True)
class TableColumn:
    """A column: its title, its cells as text, and as they are."""

    title: str
    cells: list[str]
    values: list[str | int]
    width: int

    @property
    def numeric(self) -> bool:
        """Whether numbers stand in it, to the right."""
        return any(isinstance(value, int) for value in self.values)

    @property
    def empty(self) -> bool:
        """Whether it says nothing: zeros, and no text."""
        return not any(self.values)

    @property
    def prose(self) -> bool:
        """Whether its cells are sentences, which may be wrapped."""
        return not self.numeric and any(" " in cell.strip() for cell in self.cells)


@dataclass(frozen=True, slots=True)
class FittedTable:
    """Columns that fit side by side, and the titles of those that were left out for that."""

    columns: list[TableColumn]
    empty: list[str]
    less: list[str]

    def lines(self) -> Iterator[str]:
        """The header and the rows, in colour."""
        yield from self._row([column.title for column in self.columns], None)
        for index in range(len(self.columns[0].cells)):
            yield from self._row([column.cells[index] for column in self.columns], index)

    def left_out(self) -> str:
        """What was left out, in words; "" where nothing was."""
        said = [
            f"{', '.join(titles)}{why}"
            for titles, why in ((self.empty, " (all 0)"), (self.less, ""))
            if titles
        ]
        if not said:
            return ""
        return f"Columns left out: {'; '.join(said)}. A wider terminal or --format json has them."

    def _row(self, texts: Sequence[str], index: int | None) -> Iterator[str]:
        folded = [self._cell(*each) for each in zip(self.columns, texts, strict=True)]
        for number in range(max(map(len, folded))):
            cells = (
                self._shown(column, lines[number] if number < len(lines) else "", index)
                for column, lines in zip(self.columns, folded, strict=True)
            )
            yield (" " + _GAP.join(cells)).rstrip()

    @staticmethod
    def _cell(column: TableColumn, text: str) -> list[str]:
        if cell_len(text) <= column.width:
            return [text]
        return wrap(text, column.width, 0) if column.prose else [_elide(text, column.width)]

    def _shown(self, column: TableColumn, text: str, index: int | None) -> str:
        gap = " " * (column.width - cell_len(text))
        shown = style(text, self._severity(column, index))
        return gap + shown if column.numeric else shown + gap

    def _severity(self, column: TableColumn, index: int | None) -> Emphasis | None:
        if index is None:
            return Emphasis.STRONG
        value = column.values[index]
        if value == 0:
            return Emphasis.FAINT
        if isinstance(value, int):
            return of_word(column.title) or of_word(str(self.columns[0].values[index]))
        word = of_word(value)
        # An outcome that no document had says nothing.
        return Emphasis.FAINT if word and index_is_zero(self.columns, index) else word


def index_is_zero(columns: Sequence[TableColumn], index: int) -> bool:
    """Whether every number of a row is 0, and there is one."""
    numbers = [column.values[index] for column in columns if column.numeric]
    return bool(numbers) and not any(numbers)


def fit(columns: Sequence[TableColumn], width: int | None, less: Sequence[str]) -> FittedTable:
    """The columns that a row of ``width`` has room for.

    Those without anything but zeros go first, then those of ``less`` in that order. Sentences are
    wrapped within their column then, and names shortened in the middle. Numbers are never cut: the
    last ones are left out where all that is not enough.
    """
    kept = list(columns)
    empty: list[str] = []
    dropped: list[str] = []
    while width is not None and _needs(kept) > width:
        if (column := next((each for each in reversed(kept[1:]) if each.empty), None)) is not None:
            empty.insert(0, column.title)
        elif (column := next((c for name in less for c in kept if c.title == name), None)) is None:
            _shrink(kept, width)
            column = next((each for each in reversed(kept[1:]) if each.numeric), None)
            if _needs(kept) <= width or column is None:
                break
            dropped.insert(0, column.title)
        else:
            dropped.append(column.title)
        kept.remove(column)
    return FittedTable(kept, empty, dropped)


def _needs(columns: Sequence[TableColumn]) -> int:
    return 1 + sum(column.width for column in columns) + len(_GAP) * (len(columns) - 1)


def _shrink(columns: Sequence[TableColumn], width: int) -> None:
    """Narrow the columns of sentences first, then those of names, widest first."""
    for prose, least in ((True, _LEAST_PROSE), (False, _LEAST_NAME)):
        some = [each for each in columns if each.prose is prose and not each.numeric]
        while (over := _needs(columns) - width) > 0 and some:
            widest = max(some, key=lambda each: each.width)
            least_here = max(least, cell_len(widest.title))
            if widest.width <= least_here:
                break
            others = max((each.width for each in some if each is not widest), default=0)
            widest.width = max(least_here, widest.width - over, min(others, widest.width - 1))


def _elide(text: str, width: int) -> str:
    """A name with its middle left out.

    >>> _elide("memories-recordings", 11)
    'memor…dings'
    """
    half = (width - 1) // 2
    head = set_cell_size(text, width - 1 - half).rstrip()
    return f"{head}…{text[-half:]}" if half else text[:width]
