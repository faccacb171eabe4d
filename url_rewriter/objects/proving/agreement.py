"""What HEAD and a listing say of a target together: where they contradict each other, nothing."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from url_rewriter.evidence import TargetState
from url_rewriter.objectinfo import NOTHING, ObjectInfo
from url_rewriter.objects.proving.head import Probe
from url_rewriter.objects.transport.answers import Listed
from url_rewriter.objects.transport.listing_page import Page

DIRECTORIES = frozenset({"application/x-directory", "httpd/unix-directory"})
"""Content types by which gateways over file systems affirm a mere prefix."""

_ONLY_HEAD = "only HEAD affirms it: a whole listing does not show it"
_ONLY_LISTING = "only a listing shows it: HEAD says that it is missing"
_NOT_HEARD = "only HEAD affirms it, which affirms here what is not there; no listing could be had"


class Word(NamedTuple):
    """What a listing says of a key, and of the object that it shows."""

    listed: Listed
    info: ObjectInfo = NOTHING


NOT_HEARD = Word(Listed.NOT_ASKED)


def read_word(page: Page | None, key: str) -> Word:
    """What a page of the keys that begin with ``key`` says of it."""
    if page is None:
        return Word(Listed.UNKNOWN)
    for index, row in enumerate(page.rows):
        readings = [each for each in page.readings(index) if each.startswith(key)]
        if readings == [key]:
            return Word(Listed.SHOWN, ObjectInfo(int(row[3]), row[2] or None))
        if not readings or key in readings:
            return Word(Listed.UNKNOWN)  # of another prefix, or spelled in a way that has no end
    return Word(Listed.ABSENT)


def agree(found: Probe, word: Word, *, lying: bool, folding: str = "") -> Probe:
    """What is known of a target, from its HEAD and the ``word`` of a listing.

    ``lying``: HEAD affirms what is not, of keys like this one. ``folding`` says what the server
    does with keys like this one, so that HEAD may have been answered for another key. A forbidden
    or failed HEAD claims nothing, so that it contradicts nothing and has the last word.
    """
    evidence = found.evidence
    match evidence.state, word.listed:
        case TargetState.EXISTS, Listed.ABSENT if folding:
            return _unknown(found, f"the server {folding}, and lists no object of this very key")
        case TargetState.EXISTS, (Listed.UNKNOWN | Listed.NOT_ASKED) if folding:
            return _unknown(found, f"the server {folding}, and no listing could be had")
        case TargetState.EXISTS, Listed.ABSENT:
            return _unknown(found, _ONLY_HEAD)
        case TargetState.MISSING, Listed.SHOWN:
            return _unknown(found, _ONLY_LISTING)
        case TargetState.EXISTS, Listed.SHOWN if not evidence.info.size:
            # Some servers tell no length, or none but 0, in answer to HEAD.
            size = word.info.size if word.info.size is not None else evidence.info.size
            return found._replace(
                evidence=evidence._replace(info=evidence.info._replace(size=size))
            )
        case TargetState.EXISTS, (Listed.UNKNOWN | Listed.NOT_ASKED) if lying:
            return _unknown(found, _NOT_HEARD)
    return found


def contradict(found: Probe, word: Word) -> bool:
    """Whether HEAD and the listing claim different things of a target."""
    return (found.evidence.state, word.listed) in (
        (TargetState.EXISTS, Listed.ABSENT),
        (TargetState.MISSING, Listed.SHOWN),
    )


def is_doubtful(found: Probe) -> bool:
    """Whether this looks like an answer for a mere prefix, or tells no size."""
    _, state, _, _, info, _ = found.evidence
    return state is TargetState.EXISTS and (not info.size or is_directory(info.content_type))


@lru_cache(maxsize=256)
def is_directory(content_type: str | None) -> bool:
    """Whether an object of this type is a directory."""
    return (content_type or "").partition(";")[0].strip().lower() in DIRECTORIES


def _unknown(found: Probe, detail: str) -> Probe:
    evidence = found.evidence
    return Probe(
        evidence._replace(state=TargetState.UNKNOWN, info=NOTHING, detail=detail), again=False
    )
