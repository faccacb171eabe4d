"""Shrinking: the smallest case that breaks the law in the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.core.urls.fuzz.cases import Piece, Pieces, Wrapped, urls_of
from tests.core.urls.fuzz.spellings import Url, new_url

_ROUNDS = 200


def shrunk(pieces: Pieces, fails: Callable[[Pieces], bool]) -> Pieces:
    """``pieces`` without whatever can go while they still fail."""
    for _ in range(_ROUNDS):
        smaller = next((each for each in _smaller(pieces) if urls_of(each) and fails(each)), None)
        if smaller is None:
            return pieces
        pieces = smaller
    return pieces


def _smaller(pieces: Pieces) -> Iterator[Pieces]:
    for index, piece in enumerate(pieces):
        before, after = pieces[:index], pieces[index + 1 :]
        yield (*before, *after)
        for other in _simpler(piece):
            yield (*before, *other, *after)


def _simpler(piece: Piece) -> Iterator[Pieces]:
    if isinstance(piece, str):
        if len(piece) > 1:
            half = len(piece) // 2
            yield from ((piece[:half],), (piece[half:],), (piece[1:],), (piece[:-1],))
    elif isinstance(piece, Wrapped):
        yield piece.pieces
        for inner in _smaller(piece.pieces):
            if inner and not (piece.markup.slot and not isinstance(inner[0], Url)):
                yield (Wrapped(piece.markup, inner),)
    elif piece.key and piece.key != "a.png" and piece.new and piece.bucket in piece.text:
        yield from ((url,) for url in _plainer(piece))


def _plainer(url: Url) -> Iterator[Url]:
    """``url`` with a plain key, as long as its query and form are its own."""
    head, _, rest = url.text.partition(f"{url.bucket}/")
    marks = [rest.find(mark) for mark in "?#" if mark in rest]
    tail = rest[min(marks) :] if marks and not url.is_literal else ""
    between = "o/" if rest.startswith("o/") else ""
    fragment = "#" + url.new.partition("#")[2] if "#" in url.new else ""
    if head.endswith(("//", "/")) or url.is_literal:
        yield replace(
            url,
            text=f"{head}{url.bucket}/{between}a.png{tail}",
            key="a.png",
            new=new_url(url.bucket, "a.png") + fragment,
            raw="",
        )
