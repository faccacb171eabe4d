"""Which file an operator names as an inventory, and what it is a listing of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from url_rewriter.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class InventoryFile:
    """A file, and what it is a listing of where its rows do not say so.

    ``bucket`` and ``prefix`` are what was given to ``rclone lsjson``, whose paths begin below.
    """

    path: Path
    bucket: str = ""
    prefix: str = ""

    @classmethod
    def parse(cls, text: str, scheme: str = "gs") -> InventoryFile:
        """What ``FILE`` or ``gs://BUCKET[/PREFIX]=FILE`` says.

        >>> InventoryFile.parse("gs://old/img=list.json").prefix
        'img/'
        """
        if not text.startswith(f"{scheme}://"):
            return cls(Path(text))
        where, _, path = text.removeprefix(f"{scheme}://").rpartition("=")
        bucket, _, prefix = where.partition("/")
        if not bucket or not path:
            raise ConfigurationError(f"{text!r} is not {scheme}://BUCKET[/PREFIX]=FILE.")
        return cls(Path(path), bucket, f"{prefix.rstrip('/')}/" if prefix.strip("/") else "")
