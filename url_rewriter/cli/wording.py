"""Words and numbers that several commands show."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "URL"), counted(1200, "document")
    ('1 URL', '1,200 documents')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
