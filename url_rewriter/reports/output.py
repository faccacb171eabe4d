"""Writing a report: to a stream, or to a file for its owner alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from url_rewriter.errors import ServiceError


def encoded(chunks: Iterator[str] | Iterator[bytes]) -> Iterator[bytes]:
    """The chunks of a report as bytes."""
    for chunk in chunks:
        yield chunk.encode(errors="backslashreplace") if isinstance(chunk, str) else chunk


def write(stream: BinaryIO, chunks: Iterable[bytes]) -> None:
    """Write all chunks."""
    for chunk in chunks:
        stream.write(chunk)
    stream.flush()


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
