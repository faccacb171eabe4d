"""A watch over a file: rescans find what is written with an old URL, each time once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.cutover import NEW, OLD, Cutover
from url_rewriter.pipeline.consent import Consent, NoOperator
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.watch import Watched, WatchRequest, watch

MOMENT = timedelta(milliseconds=1)


class Application(NoProgress):
    """Writes to the database when a rescan has ended: one step of its story after each."""

    def __init__(self, *steps: Callable[[], None]) -> None:
        self._steps = list(steps)
        self.said: list[str] = []
        self.warned: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)
        if text.startswith("rescan ") and self._steps:
            self._steps.pop(0)()

    def warn(self, text: str) -> None:
        self.warned.append(text)

    @property
    def named(self) -> list[str]:
        """The documents that were named, in order."""
        return [line.split("  ")[3] for line in self.said if line.startswith("straggler")]


@pytest.fixture
def cutover(tmp_path: Path) -> Cutover:
    made = Cutover(tmp_path)
    made.fill({"users/a": {"image": f"{OLD}a.png"}, "notes/n": {"text": "nothing"}})
    made.plan()
    return made


def run(cutover: Cutover, application: Application, **request: Any) -> Watched:
    request = {"every": timedelta(seconds=30), "quiet": timedelta(seconds=0.3), **request}
    return watch(
        WatchRequest(cutover.path, **request), cutover.services(), application, NoOperator()
    )


def test_what_the_plan_found_is_no_straggler(cutover: Cutover) -> None:
    found = run(cutover, Application())
    assert found.quiet
    assert found.passed
    assert found.stragglers == ()


def test_what_apply_wrote_is_no_straggler(cutover: Cutover) -> None:
    cutover.apply()
    assert run(cutover, Application()).stragglers == ()


def test_a_document_that_is_written_with_an_old_url_is_named_once(cutover: Cutover) -> None:
    cutover.apply()

    def write() -> None:
        cutover.fill({"users/a": {"image": f"{NEW}a.png"}, "users/late": {"image": f"{OLD}a.png"}})

    def touch() -> None:
        cutover.fill(
            {"users/late": {"image": f"{OLD}a.png"}, "users/new": {"image": f"{NEW}a.png"}}
        )

    application = Application(write, touch)
    found = run(cutover, application)
    assert application.named == ["users/late"]
    assert [(each.document, each.rules) for each in found.stragglers] == [
        ("users/late", ("logos",))
    ]
    assert found.quiet


def test_a_document_that_is_put_back_after_an_apply_is_a_straggler(cutover: Cutover) -> None:
    cutover.apply()
    cutover.fill({"users/a": {"image": f"{OLD}a.png"}})
    application = Application()
    run(cutover, application)
    assert application.named == ["users/a"]


def test_a_watch_that_is_begun_again_names_nothing_twice(cutover: Cutover) -> None:
    cutover.apply()
    cutover.fill({"users/late": {"image": f"{OLD}a.png"}})
    first, second = Application(), Application()
    run(cutover, first)
    found = run(cutover, second)
    assert (first.named, second.named) == (["users/late"], [])
    assert [each.document for each in found.stragglers] == ["users/late"]
    assert found.named == 0


def test_what_a_rollback_puts_back_is_no_straggler(cutover: Cutover) -> None:
    cutover.apply()
    cutover.rollback()
    assert run(cutover, Application()).stragglers == ()


def test_stragglers_until_the_end_are_no_pass(cutover: Cutover) -> None:
    cutover.fill({"users/late": {"image": f"{OLD}a.png"}})
    found = run(cutover, Application(), quiet=None, until=datetime.now(UTC) + MOMENT)
    assert not found.passed
    assert not found.quiet
    assert len(found.stragglers) == 1


def test_no_straggler_until_the_end_is_a_pass_and_not_called_quiet(cutover: Cutover) -> None:
    found = run(cutover, Application(), quiet=None, until=datetime.now(UTC) + MOMENT)
    assert found.passed
    assert not found.quiet


def test_stragglers_are_written_by_a_plan_of_their_own_and_can_be_put_back(
    cutover: Cutover,
) -> None:
    from url_rewriter.pipeline.rollback import RollbackRequest, rollback

    cutover.apply()
    cutover.fill({"users/late": {"image": f"{OLD}a.png"}})
    found = run(cutover, Application(), applies=True, consent=Consent(yes=True))
    assert f"{NEW}a.png" in cutover.texts()
    (plan,) = found.plans
    assert plan.name == "x.stragglers-1.plan"
    assert [each.plan for each in found.stragglers] == [str(plan)]
    rollback(
        RollbackRequest(plan, Consent(yes=True)), cutover.services(), NoProgress(), NoOperator()
    )
    assert f"{OLD}a.png" in cutover.texts()
    assert len(run(cutover, Application()).stragglers) == 1


def test_a_straggler_without_its_target_is_left_and_the_others_are_written(
    cutover: Cutover,
) -> None:
    cutover.apply()
    cutover.fill({"users/bad": {"image": f"{OLD}gone.png"}, "users/late": {"image": f"{OLD}a.png"}})
    application = Application()
    found = run(cutover, application, applies=True, consent=Consent(yes=True))
    assert f"{NEW}a.png" in cutover.texts()
    assert f"{OLD}gone.png" in cutover.texts()
    assert {each.document: bool(each.plan) for each in found.stragglers} == {
        "users/bad": False, "users/late": True,
    }  # fmt: skip
    assert any("1 straggler cannot be written" in line for line in application.warned)


def test_the_plan_file_keeps_each_verdict(cutover: Cutover) -> None:
    from contextlib import closing

    from url_rewriter.planfile import Plan

    cutover.apply()
    found = run(
        cutover, Application(), verify_every=timedelta(milliseconds=1), quiet=timedelta(seconds=1)
    )
    assert found.verifications
    assert found.verifications[-1].passed
    with closing(Plan(cutover.path)) as plan:
        commands = [step.command for step in plan.history().steps]
    assert commands.count("verify") == len(found.verifications)


def test_it_says_what_it_did_not_look_at(cutover: Cutover) -> None:
    cutover.fill({"users/a": {"image": f"{OLD}a.png"}, "secret/s": {"image": f"{OLD}a.png"}})
    cutover.plan("scope: {exclude: [{collection: secret}]}\n")
    found = run(cutover, Application())
    assert [each.text for each in found.outside] == ["collection secret, in documents"]
