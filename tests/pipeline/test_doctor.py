"""What ``doctor`` finds: each check as it fails, with what to do; and that it changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from threading import Event
from types import MappingProxyType
from typing import Any

import pytest
from google.cloud.firestore_admin_v1.types import Backup
from google.cloud.firestore_admin_v1.types import Database as AdminDatabase
from google.oauth2.credentials import Credentials as UserCredentials
from google.oauth2.service_account import Credentials as ServiceCredentials
from grpc import StatusCode

from tests.cli.command import texts, write_database
from tests.scripted_firestore import ScriptedFirestore, scripted_firestore
from tests.scripted_firestore.script import FOR_EVER, Refuse, Stall
from tests.servers.fault import (
    MARK,
    Behaviour,
    FaultServer,
    Reaction,
    Request,
    fault_server,
    present,
    xml_error,
)
from tests.servers.s3 import free_port
from url_rewriter import stores
from url_rewriter.credentials import describe_identity, origin_of_identity
from url_rewriter.pipeline.doctor import Examination, doctor
from url_rewriter.pipeline.doctor_lines import (
    DoctorCheck,
    DoctorLine,
    DoctorRequest,
    DoctorState,
    Questions,
)
from url_rewriter.pipeline.doctor_local import tell_disk, tell_versions
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.requests import StoreChoice
from url_rewriter.pipeline.services import Services

OK, FAILED, WARNING, NOT_ASKED = DoctorState
NONE: Mapping[str, str] = MappingProxyType({})
SECRET = "a-secret-that-must-not-show"
NO_KEYS = {"S3_ACCESS_KEY_ID": "", "S3_SECRET_ACCESS_KEY": ""}
KEYS = {"S3_ACCESS_KEY_ID": "AKIDxxxxWXYZ", "S3_SECRET_ACCESS_KEY": SECRET}
RULES = """
version: 1
target: {{endpoint: {endpoint}, bucket: omi.data}}
rules:
  - name: logos
    source: {{bucket: old-logos}}
    target: {{prefix: app-logos/}}
    examples: [{{url: "gs://old-logos/a.png", becomes: "{becomes}"}}]
"""
THERE = "app-logos/a.png"


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of this machine."""
    for name in ("FIRESTORE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")


@dataclass
class Folder:
    """A folder to examine."""

    path: Path

    def examine(
        self, environ: Mapping[str, str] = NONE, *, seconds: float = 20.0, store: str = ""
    ) -> Examination:
        rules = self.path / "rules.yaml"
        request = DoctorRequest(
            StoreChoice(store or None),
            rules if rules.exists() else None,
            self.path,
            seconds=seconds,
        )
        services = Services({**KEYS, **environ}, open_reader=stores.open_probe)
        return doctor(request, services, NoProgress())

    def write_rules(self, endpoint: str, becomes: str = "") -> None:
        becomes = becomes or f"{endpoint}/omi.data/app-logos/a.png"
        text = RULES.format(endpoint=endpoint, becomes=becomes)
        (self.path / "rules.yaml").write_text(text)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = tmp_path / "folder"
    made.mkdir()
    return Folder(made)


def line(found: Examination, name: DoctorCheck) -> DoctorLine:
    """The only line of a check."""
    (only,) = [each for each in found.lines if each.name is name]
    if only.state in (FAILED, WARNING):
        assert only.remedy, only
    return only


def states(found: Examination) -> dict[DoctorCheck, DoctorState]:
    return {each.name: each.state for each in found.lines}


# -- the object store ---------------------------------------------


def page(*keys: str) -> Reaction:
    contents = "".join(
        f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        '<ETag>"e1"</ETag><Size>4</Size></Contents>'
        for key in keys
    )
    body = (
        "<ListBucketResult><Name>omi.data</Name><Prefix></Prefix><EncodingType>url</EncodingType>"
        f"<IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
    )
    return Reaction(200, {**MARK, "content-type": "application/xml"}, body.encode())


def well(request: Request) -> Reaction:
    """A bucket with one object, which all may read."""
    if "list-type" in request.path:
        return page(THERE)
    if not request.key:
        return Reaction(200, {**MARK, "x-amz-bucket-region": "us-east-1"})
    return present() if request.key == THERE else xml_error(404, "NoSuchKey")


