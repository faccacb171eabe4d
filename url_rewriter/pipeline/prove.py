"""Asking the object store for every target of a draft."""

from __future__ import annotations

from url_rewriter.concurrency.batches import in_batches
from url_rewriter.errors import UrlRewriterError
from url_rewriter.evidence import TargetState
from url_rewriter.objects.base import ObjectStore
from url_rewriter.pipeline.progress import Progress
from url_rewriter.planfile import Draft
from url_rewriter.planning import Planner

_EVIDENCE_BATCH = 2_000
_UNKNOWN = TargetState.UNKNOWN


def prove(
    objects: ObjectStore, planner: Planner, draft: Draft, progress: Progress
) -> UrlRewriterError | None:
    """Ask for every target that has no evidence yet, as its URLs are likeliest read.

    Where that target is missing, those are asked for that the URL may mean as well. Where the
    object store can give no honest answer, its trouble is returned and every target that was not
    asked for is unknown on its account.
    """
    trouble = _prove_targets(objects, draft, progress)
    if trouble is None:
        draft.widen(planner)
        trouble = _prove_targets(objects, draft, progress)
    return trouble


def _prove_targets(
    objects: ObjectStore, draft: Draft, progress: Progress
) -> UrlRewriterError | None:
    unproven = draft.count_unproven()
    if not unproven:
        return None
    progress.begin("prove", "keys", unproven)
    trouble = {
        bucket: found for bucket in draft.target_buckets() if (found := objects.check(bucket))
    }
    for bucket, why in trouble.items():
        progress.advance(draft.add_unknown(bucket, str(why)))
    doubtful: set[str] = set()
    for batch in in_batches(objects.prove(draft.unproven()), _EVIDENCE_BATCH):
        draft.add_evidence(batch)
        doubtful.update(each.target.bucket for each in batch if each.state is _UNKNOWN)
        progress.advance(len(batch))
    progress.end()
    # What went wrong on the way (a token that ended, a cap) is said as it is at the start.
    for bucket in doubtful - trouble.keys():
        if later := objects.check(bucket):
            trouble[bucket] = later
    if outdated := objects.contradicted():
        for prefix in outdated:
            draft.forget_evidence(prefix)
        return _prove_targets(objects, draft, progress)
    return next(iter(trouble.values()), None)
