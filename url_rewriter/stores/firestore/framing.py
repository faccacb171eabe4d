"""Blocks: pieces of bytes that hold several messages of a stream."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import Protocol, TypeAlias

Span: TypeAlias = tuple[int, int]
"""Where something begins in bytes, and where it has ended."""


@dataclass(frozen=True, slots=True)
class Block:
    """Bytes that arrived together, and the spans of the whole messages in them, in order.

    Between messages, and behind the last one, there may be bytes that belong to none.
    """

    data: bytes
    spans: Sequence[Span]

    def message(self, span: Span) -> bytes:
        """One serialized message."""
        return self.data[span[0] : span[1]]

    def parts(self, first: int, most: int) -> Iterator[Block]:
        """The same messages in blocks of their own: ``first`` of them, then ``most`` at a time.

        >>> [part.spans for part in Block(b"ab-c", [(0, 1), (1, 2), (3, 4)]).parts(2, 5)]
        [[(0, 1), (1, 2)], [(0, 1)]]
        """
        if len(self.spans) <= first:
            yield self
            return
        for place in (0, *range(first, len(self.spans), most)):
            spans = self.spans[place : place + (most if place else first)]
            begin = spans[0][0]
            data = self.data[begin : spans[-1][1]]
            yield Block(data, [(start - begin, end - begin) for start, end in spans])

    def distinct(self, before: bytes) -> Block:
        """The messages without those that repeat the one right before them, at first ``before``.

        >>> Block(b"aab", [(0, 1), (1, 2), (2, 3)]).distinct(b"").spans
        [(0, 1), (2, 3)]
        """
        data, repeated = self.data, set()
        if self.message(self.spans[0]) == before:
            repeated.add(self.spans[0])
        for (begin, end), other in pairwise(self.spans):
            if other[1] - other[0] == end - begin and data[begin:end] == self.message(other):
                repeated.add(other)
        if not repeated:
            return self
        return Block(data, [span for span in self.spans if span not in repeated])

    def around(self, offsets: Sequence[int]) -> Iterator[tuple[Span, Sequence[int]]]:
        """The messages that any of ``offsets`` (in ascending order) lie in, each with those.

        >>> list(Block(b"abcdef", [(0, 2), (3, 6)]).around([2, 4, 5]))
        [((3, 6), [4, 5])]
        """
        first = 0
        while first < len(offsets):
            place = bisect_right(self.spans, offsets[first], key=itemgetter(0)) - 1
            span = self.spans[place] if place >= 0 else (0, 0)
            if offsets[first] >= span[1]:
                first += 1
                continue
            past = bisect_right(offsets, span[1] - 1, first)
            yield span, offsets[first:past]
            first = past


class RawStream(Protocol):
    """Blocks of serialized messages, none of them empty, as they arrive.

    Raises grpc.RpcError where the stream breaks.
    """

    def __iter__(self) -> Iterator[Block]: ...

    def cancel(self) -> object:
        """Give the stream up; harmless after its end."""
