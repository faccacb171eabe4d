"""What every place for shards offers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol


class Shards(Protocol):
    """A place for shards. Names consist of lower-case letters, digits, ``-``, ``.`` and ``/``.

    Raises ServiceError where the place fails, NotPermittedError where it may not be used.
    """

    @property
    def place(self) -> str:
        """The place as an operator names it."""

    def put(self, name: str, content: BinaryIO) -> bool:
        """Keep a shard, durably; False where there is one of this name, which stays as it is."""

    def open(self, name: str) -> BinaryIO | None:
        """Open a shard, to be closed by the caller; None where there is none of this name."""

    def has(self, name: str) -> bool:
        """Whether there is a shard of this name."""

    def names(self, folder: str) -> Iterator[str]:
        """The names of all shards below a folder, in their order."""

    def remove(self, folder: str) -> None:
        """Remove all shards below a folder."""
