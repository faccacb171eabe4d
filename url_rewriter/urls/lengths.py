"""The lengths that a text declares, and the URLs in it that they allow to be rewritten."""

from __future__ import annotations

from bisect import bisect_right

from url_rewriter.urls.model import Left, Remark
from url_rewriter.urls.offsets import Item
from url_rewriter.urls.serialized import Frame, corrupt_spans, escaped_spans, frames


class Lengths:
    """The lengths in one text, asked of its URLs from left to right."""

    def __init__(self, text: str) -> None:
        found = frames(text)
        self.frames: dict[int, Frame] = {each.start: each for each in found if not each.depth}
        self._size = len(text)
        self._corrupt = corrupt_spans(found)
        self._heads = {each.start: each.digits[0] for each in found} if self._corrupt else {}
        if escaped := escaped_spans(text):
            self._corrupt = sorted([*self._corrupt, *escaped])
            self._heads |= {start: start for start, _ in escaped}
        self._rewritable = 0  # the end of the last URL that may be rewritten

    def checked(self, item: Item) -> Item:
        """``item``, or the reason to leave it, if a length around it is wrong or escaped."""
        if not self._corrupt or isinstance(item, Left):
            return item
        before = bisect_right(self._corrupt, (item.start, self._size)) - 1
        start, end = self._corrupt[before] if before >= 0 else (0, 0)
        # What declares a length within a URL is a part of its key, and goes with it.
        if item.start < end and self._heads[start] >= self._rewritable:
            return Left(item.start, item.end, Remark.CORRUPT_LENGTH)
        self._rewritable = item.end
        return item
