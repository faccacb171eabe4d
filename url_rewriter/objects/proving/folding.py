"""Servers that take one key for another: HEAD of the one is answered for the other.

Object stores over file systems and databases fold letter case, cut dots and blanks, or normalise
accents; proxies in front of them decode a key twice. Each way is tried once in a bucket, where a
key comes up for which it matters: HEAD is asked for a twin of a key that is there. A twin that is
affirmed, and that a listing does not show, gives the way away.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from unicodedata import normalize

from url_rewriter.evidence import Evidence, TargetState
from url_rewriter.objects.proving.head import Probe
from url_rewriter.objects.transport.answers import Listed
from url_rewriter.objects.transport.verdicts import is_folded, judge_key
from url_rewriter.urls import ObjectRef

_BASES = 3
"""Keys of which twins are asked for, in one batch."""

_LONG = 200
"""Characters of a key, from which on some server may cut it."""


@dataclass(frozen=True, slots=True)
class Fold:
    """A way to take one key for another: ``says`` what the server does.

    ``matters`` for a key: it may be answered for another one. ``twins`` are other keys that such a
    server takes for a given one; those of a key may be none.
    """

    says: str
    matters: Callable[[str], object]
    twins: Callable[[str], Iterable[str]]


def _encoded(key: str) -> Iterator[str]:
    """The key with its last letter or digit percent-encoded once."""
    for index in range(len(key) - 1, -1, -1):
        if key[index].isascii() and key[index].isalnum():
            yield f"{key[:index]}%{ord(key[index]):02X}{key[index + 1 :]}"
            return


CASE = Fold(
    "takes upper and lower case for the same",
    lambda key: key.lower() != key.upper(),
    lambda key: [key.swapcase()],
)
LONG = Fold("may cut a key that is so long", lambda key: len(key) >= _LONG, lambda key: ())
"""No twin tells: a key of the length at which it is cut would have to be known."""

RARE = (
    Fold(
        "cuts dots and blanks at the ends of names",
        re.compile(r"(?:^|/) |[. ](?:/|\Z)").search,
        lambda key: [f"{key}.", f"{key} "],
    ),
    Fold("decodes a key twice", re.compile(r"%[0-9A-Fa-f]{2}|\+").search, _encoded),
    Fold(
        "ends a key where a URL's path would end",
        re.compile(r"[?#;\x00]").search,
        lambda key: [f"{key}{mark}x" for mark in "?#;\x00"],
    ),
    Fold(
        "takes a backslash for a slash",
        re.compile(r"\\").search,
        lambda key: [key.replace("/", "\\")],
    ),
    Fold(
        "normalises accents and other marks",
        lambda key: not key.isascii() and len({*_forms(key)}) > 1,
        lambda key: _forms(key),
    ),
    LONG,
)
_MAY_MATTER = re.compile(r"(?:^|/) |[. ](?:/|$)|%|[+?#;\x00\\]|[^\x00-\x7f]", re.MULTILINE)
"""Matches in every key for which one of ``RARE`` matters, but for long ones."""


def _forms(key: str) -> list[str]:
    """The spellings of a key that Unicode calls equivalent, or compatible."""
    return [normalize(form, key) for form in ("NFC", "NFD", "NFKC", "NFKD")]


class Folds:
    """What is known of how the server of each bucket folds keys."""

    def __init__(self) -> None:
        self._found: defaultdict[str, list[Fold]] = defaultdict(list)
        self._untried: defaultdict[str, list[Fold]] = defaultdict(lambda: [CASE, *RARE])

    def matters(self, target: ObjectRef) -> bool:
        """Whether HEAD of a target may have been answered for another key."""
        bucket, key = target
        if self._found[bucket] and any(fold.matters(key) for fold in self._found[bucket]):
            return True
        untried = self._untried[bucket]
        if untried[0] is not CASE and not is_odd(key):
            return False  # nearly all keys: a quick way out
        return any(fold.matters(key) for fold in untried)

    def explain(self, target: ObjectRef, listed: Listed) -> str:
        """What the server does with keys like this one, of which a listing says ``listed``.

        "" where nothing of the kind was found.
        """
        bucket, key = target
        known = [*self._found[bucket], *([LONG] if listed is Listed.ABSENT else [])]
        return next((fold.says for fold in known if fold.matters(key)), "")

    def examine(
        self,
        there: Iterable[Evidence],
        heads: Callable[[Sequence[ObjectRef]], Iterable[Probe]],
        look_up: Callable[[Sequence[ObjectRef]], Callable[[ObjectRef], Listed]],
    ) -> None:
        """Try the ways that matter for objects that are ``there``, and that were not tried yet.

        ``heads`` asks by HEAD, ``look_up`` whether listings show them.
        """
        by_bucket: defaultdict[str, list[Evidence]] = defaultdict(list)
        for each in there:
            by_bucket[each.target.bucket].append(each)
        for bucket, objects in by_bucket.items():
            for fold in self._wanted(bucket, [each.target.key for each in objects]):
                bases = islice((each for each in objects if _twins(fold, each)), _BASES)
                self._settle(bucket, fold, _try(fold, list(bases), heads, look_up))

    def _wanted(self, bucket: str, keys: Sequence[str]) -> list[Fold]:
        untried = self._untried[bucket]
        odd = _MAY_MATTER.search("\n".join(keys)) or max(map(len, keys)) >= _LONG
        return [fold for fold in untried if fold is CASE or (odd and any(map(fold.matters, keys)))]

    def _settle(self, bucket: str, fold: Fold, does: bool | None) -> None:
        if does is not None:
            self._untried[bucket] = [each for each in self._untried[bucket] if each is not fold]
        if does:
            self._found[bucket].append(fold)


def is_odd(key: str) -> bool:
    """Whether one of ``RARE`` may matter for a key; a quick look that misses none.

    >>> is_odd("a/b.png"), is_odd("a/b.png.")
    (False, True)
    """
    return len(key) >= _LONG or _MAY_MATTER.search(key) is not None


def _twins(fold: Fold, there: Evidence) -> list[ObjectRef]:
    bucket, key = there.target
    return [
        ObjectRef(bucket, twin)
        for twin in dict.fromkeys(fold.twins(key))
        if twin != key and not is_folded(twin) and judge_key(twin) is None
    ]


def _try(
    fold: Fold,
    bases: Sequence[Evidence],
    heads: Callable[[Sequence[ObjectRef]], Iterable[Probe]],
    look_up: Callable[[Sequence[ObjectRef]], Callable[[ObjectRef], Listed]],
) -> bool | None:
    """Whether a server folds keys in this way; None where that cannot be told."""
    by_twin = {twin: base for base in bases for twin in _twins(fold, base)}
    answers = {each.evidence.target: each for each in heads(list(by_twin))}
    affirmed = [
        each.evidence for each in answers.values() if each.evidence.state is TargetState.EXISTS
    ]
    if not affirmed:
        return False if any(not each.again for each in answers.values()) else None
    listed = look_up([*(each.target for each in affirmed), *(each.target for each in bases)])
    for twin in affirmed:
        base = by_twin[twin.target]
        words = {listed(twin.target), listed(base.target)}
        same = twin.info.etag is not None and twin.info.etag == base.info.etag
        if same and words & {Listed.ABSENT, Listed.UNKNOWN}:
            return True
    return None
