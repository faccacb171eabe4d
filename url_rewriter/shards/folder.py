"""Shards in a folder, which all workers have mounted, or which is on the one machine they share."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from url_rewriter.errors import NotPermittedError, ServiceError


class FolderShards:
    """A folder of shards; it is made for its owner alone, since shards hold whole URLs.

    A shard gets its name by a hard link, which does not replace what has the name.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    @property
    def place(self) -> str:
        """The folder."""
        return str(self._folder)

    def put(self, name: str, content: BinaryIO) -> bool:
        """Keep a shard, durably; False where there is one of this name, which stays as it is."""
        path = self._folder / name
        with self._translated():
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".") as part:
                shutil.copyfileobj(content, part)
                part.flush()
                os.fsync(part.fileno())
                try:
                    os.link(part.name, path)
                except FileExistsError:
                    return False
            _sync(path.parent)
        return True

    def open(self, name: str) -> BinaryIO | None:
        """Open a shard, to be closed by the caller; None where there is none of this name."""
        with self._translated():
            try:
                return (self._folder / name).open("rb")
            except FileNotFoundError:
                return None

    def has(self, name: str) -> bool:
        """Whether there is a shard of this name."""
        return (self._folder / name).exists()

    def names(self, folder: str) -> Iterator[str]:
        """The names of all shards below a folder, in their order."""
        with self._translated():
            found = [each for each in (self._folder / folder).rglob("[!.]*") if each.is_file()]
        yield from sorted(str(each.relative_to(self._folder)) for each in found)

    def remove(self, folder: str) -> None:
        """Remove all shards below a folder, and the folders that are empty then."""
        shutil.rmtree(self._folder / folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # it is not empty, or not there
            self._folder.rmdir()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except PermissionError as error:
            raise NotPermittedError(
                f"{self._folder}: shards cannot be kept there: {error.strerror}."
            ) from error
        except OSError as error:
            raise ServiceError(
                f"{self._folder}: shards cannot be kept there: {error.strerror}."
            ) from error


def _sync(folder: Path) -> None:
    """Make the name of a new file as durable as its content."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
