"""Reading a table page by page, by the key of the last row: memory stays flat, and a page may be
changed before the next is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

K = TypeVar("K")
R = TypeVar("R")


def read_pages(
    read: Callable[[K], Sequence[R]], first: K, key_of: Callable[[R], K]
) -> Iterator[Sequence[R]]:
    """The pages that ``read`` gives of the rows behind a key, until one is empty.

    >>> list(read_pages(lambda last: range(last + 1, min(last + 3, 5)), 0, lambda row: row))
    [range(1, 3), range(3, 5)]
    """
    last = first
    while page := read(last):
        yield page
        last = key_of(page[-1])
