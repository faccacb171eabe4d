"""The use cases for programs: what the commands do, without questions, output or exit statuses.

``import url_rewriter`` offers all that is named here, and loads it when it is first used. A
``database`` is a locator (``firestore://PROJECT[/DATABASE]``, ``embedded:FILE.jsonl``), a
``firebase_admin`` app or certificate, or a ``mockfirestore.MockFirestore``. The object store and
its credentials are those of the environment (``S3_ENDPOINT_URL``, ``S3_ACCESS_KEY_ID``...), unless
``endpoint`` names another address. Trouble is raised as a ``UrlRewriterError``, or stands in the
result where the run could go on; warnings are logged, unless ``progress`` hears of them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from url_rewriter.credentials import credentials_of, project_of
from url_rewriter.errors import ConfigurationError, UrlRewriterError
from url_rewriter.evidence import TargetState
from url_rewriter.pipeline.apply import ApplyRequest
from url_rewriter.pipeline.apply import apply as _apply
from url_rewriter.pipeline.audit import Audit, AuditRequest
from url_rewriter.pipeline.audit import audit as _audit
from url_rewriter.pipeline.consent import Consent, NoOperator
from url_rewriter.pipeline.events import EventProgress, members_of
from url_rewriter.pipeline.plan import MadePlan, PlanRequest
from url_rewriter.pipeline.plan import plan as _plan
from url_rewriter.pipeline.progress import NoProgress, Progress
from url_rewriter.pipeline.requests import Checks, Limits, ProofOptions, S3Options
from url_rewriter.pipeline.rollback import RollbackRequest
from url_rewriter.pipeline.rollback import rollback as _rollback
from url_rewriter.pipeline.services import Services
from url_rewriter.pipeline.verify import Verification, VerifyRequest
from url_rewriter.pipeline.verify import verify as _verify
from url_rewriter.pipeline.written import Written
from url_rewriter.planfile import Plan, WriteFilter
from url_rewriter.planning import Planner
from url_rewriter.reports import REPORTS, privacy_of
from url_rewriter.reports.output import encoded, write_report
from url_rewriter.rules import Rules
from url_rewriter.urls import Grammar, ObjectRef, find

if TYPE_CHECKING:
    import firebase_admin
    from mockfirestore.client import MockFirestore

    from url_rewriter.stores.mockfirestore import MockFirestoreStore

__all__ = [
    "Checks",
    "FoundUrl",
    "Limits",
    "UrlRewriterError",
    "apply",
    "audit",
    "events_to",
    "find_urls",
    "load_rules",
    "mock_database",
    "plan",
    "report",
    "rewrite",
    "rollback",
    "verify",
]

Database: TypeAlias = (
    "str | MockFirestore | MockFirestoreStore | firebase_admin.App"
    " | firebase_admin.credentials.Certificate"
)
RulesSource: TypeAlias = Rules | str | os.PathLike[str]
"""Rules, or the path of a rules file."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FoundUrl:
    """A Cloud Storage URL in a text, ``text[start:end]``, and the object that it names."""

    start: int
    end: int
    form: str
    bucket: str
    key: str


def mock_database(
    client: MockFirestore | MockFirestoreStore, subcollections: Sequence[str] = ()
) -> MockFirestoreStore:
    """A mock-firestore client as a database, with the names of its subcollections.

    mock-firestore keeps a subcollection as a map in its parent; without its name it is read as one.
    """
    from url_rewriter.stores.mockfirestore import MockFirestoreStore

    if isinstance(client, MockFirestoreStore):
        return client
    return MockFirestoreStore(client, subcollections)


def find_urls(text: str, rules: RulesSource | None = None) -> tuple[FoundUrl, ...]:
    """The URLs of objects in a text, as they are likeliest read.

    With ``rules``, their hosts and targets are known as well.

    >>> find_urls("see gs://photos/ada%20l.png!")
    (FoundUrl(start=4, end=27, form='gs', bucket='photos', key='ada%20l.png'),)
    """
    grammar = load_rules(rules).grammar if rules is not None else Grammar()
    return tuple(
        FoundUrl(each.start, each.end, each.form.value, *each.readings[0].source)
        for each in find(text, grammar).occurrences
    )


