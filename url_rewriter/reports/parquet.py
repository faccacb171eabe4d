"""Parquet, for warehouses and notebooks: the rows of the CSV report, with their types."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from url_rewriter.errors import ConfigurationError
from url_rewriter.planfile import Plan
from url_rewriter.reports.privacy import Privacy
from url_rewriter.reports.rows import COLUMNS, list_rows

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES: tuple[str, ...] = (".parquet",)
SHOWN_ON_TERMINALS: bool = False

_ROW_GROUP = 50_000


def render(plan: Plan, privacy: Privacy) -> Iterator[bytes]:
    """The file, a row group at a time. Raises ConfigurationError without pyarrow."""
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter
    except ImportError as error:
        raise ConfigurationError(
            "Parquet needs pyarrow: pip install 'url-rewriter[parquet]'."
        ) from error
    schema = _schema(pa).with_metadata(
        {"url-rewriter.plan": plan.path.name, "url-rewriter.seal": privacy.seal(plan.seal)}
    )
    sink = _Sink()
    rows = list_rows(plan, privacy)
    with ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        while group := list(islice(rows, _ROW_GROUP)):
            columns = {name: [_plain(getattr(row, name)) for row in group] for name in COLUMNS}
            writer.write_table(pa.table(columns, schema=schema))
            yield sink.drain()
    yield sink.drain()


def _schema(pa: Any) -> pa.Schema:
    types = {
        "blocks": pa.bool_(),
        "size": pa.int64(),
        "source_size": pa.int64(),
        "other_readings": pa.list_(pa.string()),
        "remarks": pa.list_(pa.string()),
    }
    return pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS])


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


class _Sink(io.RawIOBase):
    """A file that is given away as it is written."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._given = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._waiting += data
        return len(data)

    def tell(self) -> int:
        return self._given + len(self._waiting)

    def drain(self) -> bytes:
        given = bytes(self._waiting)
        self._given += len(given)
        self._waiting.clear()
        return given
