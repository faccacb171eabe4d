"""Many migrations, or one again; exit status 1 where a promise was broken."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain

from tests.simulation.failed import FAILED
from tests.simulation.mutants import MUTANTS, NOTICED_AT, Mutant
from tests.simulation.scenario import Scenario, generate, smaller
from tests.simulation.world import Found, World


def run(arguments: Sequence[str]) -> int:
    """Simulate; the exit status is 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, help="how many migrations")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seconds", type=float, help="as many migrations as this CPU time allows")
    parser.add_argument("--seed", type=int, help="one migration")
    parser.add_argument("--verbose", action="store_true", help="tell every step of it")
    parser.add_argument("--no-shrink", action="store_true", help="replay it as it was generated")
    parser.add_argument(
        "--failed", nargs="?", const="", help="the scenarios that once failed, or the one named"
    )
    parser.add_argument("--fresh", action="store_true", help="begin with a seed not tried before")
    parser.add_argument("--mutants", action="store_true", help="try whether mutants are noticed")
    parser.add_argument("--mutant", help="try one of them, by its name")
    parser.add_argument("--tolerate", default="", help="codes to pass over: a,b,c")
    given = parser.parse_args(arguments)
    tolerated = frozenset(filter(None, given.tolerate.split(",")))
    if given.mutants or given.mutant:
        chosen = [each for each in MUTANTS if given.mutant in (None, each.name)]
        return _try_mutants(chosen, given.seeds or 500)
    if given.failed is not None:
        return _try_again(given.failed, tolerated, verbose=given.verbose)
    if given.seed is not None:
        return _replay(given.seed, tolerated, shrink=not given.no_shrink, verbose=given.verbose)
    first = time.time_ns() // 1_000_000 % 1_000_000_000 if given.fresh else given.first
    return _many(_seeds(first, given.seeds, given.seconds), tolerated)


def simulate(scenario: Scenario, tolerated: frozenset[str] = frozenset()) -> Found | None:
    """Carry out a scenario: what was broken, if anything was."""
    return World(scenario, tolerated=tolerated).run()


def shrink(scenario: Scenario, code: str, tolerated: frozenset[str] = frozenset()) -> Scenario:
    """The least scenario found that breaks the same promise."""
    again = True
    while again:
        again = False
        for less in smaller(scenario):
            found = simulate(less, tolerated)
            if found is not None and found.code == code:
                scenario, again = less, True
                break
    return scenario


def _seeds(first: int, count: int | None, seconds: float | None) -> Iterator[int]:
    begun, seed = time.process_time(), first
    while (count is None or seed < first + count) and (
        seconds is None or time.process_time() - begun < seconds
    ):
        yield seed
        seed += 1


def _many(seeds: Iterator[int], tolerated: frozenset[str]) -> int:
    codes: Counter[str] = Counter()
    begun, done = time.process_time(), 0
    for seed in seeds:
        done += 1
        found = simulate(generate(seed), tolerated)
        if found is not None:
            codes[found.code] += 1
            print(
                f"seed {seed}: {found.code}: {found.text}"
                f" · python -m tests.simulation --seed {seed} --verbose",
                flush=True,
            )
    seconds = time.process_time() - begun
    print(
        f"{done:,} migrations in {seconds:.1f} CPU seconds, {done / seconds * 60:,.0f} a minute;"
        f" {sum(codes.values()):,} broke a promise"
    )
    for code, count in codes.most_common():
        print(f"  {count:>6,}  {code}")
    return 1 if codes else 0


def _try_again(wanted: str, tolerated: frozenset[str], *, verbose: bool) -> int:
    broken = 0
    for name, scenario in FAILED.items():
        if wanted not in ("", name):
            continue
        found = World(scenario, verbose=verbose, tolerated=tolerated).run()
        broken += found is not None
        print(f"{name}: {found.code + ': ' + found.text if found else 'holds'}")
    return 1 if broken else 0


def noticed(mutant: Mutant, seeds: int) -> int | None:
    """A seed at which a mutant breaks a promise that the program keeps: the one at which it was
    noticed before, else the first."""
    before = NOTICED_AT.get(mutant.name)
    for seed in chain([] if before is None else [before], range(1, seeds + 1)):
        scenario = generate(seed)
        with mutant.applied():
            found = simulate(scenario)
        if found is None or found.code not in mutant.codes:
            continue
        without = simulate(scenario)
        if without is None or without.code != found.code:
            return seed
    return None


def _try_mutants(mutants: Sequence[Mutant], seeds: int) -> int:
    missed = 0
    for mutant in mutants:
        seed = noticed(mutant, seeds)
        missed += seed is None
        print(f"{'missed' if seed is None else f'seed {seed}':>9}  {mutant.name}", flush=True)
    return 1 if missed else 0


def _replay(seed: int, tolerated: frozenset[str], *, shrink: bool, verbose: bool) -> int:
    scenario = generate(seed)
    found = simulate(scenario, tolerated)
    if found is not None and shrink:
        scenario = _shrunk(scenario, found.code, tolerated)
    found = World(scenario, verbose=verbose, tolerated=tolerated).run()
    if found and verbose:
        print(scenario)
    print(f"seed {seed}: " + (f"{found.code}: {found.text}" if found else "no promise was broken"))
    return 1 if found else 0


_shrunk = shrink
