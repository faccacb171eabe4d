"""CSV and Parquet files of inventories, read row by row: memory stays flat."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from url_rewriter.errors import ConfigurationError
from url_rewriter.inventories.columns import Columns, ListedTarget, Trouble

GZIP, PARQUET, ORC = b"\x1f\x8b", b"PAR1", b"ORC"
"""How files begin that are no text."""

_BATCH = 10_000

MakeColumns = Callable[[list[str], Trouble], Columns]


def read_start(path: Path, size: int = 64) -> bytes:
    """The first bytes of a file, uncompressed. Raises ConfigurationError."""
    with _reading(path, lambda: 1), _open(path) as file:
        return file.read(size)


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == GZIP
    return cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb")


@contextmanager
def _reading(path: Path, line: Callable[[], int]) -> Iterator[None]:
    """Raise ConfigurationError, with the place, where a file cannot be read or is damaged."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ConfigurationError(
            f"{path}:{line()}: cut short or damaged: {error}; copy it anew."
        ) from error
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}:{line()}: not UTF-8 ({error.reason}).") from error
    except csv.Error as error:
        raise ConfigurationError(f"{path}:{line()}: no CSV: {error}.") from error


def read_csv(
    path: Path, make_columns: MakeColumns, names: list[str] | None = None
) -> Iterator[ListedTarget]:
    """The objects that a CSV file lists; its first line has the ``names`` of the columns unless
    they are given. Raises ConfigurationError, with file and line."""
    lines = _EndedLines()

    def trouble(what: str) -> ConfigurationError:
        return ConfigurationError(f"{path}:{lines.number}: {what}.")

    with _reading(path, lambda: lines.number), _open(path) as binary:
        text = io.TextIOWrapper(binary, "utf-8" if names else "utf-8-sig", newline="")
        rows = csv.reader(lines.of(text), strict=True)
        columns = make_columns(names or next(rows, []), trouble)
        for row in rows:
            if row and (listed := columns.read(row)) is not None:
                yield listed


class _EndedLines:
    """Lines of a text, each of which must end; ``number`` is that of the newest."""

    def __init__(self) -> None:
        self.number = 0

    def of(self, text: Iterable[str]) -> Iterator[str]:
        """Yield the lines. Raises EOFError."""
        for line in text:
            self.number += 1
            if not line.endswith(("\n", "\r")):
                raise EOFError("the last line does not end with a line break")
            yield line


def read_parquet(path: Path, make_columns: MakeColumns) -> Iterator[ListedTarget]:
    """The objects that a Parquet file lists. Raises ConfigurationError, with file and row."""
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise ConfigurationError(
            f"{path}: Parquet needs pyarrow: pip install 'url-rewriter[parquet]'."
        ) from error
    number = 0

    def trouble(what: str) -> ConfigurationError:
        return ConfigurationError(f"{path}:{number}: {what}.")

    try:
        with ParquetFile(path, page_checksum_verification=True) as file:
            columns = make_columns(list(file.schema_arrow.names), trouble)
            for batch in file.iter_batches(_BATCH):
                for row in zip(*(_plain(pa, each) for each in batch.columns), strict=True):
                    number += 1
                    if (listed := columns.read(row)) is not None:
                        yield listed
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        said = str(error).partition("\n")[0]
        raise ConfigurationError(f"{path}:{number}: cut short or damaged: {said:.200}.") from error


def _plain(pa: Any, column: Any) -> list[object]:
    """The values of a column; binary ones that were not marked as UTF-8 are read as such."""
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        column = column.cast(pa.string())
    return cast("list[object]", column.to_pylist())
