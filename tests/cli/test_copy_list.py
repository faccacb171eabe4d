"""``show --format copy-list`` and the real rclone: the list, and the command that is said."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cli.command import Ended, Workshop, clean_environ, plan_arguments, texts, write_database
from tests.servers.cloud_storage import ServedCloudStorage, cloud_storage
from tests.servers.s3 import ACCESS_KEY_ID, SECRET_ACCESS_KEY, ServedS3, rclone, rclone_binary

RULES = """
version: 1
target: {endpoint: https://localhost, bucket: omi.data}
rules:
"""
WHOLE = (("logos", "old-logos", "", "app-logos/"), ("chat", "old.chat_files", "", "chat-files/"))
PREFIXED = (*WHOLE, ("icons", "old-logos", "img/v1-", "icons/v1-"))
RENAMED = (("logos", "old-logos", "img-", "app-logos/"),)


@pytest.fixture
def source(tmp_path: Path) -> Iterator[ServedS3]:
    """A server whose buckets stand for those of Cloud Storage; it holds keys that are hard."""
    (tmp_path / "old" / "old.chat_files").mkdir(parents=True)
    with rclone(tmp_path / "old", "old-logos") as server:
        yield server


@pytest.fixture
def target(tmp_path: Path) -> Iterator[ServedS3]:
    (tmp_path / "new").mkdir()
    with rclone(tmp_path / "new") as server:
        yield server


def rules_of(rules: tuple[tuple[str, str, str, str], ...]) -> str:
    return RULES + "".join(
        f"  - name: {name}\n    source: {{bucket: {bucket}, prefix: '{prefix}'}}\n"
        f"    target: {{prefix: {target}}}\n"
        for name, bucket, prefix, target in rules
    )


def make_workshop(
    folder: Path, target: ServedS3, rules: tuple[tuple[str, str, str, str], ...], *objects: str
) -> Workshop:
    (folder / "rules.yaml").write_text(rules_of(rules))
    urls = (f"https://storage.googleapis.com/{quote(name, safe='/')}" for name in objects)
    documents = {f"apps/{number}": texts(image=url) for number, url in enumerate(urls)}
    write_database(folder / "db.jsonl", documents)
    workshop = Workshop(folder, clean_environ(target.environ()))
    assert workshop.run(*plan_arguments()).status == 3
    return workshop


def remote(name: str, server: ServedS3) -> str:
    return (
        f"[{name}]\ntype = s3\nprovider = Rclone\nendpoint = {server.endpoint}\n"
        f"access_key_id = {ACCESS_KEY_ID}\nsecret_access_key = {SECRET_ACCESS_KEY}\n\n"
    )


def list_missing(workshop: Workshop, *more: str) -> Ended:
    return workshop.run("show", "x.plan", "--status", "missing", "--format", "copy-list", *more)


def said(ended: Ended, label: str = "Copy them") -> list[list[str]]:
    """The commands that stderr names."""
    lines = (line.strip() for line in ended.err.splitlines())
    return [shlex.split(line)[2:] for line in lines if line.startswith(label)]


def obey(folder: Path, ended: Ended, *remotes: str) -> None:
    """Do with the list what stderr says."""
    (folder / "keys.txt").write_text(ended.out, encoding="utf-8")
    (folder / "rclone.conf").write_text("".join(remotes))
    ((program, *arguments),) = said(ended)
    assert program == "rclone"
    command = [rclone_binary(), "--config", "rclone.conf", "--retries", "1", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def keys(served: ServedS3) -> dict[str, bytes]:
    client, bucket = served.client(), served.bucket
    found = client.list_objects_v2(Bucket=bucket).get("Contents", ())
    return {
        each["Key"]: client.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
        for each in found
    }


def fill(source: ServedS3, *objects: str) -> None:
    for name in objects:
        bucket, _, key = name.partition("/")
        source.client().put_object(Bucket=bucket, Key=key, Body=name.encode())


HARD = ("two words.png", "#c.png", ";d.png", "100%.png", "a+b.png", "a%2Fb.png", "日本/写真.jpg")


def test_the_list_of_one_rule_arrives_where_the_urls_will_point(
    tmp_path: Path, source: ServedS3, target: ServedS3
) -> None:
    objects = [f"old-logos/{key}" for key in HARD]
    fill(source, *objects, "old-logos/unasked.png")
    workshop = make_workshop(tmp_path, target, WHOLE, *objects, "old.chat_files/c.png")
    ended = list_missing(workshop, "--rule", "logos")
    assert sorted(ended.out.splitlines()) == sorted(HARD)
    obey(tmp_path, ended, remote("gcs", source), remote("s3", target))
    assert keys(target) == {f"app-logos/{key}": f"old-logos/{key}".encode() for key in HARD}


def test_a_prefix_that_ends_within_a_name_is_kept_apart(
    tmp_path: Path, source: ServedS3, target: ServedS3
) -> None:
    fill(source, "old-logos/img/v1-a.png", "old-logos/img/b.png")
    workshop = make_workshop(
        tmp_path, target, PREFIXED, "old-logos/img/v1-a.png", "old-logos/img/b.png"
    )
    ended = list_missing(workshop, "--rule", "icons")
    assert ended.out == "v1-a.png\n"
    obey(tmp_path, ended, remote("gcs", source), remote("s3", target))
    assert keys(target) == {"icons/v1-a.png": b"old-logos/img/v1-a.png"}


def test_a_list_of_several_buckets_is_copied_by_one_command(
    tmp_path: Path, source: ServedS3, target: ServedS3
) -> None:
    objects = ("old-logos/a b.png", "old-logos/sub/#c.png", "old.chat_files/c.png")
    fill(source, *objects)
    workshop = make_workshop(tmp_path, target, WHOLE, *objects, "old.chat_files/gone.png")
    ended = list_missing(workshop)
    assert ended.out.splitlines() == [*objects, "old.chat_files/gone.png"]
    obey(tmp_path, ended, remote("gcs", source), remote("s3", target))
    assert keys(target) == {
        "app-logos/a b.png": b"old-logos/a b.png",
        "app-logos/sub/#c.png": b"old-logos/sub/#c.png",
        "chat-files/c.png": b"old.chat_files/c.png",
    }


def test_what_is_at_the_target_is_not_overwritten(
    tmp_path: Path, source: ServedS3, target: ServedS3
) -> None:
    fill(source, "old-logos/a.png")
    workshop = make_workshop(tmp_path, target, WHOLE, "old-logos/a.png")
    target.put("app-logos/a.png", b"somebody else's")
    ended = list_missing(workshop)
    obey(tmp_path, ended, remote("gcs", source), remote("s3", target))
    assert keys(target) == {"app-logos/a.png": b"somebody else's"}


def test_a_bucket_that_rules_divide_is_listed_rule_by_rule(
    tmp_path: Path, target: ServedS3
) -> None:
    workshop = make_workshop(
        tmp_path, target, PREFIXED, "old-logos/img/v1-a.png", "old-logos/img/b.png"
    )
    ended = list_missing(workshop)
    assert ended.out.splitlines() == ["old-logos/img/v1-a.png", "old-logos/img/b.png"]
    lists = said(ended, "List them")
    assert len(lists) == len(said(ended)) == 2
    for command in lists:
        again = workshop.run(*command[1:-2])
        assert again.status == 0
        assert len(again.out.splitlines()) == 1


def test_names_that_change_are_left_to_copy(tmp_path: Path, target: ServedS3) -> None:
    workshop = make_workshop(tmp_path, target, RENAMED, "old-logos/img-a.png")
    for more in ((), ("--rule", "logos")):
        assert said(list_missing(workshop, *more)) == [
            ["url-rewriter", "copy", "x.plan", "--rule", "logos"]
        ]


@pytest.mark.parametrize("key", ["a//b.png", "folder/", "a\tb.png", "a\u2409b.png"])
def test_a_key_that_rclone_would_take_for_another_is_left_out_and_said(
    tmp_path: Path, target: ServedS3, key: str
) -> None:
    workshop = make_workshop(tmp_path, target, WHOLE, f"old-logos/{key}")
    ended = list_missing(workshop)
    assert ended.out == ""
    assert "1 key left out" in ended.err


def test_from_cloud_storage_itself(tmp_path: Path, target: ServedS3) -> None:
    with cloud_storage() as gcs:
        gcs.put("old-logos", "img/a b.png", b"right", kind="image/x-odd")
        workshop = make_workshop(tmp_path, target, WHOLE, "old-logos/img/a b.png")
        obey(tmp_path, list_missing(workshop), emulated(gcs), remote("s3", target))
    found = target.client().get_object(Bucket=target.bucket, Key="app-logos/img/a b.png")
    assert (found["Body"].read(), found["ContentType"]) == (b"right", "image/x-odd")
    assert workshop.run(*plan_arguments()).status == 0


def emulated(gcs: ServedCloudStorage) -> str:
    address = f"{gcs.address}/storage/v1/"
    return f"[gcs]\ntype = google cloud storage\nanonymous = true\nendpoint = {address}\n\n"
