"""``copy`` as an operator runs it: from Cloud Storage's emulator to real S3 servers."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import (
    OLD,
    PROGRAM,
    RULES,
    Workshop,
    clean_environ,
    plan_arguments,
    texts,
    write_database,
)
from tests.servers.cloud_storage import ServedCloudStorage, cloud_storage
from tests.servers.fault import Reaction, Request, fault_server, xml_error
from tests.servers.proxy import Meddle, before, forward
from tests.servers.s3 import ServedS3, moto, rclone
from tests.waiting import wait_until
from url_rewriter.planfile.seal import renew_seal

HARD_KEYS = ("two words.png", "日本/写真.jpg", "100%.png", "a+b.png", "a#b.png", "a%2Fb.png")


@pytest.fixture
def gcs() -> Iterator[ServedCloudStorage]:
    with cloud_storage() as server:
        yield server


@pytest.fixture
def target(tmp_path: Path) -> Iterator[ServedS3]:
    """A server of its own for each test, which checks signatures."""
    (tmp_path / "objects").mkdir()
    with rclone(tmp_path / "objects") as server:
        yield server


@pytest.fixture(params=["moto", "rclone"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServedS3]:
    """Either server, empty; a bucket of its own, since all of moto in a process is one store."""
    (tmp_path / "objects").mkdir()
    bucket = f"copies.{uuid.uuid4()}"
    with moto(bucket) if request.param == "moto" else rclone(tmp_path / "objects") as server:
        yield server


def make_workshop(
    folder: Path, s3: dict[str, str], gcs: dict[str, str], *urls: str, rules: str = RULES
) -> Workshop:
    """A folder with rules, a database of these URLs, and a plan that misses their objects."""
    bucket = s3.get("S3_BUCKET_NAME", "omi.data")
    (folder / "rules.yaml").write_text(rules.replace("omi.data", bucket))
    documents = {f"apps/{number}": texts(image=url) for number, url in enumerate(urls)}
    write_database(folder / "db.jsonl", documents)
    workshop = Workshop(folder, clean_environ({**s3, **gcs}))
    assert workshop.run(*plan_arguments()).status == 3
    return workshop


def stored(served: ServedS3, key: str) -> Any:
    return served.client().get_object(Bucket=served.bucket, Key=key)


def keys(served: ServedS3) -> set[str]:
    page = served.client().list_objects_v2(Bucket=served.bucket)
    return {each["Key"] for each in page.get("Contents", ())}


def escaped(key: str) -> str:
    from urllib.parse import quote

    return OLD + quote(key, safe="/")


def outcomes(document: Any) -> dict[str, int]:
    """The outcomes that something has."""
    names = ("copied", "already_there", "gone", "mismatch", "failed", "unknown", "pending")
    return {name: document["objects"][name] for name in names if document["objects"][name]}


def test_missing_objects_arrive_whole_and_the_next_plan_is_ready(
    tmp_path: Path, either: ServedS3, gcs: ServedCloudStorage
) -> None:
    zipped = gzip.compress(b"text " * 100)
    big = bytes(range(256)) * (17 * 2**20 // 256)
    gcs.put("old-logos", "a.png", b"png", cache_control="max-age=60", content_language="de",
            content_disposition="inline", metadata={"owner": "ada"})  # fmt: skip
    gcs.put("old-logos", "z.txt", zipped, kind="text/plain", content_encoding="gzip")
    gcs.put("old-logos", "empty.bin", b"", kind="application/x-empty")
    gcs.put("old-logos", "big.mp4", big, kind="video/mp4", metadata={"owner": "bob"})
    names = ("a.png", "z.txt", "empty.bin", "big.mp4")
    workshop = make_workshop(
        tmp_path, either.environ(), gcs.environ(), *(OLD + name for name in names)
    )
    copied = workshop.json("copy", "x.plan", "--yes")
    assert copied["schema"] == "url-rewriter/copy@1"
    assert outcomes(copied) == {"copied": 4}
    size = 3 + len(zipped) + len(big)
    assert copied["bytes"] == {"to_copy": size, "copied": size}
    assert copied["left"] == copied["notes"] == []
    png = stored(either, "app-logos/a.png")
    assert (png["Body"].read(), png["ContentType"], png["CacheControl"]) == (
        b"png", "image/png", "max-age=60",
    )  # fmt: skip
    assert (png["ContentLanguage"], png["ContentDisposition"]) == ("de", "inline")
    assert {k.lower(): v for k, v in png["Metadata"].items()} == {"owner": "ada"}
    text = either.client().head_object(Bucket=either.bucket, Key="app-logos/z.txt")
    assert (text["ContentLength"], text["ContentEncoding"]) == (len(zipped), "gzip")
    assert stored(either, "app-logos/empty.bin")["ContentType"] == "application/x-empty"
    video = stored(either, "app-logos/big.mp4")
    assert (video["Body"].read() == big, video["ContentType"]) == (True, "video/mp4")
    assert {k.lower(): v for k, v in video["Metadata"].items()} == {"owner": "bob"}
    evidence = [row["evidence"]["state"] for row in workshop.json("show", "x.plan")["rows"]]
    assert evidence == ["exists"] * 4
    assert workshop.run(*plan_arguments()).status == 0


def test_the_next_command_is_said_and_is_right(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage
) -> None:
    gcs.put("old-logos", "a.png")
    workshop = make_workshop(tmp_path, target.environ(), gcs.environ(), OLD + "a.png")
    ended = workshop.run("copy", "x.plan", "--yes")
    assert ended.status == 0
    line = next(line for line in ended.err.splitlines() if "Plan again" in line)
    assert workshop.run(*shlex.split(line)[3:]).status == 0
    steps = workshop.json("report", "x.plan")["steps"]
    assert [step["command"] for step in steps] == ["plan"]


def test_the_next_command_is_the_whole_command_that_made_the_plan(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage
) -> None:
    gcs.put("old-logos", "a.png")
    workshop = make_workshop(tmp_path, target.environ(), gcs.environ(), OLD + "a.png")
    given = [
        "--rules", "rules.yaml", "--store", "embedded:db.jsonl", "--exclude-collection", "tmp/*/x",
        "--field", "image", "--document", "apps/0", "--document", "apps/a b",
        "--on-missing", "block", "--prove", "head", "--check-content-type", "--check-source",
        "-o", "x.plan",
    ]  # fmt: skip
    assert workshop.run("plan", *given).status == 3
    ended = workshop.run("copy", "x.plan", "--yes")
    assert ended.status == 0, ended.err
    line = next(line for line in ended.err.splitlines() if "Plan again" in line)
    words = shlex.split(line)
    store = f"embedded:{tmp_path / 'db.jsonl'}"
    same = [store if word == "embedded:db.jsonl" else word for word in given]
    assert words[2:] == ["url-rewriter", "plan", *same]
    assert workshop.run(*words[3:]).status == 0


def test_hard_keys_arrive_under_their_own_names(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage
) -> None:
    for key in HARD_KEYS:
        gcs.put("old-logos", key, key.encode())
    workshop = make_workshop(tmp_path, target.environ(), gcs.environ(), *map(escaped, HARD_KEYS))
    assert outcomes(workshop.json("copy", "x.plan", "--yes")) == {"copied": len(HARD_KEYS)}
    assert keys(target) == {f"app-logos/{key}" for key in HARD_KEYS}
    for key in HARD_KEYS:
        assert stored(target, f"app-logos/{key}")["Body"].read() == key.encode()


def test_slashes_that_a_server_folds_overwrite_nothing(
    tmp_path: Path, either: ServedS3, gcs: ServedCloudStorage
) -> None:
    either.put("app-logos/folder", b"somebody's")
    gcs.put("old-logos", "folder/", b"placeholder")
    gcs.put("old-logos", "a//b.png", b"twice")
    workshop = make_workshop(
        tmp_path, either.environ(), gcs.environ(), OLD + "folder/", OLD + "a//b.png"
    )
    ended = workshop.run("copy", "x.plan", "--yes", "--format", "json")
    assert stored(either, "app-logos/folder")["Body"].read() == b"somebody's"
    if either.holds_odd_slashes:
        assert outcomes(ended.json) == {"copied": 2}
        assert stored(either, "app-logos/a//b.png")["Body"].read() == b"twice"
    else:
        assert ended.status == 5
        assert "copied" not in outcomes(ended.json)


def test_what_is_gone_and_what_is_something_else_is_left_and_listed(
    tmp_path: Path, either: ServedS3, gcs: ServedCloudStorage
) -> None:
    for name in ("good.png", "other.png", "same.png"):
        gcs.put("old-logos", name, b"right")
    workshop = make_workshop(
        tmp_path, either.environ(), gcs.environ(),
        *(OLD + name for name in ("good.png", "gone.png", "other.png", "same.png")),
    )  # fmt: skip
    either.put("app-logos/other.png", b"somebody else's")
    either.put("app-logos/same.png", b"right")
    document = workshop.json("copy", "x.plan", "--yes", status=5)
    assert outcomes(document) == {"copied": 1, "already_there": 1, "gone": 1, "mismatch": 1}
    assert [(each["source"]["key"], each["outcome"]) for each in document["left"]] == [
        ("gone.png", "gone"), ("other.png", "mismatch"),
    ]  # fmt: skip
    assert stored(either, "app-logos/other.png")["Body"].read() == b"somebody else's"
    states = {
        row["source"]["key"]: row["evidence"]["state"]
        for row in workshop.json("show", "x.plan")["rows"]
    }
    assert states == {
        "good.png": "exists", "gone.png": "missing", "other.png": "mismatch", "same.png": "exists",
    }  # fmt: skip
    ended = workshop.run("copy", "x.plan", "--yes")
    assert ended.status == 5
    assert "old-logos/gone.png  no such object" in ended.err


def test_filters_choose_and_a_dry_run_writes_nothing(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage
) -> None:
    gcs.put("old-logos", "a.png", b"12345")
    gcs.put("old.chat_files", "b.png", b"1234567")
    chat = "https://storage.googleapis.com/old.chat_files/b.png"
    workshop = make_workshop(tmp_path, target.environ(), gcs.environ(), OLD + "a.png", chat)
    before_it = (tmp_path / "x.plan").read_bytes()
    document = workshop.json("copy", "x.plan", "--dry-run")
    assert (document["dry_run"], outcomes(document)) == (True, {"pending": 2})
    assert document["bytes"] == {"to_copy": 12, "copied": 0}
    assert (tmp_path / "x.plan").read_bytes() == before_it
    assert keys(target) == set()
    assert outcomes(workshop.json("copy", "x.plan", "--yes", "--rule", "chat")) == {"copied": 1}
    assert keys(target) == {"chat-files/b.png"}
    assert workshop.run("copy", "x.plan", "--yes", "--rule", "caht").status == 2
    one = workshop.json("copy", "x.plan", "--dry-run", "--document", "apps/0")
    assert one["objects"]["wanted"] == 1


def test_a_url_of_several_readings_is_copied_as_its_source_is_called(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage
) -> None:
    gcs.put("old-logos", "a b.png", b"plain")
    gcs.put("old-logos", "c d.png", b"plain")
    gcs.put("old-logos", "c%20d.png", b"escaped")
    workshop = make_workshop(
        tmp_path, target.environ(), gcs.environ(),
        "gs://old-logos/a%20b.png", "gs://old-logos/c%20d.png",
    )  # fmt: skip
    assert outcomes(workshop.json("copy", "x.plan", "--yes")) == {"copied": 2}
    assert keys(target) == {"app-logos/a b.png", "app-logos/c%20d.png"}
    # gs:// URLs are not decoded: that the escaped name means "a b.png" is known from the source.
    assert workshop.run(*plan_arguments()).status == 3
    assert workshop.run(*plan_arguments(), "--check-source").status == 0


def test_two_sources_of_one_target_are_not_chosen_between(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage
) -> None:
    gcs.put("old-logos", "a.png", b"one")
    gcs.put("old.chat_files", "a.png", b"two")
    rules = RULES.replace("chat-files/", "app-logos/")
    chat = "https://storage.googleapis.com/old.chat_files/a.png"
    workshop = make_workshop(
        tmp_path, target.environ(), gcs.environ(), OLD + "a.png", chat, rules=rules
    )
    document = workshop.json("copy", "x.plan", "--yes", status=5)
    assert outcomes(document) == {"failed": 2}
    assert keys(target) == set()


def test_at_most_so_many_bytes_are_copied_and_the_same_command_goes_on(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage
) -> None:
    for number in range(4):
        gcs.put("old-logos", f"{number}.png", b"x" * 1024)
    workshop = make_workshop(
        tmp_path, target.environ(), gcs.environ(), *(f"{OLD}{n}.png" for n in range(4))
    )
    first = workshop.json("copy", "x.plan", "--yes", "--max-bytes", "3k", status=5)
    assert outcomes(first) == {"copied": 3, "pending": 1}
    second = workshop.json("copy", "x.plan", "--yes", "--max-bytes", "3k")
    assert outcomes(second) == {"copied": 1}


def test_nobody_is_taken_to_have_agreed(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage
) -> None:
    gcs.put("old-logos", "a.png")
    workshop = make_workshop(tmp_path, target.environ(), gcs.environ(), OLD + "a.png")
    ended = workshop.run("copy", "x.plan")
    assert (ended.status, "--yes" in ended.err) == (2, True)
    assert keys(target) == set()


@pytest.mark.parametrize(("answer", "status"), [("n", 2), ("y", 0)])
def test_an_operator_is_asked_once_it_is_known_how_much(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage, answer: str, status: int
) -> None:
    gcs.put("old-logos", "a.png", b"x" * 2048)
    workshop = make_workshop(tmp_path, target.environ(), gcs.environ(), OLD + "a.png")
    keyboard, terminal = os.openpty()
    process = subprocess.Popen(
        [*PROGRAM, "copy", "x.plan"], cwd=tmp_path, env=workshop.environ, stdin=terminal,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.write(keyboard, f"{answer}\n".encode())
    _, err = process.communicate(timeout=60)
    os.close(keyboard)
    os.close(terminal)
    assert process.returncode == status
    assert f"Copy 1 object (2.0 KiB) to {target.endpoint}?" in err
    assert keys(target) == ({"app-logos/a.png"} if answer == "y" else set())


def test_what_copy_did_is_part_of_the_history(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage
) -> None:
    gcs.put("old-logos", "a.png")
    workshop = make_workshop(tmp_path, target.environ(), gcs.environ(), OLD + "a.png")
    workshop.json("copy", "x.plan", "--yes")
    report = workshop.json("report", "x.plan")
    step = report["steps"][-1]
    assert (step["command"], step["count"], step["unit"]) == ("copy", 1, "targets proven")
    assert step["result"] == "done"
    assert workshop.run("apply", "x.plan", "--yes").status == 3  # the sealed plan is still blocked


def test_a_plan_for_production_is_not_filled_from_an_emulator(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage
) -> None:
    workshop = make_workshop(tmp_path, target.environ(), gcs.environ(), OLD + "a.png")
    with closing(sqlite3.connect(tmp_path / "x.plan")) as plan:
        plan.execute("UPDATE header SET value = 'production' WHERE name = 'kept_at'")
        renew_seal(plan)
        plan.commit()
    ended = workshop.run("copy", "x.plan", "--yes")
    assert (ended.status, "STORAGE_EMULATOR_HOST" in ended.err) == (6, True)


# -- something goes wrong ------------------------------------------------------------------------


@contextmanager
def between(gcs: ServedCloudStorage, meddle: Meddle) -> Iterator[dict[str, str]]:
    """The emulator with somebody between it and the command."""
    with fault_server(before(gcs.address, meddle)) as proxy:
        yield {"STORAGE_EMULATOR_HOST": proxy.endpoint}


def is_read(request: Request) -> bool:
    return request.path.startswith("/download/")


def test_a_stream_that_is_cut_is_taken_up_where_it_broke(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage
) -> None:
    body = bytes(range(256)) * 1024
    gcs.put("old-logos", "a.bin", body)
    ranges: list[str] = []

    def meddle(request: Request) -> Reaction | None:
        if not is_read(request):
            return None
        ranges.append(request.headers["range"])
        if len(ranges) > 1:
            return None
        reply = forward(gcs.address, request)
        return Reaction(reply.status, reply.headers, reply.body, cut=100_000)

    with between(gcs, meddle) as environ:
        workshop = make_workshop(tmp_path, target.environ(), environ, OLD + "a.bin")
        assert outcomes(workshop.json("copy", "x.plan", "--yes")) == {"copied": 1}
    assert ranges[0] == f"bytes=0-{len(body) - 1}"
    assert 0 < int(ranges[1].removeprefix("bytes=").partition("-")[0]) < 100_000
    assert stored(target, "app-logos/a.bin")["Body"].read() == body


def test_exactly_the_generation_is_read_and_nothing_is_decompressed(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage
) -> None:
    blob = gcs.put("old-logos", "a.txt", gzip.compress(b"text"), content_encoding="gzip")
    seen: list[Request] = []

    def meddle(request: Request) -> Reaction | None:
        if is_read(request):
            seen.append(request)
        return None

    with between(gcs, meddle) as environ:
        workshop = make_workshop(tmp_path, target.environ(), environ, OLD + "a.txt")
        workshop.json("copy", "x.plan", "--yes")
    assert f"ifGenerationMatch={blob.generation}" in seen[0].path
    assert "gzip" in seen[0].headers["accept-encoding"]


def test_flipped_bytes_are_read_again_and_never_become_visible(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage
) -> None:
    gcs.put("old-logos", "a.png", b"right")
    gcs.put("old-logos", "b.png", b"right")
    reads: list[str] = []

    def meddle(request: Request) -> Reaction | None:
        if not is_read(request):
            return None
        first = request.path.partition("?")[0] not in reads
        reads.append(request.path.partition("?")[0])
        if "a.png" in request.path or first:
            return Reaction(206, {"content-range": "bytes 0-4/5"}, b"wrong")
        return None

    with between(gcs, meddle) as environ:
        workshop = make_workshop(tmp_path, target.environ(), environ, OLD + "a.png", OLD + "b.png")
        document = workshop.json("copy", "x.plan", "--yes", status=5)
    assert outcomes(document) == {"copied": 1, "failed": 1}
    assert document["left"][0]["detail"] == "the CRC32C of what came is wrong"
    assert keys(target) == {"app-logos/b.png"}


def json_error(status: int, reason: str) -> Reaction:
    body = {"error": {"code": status, "message": "secret", "errors": [{"reason": reason}]}}
    return Reaction(status, {"content-type": "application/json"}, json.dumps(body).encode())


def test_a_source_that_may_not_be_read_is_forbidden_not_gone(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage
) -> None:
    gcs.put("old-logos", "a.png")
    with between(gcs, lambda _: json_error(403, "forbidden")) as environ:
        workshop = make_workshop(tmp_path, target.environ(), environ, OLD + "a.png")
        document = workshop.json("copy", "x.plan", "--yes", status=4)
        assert outcomes(document) == {"unknown": 1}


def test_a_source_that_changes_while_it_is_copied_is_not_mixed(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage
) -> None:
    gcs.put("old-logos", "a.png")

    def meddle(request: Request) -> Reaction | None:
        return json_error(412, "conditionNotMet") if is_read(request) else None

    with between(gcs, meddle) as environ:
        workshop = make_workshop(tmp_path, target.environ(), environ, OLD + "a.png")
        document = workshop.json("copy", "x.plan", "--yes", status=1)
    assert "the source changed while it was copied" in document["left"][0]["detail"]
    assert keys(target) == set()


@contextmanager
def before_target(served: ServedS3, meddle: Meddle) -> Iterator[dict[str, str]]:
    with fault_server(before(served.endpoint, meddle)) as proxy:
        yield {**served.environ(), "S3_ENDPOINT_URL": proxy.endpoint}


def test_a_target_that_may_not_be_written_ends_the_run_soon(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage
) -> None:
    count = 60
    for number in range(count):
        gcs.put("old-logos", f"{number}.png")
    puts: list[str] = []

    def meddle(request: Request) -> Reaction | None:
        if request.method != "PUT":
            return None
        puts.append(request.path)
        return xml_error(403, "AccessDenied")

    with before_target(target, meddle) as environ:
        urls = (f"{OLD}{number}.png" for number in range(count))
        workshop = make_workshop(tmp_path, environ, gcs.environ(), *urls)
        ended = workshop.run("copy", "x.plan", "--yes", "--workers", "2")
    assert ended.status == 4
    assert "403 AccessDenied" in ended.err
    assert len(puts) < 20


def test_a_target_that_is_full_ends_the_run_at_once(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage
) -> None:
    count = 20
    for number in range(count):
        gcs.put("old-logos", f"full{number}.png")
    puts: list[str] = []

    def meddle(request: Request) -> Reaction | None:
        if request.method != "PUT":
            return None
        puts.append(request.path)
        return xml_error(507, "XMinioStorageFull")

    with before_target(target, meddle) as environ:
        urls = (f"{OLD}full{number}.png" for number in range(count))
        workshop = make_workshop(tmp_path, environ, gcs.environ(), *urls)
        ended = workshop.run("copy", "x.plan", "--yes", "--workers", "1")
    assert ended.status == 1
    assert "Nothing more can be stored: storing it: the target is full" in ended.err
    assert len(set(puts)) <= 2, "one may be under way"


def test_a_target_in_trouble_fails_the_run_and_the_same_command_goes_on(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage
) -> None:
    gcs.put("old-logos", "a.png")
    sick = threading.Event()
    sick.set()

    def meddle(request: Request) -> Reaction | None:
        return (
            xml_error(500, "InternalError") if sick.is_set() and request.method == "PUT" else None
        )

    with before_target(target, meddle) as environ:
        workshop = make_workshop(tmp_path, environ, gcs.environ(), OLD + "a.png")
        document = workshop.json("copy", "x.plan", "--yes", status=1)
        assert outcomes(document) == {"failed": 1}
        sick.clear()
        assert outcomes(workshop.json("copy", "x.plan", "--yes")) == {"copied": 1}


BIG = bytes(range(256)) * (17 * 2**20 // 256)


def unfinished(served: ServedS3) -> list[Any]:
    return list(served.client().list_multipart_uploads(Bucket=served.bucket).get("Uploads", ()))


def start_and_wait_for_a_part(
    tmp_path: Path, environ: dict[str, str], gcs: ServedCloudStorage, held: threading.Event
) -> tuple[Workshop, Any]:
    """A copy that has stored one object, and has begun to store the parts of another one."""
    gcs.put("old-logos", "a.png", b"small")
    gcs.put("old-logos", "big.bin", BIG)
    workshop = make_workshop(tmp_path, environ, gcs.environ(), OLD + "a.png", OLD + "big.bin")
    process = workshop.start("copy", "x.plan", "--yes", "--workers", "1")
    assert held.wait(60)
    return workshop, process


def holding_parts(held: threading.Event, release: threading.Event) -> Meddle:
    """Let the second part of an upload wait."""

    def meddle(request: Request) -> Reaction | None:
        if request.method == "PUT" and "partNumber=2" in request.path:
            held.set()
            release.wait(60)
        return None

    return meddle


def test_a_killed_copy_is_continued_and_its_upload_given_up(
    tmp_path: Path, either: ServedS3, gcs: ServedCloudStorage
) -> None:
    held, release = threading.Event(), threading.Event()
    strangers = either.client().create_multipart_upload(Bucket=either.bucket, Key="app-logos/s")
    with before_target(either, holding_parts(held, release)) as environ:
        workshop, process = start_and_wait_for_a_part(tmp_path, environ, gcs, held)
        process.kill()
        process.communicate()
        release.set()
        assert keys(either) == {"app-logos/a.png"}
        assert len(unfinished(either)) == 2
        assert outcomes(workshop.json("copy", "x.plan", "--yes")) == {
            "already_there": 1, "copied": 1,
        }  # fmt: skip
    assert stored(either, "app-logos/big.bin")["Body"].read() == BIG
    assert [each["UploadId"] for each in unfinished(either)] == [strangers["UploadId"]]


def is_pending(number: int, process: int) -> bool:
    """Whether a signal that was sent has not been taken yet, as Linux tells it."""
    status = Path(f"/proc/{process}/status").read_text("ascii", "replace")
    masks = [int(mask, 16) for mask in re.findall(r"^(?:Sig|Shd)Pnd:\s*(\w+)", status, re.M)]
    return any(mask >> (number - 1) & 1 for mask in masks)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_copy_that_is_interrupted_stops_and_leaves_nothing_behind(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage, number: int, status: int
) -> None:
    held, release = threading.Event(), threading.Event()
    with before_target(target, holding_parts(held, release)) as environ:
        workshop, process = start_and_wait_for_a_part(tmp_path, environ, gcs, held)
        process.send_signal(number)
        wait_until(lambda: not is_pending(number, process.pid))
        release.set()
        _, err = process.communicate(timeout=60)
        assert process.returncode == status
        assert "Traceback" not in err
        assert keys(target) == {"app-logos/a.png"}
        assert outcomes(workshop.json("copy", "x.plan", "--yes")) == {
            "already_there": 1, "copied": 1,
        }  # fmt: skip


def test_a_copy_that_is_interrupted_in_a_request_does_not_wait_for_its_answer(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage
) -> None:
    held, release = threading.Event(), threading.Event()
    with before_target(target, holding_parts(held, release)) as environ:
        workshop, process = start_and_wait_for_a_part(tmp_path, environ, gcs, held)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=50)  # the server holds the part for a minute
        assert not release.is_set()
        assert process.returncode == 143
        assert "Traceback" not in err
        assert err.index("Stopping") < err.index("Interrupted")
        release.set()
        assert outcomes(workshop.json("copy", "x.plan", "--yes")) == {
            "already_there": 1, "copied": 1,
        }  # fmt: skip
        assert unfinished(target) == []


def test_two_copies_of_one_plan_do_not_run_at_once(
    tmp_path: Path, target: ServedS3, gcs: ServedCloudStorage
) -> None:
    held, release = threading.Event(), threading.Event()
    with before_target(target, holding_parts(held, release)) as environ:
        workshop, process = start_and_wait_for_a_part(tmp_path, environ, gcs, held)
        assert workshop.run("copy", "x.plan", "--yes").status == 6
        release.set()
        process.communicate(timeout=60)
        assert process.returncode == 0
