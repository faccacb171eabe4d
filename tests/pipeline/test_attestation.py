"""Attestations: what is bound, what is noticed later, and for how long they hold."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.cutover import OLD, Cutover
from tests.reports.plans import DOCUMENTS, make_good_plan, make_plan, write_plan
from url_rewriter.attestation.statement import parse
from url_rewriter.errors import ConfigurationError, RefusedError
from url_rewriter.gates import Gate, GateLevel, GateName
from url_rewriter.pipeline.attest import LASTING, AttestRequest, attest
from url_rewriter.pipeline.check_attestation import (
    CheckedAttestation,
    CheckRequest,
    check_attestation,
)
from url_rewriter.pipeline.requests import Limits
from url_rewriter.pipeline.services import Services
from url_rewriter.pipeline.verify import Verification, Witness
from url_rewriter.planfile import Journal, Operation, Plan, binding
from url_rewriter.rules import digest_of, load_rules

BEGAN = datetime(2026, 11, 28, 11, tzinfo=UTC)
FLIPS = int(os.environ.get("ATTESTATION_FLIPS", "400"))

RULES = """
# The rules of a test.
version: 1
target: {endpoint: "${S3_ENDPOINT_URL}", bucket: omi-data}
rules:
  - name: app-logos
    source: {bucket: omi-logos}
    target: {prefix: app-logos/}
waive:
  - {gate: unreachable-places, collection: legacy, reason: old app, until: 2027-03-01}
