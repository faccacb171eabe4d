"""A proposal of rules: one for each bucket that was found.

Nothing in it merges two buckets: which of them hold the same objects is for people to say.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from url_rewriter.planning.addresses import AddressKind
from url_rewriter.planning.discovery import Discovered, FoundAddress, FoundBucket
from url_rewriter.planning.examples import check_examples, preview
from url_rewriter.planning.planner import Planner
from url_rewriter.rules import Example, ObjectPrefix, Rule, Rules, Scope, Target, Unmapped, names
from url_rewriter.text import spell_out
from url_rewriter.urls import Grammar

# Stands for the endpoint while examples are tried; no host can have this name (RFC 2606).
STAND_IN = "https://endpoint.invalid"
_LONGEST_NAME = 80

_FIREBASE_ENDS = (".appspot.com", ".firebasestorage.app")
_STAGE = r"(?:dev|devel|development|test|testing|stage|staging|qa|prod|production|live)"
_STAGED = re.compile(rf"(?P<of>.+?)[-_.]{_STAGE}|{_STAGE}[-_.](?P<for>.+)")


@dataclass(frozen=True, slots=True)
class Proposal:
    """Rules for what was found; their endpoint is a stand-in.

    ``families`` are buckets of like names together. ``bucket`` is the one that all of them became
    prefixes of, None where each became a bucket of its own. ``apart`` are the names of buckets
    whose keys are all in a folder that no other bucket has keys in, or above.
    """

    found: Discovered
    rules: Rules
    families: tuple[tuple[FoundBucket, ...], ...]
    aliases: tuple[FoundAddress, ...]
    bucket: str | None
    apart: frozenset[str]

    @property
    def buckets(self) -> tuple[FoundBucket, ...]:
        """The buckets that rules take, in the order of their rules."""
        return tuple(each for family in self.families for each in family)


def propose_rules(found: Discovered, bucket: str | None) -> Proposal:
    """Propose rules for what was found.

    With a target ``bucket``, each bucket becomes a prefix of it; without one, each becomes a bucket
    of its own.
    """
    families = _families(each for each in found.buckets if each.urls and _is_source(each.name))
    ordered = [each for family in families for each in family]
    rules = _rules(ordered, _targets(ordered, bucket), bucket)
    targets = {rule.target.bucket for rule in rules.rules}
    aliases = tuple(_aliases(found.addresses, targets))
    return Proposal(found, rules, families, aliases, bucket, frozenset(_apart(ordered)))


def _apart(buckets: Sequence[FoundBucket]) -> Iterator[str]:
    folders = sorted(each.prefix for each in buckets)
    for each in buckets:
        folder = each.prefix
        first = bisect_left(folders, folder)
        below = bisect_left(folders, f"{folder}\U0010ffff") - first  # itself is one of them
        above = (folder[:at] for at in range(len(folder)) if not at or folder[at - 1] == "/")
        if below == 1 and not any(_holds(folders, each) for each in above):
            yield each.name


def _holds(folders: Sequence[str], folder: str) -> bool:
    at = bisect_left(folders, folder)
    return at < len(folders) and folders[at] == folder


def _is_source(name: str) -> bool:
    try:
        names.source_bucket(name)
    except ValueError:
        return False
    return True


def _families(buckets: Iterable[FoundBucket]) -> tuple[tuple[FoundBucket, ...], ...]:
    """Buckets of like names together; families, and buckets in them, by their URLs."""
    families: dict[str, list[FoundBucket]] = {}
    for each in buckets:
        families.setdefault(_stem(each.name), []).append(each)
    for family in families.values():
        family.sort(key=lambda each: (-each.urls, each.name))
    ordered = sorted(
        families.values(), key=lambda family: (-sum(each.urls for each in family), family[0].name)
    )
    return tuple(map(tuple, ordered))


def _stem(name: str) -> str:
    """What names have in common that are easily taken for each other.

    >>> _stem("chat_files-dev") == _stem("chat-files"), _stem("omi.appspot.com")
    (True, 'omi')
    """
    for end in _FIREBASE_ENDS:
        name = name.removesuffix(end)
    staged = _STAGED.fullmatch(name)
    if staged:
        name = staged["of"] or staged["for"]
    return re.sub(r"[-_.]", "", name)


def _targets(buckets: Sequence[FoundBucket], bucket: str | None) -> dict[str, ObjectPrefix]:
    """Where each bucket's objects are taken to be; no two are at the same place."""
    targets: dict[str, ObjectPrefix] = {}
    taken = {each.name for each in buckets if _is_target(each.name)}
    for each in buckets:
        if bucket is not None:
            targets[each.name] = ObjectPrefix(bucket, f"{each.name}/")
        else:
            name = each.name if each.name in taken else _s3_name(each.name, taken)
            taken.add(name)
            targets[each.name] = ObjectPrefix(name)
    return targets


