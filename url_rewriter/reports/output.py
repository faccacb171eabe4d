"""Writing a report: to a stream, or to a file for its owner alone."""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from url_rewriter.errors import ServiceError
from url_rewriter.planfile import Plan
from url_rewriter.reports import REPORTS, csv, html
from url_rewriter.reports.privacy import Privacy


def encoded(chunks: Iterator[str] | Iterator[bytes]) -> Iterator[bytes]:
    """The chunks of a report as bytes."""
    for chunk in chunks:
        yield chunk.encode(errors="backslashreplace") if isinstance(chunk, str) else chunk


def write(stream: BinaryIO, chunks: Iterable[bytes]) -> None:
    """Write all chunks."""
    for chunk in chunks:
        stream.write(chunk)
    stream.flush()


def write_report(plan: Plan, privacy: Privacy, name: str, output: Path) -> Path | None:
    """Write the report ``name`` to a file; return the file beside it with all rows, if it has one.

    The page of a large plan shows some rows only. All are listed beside it, as compressed CSV that
    is written first, so that no page names a file that is not there. Raises what `write_file` does.
    """
    if name != "html" or not html.is_sample(plan):
        write_file(output, encoded(REPORTS[name].render(plan, privacy)))
        return None
    rest = output.with_name(f"{output.stem}.rows.csv.gz")
    write_file(rest, _compressed(encoded(csv.render(plan, privacy))))
    write_file(output, encoded(html.render(plan, privacy, rest=rest.name)))
    return rest


def _compressed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks as gzip has them, without a time: the same rows give the same bytes."""
    gzip = zlib.compressobj(6, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    for chunk in chunks:
        yield gzip.compress(chunk)
    yield gzip.flush()


def write_file(output: Path, chunks: Iterable[bytes]) -> None:
    """Write a file that is whole or is not there, and that only its owner may read.

    Raises ServiceError when the disk refuses.
    """
    try:
        # A temporary file of this kind has mode 0600.
        descriptor, part = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)
    except OSError as error:
        raise ServiceError(f"{output}: cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(descriptor, "wb") as stream:
            write(stream, chunks)
            os.fsync(stream.fileno())
        Path(part).replace(output)
    except BaseException as error:
        with suppress(OSError):
            Path(part).unlink()
        if isinstance(error, OSError):
            raise ServiceError(f"{output}: cannot be written: {error.strerror}.") from error
        raise
