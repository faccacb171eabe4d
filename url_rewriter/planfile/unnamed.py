"""A plan file without a name, kept under one: what ``verify -o`` leaves behind."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from url_rewriter.errors import ConfigurationError, ServiceError
from url_rewriter.planfile import schema, sidecars
from url_rewriter.planfile.damage import translated
from url_rewriter.planfile.replacing import replaceable
from url_rewriter.planfile.seal import put_seal


def keep_as(connection: sqlite3.Connection, path: Path) -> None:
    """Seal what a connection without a name holds, and keep it at ``path``, for its owner alone.

    The file is whole, or is not there. Raises what ``replaceable`` raises.
    """
    if not path.parent.is_dir():
        raise ConfigurationError(f"{path}: there is no folder {path.parent}; make it first.")
    try:
        # A temporary file of this kind has mode 0600.
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise ServiceError(f"{path}: cannot be written: {error.strerror}.") from error
    os.close(descriptor)
    part = Path(name)
    try:
        with translated(path), closing(sqlite3.connect(part, isolation_level=None)) as kept:
            connection.backup(kept)
            with schema.transaction(kept):
                put_seal(kept)
        with replaceable(path, part):
            part.replace(path)
    except BaseException:
        sidecars.remove(part)
        raise
