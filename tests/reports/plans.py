"""Plan files for the tests of reports: real ones, of invented documents, with a fixed clock."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from url_rewriter.comparison import (
    Comparison,
    Pair,
    compare_checksums,
    compare_nothing,
)
from url_rewriter.documents import (
    Document,
    Holder,
    Outcome,
    Revision,
    UnreachableText,
    UrlOutcome,
    ValuePath,
    WriteResult,
    WriteStatus,
)
from url_rewriter.evidence import (
    Access,
    AccessEvidence,
    Evidence,
    Method,
    SourceEvidence,
    SourceState,
    TargetState,
    WrittenUrl,
)
from url_rewriter.gates import Gate, decide
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.planfile import (
    DocumentOutcome,
    Draft,
    Header,
    Intention,
    Invocation,
    Journal,
    KeptVerdict,
    Operation,
    Plan,
    Run,
    rows_of,
)
from url_rewriter.planfile.chain import add_link
from url_rewriter.planfile.seal import renew_seal
from url_rewriter.planning import Planner
from url_rewriter.rules import (
    ObjectPrefix,
    OnMissing,
    Rule,
    Rules,
    Scope,
    Target,
    Unmapped,
    digest_of,
    rules_to_json,
)
from url_rewriter.urls import Grammar, ObjectRef

ENDPOINT = "https://s3.example.com"
CLOCK = datetime(2026, 11, 23, 2, 18, 7, tzinfo=UTC)

RULES = Rules(
    target=Target(ENDPOINT, "omi-data"),
    rules=(
        Rule("app-logos", ObjectPrefix("omi-logos"), ObjectPrefix("omi-data", "app-logos/")),
        Rule("chat-files", ObjectPrefix("omi-chat"), ObjectPrefix("omi-data", "chat-files/")),
        Rule(
            "memories-recordings",
            ObjectPrefix("omi-memories"),
            ObjectPrefix("omi-data", "memories-recordings/"),
            OnMissing.SKIP,
        ),
    ),
    unmapped=Unmapped.REPORT,
    scope=Scope(),
    grammar=Grammar(targets=(ENDPOINT,)),
)

LOGO = "https://storage.googleapis.com/omi-logos/"
CHAT = "https://storage.googleapis.com/omi-chat/"
SIGNATURE = "X-Goog-Signature=95e6c0ffee&X-Goog-Credential=svc%40omi.iam"

DOCUMENTS = (
    Document("plugins_data/p1", Revision("1"), ((("image",), LOGO + "p1.png"),)),
    Document(
        "plugins_data/p2",
        Revision("2"),
        (
            (("image",), LOGO + "a%20b.png?" + SIGNATURE),
            (("thumbnail_urls", 0), LOGO + "two.png"),
            (("thumbnail_urls", 1), LOGO + "two.png"),
        ),
    ),
    Document(
        "users/ada@example.com/files/f1",
        Revision("3"),
        ((("thumbnail",), CHAT + "ada@example.com/Ünïcode+plus_thumbnail.jpg"),),
    ),
    Document(
        "users/ada@example.com/messages/m1",
        Revision("4"),
        (
            (("text",), f"See ![logo]({LOGO}p1.png) and {CHAT}ada@example.com/gone.png now"),
            (("files", 0, "thumbnail"), CHAT + "ada@example.com/unsure.jpg"),
        ),
    ),
    Document(
        "users/bob/processing_memories/c1",
        Revision("5"),
        ((("audio_url",), "gs://omi-memories/bob/c1.wav"),),
    ),
    Document(
        "users/bob",
        Revision("6"),
        (
            (("backup",), "https://storage.googleapis.com/omi-backups/bob.zip"),
            (("base",), "https://storage.googleapis.com/omi-logos/"),
            (("done",), f"{ENDPOINT}/omi-data/app-logos/p1.png"),
        ),
        (UnreachableText(("seen", LOGO + "p1.png"), Holder.MAP_KEY, LOGO + "p1.png"),),
    ),
)

MISSING = frozenset({"chat-files/ada@example.com/gone.png", "memories-recordings/bob/c1.wav"})
UNKNOWN = frozenset({"chat-files/ada@example.com/unsure.jpg"})


def make_plan(
    path: Path,
    documents: Iterable[Document] = DOCUMENTS,
    *,
    rules: Rules = RULES,
    missing: Sequence[str] | frozenset[str] = MISSING,
    unknown: Sequence[str] | frozenset[str] = UNKNOWN,
    compared: bool = False,
) -> Path:
    """A sealed plan of ``documents``; all targets exist but for these keys.

    ``compared``: with further evidence of every kind, one target's among it a mismatch.
    """
    header = Header(
        store="firestore://omi-prod/(default)",
        invocation=Invocation(rules_file="rules/omi.yaml"),
        rules=rules_to_json(rules),
        rules_digest=digest_of(rules),
        endpoint=rules.target.endpoint,
        created_at=CLOCK.isoformat(),
        version="0.1.0",
        read_at=CLOCK.isoformat(),
    )
    draft = Draft(path, header)
    planner = Planner(rules)
    draft.add_partitions([("", None, None)])
    planned = [planner.plan_document(each) for each in documents]
    draft.add_documents(rows_of(planned), 1, read=len(planned) + 100, last=None, done=True)
    draft.add_evidence(_evidence(target, missing, unknown) for target in list(draft.unproven()))
    draft.settle(planner)
    if compared:
        draft.add_comparisons(map(_comparison, draft.open_pairs(lambda _: (), hashes=True)))
        draft.settle(planner)
        draft.add_comparison_findings(hashes=True)
        draft.add_access(map(_access, draft.written_urls(rules)))
    draft.seal()
    _write(path, "UPDATE header SET value = '2026-11-23T02:19:31+00:00' WHERE name = 'sealed_at'")
    return path


def make_good_plan(path: Path) -> Path:
    """A plan of the same documents in which every target exists."""
    return make_plan(path, missing=(), unknown=())


def _comparison(pair: Pair) -> Comparison:
    source = pair.source
    if source is None:
        return compare_nothing(pair, CLOCK)
    info = ObjectInfo(48_213, md5="841a2d689ad86bd1611447453c22c6fc")
    if source.key == "two.png":
        info = ObjectInfo(17)
    return compare_checksums(
        pair,
        SourceEvidence(source, SourceState.EXISTS, CLOCK, info),
        Evidence(pair.target, TargetState.EXISTS, Method.HEAD, CLOCK, pair.info),
    )


def _access(written: WrittenUrl) -> AccessEvidence:
    return AccessEvidence(
        written.target, Access.NOT_PUBLIC, CLOCK, "forbidden without credentials (403)"
    )


def _evidence(
    target: ObjectRef,
    missing: Sequence[str] | frozenset[str],
    unknown: Sequence[str] | frozenset[str],
) -> Evidence:
    if target.key in missing:
        return Evidence(
            target, TargetState.MISSING, Method.HEAD, CLOCK, detail="404 Not Found, NoSuchKey"
        )
    if target.key in unknown:
        return Evidence(
            target, TargetState.UNKNOWN, Method.HEAD, CLOCK, detail="503 Service Unavailable"
        )
    return Evidence(
        target,
        TargetState.EXISTS,
        Method.HEAD,
        CLOCK,
        ObjectInfo(48_213, '"9b2cf535f2"', "image/png"),
    )


def write_plan(
    path: Path,
    operation: Operation = Operation.APPLY,
    outcomes: Mapping[str, tuple[Outcome, str]] | None = None,
) -> Path:
    """Journal ``operation`` as if every planned document had been written, but for ``outcomes``."""
    outcomes = outcomes or {}
    plan = Plan(path, writable=True)
    journal = Journal(plan, operation)
    for write in list(plan.writes()):
        outcome, why = outcomes.get(write.path, (Outcome.WRITTEN, ""))
        if outcome is Outcome.WRITTEN:
            (entry,) = journal.intend([Intention(write.id, write.revision, write.edits)])
            result = WriteResult(write.path, WriteStatus.WRITTEN, Revision("later"))
            urls = {UrlOutcome.WRITTEN: sum(edit.urls for edit in write.edits)}
            journal.settle([(entry, result)], [DocumentOutcome(write.id, outcome, why, urls)])
        else:
            urls = {_URL_OUTCOMES[outcome]: sum(edit.urls for edit in write.edits)}
            journal.settle([], [DocumentOutcome(write.id, outcome, why, urls)])
    journal.close("done")
    plan.close()
    _write(path, _FIXED_CLOCK)
    return path


def verify_plan(path: Path, *gates: Gate) -> Path:
    """Keep a verdict, as ``verify`` does."""
    verdict = decide(gates)
    plan = Plan(path, writable=True)
    run = Run(plan, "verify")
    run.add_verdict(
        KeptVerdict(
            verdict.readiness,
            verdict.headline,
            gates,
            {"documents": {"scanned": 106, "with_urls": 6, "to_write": 0}},
            "2026-11-23T04:00:00+00:00",
            "",
            "",
            digest_of(RULES),
        )
    )
    run.close("done")
    plan.close()
    _write(path, _FIXED_CLOCK)
    return path


_URL_OUTCOMES = {
    Outcome.UNCHANGED: UrlOutcome.ALREADY_NEW,
    Outcome.CONFLICT: UrlOutcome.CONFLICT,
    Outcome.GONE: UrlOutcome.GONE,
    Outcome.FAILED: UrlOutcome.FAILED,
}

_FIXED_CLOCK = """
UPDATE runs SET who = 'ops@build-7', version = '0.1.0',
    started_at = '2026-11-23T0' || (2 + id) || ':00:00+00:00';
UPDATE endings SET ended_at = '2026-11-23T0' || (2 + run) || ':04:30+00:00';
UPDATE verdicts SET decided_at = '2026-11-23T04:04:30+00:00';
UPDATE journal SET sent_at = '2026-11-23T03:01:00+00:00';
"""


def _write(path: Path, statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(statements)
        reseal(connection)


def reseal(connection: sqlite3.Connection) -> None:
    """Seal a plan file anew that was changed by hand, and bind what was added in one link."""
    renew_seal(connection)
    connection.execute("DELETE FROM chain")
    add_link(connection)
    connection.commit()


def document_of(text: str, path: str = "c/d", at: ValuePath = ("f",)) -> Document:
    """A document that holds one string."""
    return Document(path, Revision("1"), ((at, text),))


def many_documents(count: int) -> Iterable[Document]:
    """``count`` documents with one URL each, for tests of size."""
    for number in range(count):
        kind = ("plugins_data/p%07d", "users/u%07d/files/f1", "apps/a%07d/results/r1")[number % 3]
        base = (LOGO, CHAT)[number % 2]
        yield document_of(f"{base}{number % 977:03}/{number:07}.png", kind % number, ("image",))