def _is_target(name: str) -> bool:
    try:
        names.target_bucket(name)
    except ValueError:
        return False
    return True


def _s3_name(name: str, taken: set[str]) -> str:
    """A bucket name that S3 takes, as like ``name`` as may be, and none of ``taken``."""
    like = re.sub(r"[-.]{2,}", "-", re.sub(r"[^a-z0-9.-]", "-", name))[:55].strip("-.")
    tries = [like, f"b-{like}", *(f"{like}-{number}" for number in range(2, 1000))]
    tries += [f"bucket-{number}" for number in range(len(taken) + 2)]
    return next(each for each in tries if each not in taken and _is_target(each))


def _rules(
    buckets: Sequence[FoundBucket], targets: dict[str, ObjectPrefix], bucket: str | None
) -> Rules:
    """The proposed rules, with the examples that hold; their endpoint is a stand-in."""
    taken: set[str] = set()
    rules = Rules(
        target=Target(STAND_IN, bucket or next((t.bucket for t in targets.values()), "")),
        rules=tuple(
            Rule(_rule_name(each.name, taken), ObjectPrefix(each.name), targets[each.name])
            for each in buckets
        ),
        unmapped=Unmapped.REPORT,
        scope=Scope(),
        grammar=Grammar(targets=(STAND_IN,)),
    )
    examples = {each.name: each.example for each in buckets if _is_fit(each.example)}
    planner = Planner(rules)
    tried = replace(
        rules,
        rules=tuple(
            replace(rule, examples=tuple(_example(planner, examples.get(rule.source.bucket))))
            for rule in rules.rules
        ),
    )
    failed = {result.rule for result in check_examples(tried) if not result.ok}
    kept = [replace(each, examples=()) if each.name in failed else each for each in tried.rules]
    return replace(tried, rules=tuple(kept))


def _rule_name(bucket: str, taken: set[str]) -> str:
    """A name for the rule of a bucket: the bucket's, shortened where it is long."""
    name, number = bucket[:_LONGEST_NAME], 2
    while name in taken:
        name, number = f"{bucket[:_LONGEST_NAME]}-{number}", number + 1
    taken.add(name)
    return name


def _is_fit(example: str) -> bool:
    return bool(example) and example == spell_out(example)


def _example(planner: Planner, text: str | None) -> Iterator[Example]:
    if text is not None:
        after = preview(planner, text)
        if after != text:
            yield Example(text, after)


def _aliases(addresses: Iterable[FoundAddress], buckets: set[str]) -> Iterator[FoundAddress]:
    """Addresses whose URLs name a bucket of the target already."""
    for each in addresses:
        if each.address.kind is AddressKind.S3 and each.address.bucket in buckets:
            try:
                names.endpoint(each.address.endpoint)
            except ValueError:
                continue
            yield each


def is_firebase_pair(one: str, other: str) -> bool:
    """Whether these are the two names that Firebase gives the default bucket of a project."""
    if one == other or not (one.endswith(_FIREBASE_ENDS) and other.endswith(_FIREBASE_ENDS)):
        return False
    return one.partition(".")[0] == other.partition(".")[0]