@contextmanager
def serving(behaviour: Behaviour, folder: Folder) -> Iterator[FaultServer]:
    with fault_server(behaviour) as server:
        folder.write_rules(server.endpoint)
        yield server


def but(changed: Behaviour, when: Any) -> Behaviour:
    """A server that is well, but for the requests of a kind."""
    return lambda request: changed(request) if when(request) else well(request)


def is_listing(request: Request) -> bool:
    return "list-type" in request.path


def is_bucket(request: Request) -> bool:
    return not request.key and not is_listing(request)


def test_an_object_store_that_is_well_is_ok_in_every_line_and_nothing_is_written(
    folder: Folder,
) -> None:
    before = sorted(folder.path.iterdir())
    with serving(well, folder) as server:
        found = folder.examine()
    asked = [each for each in DoctorCheck if each.startswith("s3-") or "known" in each]
    assert {states(found)[each] for each in asked} == {OK}
    assert states(found)[DoctorCheck.ANONYMOUS] is OK
    assert not found.failed
    assert {each.method for each in server.requests} == {"HEAD", "GET"}
    assert sorted(folder.path.iterdir()) == [*before, folder.path / "rules.yaml"]
    key = line(found, DoctorCheck.S3_CREDENTIALS)
    assert (key.found, key.origin) == (
        "the key whose id ends in WXYZ",
        "environment variable S3_ACCESS_KEY_ID",
    )
    assert not any(SECRET in str(each) or "AKID" in str(each) for each in found.lines)


def late(request: Request) -> Reaction:
    date = format_datetime(datetime.now(UTC) - timedelta(hours=3), usegmt=True)
    answer = well(request)
    return Reaction(answer.status, {**answer.headers, "date": date}, answer.body)


