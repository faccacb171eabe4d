"""What a plan file alone says of the object store sends no credentials anywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.cutover import ENDPOINT, Cutover
from tests.pipeline.memory import MemoryObjects
from url_rewriter.errors import RefusedError
from url_rewriter.objects import S3Settings
from url_rewriter.pipeline.apply import ApplyRequest, apply
from url_rewriter.pipeline.consent import Consent, NoOperator
from url_rewriter.pipeline.copy import CopyRequest, copy
from url_rewriter.pipeline.copy_queue import CopyQueue
from url_rewriter.pipeline.plan import PlanRequest, plan
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.requests import S3Options
from url_rewriter.pipeline.services import Services
from url_rewriter.pipeline.verify import VerifyRequest, verify
from url_rewriter.planfile import UrlFilter
from url_rewriter.urls import ObjectRef

OLD = "https://storage.googleapis.com/old-logos/a.png"
KEYS = {"S3_ACCESS_KEY_ID": "k", "S3_SECRET_ACCESS_KEY": "s"}


@dataclass
class Asked:
    """Where an object store was opened; what it would be sent is in the settings."""

    opened: list[S3Settings] = field(default_factory=list)

    def __call__(self, settings: S3Settings, *arguments: Any) -> MemoryObjects:
        self.opened.append(settings)
        return MemoryObjects({ObjectRef("data", "logos/a.png"), ObjectRef("data", "chat/b.png")})


@pytest.fixture
def sealed(tmp_path: Path) -> Cutover:
    """A folder with a plan file, whose rules name an endpoint literally."""
    cutover = Cutover(tmp_path, environ=dict(KEYS))
    cutover.fill({"apps/1": {"image": OLD}})
    request = PlanRequest(
        cutover.path, cutover.locator, cutover.rules(), cutover.folder / "rules.yaml"
    )
    plan(request, cutover.services(), NoProgress())
    return cutover


def applied(path: Path, services: Services) -> None:
    apply(ApplyRequest(path, Consent(yes=True)), services, NoProgress(), NoOperator())


def canary_written(path: Path, services: Services) -> None:
    request = ApplyRequest(path, Consent(yes=True), canary=1)
    apply(request, services, NoProgress(), NoOperator())


def verified(path: Path, services: Services) -> None:
    verify(VerifyRequest(plan=path), services, NoProgress())


def copied(path: Path, services: Services) -> None:
    request = CopyRequest(path, UrlFilter(), yes=True)
    copy(request, services, CopyQueue(), NoProgress(), NoOperator())


@pytest.mark.parametrize("command", [applied, canary_written, verified, copied])
def test_no_server_that_only_a_plan_file_names_is_asked(
    sealed: Cutover, command: Callable[[Path, Services], None]
) -> None:
    (sealed.folder / "rules.yaml").unlink()
    before, asked = sealed.texts(), Asked()
    with pytest.raises(RefusedError, match=f"names the S3 server {ENDPOINT}.*--s3-endpoint"):
        command(sealed.path, Services(KEYS, open_objects=asked))
    assert (asked.opened, sealed.texts()) == ([], before)


@pytest.mark.parametrize("command", [applied, verified])
def test_a_rules_file_that_names_another_server_than_its_plan_does_not_name_that_of_the_plan(
    sealed: Cutover, command: Callable[[Path, Services], None]
) -> None:
    rules = sealed.folder / "rules.yaml"
    rules.write_text(rules.read_text().replace(ENDPOINT, "https://another.example.com"))
    asked = Asked()
    with pytest.raises(RefusedError):
        command(sealed.path, Services(KEYS, open_objects=asked))
    assert not asked.opened


@pytest.mark.parametrize("command", [applied, verified])
def test_a_server_that_the_rules_file_of_a_plan_names_is_asked(
    sealed: Cutover, command: Callable[[Path, Services], None]
) -> None:
    asked = Asked()
    command(sealed.path, Services(KEYS, open_objects=asked))
    assert {each.endpoint for each in asked.opened} == {ENDPOINT}


@pytest.mark.parametrize("command", [applied, verified])
@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_server_that_an_option_or_the_environment_names_is_asked_instead_of_that_of_a_plan(
    sealed: Cutover, by: str, command: Callable[[Path, Services], None]
) -> None:
    (sealed.folder / "rules.yaml").unlink()
    ours, asked = "https://ours.example.com", Asked()
    services = (
        Services(KEYS, S3Options(ours), open_objects=asked)
        if by == "option"
        else Services({**KEYS, "S3_ENDPOINT_URL": ours}, open_objects=asked)
    )
    command(sealed.path, services)
    assert {each.endpoint for each in asked.opened} == {ours}
