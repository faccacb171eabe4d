"""The content of a shard: JSON values, one a line, compressed, with an end.

Nothing of a shard is ever run: a place that others can write to gets them no further than a shard
that is refused.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from url_rewriter.errors import ServiceError

_FAST = 1
_encode = json.JSONEncoder(separators=(",", ":")).encode


def write_lines(file: BinaryIO, lines: Iterable[Any]) -> None:
    """Write values as a shard's content, and go to its beginning."""
    count = 0
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_FAST, mtime=0) as packed:
        for line in lines:
            packed.write(_encode(line).encode() + b"\n")
            count += 1
        packed.write(_encode({"end": count}).encode() + b"\n")
    file.seek(0)


def read_lines(file: BinaryIO, name: str) -> Iterator[Any]:
    """The values of a shard, one at a time. Raises ServiceError where it is damaged."""
    number, line = 0, None
    try:
        with gzip.GzipFile(fileobj=file, mode="rb") as packed:
            for text in packed:
                if number:
                    yield line
                line = json.loads(text)
                number += 1
    except (EOFError, ValueError, zlib.error, OSError) as error:
        raise _damaged(name) from error
    if line != {"end": number - 1}:
        raise _damaged(name)


def _damaged(name: str) -> ServiceError:
    return ServiceError(f"The shard {name} is damaged. Remove it; the same command makes it again.")