TROUBLE: dict[str, tuple[Behaviour, DoctorCheck, DoctorState, str, str]] = {
    "another time": (late, DoctorCheck.CLOCK, FAILED, "180 minutes behind", "set the clocks"),
    "no bucket": (
        lambda _: xml_error(404, "NoSuchBucket"),
        DoctorCheck.S3_BUCKET, FAILED, "has no bucket 'omi.data'", "create it",
    ),
    "a wrong key": (
        lambda _: xml_error(403, "InvalidAccessKeyId"),
        DoctorCheck.S3_BUCKET, FAILED, "refused the credentials", "S3_SECRET_ACCESS_KEY",
    ),
    "all is there": (
        but(lambda _: present(), lambda r: r.key),
        DoctorCheck.KNOWN_ABSENT, FAILED, "random key", "--s3-endpoint",
    ),
    "what is missing is hidden": (
        but(lambda _: xml_error(403, "AccessDenied"), lambda r: "probe" in r.key),
        DoctorCheck.KNOWN_ABSENT, WARNING, "like a forbidden one", "ListBucket",
    ),
    "no listing": (
        but(lambda _: xml_error(403, "AccessDenied"), is_listing),
        DoctorCheck.S3_LISTING, WARNING, "403 AccessDenied", "ListBucket",
    ),
    "a listed key is denied": (
        but(lambda _: xml_error(404, "NoSuchKey"), lambda r: r.key),
        DoctorCheck.KNOWN_PRESENT, FAILED, "denies that they exist", "--s3-endpoint",
    ),
    "nothing is allowed": (
        lambda _: xml_error(403, "AccessDenied"),
        DoctorCheck.S3_BUCKET, WARNING, "cannot be told", "GetObject",
    ),
    "the only listed object is forbidden": (
        but(lambda _: Reaction(403, MARK), lambda r: r.key == THERE),
        DoctorCheck.KNOWN_PRESENT, FAILED, "403", "GetObject",
    ),
    "a listed object cannot be had": (
        but(lambda _: Reaction(500, MARK), lambda r: r.key == THERE),
        DoctorCheck.KNOWN_PRESENT, FAILED, "500", "when it is well",
    ),
    "another region": (
        but(lambda _: Reaction(200, {**MARK, "x-amz-bucket-region": "eu-1"}), is_bucket),
        DoctorCheck.S3_REGION, WARNING, "is in eu-1", "AWS_REGION=eu-1",
    ),
    "not for readers": (
        but(lambda _: Reaction(403, MARK), lambda r: "authorization" not in r.headers),
        DoctorCheck.ANONYMOUS, WARNING, "not of logos: forbidden", "public: false",
    ),
    "hangs up": (
        lambda _: Reaction(hang_up=True),
        DoctorCheck.S3_ENDPOINT, FAILED, "closed", "server is up",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("behaviour", "name", "state", "says", "remedy"), TROUBLE.values(), ids=TROUBLE
)
def test_trouble_with_an_object_store_is_told_with_what_to_do(
    folder: Folder, behaviour: Behaviour, name: DoctorCheck, state: DoctorState, says: str,
    remedy: str,
) -> None:  # fmt: skip
    with serving(behaviour, folder):
        found = folder.examine()
    told = line(found, name)
    assert told.state is state
    assert says in told.found
    assert remedy in told.remedy
    assert set(states(found)) == set(DoctorCheck)


def test_where_nothing_may_be_listed_no_key_is_said_to_be_found(folder: Folder) -> None:
    with serving(lambda _: xml_error(403, "AccessDenied"), folder):
        found = folder.examine()
    told = line(found, DoctorCheck.KNOWN_PRESENT)
    assert (told.state, told.found) == (NOT_ASKED, "omi.data cannot be listed")


def test_one_listed_object_that_is_forbidden_beside_others_is_no_failure(folder: Folder) -> None:
    listed = but(lambda _: page("app-logos/0.png", THERE), is_listing)
    forbidden = Reaction(403, MARK)
    with serving(lambda r: forbidden if r.key == "app-logos/0.png" else listed(r), folder):
        found = folder.examine()
    assert states(found)[DoctorCheck.KNOWN_PRESENT] is OK


def test_only_refused_credentials_are_a_matter_of_who_asks(folder: Folder) -> None:
    with serving(lambda _: xml_error(403, "InvalidAccessKeyId"), folder):
        assert folder.examine().denied
    with serving(lambda _: xml_error(404, "NoSuchBucket"), folder):
        found = folder.examine()
    assert found.failed
    assert not found.denied


def test_an_empty_bucket_and_one_without_a_date_are_no_failure(folder: Folder) -> None:
    with serving(but(lambda _: page(), lambda r: is_listing(r) or r.key == THERE), folder):
        found = folder.examine()
    assert states(found)[DoctorCheck.KNOWN_PRESENT] is NOT_ASKED
    assert line(found, DoctorCheck.CLOCK).found == "the server sends no date"
    assert not found.failed


def only_wait(found: Examination) -> DoctorLine:
    """The only line that failed, since its question was waited for in vain."""
    (told,) = found.failed
    assert told.found.startswith("no answer from")
    assert "look whether it is up" in told.remedy
    assert set(states(found)) == set(DoctorCheck)
    return told


def test_a_server_that_says_nothing_costs_one_wait_and_the_other_checks_go_on(
    folder: Folder,
) -> None:
    with serving(lambda _: Reaction(delay=30.0), folder):
        found = folder.examine(seconds=1.0)
    # Of a busy machine, boto3 may take that long to make a client.
    assert only_wait(found).name in (DoctorCheck.S3_ENDPOINT, DoctorCheck.S3_SETTINGS)
    assert states(found)[DoctorCheck.RULES] is OK
    assert states(found)[DoctorCheck.ANONYMOUS] is NOT_ASKED


def test_no_question_follows_one_without_an_answer() -> None:
    for_ever = Event()
    questions = Questions("the server", 0.01)

    def wait() -> DoctorLine:
        for_ever.wait()
        raise AssertionError

    first = questions.put(DoctorCheck.S3_ENDPOINT, wait)
    assert (first.state, first.found) == (FAILED, "no answer from the server within 0.01 s")
    second = questions.put(DoctorCheck.CLOCK, wait)
    assert (second.state, second.found) == (NOT_ASKED, "the server does not answer")
    for_ever.set()


def test_without_a_key_nothing_is_asked_of_the_object_store(folder: Folder) -> None:
    with serving(well, folder) as server:
        found = folder.examine(NO_KEYS)
        assert not server.requests
    told = line(found, DoctorCheck.S3_CREDENTIALS)
    assert (told.state, told.denied, "S3_ACCESS_KEY_ID" in told.remedy) == (FAILED, True, True)
    assert states(found)[DoctorCheck.S3_BUCKET] is NOT_ASKED


@pytest.mark.parametrize(
    ("environ", "says", "remedy"),
    [
        ({"S3_SECRET_ACCESS_KEY": ""}, "Only one of", "set both"),
        ({"S3_ENDPOINT_URL": "nonsense"}, "must be http", "correct it"),
        ({"S3_ENDPOINT_URL": "https://storage.googleapis.com"}, "is Cloud Storage", "correct it"),
    ],
)
def test_settings_that_cannot_be_used_are_told(
    folder: Folder, environ: dict[str, str], says: str, remedy: str
) -> None:
    folder.write_rules("http://127.0.0.1:9")
    told = line(folder.examine(environ), DoctorCheck.S3_SETTINGS)
    assert told.state is FAILED
    assert says in told.found
    assert remedy in told.remedy


def test_without_rules_the_environment_names_the_bucket(folder: Folder) -> None:
    with fault_server(well) as server:
        found = folder.examine({"S3_ENDPOINT_URL": server.endpoint, "S3_BUCKET_NAME": "omi.data"})
    assert states(found)[DoctorCheck.S3_BUCKET] is OK
    assert line(found, DoctorCheck.S3_SETTINGS).origin == "environment variable S3_ENDPOINT_URL"
    assert line(found, DoctorCheck.S3_BUCKET).origin == "environment variable S3_BUCKET_NAME"
    assert states(found)[DoctorCheck.RULES] is NOT_ASKED
    assert states(found)[DoctorCheck.ANONYMOUS] is NOT_ASKED


def test_what_is_not_named_is_not_asked_about_and_nothing_fails(folder: Folder) -> None:
    found = folder.examine()
    local = (DoctorCheck.VERSIONS, DoctorCheck.DISK, DoctorCheck.PLAN_FILES)
    assert {each for each, state in states(found).items() if state is not NOT_ASKED} == set(local)
    assert set(states(found)) == set(DoctorCheck)


# -- the database -------------------------------------------------


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedFirestore]:
    with scripted_firestore() as served:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", served.host)
        yield served


