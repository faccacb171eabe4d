"""Whole migrations to each public form, before a real S3 server that readers reach in no other way.

Every written URL is opened as a reader would, by the standard library, through a server that knows
that form alone.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

import url_rewriter
from tests.cli.command import read_database, texts, write_database
from tests.servers.front import Served, front
from tests.servers.s3 import ServedS3, moto
from url_rewriter.gates import GateName
from url_rewriter.pipeline.copier import choices_of
from url_rewriter.pipeline.rclone_list import RcloneList
from url_rewriter.planfile import Plan, UrlFilter

BUCKET = "omi.data"
KEYS = ("u1/a.png", "u1/b c+d (1) é#?.png", "a%20b.png", "deep/er/x")
SEGMENT = "https://storage.googleapis.com/old-logos/"


@dataclass(frozen=True)
class PublicAddress:
    """A public form, what it serves, and the URL of a key by hand."""

    form: str
    served: Served
    base: str
    strips: str = ""


def cdn(host: str, path: str) -> str | None:
    return f"/{BUCKET}{path}" if host == "cdn.example.com" else None


def stripping(host: str, path: str) -> str | None:
    return f"/{BUCKET}/app-logos{path}" if host == "logos.example.com" else None


def virtual_host(host: str, path: str) -> str | None:
    return f"/{BUCKET}{path}" if host == f"{BUCKET}.s3.eu-central-1.example.com" else None


def path_style(host: str, path: str) -> str | None:
    return path if host == "files.example.com" else None


def below(host: str, path: str) -> str | None:
    known = host == "www.example.com:8080" and path.startswith(f"/media/of-{BUCKET}/")
    return f"/{BUCKET}/{path.split('/', 3)[3]}" if known else None


ADDRESSES = {
    "cdn": PublicAddress("http://cdn.example.com/{key}", cdn, "http://cdn.example.com/app-logos/"),
    "cdn-that-strips": PublicAddress(
        "http://logos.example.com/{key:after=app-logos/}", stripping, "http://logos.example.com/"
    ),
    "virtual-host": PublicAddress(
        "http://{bucket}.s3.eu-central-1.example.com/{key}",
        virtual_host,
        f"http://{BUCKET}.s3.eu-central-1.example.com/app-logos/",
    ),
    "path-style": PublicAddress(
        "http://files.example.com/{bucket}/{key}",
        path_style,
        f"http://files.example.com/{BUCKET}/app-logos/",
    ),
    "below-a-path": PublicAddress(
        "http://www.example.com:8080/media/of-{bucket}/{key}",
        below,
        f"http://www.example.com:8080/media/of-{BUCKET}/app-logos/",
    ),
}


@pytest.fixture(scope="module")
def s3() -> Iterator[ServedS3]:
    with moto(BUCKET) as server:
        for key in KEYS:
            server.put(f"app-logos/{key}", body=key.encode())
            acl = {"Bucket": BUCKET, "Key": f"app-logos/{key}", "ACL": "public-read"}
            server.client().put_object_acl(**acl)  # type: ignore[arg-type] # three strings
        yield server


def written_by_hand(key: str) -> str:
    """The key of a URL, percent-encoded byte by byte."""
    plain = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/"
    return "".join(chr(b) if b in plain else f"%{b:02X}" for b in key.encode())


def documents(base: str | None) -> dict[str, dict[str, object]]:
    """The same documents before (None) and after: alone, in Markdown, in JSON, in HTML."""

    def url(key: str) -> str:
        return f"{SEGMENT if base is None else base}{written_by_hand(key)}"

    return {
        f"apps/{number}": texts(
            image=url(key),
            about=f"See ![it]({url(key)}), or {url(key)}#t=1.",
            extra=json.dumps({"u": url(key)}).replace("/", "\\/"),
            page=f'<img src="{url(key)}">',
        )
        for number, key in enumerate(KEYS)
    }


def opened(url: str, proxy: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy}))
    with opener.open(url, timeout=30) as answer:
        body: bytes = answer.read()
        return body


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_a_migration_to_a_public_form_is_applied_verified_and_undone(
    address: PublicAddress, s3: ServedS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules, database = tmp_path / "rules.yaml", tmp_path / "db.jsonl"
    rules.write_text(
        "version: 1\n"
        f'target: {{endpoint: "{s3.endpoint}", bucket: {BUCKET}, url: "{address.form}"}}\n'
        "rules:\n"
        "  - {name: logos, source: {bucket: old-logos}, target: {prefix: app-logos/}}\n"
    )
    write_database(database, before := documents(None))
    store, plan = f"embedded:{database}", tmp_path / "x.plan"
    with front(s3, address.served) as server:
        for name, value in {**s3.environ(), "http_proxy": server.endpoint}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        made = url_rewriter.plan(store, rules, plan, checks=url_rewriter.Checks.PUBLIC)
        assert (made.summary.blocked, made.summary.urls["rewrite"]) == (False, 5 * len(KEYS))
        assert "not-public" not in made.summary.findings
        url_rewriter.apply(plan, store)
        assert read_database(database) == documents(address.base)
        for key in KEYS:
            assert opened(address.base + written_by_hand(key), server.endpoint) == key.encode()
        verified = url_rewriter.verify(plan, checks=url_rewriter.Checks.PUBLIC)
        assert [gate for gate in verified.gates if not gate.passed] == []
        assert verified.summary.urls["migrated"] == 5 * len(KEYS)
        second = url_rewriter.plan(store, rules, tmp_path / "second.plan")
        assert (second.summary.documents["to_write"], second.summary.urls["migrated"]) == (
            0,
            5 * len(KEYS),
        )
        url_rewriter.rollback(plan, store)
        assert read_database(database) == before


SIGNED = (
    "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK%2F20250101%2Fus-east-1%2Fs3%2F"
    "aws4_request&X-Amz-Date=20250101T000000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=0f0f"
)
MOVED_AGAIN = """\
version: 1
target: {{endpoint: "{endpoint}", bucket: omi.data, url: "http://cdn.example.com/{{key}}"}}
sources: [{{s3: "https://minio.old.example"}}]
rules:
  - {{name: logos, source: {{bucket: old-logos, store: s3}}, target: {{prefix: app-logos/}}}}
  - name: icons
    source: {{bucket: old-icons, store: s3}}
    target: {{bucket: omi.icons, prefix: "", url: "http://{{bucket}}.s3.example.com/{{key}}"}}
