"""Scan, prove, settle: everything between a database and a sealed plan file.

Memory stays flat: documents pass through, and the plan file is the only place that keeps them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from url_rewriter.engines import Part, open_engine
from url_rewriter.errors import ChecksFailedError, UrlRewriterError
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.objects.base import ObjectStore
from url_rewriter.pipeline.batches import in_batches
from url_rewriter.pipeline.progress import Progress
from url_rewriter.planfile import Draft
from url_rewriter.planning import Planner
from url_rewriter.stores.base import DocumentReader, Partition, Query

_EVIDENCE_BATCH = 2_000


def scan(
    reader: DocumentReader,
    query: Query,
    planner: Planner,
    draft: Draft,
    progress: Progress,
    *,
    workers: int = 1,
    processes: int = 1,
    max_reads: int | None = None,
    expected: int | None = None,
    prove_migrated: bool = False,
) -> None:
    """Read the documents of ``query`` and keep what the rules make of them.

    A draft that was begun by an earlier run is continued behind its last checkpoints. The plan is
    the same, in the same order, whatever the number of ``workers`` (streams at once) and of
    ``processes`` that have them. ``expected`` is for progress:
    how many documents there are, where that is known. ``prove_migrated``: the targets that
    documents already name are to be proven as well. Raises ChecksFailedError when more is to be
    read after ``max_reads`` documents; what was read until then is kept.
    """
    if not draft.partitions():
        parts = reader.partitions(query, max(workers, processes))
        draft.add_partitions((part.root, part.start, part.end) for part in parts)
    progress.begin("scan", "docs", expected)
    engine = open_engine(
        reader, query, planner, list(_unfinished(draft)),
        workers=workers, processes=processes, max_reads=max_reads,
    )  # fmt: skip
    with engine:
        for batch in engine:
            draft.add_documents(
                batch.documents,
                batch.part.number,
                read=batch.checkpoint.documents,
                last=batch.checkpoint.last,
                done=batch.checkpoint.done,
                prove_migrated=prove_migrated,
            )
            progress.advance(batch.checkpoint.documents)
    progress.end()
    if engine.stopped:
        raise ChecksFailedError(
            f"Stopped after reading {engine.read:,} documents, because of --max-reads {max_reads}."
        )


def _unfinished(draft: Draft) -> Iterator[Part]:
    for number, root, first, past, last, done in draft.partitions():
        if not done:
            yield Part(number, Partition(root, first, past), last)


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
    askable = (target for target in draft.unproven() if target.bucket not in trouble)
    for evidence in (objects.prove(askable), _unknown(draft, trouble)):
        for batch in in_batches(evidence, _EVIDENCE_BATCH):
            draft.add_evidence(batch)
            progress.advance(len(batch))
    progress.end()
    return next(iter(trouble.values()), None)


def _unknown(draft: Draft, trouble: Mapping[str, UrlRewriterError]) -> Iterator[Evidence]:
    """What is known of targets in buckets that nobody can be asked about: why."""
    now = datetime.now(UTC)
    for target in draft.unproven() if trouble else ():
        if (why := trouble.get(target.bucket)) is not None:
            yield Evidence(target, TargetState.UNKNOWN, Method.HEAD, now, detail=str(why))
