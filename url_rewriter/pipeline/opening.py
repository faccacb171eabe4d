"""Opening what was proven: a sample of each rule's targets with credentials, one URL without.

HEAD and listings tell what a server remembers of an object. Whether it can be read, and whether
readers without credentials get it at the URL that is written, is told by reading it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from url_rewriter.concurrency.batches import in_batches
from url_rewriter.errors import UrlRewriterError
from url_rewriter.evidence import AccessEvidence, Evidence, TargetState, WrittenUrl
from url_rewriter.objects import ObjectStore
from url_rewriter.pipeline.checks import Visitor
from url_rewriter.pipeline.progress import Progress
from url_rewriter.pipeline.prove import prove
from url_rewriter.planfile import Draft, Openings, RuleOpening
from url_rewriter.planning import Planner
from url_rewriter.rules import Rule, Rules
from url_rewriter.urls import ObjectRef

SAMPLED = 8
"""The targets of each rule that are opened with credentials, or all where there are fewer."""

SECONDS = 15.0
"""How long opening one URL of each rule without credentials may take, for all rules together."""

_CANDIDATES = 32
_BATCH = 2_000


def open_sample(
    objects: ObjectStore, planner: Planner, draft: Draft, progress: Progress
) -> tuple[Openings, UrlRewriterError | None]:
    """Open a sample of the targets of each rule; where one is refused, all below its prefix.

    What does not open is unknown from then on, or missing where it has gone. Returns how many were
    opened and refused, and the trouble with the object store if it is in any by now.
    """
    samples = {prefix: draft.sample_proven(prefix, SAMPLED) for prefix in _prefixes(planner.rules)}
    refused: dict[ObjectRef, Evidence] = {}
    sampled, contradicted = _open_samples(objects, samples, refused, progress)
    beyond = 0
    for prefix in contradicted:
        beyond += _open_all(objects, draft, prefix, sampled, refused, progress)
    draft.add_evidence(refused.values())
    trouble = None
    if any(each.state is TargetState.MISSING for each in refused.values()):
        trouble = prove(objects, planner, draft, progress)  # of the readings that come next
    unlisted = tuple(sorted(objects.unlisted()))
    return Openings(len(sampled) + beyond, len(refused), unlisted=unlisted), trouble


def _prefixes(rules: Rules) -> list[ObjectRef]:
    return sorted({ObjectRef(each.target.bucket, each.target.prefix) for each in rules.rules})


def _open_samples(
    objects: ObjectStore,
    samples: Mapping[ObjectRef, Sequence[Evidence]],
    refused: dict[ObjectRef, Evidence],
    progress: Progress,
) -> tuple[set[ObjectRef], list[ObjectRef]]:
    """Open each sampled target once, and add what is ``refused``.

    Returns the targets, and the prefixes below which an object was denied that is there.
    """
    sampled: set[ObjectRef] = set()
    contradicted = []
    progress.begin("open", "keys", len({each.target for some in samples.values() for each in some}))
    for prefix, some in samples.items():
        new = [each for each in some if each.target not in sampled]
        unopened = list(objects.try_open(new))
        sampled.update(each.target for each in new)
        refused.update((each.evidence.target, each.evidence) for each in unopened)
        progress.advance(len(new))
        if any(each.contradicts for each in unopened):
            contradicted.append(prefix)
    progress.end()
    return sampled, contradicted


def _open_all(
    objects: ObjectStore,
    draft: Draft,
    prefix: ObjectRef,
    opened: Collection[ObjectRef],
    refused: dict[ObjectRef, Evidence],
    progress: Progress,
) -> int:
    """Open what else was found below a prefix, add what is ``refused``, return how many it is."""

    def found() -> Iterator[Evidence]:
        known = {*opened, *refused}
        return (each for each in draft.all_proven(prefix) if each.target not in known)

    count = 0
    progress.begin("open", "keys", sum(1 for _ in found()))
    for batch in in_batches(found(), _BATCH):
        unopened = list(objects.try_open(batch))
        refused.update((each.evidence.target, each.evidence) for each in unopened)
        count += len(batch)
        progress.advance(len(batch))
    progress.end()
    return count


def open_written(
    visitor: Visitor, rules: Rules, draft: Draft, *, kept: bool = True
) -> tuple[RuleOpening, ...]:
    """Open one written URL of each rule, of a settled draft, without credentials.

    A rule that says ``public: false`` is left out, and so is one that writes no proven target.
    ``kept``: what was found is kept for each URL too, as where all were to be opened.
    """
    chosen = _choose(rules, draft)
    found = {each.target: each for each in visitor.open_within(chosen.values(), SECONDS)}
    if kept:
        draft.add_access(found.values())
    return tuple(conclude_opening(rule, chosen.get(rule.name), found) for rule in rules.rules)


def _choose(rules: Rules, draft: Draft) -> dict[str, WrittenUrl]:
    """A written URL for each rule by its name, the same one whenever it is asked for."""
    candidates = {
        rule.name: draft.sample_proven(
            ObjectRef(rule.target.bucket, rule.target.prefix), _CANDIDATES
        )
        for rule in rules.rules
        if rule.public is not False
    }
    written = draft.find_written(each.target for some in candidates.values() for each in some)
    chosen = {}
    for name, some in candidates.items():
        for each in some:
            if each.target in written:
                url = written[each.target] or rules.url_of(each.target)
                chosen[name] = WrittenUrl(each.target, url.partition("#")[0], each.info)
                break
    return chosen


def conclude_opening(
    rule: Rule, chosen: WrittenUrl | None, found: dict[ObjectRef, AccessEvidence]
) -> RuleOpening:
    """What is known of a rule by the URL that was chosen for it, if one was."""
    required = rule.public is True
    if rule.public is False:
        return RuleOpening(rule.name, "", "the rules say public: false")
    if chosen is None:
        return RuleOpening(rule.name, "", "no target that it writes is proven")
    told = found.get(chosen.target)
    if told is None:
        return RuleOpening(rule.name, "", f"no answer in {SECONDS:.0f} s", required)
    return RuleOpening(rule.name, told.access if told.answered else "", told.detail, required)