"""


def two_hosts(host: str, path: str) -> str | None:
    return f"/omi.icons{path}" if host == "omi.icons.s3.example.com" else cdn(host, path)


def test_objects_that_move_on_from_an_s3_server_each_to_the_bucket_and_the_form_of_their_rule(
    s3: ServedS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.client().create_bucket(Bucket="omi.icons")
    s3.client().put_object(Bucket="omi.icons", Key="i 1.png", Body=b"icon", ACL="public-read")
    rules, database = tmp_path / "rules.yaml", tmp_path / "db.jsonl"
    rules.write_text(MOVED_AGAIN.format(endpoint=s3.endpoint))
    host, logo = "minio.old.example", f"app-logos/{written_by_hand(KEYS[1])}"
    old = written_by_hand(KEYS[1])
    before = {
        "apps/1": texts(
            logo=f"https://{host}/old-logos/{old}{SIGNED}",
            icon=f"See https://old-icons.{host}/i%201.png, and s3://old-logos/u1/a.png",
        )
    }
    after = {
        "apps/1": texts(
            logo=f"http://cdn.example.com/{logo}",
            icon="See http://omi.icons.s3.example.com/i%201.png, and "
            "http://cdn.example.com/app-logos/u1/a.png",
        )
    }
    write_database(database, before)
    # Of the bucket of Cloud Storage that has the same name.
    inventory = tmp_path / "gcs.json"
    inventory.write_text(json.dumps([{"Path": "u1/a.png", "Name": "a.png", "Size": 999}]))
    store, plan = f"embedded:{database}", tmp_path / "x.plan"
    with front(s3, two_hosts) as server:
        for name, value in {**s3.environ(), "http_proxy": server.endpoint}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        checks = url_rewriter.Checks.SOURCE | url_rewriter.Checks.PUBLIC
        inventories = [f"gs://old-logos={inventory}"]
        made = url_rewriter.plan(store, rules, plan, checks=checks, inventories=inventories)
        assert (made.summary.urls["rewrite"], made.summary.blocked) == (3, False)
        assert made.summary.findings["dropped-signature"] == 1
        assert {word for word, count in made.comparisons.items() if count} == {"unknown"}
        url_rewriter.apply(plan, store)
        assert read_database(database) == after
        icon = opened("http://omi.icons.s3.example.com/i%201.png", server.endpoint)
        assert icon == b"icon"
        verified = url_rewriter.verify(plan, checks=url_rewriter.Checks.PUBLIC)
        # One URL was signed, and all can open what replaced it.
        failed = [gate.name for gate in verified.gates if not gate.passed]
        assert failed == [GateName.NOTHING_EXPOSED]
        second = url_rewriter.plan(store, rules, tmp_path / "second.plan")
        assert (second.summary.documents["to_write"], second.summary.urls["migrated"]) == (0, 3)
        url_rewriter.rollback(plan, store)
        assert read_database(database) == before
    s3.client().delete_object(Bucket="omi.icons", Key="i 1.png")
    s3.client().delete_bucket(Bucket="omi.icons")


def test_what_moves_on_from_an_s3_server_is_copied_from_no_bucket_of_cloud_storage(
    s3: ServedS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules, database = tmp_path / "rules.yaml", tmp_path / "db.jsonl"
    rules.write_text(
        MOVED_AGAIN.format(endpoint=s3.endpoint).replace("logos, store: s3", "logos-2")
    )
    write_database(
        database,
        {"a/1": texts(a="s3://old-icons/gone.png", b="gs://old-logos-2/gone.png")},
    )
    for name, value in s3.environ().items():
        monkeypatch.setenv(name, value)
    s3.client().create_bucket(Bucket="omi.icons")
    url_rewriter.plan(f"embedded:{database}", rules, tmp_path / "x.plan")
    s3.client().delete_bucket(Bucket="omi.icons")
    with closing(Plan(tmp_path / "x.plan")) as plan:
        wanted = UrlFilter(status="missing")
        named = [str(row.source_bucket) for row in plan.urls(wanted)]
        assert sorted(named) == ["old-icons", "old-logos-2"]
        choices = [choice.source.bucket for (choice,) in choices_of(plan, wanted)]
        assert choices == ["old-logos-2"]
        assert list(RcloneList(plan, wanted).lines()) == ["old-logos-2/gone.png"]