def rewrite(text: str, rules: RulesSource) -> str:
    """The text with every URL that a rule takes rewritten, as it is likeliest read.

    Nothing is asked of an object store: whether the target is there is not known.

    >>> from url_rewriter.rules import ObjectPrefix, Rule, Rules, Scope, Target, Unmapped
    >>> from url_rewriter.urls import Grammar
    >>> rule = Rule("photos", ObjectPrefix("photos"), ObjectPrefix("data", "p/"))
    >>> target = Target("https://s3.example.com", "data")
    >>> rules = Rules(target, (rule,), Unmapped.REPORT, Scope(), Grammar())
    >>> rewrite("![](https://storage.googleapis.com/photos/ada.png)", rules)
    '![](https://s3.example.com/data/p/ada.png)'
    """
    planner = Planner(load_rules(rules))
    planned = planner.plan_text((), text)
    return planner.settle(planned, _is_there).after if planned is not None else text


def _is_there(target: ObjectRef) -> TargetState:
    return TargetState.EXISTS


def load_rules(rules: RulesSource, environ: Mapping[str, str] | None = None) -> Rules:
    """The rules of a file, whose variables are filled in from ``environ`` and whose examples hold.

    Raises RulesError, with every problem and its place, and ChecksFailedError.
    """
    if isinstance(rules, Rules):
        return rules
    return Services(os.environ if environ is None else environ).read_rules(Path(rules))


def audit(
    database: Database,
    rules: RulesSource | None = None,
    *,
    limits: Limits = Limits(),
    workers: int | None = None,
    progress: Progress | None = None,
) -> Audit:
    """Count the URLs of a database by rule, collection, field, form and bucket.

    ``audit(...).tally.rows()`` gives the counts. Nothing is written.
    """
    services, store = _open(database, workers=workers)
    known = load_rules(rules) if rules is not None else None
    with _told(progress) as told:
        return _audit(AuditRequest(store, known, limits), services, told)