def examine_firestore(folder: Folder, seconds: float = 20.0) -> Examination:
    environ = {"FIRESTORE_EMULATOR_HOST": "127.0.0.1:1"}
    return folder.examine(environ, store="firestore://p", seconds=seconds)


NATIVE = AdminDatabase.DatabaseType.FIRESTORE_NATIVE
PITR = AdminDatabase.PointInTimeRecoveryEnablement


def test_a_database_is_told_and_only_read(folder: Folder, server: ScriptedFirestore) -> None:
    server.described["(default)"] = {
        "type_": NATIVE, "database_edition": 1, "location_id": "nam5",
        "point_in_time_recovery_enablement": PITR.POINT_IN_TIME_RECOVERY_ENABLED,
    }  # fmt: skip
    server.backups = [backup(hours) for hours in (30, 3)]
    found = examine_firestore(folder)
    assert line(found, DoctorCheck.DATABASE).found.startswith("firestore://p/(default), the emul")
    assert line(found, DoctorCheck.DATABASE_KIND).found == "Native mode, Standard edition, nam5"
    checks = (DoctorCheck.DATABASE_READ, DoctorCheck.RECOVERY, DoctorCheck.BACKUP)
    assert [states(found)[each] for each in checks] == [OK, OK, OK]
    made = datetime.now(UTC) - timedelta(hours=3)
    assert line(found, DoctorCheck.BACKUP).found == f"of {made:%Y-%m-%d %H:%MZ}"
    called = {method for method, _ in server.script.calls}
    assert called <= {"BatchGetDocuments", "RunQuery", "ListCollectionIds"}


