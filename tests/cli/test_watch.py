"""``watch`` as it is run: what it prints, how it ends, and that a killed one is begun again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.command import NEW, OLD, Workshop, plan_arguments, texts, write_database
from tests.waiting import wait_until


@pytest.fixture
def planned(workshop: Workshop) -> Workshop:
    """A database that was planned; nothing is to be written."""
    write(workshop, done=f"{NEW}a.png")
    workshop.run(*plan_arguments("--no-open", "--on-missing", "skip"))
    return workshop


def write(workshop: Workshop, **images: str) -> None:
    documents = {f"apps/{name}": texts(image=image) for name, image in images.items()}
    write_database(workshop.folder / "db.jsonl", documents)


def now() -> str:
    return datetime.now(UTC).isoformat()


def test_quiet_ends_it_with_status_0(planned: Workshop) -> None:
    silent = planned.run("watch", "x.plan", "--until", now(), "--no-messages")
    assert (silent.status, silent.err) == (0, "")
    ended = planned.run("watch", "x.plan", "--quiet", "1s", "--every", "1s")
    assert ended.status == 0, ended.err
    assert "Quiet: no old URL was written for 1s" in ended.err
    assert "0 stragglers since" in ended.out
    assert "not looked at: what is written and written over again between two rescans" in ended.out


def test_stragglers_are_lines_on_stderr_and_one_document_on_stdout(planned: Workshop) -> None:
    write(planned, late=f"{OLD}a.png")
    ended = planned.run("watch", "x.plan", "--until", now(), "--format", "json")
    assert ended.status == 3, ended.err
    assert ended.json["schema"] == "url-rewriter/watch@1"
    (late,) = ended.json["stragglers"]
    assert (late["document"], late["collection"], late["rules"]) == ("apps/late", "apps", ["logos"])
    assert not ended.json["quiet"]
    assert ended.err.count("straggler  ") == 1
    assert "apps/late  logos" in ended.err


def test_a_watch_that_was_killed_names_each_straggler_once(planned: Workshop) -> None:
    def kept() -> bool:
        return (planned.folder / "x.plan.watch").exists()

    write(planned, one=f"{OLD}a.png")
    process = planned.start("watch", "x.plan", "--every", "1s", "--until", far())
    wait_until(kept)
    process.kill()
    process.wait()
    write(planned, one=f"{OLD}a.png", two=f"{OLD}b.png")
    ended = planned.run("watch", "x.plan", "--until", now(), "--format", "json")
    assert [each["document"] for each in ended.json["stragglers"]] == ["apps/one", "apps/two"]


def test_two_watches_of_one_plan_are_refused(planned: Workshop) -> None:
    process = planned.start("watch", "x.plan", "--until", far())
    wait_until(lambda: (planned.folder / "x.plan.watch-wal").exists())
    try:
        ended = planned.run("watch", "x.plan", "--until", now())
    finally:
        process.kill()
        process.wait()
    assert ended.status == 6
    assert "another process" in ended.err


def test_writing_stragglers_wants_consent(planned: Workshop) -> None:
    ended = planned.run("watch", "x.plan", "--apply", "--until", now())
    assert ended.status == 2
    assert "--yes" in ended.err


def far() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).isoformat()
