"""``audit --orphans``: objects that no document mentions, never more of them than is known."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from tests.cli.command import NEW, OLD, RULES, Ended, Workshop, clean_environ, texts, write_database
from tests.objects.test_contents import render
from tests.servers.every import SERVERS
from tests.servers.fault import MARK, Reaction, Request, fault_server, xml_error
from tests.servers.s3 import ServedS3
from tests.waiting import wait_until

BUCKET = "omi.data"
MENTIONED = ("app-logos/old.png", "app-logos/new one.png", "app-logos/twice%20escaped.png")
UNMENTIONED = ("app-logos/new+one.png", "app-logos/no body.png", "app-logos/é%2F.png")
DOCUMENTS = {
    "apps/1": texts(image=f"{OLD}old.png", text=f"![]({NEW}new%20one.png) and more"),
    "apps/2": texts(image=f"{OLD}twice%2520escaped.png"),
}


@pytest.fixture(scope="module", params=SERVERS)
def stocked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedS3]:
    """A server with objects that were there before any scan."""
    with SERVERS[request.param](tmp_path_factory.mktemp("objects"), "omi.data") as server:
        for key in (*MENTIONED, *UNMENTIONED, "app-logo", "elsewhere/other.png"):
            server.put(key, key.encode())
        stored = int(time.time())  # a server tells its time to the second
        wait_until(lambda: int(time.time()) > stored)
        yield server


@pytest.fixture
def audited(tmp_path: Path) -> Callable[[ServedS3 | str], Workshop]:
    """A workshop over a server."""

    def at(server: ServedS3 | str) -> Workshop:
        if isinstance(server, str):
            keys = {"S3_ACCESS_KEY_ID": "K", "S3_SECRET_ACCESS_KEY": "s"}
            environ = {"S3_ENDPOINT_URL": server, **keys}
        else:
            environ = server.environ()
        workshop = Workshop(tmp_path, clean_environ(environ))
        (tmp_path / "rules.yaml").write_text(RULES)
        write_database(tmp_path / "db.jsonl", DOCUMENTS)
        return workshop

    return at


def arguments(*more: str) -> tuple[str, ...]:
    return ("audit", "--rules", "rules.yaml", "--store", "embedded:db.jsonl", "--orphans", *more)


def listed(ended: Ended) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ended.out.splitlines()]


def test_unmentioned_objects_are_counted_by_prefix(
    audited: Callable[..., Workshop], stocked: ServedS3
) -> None:
    found = audited(stocked).json(*arguments())["orphans"]
    logos, chat = found["prefixes"]
    assert found["whole"] is True
    assert (logos["bucket"], logos["prefix"], logos["rules"]) == (BUCKET, "app-logos/", ["logos"])
    counts = ("objects", "mentioned", "unmentioned", "newer", "unsure")
    assert [logos[name] for name in counts] == [6, 3, 3, 0, 0]
    assert logos["bytes"] == sum(len(key.encode()) for key in (*MENTIONED, *UNMENTIONED))
    assert logos["unmentioned_bytes"] == sum(len(key.encode()) for key in UNMENTIONED)
    assert [chat[name] for name in counts] == [0, 0, 0, 0, 0]


def test_an_orphan_list_has_each_key_exactly_and_is_safe_to_print(
    audited: Callable[..., Workshop], stocked: ServedS3
) -> None:
    ended = audited(stocked).run(*arguments("--format", "orphan-list"))
    assert ended.status == 0
    assert ended.out.isascii()
    found = {(each["bucket"], each["key"], each["bytes"]) for each in listed(ended)}
    assert found == {(BUCKET, key, len(key.encode())) for key in UNMENTIONED}
    assert "Mentioned by no document that was read: 3 objects" in ended.err


def test_the_table_says_what_it_does_not_mean(
    audited: Callable[..., Workshop], stocked: ServedS3
) -> None:
    ended = audited(stocked).run(*arguments())
    assert ended.status == 0
    (row,) = [line.split() for line in ended.out.splitlines() if "app-logos/" in line]
    assert row[:4] == [f"{BUCKET}/app-logos/", "logos", "6", row[3]]
    assert "garbage is for you to tell" in ended.out


def test_what_the_scope_leaves_out_is_said(
    audited: Callable[..., Workshop], stocked: ServedS3
) -> None:
    workshop = audited(stocked)
    scope = "scope: {exclude: [{collection: apps}]}\n"
    (workshop.folder / "rules.yaml").write_text(RULES + scope)
    write_database(workshop.folder / "db.jsonl", {**DOCUMENTS, "users/1": texts(name="x")})
    found = workshop.json(*arguments())["orphans"]
    assert found["collections_left_out"] == ["apps"]
    logos = found["prefixes"][0]
    assert logos["mentioned"] == 0
    # Where a listing spells a space as a plus and both keys are there, it is in doubt which is it.
    assert (logos["unmentioned"], logos["unsure"]) in ((6, 0), (5, 1))
    assert "collections apps" in workshop.run(*arguments()).out


# -- refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limit",
    [
        ("--collection", "apps"),
        ("--exclude-collection", "x"),
        ("--field", "image"),
        ("--document", "apps/1"),
    ],
)
def test_a_part_of_the_database_cannot_tell(
    audited: Callable[..., Workshop], limit: tuple[str, str]
) -> None:
    ended = audited("http://127.0.0.1:9").run(*arguments(*limit))
    assert (ended.status, ended.out) == (2, "")
    assert f"leave out {' '.join(limit)}" in ended.err


def test_without_rules_nobody_knows_where_targets_are(audited: Callable[..., Workshop]) -> None:
    ended = audited("http://127.0.0.1:9").run("audit", "--store", "embedded:db.jsonl", "--orphans")
    assert (ended.status, ended.out) == (2, "")
    assert "--rules" in ended.err


def test_an_orphan_list_without_orphans_is_refused(audited: Callable[..., Workshop]) -> None:
    workshop = audited("http://127.0.0.1:9")
    ended = workshop.run("audit", "--store", "embedded:db.jsonl", "--format", "orphan-list")
    assert (ended.status, ended.out) == (2, "")
    assert "--orphans" in ended.err


def test_a_database_without_documents_makes_no_orphans(
    audited: Callable[..., Workshop], s3: ServedS3
) -> None:
    workshop = audited(s3)
    write_database(workshop.folder / "db.jsonl", {})
    ended = workshop.run(*arguments())
    assert (ended.status, ended.out) == (3, "")
    assert "No document was read" in ended.err


def test_a_scan_that_stops_early_makes_no_orphans(
    audited: Callable[..., Workshop], s3: ServedS3
) -> None:
    workshop = audited(s3)
    write_database(
        workshop.folder / "db.jsonl", {f"apps/{n}": texts(image="x") for n in range(2_000)}
    )
    ended = workshop.run(*arguments("--max-reads", "500"))
    assert (ended.status, ended.out) == (3, "")


# -- trouble --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({"S3_ENDPOINT_URL": "http://127.0.0.1:9"}, 1, "connection refused"),
        ({"S3_SECRET_ACCESS_KEY": "wrong-secret"}, 4, "refused the credentials"),
    ],
)
def test_a_store_that_gives_no_honest_answers_is_named_before_the_scan(
    audited: Callable[..., Workshop],
    s3: ServedS3,
    changed: dict[str, str],
    status: int,
    said: str,
) -> None:
    workshop = audited(s3)
    workshop.environ.update(changed)
    ended = workshop.run(*arguments())
    assert (ended.status, ended.out) == (status, "")
    assert said in ended.err
    assert "scan " not in ended.err
    assert "wrong-secret" not in ended.err


def test_a_bucket_that_is_not_there_is_a_matter_of_configuration(
    audited: Callable[..., Workshop], s3: ServedS3
) -> None:
    workshop = audited(s3)
    (workshop.folder / "rules.yaml").write_text(RULES.replace("omi.data", "no-such-bucket"))
    ended = workshop.run(*arguments())
    assert (ended.status, ended.out) == (2, "")
    assert "'no-such-bucket'" in ended.err


LOGOS = [f"app-logos/{number}.png" for number in range(4)]
CHAT = [f"chat-files/{number}.png" for number in range(4)]


def faulty(after: str, instead: Reaction) -> Callable[[Request], Reaction]:
    """A bucket that lists two keys a page, and something else behind one key."""
    keys = [*LOGOS, *CHAT]

    def behave(request: Request) -> Reaction:
        query = parse_qs(request.path.partition("?")[2])
        if "list-type" in query and "encoding-type" in query:
            start = query.get("start-after", [""])[0]
            rest = [key for key in keys if key > start]
            page = render(rest[:2], truncated=len(rest) > 2, name=BUCKET)
            headers = {**MARK, "content-type": "application/xml"}
            return instead if start == after else Reaction(200, headers, page)
        if request.key in keys:
            return Reaction(200, {"etag": '"e"', **MARK})
        return xml_error(404, "NoSuchKey") if request.key else Reaction(200, MARK)

    return behave


CUT = Reaction(200, {**MARK, "content-type": "application/xml"}, render(CHAT, name=BUCKET)[:-9])


@pytest.mark.parametrize(
    ("instead", "status", "said"),
    [
        (xml_error(403, "AccessDenied"), 4, "ListBucket"),
        (xml_error(500, "InternalError"), 1, "answered 500"),
        (CUT, 1, "cut, out of order, or lacks fields"),
    ],
)
def test_a_listing_that_fails_leaves_its_prefix_unknown(
    audited: Callable[..., Workshop], instead: Reaction, status: int, said: str
) -> None:
    with fault_server(faulty("chat-files/1.png", instead)) as server:
        workshop = audited(server.endpoint)
        found = workshop.json(*arguments(), status=status)["orphans"]
    logos, chat = found["prefixes"]
    assert found["whole"] is False
    assert (logos["known"], logos["unmentioned"]) == (True, 4)
    assert (chat["known"], chat["objects"], chat["unmentioned"]) == (False, None, None)
    assert said in chat["detail"]


def test_what_is_not_known_is_shown_as_no_number_and_listed_as_no_object(
    audited: Callable[..., Workshop],
) -> None:
    with fault_server(faulty("chat-files/1.png", xml_error(403, "AccessDenied"))) as server:
        workshop = audited(server.endpoint)
        ended = workshop.run(*arguments())
        kept = workshop.run(*arguments("--format", "orphan-list"))
    assert ended.status == kept.status == 4
    (row,) = [line for line in ended.out.splitlines() if line.startswith(f" {BUCKET}/chat-files/")]
    assert row.split()[2:] == ["unknown"] * 7
    assert "ListBucket" in ended.err
    assert [each["key"] for each in listed(kept)] == LOGOS
    assert f"Not known under {BUCKET}/chat-files/" in kept.err


@pytest.mark.parametrize("shown", [[], ["app-logos/left.png"]], ids=["nothing", "another object"])
def test_a_listing_that_does_not_show_what_documents_mention_makes_no_orphans(
    audited: Callable[..., Workshop], shown: list[str]
) -> None:
    def behave(request: Request) -> Reaction:
        if request.key in (*MENTIONED, *shown):
            return Reaction(200, {"etag": '"e"', **MARK})
        if "list-type" in request.path:
            after = parse_qs(request.path.partition("?")[2]).get("start-after", [""])[0]
            page = render([key for key in shown if key > after], name=BUCKET)
            return Reaction(200, {**MARK, "content-type": "application/xml"}, page)
        return xml_error(404, "NoSuchKey") if request.key else Reaction(200, MARK)

    with fault_server(behave) as server:
        workshop = audited(server.endpoint)
        kept = workshop.run(*arguments("--format", "orphan-list"))
    assert (kept.status, listed(kept)) == (1, [])
    assert "which a document mentions and the server does not deny" in kept.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_listing_ends_the_command(
    audited: Callable[..., Workshop], number: signal.Signals
) -> None:
    stalled = Reaction(200, MARK, delay=60)
    with fault_server(faulty("chat-files/1.png", stalled)) as server:
        process = audited(server.endpoint).start(*arguments())
        wait_until(lambda: any("chat-files%2F1" in each.path for each in server.requests), 60)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (128 + number, "")
    assert "Traceback" not in err
