"""Scan, prove, settle: everything between a database and a sealed plan file.

Memory stays flat: documents pass through, and the plan file is the only place that keeps them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from url_rewriter.errors import UrlRewriterError
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.objects.base import ObjectStore
from url_rewriter.pipeline.batches import in_batches
from url_rewriter.pipeline.progress import Progress
from url_rewriter.planfile import Draft
from url_rewriter.planning import PlannedDocument, Planner
from url_rewriter.stores.base import Checkpoint, DocumentReader, Partition, Query

_EVIDENCE_BATCH = 500


def scan(
    reader: DocumentReader,
    query: Query,
    planner: Planner,
    draft: Draft,
    progress: Progress,
    *,
    workers: int = 1,
    prove_migrated: bool = False,
) -> None:
    """Read the documents of ``query`` and keep what the rules make of them.

    A draft that was begun by an earlier run is continued behind its last checkpoint.
    ``prove_migrated``: the targets that documents already name are to be proven as well.
    """
    if not draft.partitions():
        parts = reader.partitions(query, workers)
        draft.add_partitions((part.root, part.start, part.end) for part in parts)
    progress.begin("scan", "docs", reader.count(query))
    for number, root, first, past, last, done in draft.partitions():
        if done:
            continue
        kept: list[PlannedDocument] = []
        for item in reader.scan(query, Partition(root, first, past), last):
            if not isinstance(item, Checkpoint):
                planned = planner.plan_document(item)
                if planned.texts or planned.findings:
                    kept.append(planned)
                continue
            draft.add_documents(
                kept,
                number,
                read=item.documents,
                last=item.last,
                done=item.done,
                prove_migrated=prove_migrated,
            )
            kept = []
            progress.advance(item.documents)
    progress.end()


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
    trouble = next(filter(None, map(objects.check, draft.target_buckets())), None)
    evidence = _unknown(draft, trouble) if trouble else objects.prove(draft.unproven())
    for batch in in_batches(evidence, _EVIDENCE_BATCH):
        draft.add_evidence(batch)
        progress.advance(len(batch))
    progress.end()
    return trouble


def _unknown(draft: Draft, trouble: UrlRewriterError) -> Iterator[Evidence]:
    now = datetime.now(UTC)
    for target in draft.unproven():
        yield Evidence(target, TargetState.UNKNOWN, Method.HEAD, now, detail=str(trouble))