def plan(
    database: Database,
    rules: RulesSource,
    path: str | os.PathLike[str],
    *,
    limits: Limits = Limits(),
    checks: Checks = Checks(0),
    inventories: Sequence[str] = (),
    target_inventories: Sequence[str] = (),
    endpoint: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> MadePlan:
    """Find every URL, prove every target, and seal a plan file at ``path``.

    ``plan(...).summary.blocked`` says whether it can be applied. An interrupted plan is continued.
    """
    proof = ProofOptions(
        checks=checks,
        inventories=tuple(inventories),
        target_inventories=tuple(target_inventories),
    )
    services, store = _open(database, endpoint, proof, workers)
    file = None if isinstance(rules, Rules) else Path(rules)
    request = PlanRequest(Path(path), store, load_rules(rules), file, limits)
    with _told(progress) as told:
        return _plan(request, services, told)


def verify(
    path: str | os.PathLike[str] | None = None,
    database: Database | None = None,
    rules: RulesSource | None = None,
    *,
    limits: Limits = Limits(),
    checks: Checks = Checks(0),
    target_inventories: Sequence[str] = (),
    endpoint: str | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Scan afresh, and judge: no old URL is left, and every new one has its object.

    Database and rules are those of the plan file at ``path`` where they are not given.
    ``verify(...).passed`` is the verdict.
    """
    if path is None and database is None:
        raise ConfigurationError("Verify what? Give the path of a plan file, or a database.")
    proof = ProofOptions(checks=checks, target_inventories=tuple(target_inventories))
    services, store = _open(database, endpoint, proof)
    known = load_rules(rules) if rules is not None else None
    request = VerifyRequest(Path(path) if path else None, known, store or None, limits)
    with _told(progress) as told:
        return _verify(request, services, told)


def apply(
    path: str | os.PathLike[str],
    database: Database | None = None,
    *,
    confirm: str | None = None,
    dry_run: bool = False,
    max_writes: int | None = None,
    max_rps: float | None = None,
    endpoint: str | None = None,
    progress: Progress | None = None,
) -> Written:
    """Write a plan file; an interrupted apply is continued by the same call.

    A real project is written to only where ``confirm`` is its id. ``apply(...).totals`` counts
    what became of every document, and ``left`` lists those that were not written as planned.
    """
    services, store = _open(database, endpoint)
    request = ApplyRequest(
        path=Path(path),
        consent=Consent(yes=confirm is None, confirm=confirm),
        dry_run=dry_run,
        store=store or None,
        max_writes=max_writes,
        max_rps=max_rps,
    )
    with _told(progress) as told:
        return _apply(request, services, told, NoOperator())


def rollback(
    path: str | os.PathLike[str],
    database: Database | None = None,
    *,
    confirm: str | None = None,
    dry_run: bool = False,
    document: str | None = None,
    rule: str | None = None,
    max_rps: float | None = None,
    progress: Progress | None = None,
) -> Written:
    """Put back what ``apply`` wrote, where it is still ours; ``confirm`` is asked for as there.

    ``document`` or ``rule`` narrows it to one document, or to the URLs of one rule.
    """
    services, store = _open(database)
    request = RollbackRequest(
        path=Path(path),
        consent=Consent(yes=confirm is None, confirm=confirm),
        dry_run=dry_run,
        store=store or None,
        wanted=WriteFilter(document, rule),
        max_rps=max_rps,
    )
    with _told(progress) as told:
        return _rollback(request, services, told, NoOperator())


def report(
    path: str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    form: str = "markdown",
    pseudonyms: bool = False,
) -> bytes:
    """What a plan file says: ``html``, ``json``, ``csv``, ``markdown``, ``junit``, ``parquet`` or
    ``redirects``.

    Where ``output`` is given, it is written there as well, for its owner alone. The page of a large
    plan holds a sample of the rows; ``NAME.rows.csv.gz`` is then written beside it and has all.
    """
    if form not in REPORTS:
        raise ConfigurationError(f"{form!r} is no form of a report: {', '.join(REPORTS)}.")
    with closing(Plan(Path(path))) as opened:
        opened.check()
        privacy = privacy_of(opened, pseudonyms=pseudonyms)
        if output is None:
            return b"".join(encoded(REPORTS[form].render(opened, privacy)))
        write_report(opened, privacy, form, Path(output))
    return Path(output).read_bytes()


def events_to(tell: Callable[[dict[str, Any]], None]) -> Progress:
    """A ``progress`` that calls ``tell`` with each event: ``event``, ``time``, and its members.

    They are those of ``--log-format json``, without secrets. ``tell`` may be called from another
    thread.

    >>> progress = events_to(lambda event: print(event["event"], event["message"]))
    >>> progress.warn("see https://h/b/k?token=5e56")
    warning see https://h/b/k?...
    """
    return EventProgress(lambda event: tell(members_of(event, None)))


@contextmanager
def _told(progress: Progress | None) -> Iterator[Progress]:
    """What hears of a run; a stage that it leaves in the middle is ended."""
    told = progress if progress is not None else _Logged()
    try:
        yield told
    finally:
        if isinstance(told, EventProgress):
            told.leave()


class _Logged(NoProgress):
    """Logs what an operator would be told."""

    def note(self, text: str) -> None:
        """Log a line."""
        if text:
            _log.info("%s", text)

    def warn(self, text: str) -> None:
        """Log a warning."""
        _log.warning("%s", text)


def _open(
    database: Database | None,
    endpoint: str | None = None,
    proof: ProofOptions = ProofOptions(),
    workers: int | None = None,
) -> tuple[Services, str]:
    """What a use case works with, and the locator of ``database``, "" where it is not given."""
    services = partial(Services, os.environ, S3Options(endpoint), proof, workers)
    if database is None or isinstance(database, str):
        return services(), database or ""
    match type(database).__module__.partition(".")[0]:
        case "mockfirestore" | "url_rewriter":
            mock = mock_database(cast("MockFirestore | MockFirestoreStore", database))
            return services(lambda locator: mock.reader(), lambda locator: mock), mock.locator
        case "firebase_admin":
            from url_rewriter.stores import firestore

            project = project_of(database)
            connect = partial(
                firestore.connect, project, credentials=partial(credentials_of, database)
            )
            return services(
                lambda locator: firestore.FirestoreReader(connect()),
                lambda locator: firestore.FirestoreStore(connect()),
            ), f"firestore://{project}"
    raise ConfigurationError(f"A {type(database).__name__} is no database.")