"""
ENVIRON = {"S3_ENDPOINT_URL": "https://s3.example.com"}

PASSED = Gate(GateName.NO_OLD_URLS, 0, "URLs are left")
FAILED = Gate(
    GateName.TARGETS_EXIST, 2, "targets at https://h/a?X-Goog-Signature=5ec1e7 are missing"
)
TOLD = Gate(GateName.LEFT_ALONE, 3, "URLs are left alone", GateLevel.TOLD)


class Attested:
    """An applied plan, its rules, and an attestation of both."""

    def __init__(self, folder: Path, *, gates: tuple[Gate, ...] = (PASSED, TOLD)) -> None:
        self.folder = folder
        self.plan = write_plan(make_good_plan(folder / "omi.plan"))
        self.rules_file = folder / "omi.yaml"
        self.rules_file.write_text(RULES)
        self.path = folder / "omi.attestation.json"
        self.rules = load_rules(self.rules_file, ENVIRON)
        self.gates = gates
        self.write(self.rules_file)

    def write(
        self, rules_file: Path | None, *, with_plan: bool = True, lasting: timedelta = LASTING
    ) -> None:
        plan = Plan(self.plan)
        found = Verification(
            plan=self.plan,
            store="firestore://omi-prod/(default)",
            limits=Limits(),
            gates=self.gates,
            summary=plan.summarize(),
            comparisons=plan.count_comparisons(),
            openings=plan.openings(),
            trouble=None,
            witness=Witness(self.rules, BEGAN, *plan.digest_urls()),
        )
        plan.close()
        request = AttestRequest(found, self.plan if with_plan else None, rules_file, lasting)
        self.path.write_bytes(attest(request, Services(ENVIRON)))

    def check(
        self,
        *,
        after: timedelta = timedelta(days=1),
        plan: bool = True,
        rules: bool = True,
    ) -> CheckedAttestation:
        request = CheckRequest(
            self.path, self.plan if plan else None, self.rules_file if rules else None
        )
        return check_attestation(request, ENVIRON, BEGAN + after)


@pytest.fixture
def attested(tmp_path: Path) -> Attested:
    return Attested(tmp_path)


def test_an_attestation_says_what_was_verified_and_what_binds_it(attested: Attested) -> None:
    checked = attested.check()
    said = checked.predicate
    assert (said.verdict.passed, said.verdict.headline) == (
        True,
        "Ready to cut over; 3 texts left alone stay as they are",
    )
    assert [(each.name, each.level, each.state, each.count) for each in said.gates] == [
        ("no-old-urls", "must", "passed", 0), ("left-alone", "told", "told", 3),
    ]  # fmt: skip
    assert said.plan is not None
    plan = Plan(attested.plan)
    assert (said.plan.seal, said.plan.chain) == (plan.seal, plan.chain_head())
    assert said.urls.count == sum(plan.count_urls().values())
    plan.close()
    assert said.plan.links > 0
    assert [each.model_dump() for each in said.waivers] == [
        {
            "gate": "unreachable-places", "collection": "legacy", "field": None,
            "reason": "old app", "until": "2027-03-01",
        }
    ]  # fmt: skip
    assert said.rules.sha256 == digest_of(attested.rules)
    assert said.expires_at == "2026-12-05T11:00:00+00:00"
    assert not checked.doubt
    assert not checked.left_out
    assert len(checked.compared) == 3


def test_what_is_not_given_is_said_not_to_be_compared(attested: Attested) -> None:
    checked = attested.check(plan=False, rules=False)
    assert checked.compared == ("its own digests",)
    assert [each.split(":")[0] for each in checked.left_out] == [
        "the plan file omi.plan",
        "the rules",
    ]


def test_it_holds_for_as_long_as_it_says(attested: Attested) -> None:
    assert not attested.check(after=timedelta(days=7) - timedelta(seconds=1)).doubt
    assert attested.check(after=timedelta(days=7)).doubt.startswith("Expired at 2026-12-05 11:00")
    assert "a clock is wrong" in attested.check(after=timedelta(hours=-1)).doubt


def test_a_length_that_no_date_has_is_a_slip(attested: Attested) -> None:
    with pytest.raises(ConfigurationError, match="--attest-for is too long"):
        attested.write(None, lasting=timedelta(days=9_000_000))


def test_odd_names_and_texts_are_spelled_out(tmp_path: Path) -> None:
    gate = Gate(GateName.UNREAD, 1, "texts \ud800\x1b[31m cannot be read")
    attested = Attested(tmp_path, gates=(gate,))
    assert "\\ud800\\x1b[31m" in attested.check().predicate.gates[0].says


def test_a_no_is_attested_as_well_without_secrets(tmp_path: Path) -> None:
    attested = Attested(tmp_path, gates=(PASSED, FAILED))
    assert b"5ec1e7" not in attested.path.read_bytes()
    checked = attested.check()
    assert checked.predicate.verdict.passed is False
    assert checked.doubt.startswith("Not ready: 2 targets at")


def test_every_flipped_bit_is_noticed_in_attestation_plan_journal_and_rules(
    attested: Attested,
) -> None:
    """ATTESTATION_FLIPS says how many bits are flipped."""
    generator = random.Random(FLIPS)
    files = [attested.path, attested.plan, attested.rules_file]
    for number in range(FLIPS):
        path = files[number % 3]
        content = path.read_bytes()
        flipped = bytearray(content)
        flipped[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
        path.write_bytes(flipped)
        with pytest.raises(RefusedError):
            attested.check()
        path.write_bytes(content)
    attested.check()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


@pytest.mark.parametrize("harm", [cut, lengthen])
@pytest.mark.parametrize("name", ["path", "plan", "rules_file"])
def test_a_file_that_was_cut_or_lengthened_is_refused(
    attested: Attested, harm: Callable[[Path], None], name: str
) -> None:
    harm(getattr(attested, name))
    with pytest.raises(RefusedError, match=getattr(attested, name).name):
        attested.check()


def test_a_plan_that_was_used_since_is_said_to_have_been(attested: Attested) -> None:
    plan = Plan(attested.plan, writable=True)
    Journal(plan, Operation.ROLLBACK).close("done")
    plan.close()
    with pytest.raises(RefusedError, match="a command has used it since"):
        attested.check()


def test_another_plan_is_told_apart_from_a_damaged_one(attested: Attested, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for make, why in (
        (make_plan, "it is another plan"),
        (make_good_plan, "it is a copy from before"),
    ):
        shutil.copy(make(other / "omi.plan"), attested.plan)
        with pytest.raises(RefusedError, match=f"not the plan file that was attested: {why}"):
            attested.check()


def test_a_plan_file_with_a_sidecar_is_neither_attested_nor_believed(attested: Attested) -> None:
    attested.plan.with_name("omi.plan-wal").write_bytes(b"more")
    with pytest.raises(RefusedError, match=r"omi\.plan-wal beside it belongs to it"):
        attested.check()
    with pytest.raises(RefusedError, match=r"omi\.plan-wal beside it"):
        attested.write(None)


def test_a_plan_that_was_changed_by_hand_is_not_attested(attested: Attested) -> None:
    with closing(sqlite3.connect(attested.plan)) as connection, connection:
        connection.execute("UPDATE journal SET urls = urls + 1")
    with pytest.raises(RefusedError, match="its journal was changed"):
        attested.write(None)


def test_a_plan_that_changes_while_it_is_bound_is_not_attested(
    attested: Attested, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Moving(Plan):
        def close(self) -> None:
            super().close()
            lengthen(self.path)

    monkeypatch.setattr(binding, "Plan", Moving)
    with pytest.raises(RefusedError, match="another process changed it meanwhile"):
        binding.bind(attested.plan)


def test_a_plan_where_none_was_verified_does_not_fit(attested: Attested) -> None:
    attested.write(attested.rules_file, with_plan=False)
    assert parse(attested.path.read_bytes()).plan is None
    with pytest.raises(RefusedError, match="a database without a plan file"):
        attested.check()
    assert not attested.check(plan=False).doubt


def test_rules_whose_file_is_not_known_are_compared_by_what_they_mean(attested: Attested) -> None:
    attested.write(None)
    assert attested.check().compared[-1].endswith("by what they mean")
    attested.rules_file.write_text(RULES.replace("test.", "test!"))
    attested.check()
    attested.rules_file.write_text(RULES.replace("app-logos/", "logos/"))
    with pytest.raises(RefusedError, match="holds other rules"):
        attested.check()
    attested.rules_file.write_text("version: 1")
    with pytest.raises(RefusedError, match="cannot be compared"):
        attested.check()


def test_the_file_of_a_plans_rules_is_bound_where_it_means_the_same(
    attested: Attested, monkeypatch: pytest.MonkeyPatch
) -> None:
    (attested.folder / "rules").mkdir()
    planned = attested.folder / "rules/omi.yaml"  # as the plan says
    shutil.copy(attested.rules_file, planned)
    monkeypatch.chdir(attested.folder)
    attested.write(None)
    assert parse(attested.path.read_bytes()).rules.file_sha256 is not None
    planned.write_text(RULES.replace("app-logos/", "logos/"))
    attested.write(None)
    assert parse(attested.path.read_bytes()).rules.file_sha256 is None


@pytest.mark.parametrize("name", ["path", "plan", "rules_file"])
def test_a_file_that_is_not_there_is_a_slip_and_no_damage(attested: Attested, name: str) -> None:
    getattr(attested, name).unlink()
    with pytest.raises(ConfigurationError, match=getattr(attested, name).name):
        attested.check()


def test_the_digest_of_urls_is_the_same_for_the_same_urls_in_any_order(tmp_path: Path) -> None:
    digests = []
    for name, documents in (("a", DOCUMENTS), ("b", DOCUMENTS[::-1]), ("c", DOCUMENTS[1:])):
        plan = Plan(make_plan(tmp_path / name, documents))
        digests.append(plan.digest_urls())
        plan.close()
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


@pytest.fixture
def migrated(tmp_path: Path) -> Cutover:
    """A database whose plan was applied."""
    cutover = Cutover(tmp_path)
    cutover.fill({"apps/1": {"image": OLD + "a.png"}})
    cutover.plan()
    cutover.apply()
    return cutover


def attest_and_check(cutover: Cutover, kept: Path, **request: Any) -> CheckedAttestation:
    found = cutover.verify(more=None if "plan" in request else "", attested=True, **request)
    assert found.passed, found.verdict.headline
    path = cutover.folder / "attested.json"
    rules_file = cutover.folder / "rules.yaml"
    path.write_bytes(attest(AttestRequest(found, kept, rules_file), cutover.services()))
    return check_attestation(CheckRequest(path, kept, rules_file), {}, datetime.now(UTC))


def test_a_verified_plan_is_attested_with_the_verdict_that_it_keeps(migrated: Cutover) -> None:
    first = attest_and_check(migrated, migrated.path, plan=migrated.path).predicate
    assert (first.verdict.word, first.counts["urls"]["migrated"]) == ("ready", 1)
    plan = Plan(migrated.path)
    assert plan.verdict() is not None
    plan.close()
    second = attest_and_check(migrated, migrated.path, plan=migrated.path).predicate
    assert first.plan is not None
    assert second.plan is not None
    assert second.plan.links > first.plan.links  # for the second verdict
    assert second.urls == first.urls
    migrated.rollback()
    path = migrated.folder / "attested.json"
    with pytest.raises(RefusedError, match="a command has used it since"):
        check_attestation(CheckRequest(path, migrated.path), {}, datetime.now(UTC))


def test_a_scan_that_is_kept_without_a_plan_is_attested_too(migrated: Cutover) -> None:
    kept = migrated.folder / "kept.plan"
    said = attest_and_check(migrated, kept, output=kept).predicate
    assert said.plan is not None
    plan = Plan(kept)
    assert plan.digest_urls() == (said.urls.count, said.urls.sha256)
    plan.close()


def test_a_verification_without_a_witness_is_not_attested(migrated: Cutover) -> None:
    found = migrated.verify(more=None, plan=migrated.path)
    with pytest.raises(ConfigurationError, match="not made to be attested"):
        attest(AttestRequest(found), migrated.services())
