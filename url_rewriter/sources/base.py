"""What every place offers that knows of the objects as they were before the move."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from url_rewriter.evidence import SourceEvidence
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.urls import ObjectRef


class SourceStore(Protocol):
    """Tells what the objects were; cannot write."""

    def stat(self, refs: Iterable[ObjectRef]) -> Iterator[SourceEvidence]:
        """Yield one piece of evidence for each ref, in any order.

        Refs are taken as the work goes on, so that an endless iterable is no burden on memory. A
        fault of one ref is evidence (unknown, with its cause), never an exception. An object is
        gone only where the place denies it; forbidden is not gone.
        """

    def close(self) -> None:
        """Give back connections, threads and files."""


class SourceReader(SourceStore, Protocol):
    """A source store whose objects can be read, not only asked about; cannot write either."""

    def read(self, ref: ObjectRef, info: ObjectInfo) -> Iterator[bytes]:
        """Yield the bytes of an object as they are stored, a few MiB at a time.

        They are those of the generation that ``info`` describes, and not decompressed on the way.
        A stream that breaks is taken up where it broke. Raises ReadError where the object cannot be
        read to its end. The bytes are not compared with a checksum here.
        """