def backup(hours: float, **more: Any) -> dict[str, Any]:
    return {
        "database": "projects/p/databases/(default)",
        "snapshot_time": datetime.now(UTC) - timedelta(hours=hours),
        "state": Backup.State.READY,
        **more,
    }


KINDS: dict[str, tuple[dict[str, Any], DoctorCheck, DoctorState, str, str]] = {
    "Datastore mode": (
        {"type_": AdminDatabase.DatabaseType.DATASTORE_MODE},
        DoctorCheck.DATABASE_KIND, FAILED, "Datastore mode", "Native mode, Standard edition",
    ),
    "Enterprise edition": (
        {"type_": NATIVE, "database_edition": 2},
        DoctorCheck.DATABASE_KIND, FAILED, "Enterprise edition", "Native mode, Standard edition",
    ),
    "no recovery": (
        {"point_in_time_recovery_enablement": PITR.POINT_IN_TIME_RECOVERY_DISABLED},
        DoctorCheck.RECOVERY, WARNING, "last hour", "--enable-pitr",
    ),
    "no backup": ({}, DoctorCheck.BACKUP, WARNING, "there is none", "gcloud firestore export"),
}  # fmt: skip


@pytest.mark.parametrize(("members", "name", "state", "says", "remedy"), KINDS.values(), ids=KINDS)
def test_a_database_of_the_wrong_kind_or_without_a_way_back_is_told(
    folder: Folder, server: ScriptedFirestore, members: dict[str, Any], name: DoctorCheck,
    state: DoctorState, says: str, remedy: str,
) -> None:  # fmt: skip
    server.described["(default)"] = members
    told = line(examine_firestore(folder), name)
    assert told.state is state
    assert says in told.found
    assert remedy in told.remedy


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (backup(24 * 9), "more than a week ago"),
        (backup(1, database="projects/p/databases/other"), "there is none"),
        (backup(1, state=Backup.State.CREATING), "there is none"),
    ],
)
def test_only_a_whole_recent_backup_of_this_database_counts(
    folder: Folder, server: ScriptedFirestore, made: dict[str, Any], says: str
) -> None:
    server.backups = [made]
    told = line(examine_firestore(folder), DoctorCheck.BACKUP)
    assert told.state is WARNING
    assert says in told.found


def test_an_administration_that_may_not_be_asked_is_no_failure_and_says_why(
    folder: Folder, server: ScriptedFirestore
) -> None:
    server.named = server.backups = None
    found = examine_firestore(folder)
    for name in (DoctorCheck.DATABASE_KIND, DoctorCheck.RECOVERY, DoctorCheck.BACKUP):
        assert line(found, name).state is NOT_ASKED
        assert "PERMISSION_DENIED" in line(found, name).found
    assert not found.failed


def test_a_database_that_may_not_be_read_is_a_matter_of_who_asks(
    folder: Folder, server: ScriptedFirestore
) -> None:
    server.script.on("BatchGetDocuments", Refuse(StatusCode.PERMISSION_DENIED))
    found = examine_firestore(folder)
    told = line(found, DoctorCheck.DATABASE_READ)
    assert (told.state, told.denied) == (FAILED, True)
    assert "roles/datastore.viewer" in told.remedy


def test_a_database_that_says_nothing_costs_one_wait_and_the_other_checks_go_on(
    folder: Folder, server: ScriptedFirestore
) -> None:
    server.script.on("BatchGetDocuments", Stall(FOR_EVER), times=9)
    found = examine_firestore(folder, seconds=1.0)
    assert only_wait(found).name in (DoctorCheck.DATABASE_READ, DoctorCheck.DATABASE)
    assert states(found)[DoctorCheck.BACKUP] is NOT_ASKED


