"""The command: ``python -m tests.core.urls.fuzz --minutes 10``."""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import Pool
from random import Random

from tests.core.urls.fuzz.cases import Pieces, make_case
from tests.core.urls.fuzz.law import Violation, check
from tests.core.urls.fuzz.shrinking import shrunk

_BATCH = 2000
_SHRUNK_PER_KIND = 10
_SHOWN_PER_KIND = 40

Failure = tuple[int, Violation]


def case_of(seed: int, number: int) -> Pieces:
    """The case with this number; every number has a seed of its own, so it can be made alone."""
    return make_case(Random(seed * 1_000_003 + number))


def failures(seed: int, numbers: range) -> Iterator[Failure]:
    """The cases that break the law; of each kind the first are shrunk."""
    kinds: Counter[str] = Counter()
    for number in numbers:
        pieces = case_of(seed, number)
        violation = check(pieces)
        if violation is not None:
            kinds[violation.kind] += 1
            few = kinds[violation.kind] <= _SHRUNK_PER_KIND
            yield number, smallest(pieces, violation) if few else violation


def smallest(pieces: Pieces, violation: Violation) -> Violation:
    """The violation of the smallest case that breaks the law in the same way."""

    def fails(other: Pieces) -> bool:
        found = check(other)
        return found is not None and found.kind == violation.kind

    return check(shrunk(pieces, fails)) or violation


def _batch(job: tuple[int, range]) -> list[Failure]:
    seed, numbers = job
    return list(failures(seed, numbers))


def _jobs(seed: int, texts: int, until: float) -> Iterator[tuple[int, range]]:
    for first in range(0, texts, _BATCH):
        if time.monotonic() > until:
            return
        yield seed, range(first, min(first + _BATCH, texts))


def _show(seed: int, number: int, violation: Violation) -> None:
    print(
        f"{violation.kind}: {violation.text!r} became {violation.result!r}, "
        f"expected {violation.expected!r} ({violation.detail}); "
        f"python -m tests.core.urls.fuzz --seed {seed} --only {number}",
        flush=True,
    )


def main() -> int:
    """Run, print what breaks the law, and return 1 where anything does."""
    parser = argparse.ArgumentParser(prog="python -m tests.core.urls.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--texts", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--only", type=int, help="the number of one text")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args()
    if options.only is not None:
        violation = check(case_of(options.seed, options.only))
        if violation is None:
            print("The law holds.")
            return 0
        _show(options.seed, options.only, violation)
        return 1
    begun = time.monotonic()
    kinds: Counter[str] = Counter()
    tried = 0
    jobs = _jobs(options.seed, options.texts, begun + options.minutes * 60)
    with Pool(options.jobs) as pool:
        batches = pool.imap(_batch, jobs) if options.jobs > 1 else map(_batch, jobs)
        for found in batches:
            tried = min(tried + _BATCH, options.texts)
            for number, violation in found:
                kinds[violation.kind] += 1
                if kinds[violation.kind] <= _SHOWN_PER_KIND:
                    _show(options.seed, number, violation)
    took = time.monotonic() - begun
    print(f"Seed {options.seed}: {tried} texts, {tried / took:.0f} a second; ", end="")
    print(", ".join(f"{kind} {count}" for kind, count in kinds.most_common()) or "no violations")
    return 1 if kinds else 0


if __name__ == "__main__":
    sys.exit(main())
