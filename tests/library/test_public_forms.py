"""Whole migrations to each public form, before a real S3 server that readers reach in no other way.

Every written URL is opened as a reader would, by the standard library, through a server that knows
that form alone.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import url_rewriter
from tests.cli.command import read_database, texts, write_database
from tests.servers.front import Served, front
from tests.servers.s3 import ServedS3, moto

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
