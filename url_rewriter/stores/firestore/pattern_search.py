"""Many patterns in one pass over bytes, by hyperscan: they are what looks at all of a database."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import hyperscan

from url_rewriter.stores.firestore.framing import Span


class PatternSearch:
    """Finds regular expressions of hyperscan's syntax, or literals: ASCII, in any case.

    Any number of threads may share it, and search at the same time.

    >>> PatternSearch([b"gs:", b"s:/"], literal=True).spans(b"see GS://bucket")
    [(4, 7), (5, 8)]
    """

    def __init__(self, patterns: Sequence[bytes], *, literal: bool = False) -> None:
        self._database = hyperscan.Database() if patterns else None
        if self._database is not None:
            how = hyperscan.HS_FLAG_CASELESS if literal else hyperscan.HS_FLAG_DOTALL
            flags = hyperscan.HS_FLAG_SOM_LEFTMOST | how
            self._database.compile(expressions=patterns, flags=flags, literal=literal)
        self._threads = threading.local()

    def spans(self, data: bytes) -> list[Span]:
        """Where the patterns match, in ascending order; matches may overlap."""
        found: list[Span] = []

        def note(pattern: int, start: int, end: int, flags: int, context: object) -> None:
            found.append((start, end))

        if self._database is not None:
            self._database.scan(data, match_event_handler=note, scratch=self._scratch())
        found.sort()
        return found

    def _scratch(self) -> hyperscan.Scratch:
        """The memory that a search works in, which serves one at a time."""
        scratch: hyperscan.Scratch | None = getattr(self._threads, "scratch", None)
        if scratch is None:
            scratch = self._threads.scratch = hyperscan.Scratch(self._database)
        return scratch
