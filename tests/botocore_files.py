"""botocore's description of S3: each session reads megabytes of JSON anew, which takes longer than
most tests. A process of tests reads them once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from botocore.loaders import JSONFileLoader

_read = JSONFileLoader._load_file  # type: ignore[attr-defined] # its stubs leave it out


@cache
def _known(path: str, open_method: Callable[..., Any]) -> Any:
    return _read(JSONFileLoader(), path, open_method)


def read_once() -> None:
    """From now on, in this process and in those that it forks."""
    JSONFileLoader._load_file = (  # type: ignore[attr-defined]
        lambda self, path, open_method: _known(path, open_method)
    )