def test_an_emulator_that_is_not_there_is_told_soon(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{free_port()}")
    told = line(examine_firestore(folder), DoctorCheck.DATABASE_READ)
    assert (told.state, told.denied) == (FAILED, False)
    assert "FIRESTORE_EMULATOR_HOST" in told.remedy


def test_without_credentials_the_database_is_not_asked(folder: Folder) -> None:
    found = folder.examine(store="firestore://p")
    told = line(found, DoctorCheck.GOOGLE_CREDENTIALS)
    assert (told.state, told.denied) == (FAILED, True)
    assert "gcloud auth application-default login" in told.remedy
    assert states(found)[DoctorCheck.DATABASE_READ] is NOT_ASKED


def test_an_embedded_store_is_read_and_has_no_administration(folder: Folder) -> None:
    path = folder.path / "db.jsonl"
    write_database(path, {"apps/1": texts(image="x")})
    found = folder.examine(store=f"embedded:{path}")
    assert states(found)[DoctorCheck.DATABASE_READ] is OK
    assert line(found, DoctorCheck.BACKUP).found == "this store has no administration"


@pytest.mark.parametrize(
    "locator", ["embedded:/no/such/file.jsonl", "nonsense", "embedded:/", "embedded:/dev/null/x"]
)
def test_a_store_that_cannot_be_opened_is_told(folder: Folder, locator: str) -> None:
    told = line(folder.examine(store=locator), DoctorCheck.DATABASE)
    assert (told.state, told.denied) == (FAILED, False)
    assert "--store" in told.remedy


def test_an_identity_is_told_without_its_secrets() -> None:
    service = ServiceCredentials(None, "x@p.iam.gserviceaccount.com", "https://token")
    assert describe_identity(service) == "x@p.iam.gserviceaccount.com"
    user = UserCredentials(token=SECRET, refresh_token=SECRET)
    assert describe_identity(user) == "a user who logged in"
    assert origin_of_identity(user, {}) == "gcloud's application default login"
    named = {"GOOGLE_APPLICATION_CREDENTIALS": "key.json"}
    assert "GOOGLE_APPLICATION_CREDENTIALS" in origin_of_identity(service, named)


# -- this machine -------------------------------------------------


def test_rules_that_cannot_be_used_are_told_and_the_other_checks_go_on(folder: Folder) -> None:
    (folder.path / "rules.yaml").write_text("version: 1\nrulez: []\n")
    found = folder.examine()
    told = line(found, DoctorCheck.RULES)
    assert told.state is FAILED
    assert told.found.endswith("target: is missing, and 2 more problems")
    assert "rules check" in told.remedy
    assert states(found)[DoctorCheck.EXAMPLES] is NOT_ASKED


def test_examples_that_do_not_hold_are_told_with_their_place(folder: Folder) -> None:
    folder.write_rules("http://127.0.0.1:9", becomes="http://elsewhere/a.png")
    told = line(folder.examine(NO_KEYS), DoctorCheck.EXAMPLES)
    assert told.state is FAILED
    assert "rules.yaml:8: rule logos" in told.found
    assert "rules test" in told.remedy


@pytest.mark.parametrize(("free", "state"), [(1 << 20, FAILED), (1 << 29, WARNING), (1 << 34, OK)])
def test_a_disk_that_is_nearly_full_is_told(free: int, state: DoctorState) -> None:
    told = tell_disk(free, Path())
    assert told.state is state
    assert bool(told.remedy) is (state is not OK)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    found = Folder(tmp_path / "none").examine()
    assert line(found, DoctorCheck.DISK).state is FAILED
    assert line(found, DoctorCheck.PLAN_FILES).state is FAILED


def test_a_package_that_is_missing_is_told() -> None:
    told = tell_versions(("boto3", "no-such-package-here"))
    assert (told.state, told.found) == (FAILED, "not installed: no-such-package-here")
    assert "pip install no-such-package-here" in told.remedy


def test_what_only_makes_scans_faster_may_be_missing(folder: Folder) -> None:
    told = line(folder.examine(), DoctorCheck.VERSIONS)
    assert told.state is OK
    for each in ("Python", "url-rewriter", "boto3", "grpcio", "protobuf", "pycurl"):
        assert each in told.found


def test_a_plan_that_is_unfinished_is_told(folder: Folder) -> None:
    (folder.path / "x.plan-wal").write_bytes(b"rows")
    told = line(folder.examine(), DoctorCheck.PLAN_FILES)
    assert told.state is FAILED
    assert "x.plan, which is not there" in told.found
