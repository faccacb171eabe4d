"""What ``doctor`` finds out of the database: as whom it is read, its kind, its recovery."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

from url_rewriter.credentials import (
    KEY_FILE,
    LOG_IN,
    default_credentials,
    describe_identity,
    origin_of_identity,
)
from url_rewriter.documents import Environment
from url_rewriter.errors import ServiceError, UrlRewriterError
from url_rewriter.pipeline.doctor_lines import (
    DoctorCheck,
    DoctorLine,
    DoctorRequest,
    DoctorState,
    Questions,
    failed,
    failed_by,
    not_asked,
    ok,
    warning,
)
from url_rewriter.pipeline.requests import PROJECT_VARIABLES
from url_rewriter.pipeline.services import Services
from url_rewriter.stores.base import Checkpoint, DocumentReader, Query
from url_rewriter.stores.description import (
    DatabaseDescriber,
    DatabaseDescription,
    NewestBackup,
)

EMULATOR = "FIRESTORE_EMULATOR_HOST"
_NOWHERE = "url_rewriter/doctor"
_OLD_BACKUP = timedelta(days=7)
_ADMINISTERED = (DoctorCheck.DATABASE_KIND, DoctorCheck.RECOVERY, DoctorCheck.BACKUP)
_EVERY = (
    DoctorCheck.GOOGLE_CREDENTIALS, DoctorCheck.DATABASE, DoctorCheck.DATABASE_READ,
    *_ADMINISTERED,
)  # fmt: skip
_READING = (
    "name a database that these credentials may read: roles/datastore.viewer is enough for audit,"
    " plan and verify"
)
_REACHING = f"see that the server is up, and look at the network, the proxy and {EMULATOR}"
_WRITING = "whether it may be written is not asked, only apply tells"
_SILENT = "the database does not answer"


def examine_database(request: DoctorRequest, services: Services) -> Iterator[DoctorLine]:
    """Yield a line for each check of the database. Reads a document, and writes nothing."""
    if not _is_named(request, services):
        how = "--store LOCATOR, or --project PROJECT"
        yield from (not_asked(each, "no database is named", how) for each in _EVERY)
        return
    questions = Questions("the database", request.seconds)
    try:
        locator = request.store.locate(services.environ)
    except UrlRewriterError as error:
        yield failed_by(DoctorCheck.DATABASE, error, "name one database")
        others = (each for each in _EVERY if each is not DoctorCheck.DATABASE)
        yield from (not_asked(each, "no single database is named") for each in others)
        return
    identity = questions.put(
        DoctorCheck.GOOGLE_CREDENTIALS, lambda: _identity(locator, request, services), LOG_IN
    )
    yield identity
    if identity.state is DoctorState.FAILED:
        questions.give_up("there are no credentials")
    opened: list[DocumentReader] = []
    yield questions.put(
        DoctorCheck.DATABASE,
        lambda: _open(locator, request, services, opened),
        "name it: --store firestore://PROJECT[/DATABASE], or embedded:FILE.jsonl",
    )
    if not opened:
        unopened = (DoctorCheck.DATABASE_READ, *_ADMINISTERED)
        yield from (not_asked(each, "the database is not open") for each in unopened)
        return
    with closing(opened[0]) as reader:
        yield from _examine_open(reader, questions)


def _is_named(request: DoctorRequest, services: Services) -> bool:
    variables = (*PROJECT_VARIABLES, KEY_FILE)
    return request.store.made or any(map(services.environ.get, variables))


def _identity(locator: str, request: DoctorRequest, services: Services) -> DoctorLine:
    check = DoctorCheck.GOOGLE_CREDENTIALS
    if not locator.startswith("firestore://"):
        return not_asked(check, "this store takes none")
    if services.environ.get(EMULATOR):
        return not_asked(check, f"the emulator takes none ({EMULATOR})")
    credentials, _ = default_credentials(request.store.project or "")
    origin = origin_of_identity(credentials, services.environ)
    return ok(check, describe_identity(credentials), origin)


def _open(
    locator: str, request: DoctorRequest, services: Services, opened: list[DocumentReader]
) -> DoctorLine:
    reader = services.open_reader(locator)
    opened.append(reader)
    if reader.environment is Environment.PRODUCTION:
        kind = "production"
    else:
        host = services.environ.get(EMULATOR) if locator.startswith("firestore://") else None
        kind = f"the emulator at {host}" if host else "a file, not production"
    return ok(DoctorCheck.DATABASE, f"{reader.locator}, {kind}", _origin(request, services))


def _origin(request: DoctorRequest, services: Services) -> str:
    for name in ("store", "project"):
        if name in request.given:
            return request.given[name]
    for variable in PROJECT_VARIABLES:
        if services.environ.get(variable):
            return f"environment variable {variable}"
    return "the project of the credentials"


def _examine_open(reader: DocumentReader, questions: Questions) -> Iterator[DoctorLine]:
    read = questions.put(DoctorCheck.DATABASE_READ, lambda: _read(reader, questions), _READING)
    yield read
    if not isinstance(reader, DatabaseDescriber):
        why = "this store has no administration"
        yield from (not_asked(each, why) for each in _ADMINISTERED)
        return
    describer: DatabaseDescriber = reader
    database = reader.locator.rpartition("/")[2]
    described: list[DatabaseDescription] = []

    def describe() -> DoctorLine:
        described.append(describer.describe())
        return tell_kind(described[0])

    yield questions.put(DoctorCheck.DATABASE_KIND, describe)
    known = described[0] if described else DatabaseDescription(trouble=_SILENT)
    yield tell_recovery(known, database)
    yield questions.put(
        DoctorCheck.BACKUP,
        lambda: tell_backup(describer.newest_backup(), database, datetime.now(UTC)),
    )


def _read(reader: DocumentReader, questions: Questions) -> DoctorLine:
    """Ask for a document by name, and for one by a query."""
    try:
        reader.get([_NOWHERE])
        query = Query(limit=1)
        read = 0
        for part in reader.partitions(query, 1)[:1]:
            marks = (each for each in reader.scan(query, part) if isinstance(each, Checkpoint))
            read = sum(each.documents for each in marks)
    except ServiceError as error:
        questions.give_up()
        return failed_by(DoctorCheck.DATABASE_READ, error, _REACHING)
    what = "a document was read" if read else "it was read, and no document came"
    return ok(DoctorCheck.DATABASE_READ, f"{what}: enough for audit, plan and verify; {_WRITING}")


def tell_kind(described: DatabaseDescription) -> DoctorLine:
    """The line on what kind of database this is."""
    check = DoctorCheck.DATABASE_KIND
    if described.trouble:
        return not_asked(check, described.trouble, "roles/datastore.viewer may ask")
    said = ", ".join(filter(None, (described.mode, described.edition, described.location)))
    if described.foreign:
        remedy = "name a database in Native mode, Standard edition: firestore://PROJECT/DATABASE"
        return failed(check, f"{said}: no such database is read", remedy)
    return ok(check, said) if said else not_asked(check, "the server does not tell")


def tell_recovery(described: DatabaseDescription, database: str) -> DoctorLine:
    """The line on point-in-time recovery."""
    check = DoctorCheck.RECOVERY
    if described.recovers is None:
        return not_asked(check, described.trouble or "the server does not tell")
    if not described.recovers:
        remedy = f"gcloud firestore databases update --database='{database}' --enable-pitr"
        return warning(check, "off: only the last hour can be read again", remedy)
    since = f", since {described.earliest:%Y-%m-%d %H:%MZ}" if described.earliest else ""
    return ok(check, f"on{since}")


def tell_backup(backup: NewestBackup, database: str, now: datetime) -> DoctorLine:
    """The line on the newest backup."""
    check = DoctorCheck.BACKUP
    if backup.trouble:
        return not_asked(check, backup.trouble, "roles/datastore.backupsViewer may ask")
    remedy = f"before apply: gcloud firestore export gs://BUCKET --database='{database}'"
    if backup.moment is None:
        return warning(check, "there is none", remedy)
    found = f"of {backup.moment:%Y-%m-%d %H:%MZ}"
    if now - backup.moment > _OLD_BACKUP:
        return warning(check, f"{found}, which is more than a week ago", remedy)
    return ok(check, found)
