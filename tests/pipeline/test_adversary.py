"""An adversary of ``verify``: spellings of old and new URLs, and lies, each of which it must tell.

Every case is a database that must not be cut over as it is. Either the verdict is no, or a gate
names what is there. Clean databases, which hold much that looks alike, are called ready in silence.
"""

from __future__ import annotations

import base64
import gzip
import json
import random
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.pipeline.cutover import ENDPOINT, NEW, OLD, RULES, Cutover, gate
from url_rewriter.errors import ChecksFailedError, RefusedError
from url_rewriter.gates import GateName, Readiness
from url_rewriter.pipeline.requests import Limits
from url_rewriter.pipeline.verify import Verification
from url_rewriter.planfile import Plan

OBJECT = f"{OLD}a.png"
ENTITIES = "".join(f"&#{ord(each)};" for each in OBJECT)
LETTERS = "".join(f"\\u{ord(each):04x}" for each in OBJECT)
HEXED = "".join(f"\\x{ord(each):02x}" for each in OBJECT)

NO = {
    "plain": OBJECT,
    "http": OBJECT.replace("https", "http"),
    "protocol-relative": OBJECT[6:],
    "capitals in the host": OBJECT.replace("storage.google", "STORAGE.Google"),
    "capitals in the scheme": OBJECT.replace("https", "HTTPS"),
    "no scheme": OBJECT[8:],
    "gs": "gs://old-logos/a.png",
    "GS": "GS://old-logos/a.png",
    "gcs": "gcs://old-logos/a.png",
    "virtual host": "https://old-logos.storage.googleapis.com/a.png",
    "signed": f"{OBJECT}?X-Goog-Algorithm=x&X-Goog-Signature=00",
    "cache-buster": f"{OBJECT}?v=3",
    "fragment": f"{OBJECT}#t=3",
    "json": json.dumps({"u": OBJECT}),
    "json slashes": json.dumps({"u": OBJECT}).replace("/", "\\/"),
    "json in json": json.dumps(json.dumps({"u": OBJECT})),
    "percent": quote(OBJECT, safe=""),
    "percent twice": quote(quote(OBJECT, safe=""), safe=""),
    "percent thrice": quote(quote(quote(OBJECT, safe=""), safe=""), safe=""),
    "html slashes": OBJECT.replace("/", "&#x2F;"),
    "html": f'<img src="{escape(OBJECT)}">',
    "entities": ENTITIES,
    "javascript": LETTERS,
    "hexadecimal escapes": HEXED,
    "firebase": "https://firebasestorage.googleapis.com/v0/b/old-chat.appspot.com/o/b.png?alt=media",
    "json api": "https://www.googleapis.com/storage/v1/b/old-logos/o/a.png?alt=media",
    "download": "https://storage.googleapis.com/download/storage/v1/b/old-logos/o/a.png",
    "console": "https://console.cloud.google.com/storage/browser/_details/old-logos/a.png",
    "browser": "https://storage.cloud.google.com/old-logos/a.png",
    "commondata": "https://commondatastorage.googleapis.com/old-logos/a.png",
    "storage-download": "https://storage-download.googleapis.com/old-logos/a.png",
    "regional": "https://storage.europe-west3.rep.googleapis.com/old-logos/a.png",
    "trailing dot": "https://storage.googleapis.com./old-logos/a.png",
    "port": "https://storage.googleapis.com:443/old-logos/a.png",
    "spaces": "storage.googleapis.com / old-logos / a.png",
    "one slash": "https:/storage.googleapis.com/old-logos/a.png",
    "backslashes": "https:\\\\storage.googleapis.com\\old-logos\\a.png",
    "quoted printable": "https=3A//storage.googleapis.com/old-logos/a.png",
    "a word with a zero width blank": OBJECT.replace("storage", "stor\u200bage"),
    "a word with a soft hyphen": OBJECT.replace("storage", "stor\u00adage"),
    "a word broken over lines": OBJECT.replace("storage", "stor=\nage"),
    "utf-7": "https:+AC8-+AC8-storage.googleapis.com/old-logos/a.png",
    "glued to a letter": f"x{OBJECT}",
    "glued to a character": f"見{OBJECT}很好",
    "behind a comma": f"a,{OBJECT},b",
    "markdown": f"see [it]({OBJECT}).",
    "css": f"background: url({OBJECT})",
    "php": f's:{len(OBJECT)}:"{OBJECT}";',
    "image proxy": f"https://img.test/?u={quote(OBJECT, safe='')}&w=64",
    "redirect": f"https://r.test/to/{OBJECT}",
    "behind a NUL": f"\0{OBJECT}",
    "behind 20,000 characters": "x" * 20_000 + " " + OBJECT,
    "gs in percent": "gs%3A%2F%2Fold-logos%2Fa.png",
}
TOLD = {
    "a zero width blank": OBJECT.replace("googleapis.", "googleapis\u200b."),
    "a base to join keys to": "https://storage.googleapis.com/old-logos/",
    "a folder of a base": "gs://old-logos",
    "the twin of a bucket": (
        "https://firebasestorage.googleapis.com/v0/b/old-chat.firebasestorage.app/o/b.png"
    ),
    "a bucket without a rule": "gs://elsewhere/x.png",
    "a template": "https://storage.googleapis.com/${BUCKET}/a.png",
    "a resource name": "//storage.googleapis.com/projects/_/buckets/old-logos/objects/a.png",
    "an upload": "https://storage.googleapis.com/upload/storage/v1/b/old-logos/o?name=a",
    "credentials": "https://x:y@storage.googleapis.com/old-logos/a.png",
    "an odd port": "https://storage.googleapis.com:8443/old-logos/a.png",
    "dots": "https://storage.googleapis.com/old-logos/../old-logos/a.png",
    "no UTF-8": "https://storage.googleapis.com/old-logos/%ff.png",
    "fullwidth dots": "https://storage\uff0egoogleapis\uff0ecom/old-logos/a.png",
    "broken over lines": "https://storage.googleapis.com/old-\nlogos/a.png",
    "a soft hyphen": "https://storage.googleapis.com/old\u00adlogos/a.png",
    "a signed foreign URL": "https://cdn.test/a.png?X-Goog-Credential=x&X-Goog-Signature=1",
    "a private endpoint": "https://storage-x.p.googleapis.com/old-logos/a.png",
    "base64": base64.b64encode(OBJECT.encode()).decode(),
    "a long base64": base64.b64encode(OBJECT.encode() * 40).decode(),
    "base64 of gzip": base64.b64encode(gzip.compress(random.Random(1).randbytes(900))).decode(),
    "gzip": gzip.compress(OBJECT.encode() * 9),
    "zlib": zlib.compress(OBJECT.encode() * 9),
    "zlib, fast": zlib.compress(OBJECT.encode() * 9, 1),
}
GONE = f"{NEW}gone.png"
NEW_ONES = {
    "plain": GONE,
    "the other scheme": GONE.replace("http:", "https:"),
    "protocol-relative": GONE[5:],
    "capitals in the host": GONE.replace("localhost", "LocalHost"),
    "capitals in the scheme": GONE.replace("http", "HTTP"),
    "glued to a letter": f"x{GONE}",
    "glued to a character": f"見{GONE}",
    "json": json.dumps({"u": GONE}).replace("/", "\\/"),
    "percent": quote(GONE, safe=""),
    "percent twice": quote(quote(GONE, safe=""), safe=""),
    "entities": GONE.replace("/", "&#47;"),
    "trailing dot": GONE.replace("localhost", "localhost."),
    "no rule's prefix": f"{ENDPOINT}/data/elsewhere/gone.png",
    "another bucket": f"{ENDPOINT}/other/a.png",
}
PLACES: dict[str, dict[str, dict[str, Any]]] = {
    "a field name": {"t/1": {OBJECT: 1}},
    "a nested field name": {"t/1": {"m": [{"a": {OBJECT: "x"}}]}},
    "bytes": {"t/1": {"b": OBJECT.encode()}},
    "a document's id": {f"t/{quote(OBJECT, safe='')}": {"f": 1}},
    "a collection's id": {f"{quote(OBJECT, safe='')}/1": {"f": 1}},
    "a missing parent's id": {f"t/{quote(OBJECT, safe='')}/files/1": {"f": 1}},
    "an array of arrays' maps": {"t/1": {"a": [{"b": [{"c": OBJECT}]}]}},
}
CLEAN = {"apps/clean": {"image": f"{NEW}a.png"}}


@pytest.fixture
def cutover(tmp_path: Path) -> Cutover:
    return Cutover(tmp_path)


def named(found: Verification) -> dict[str, int]:
    return {each.name.value: each.count for each in found.gates if each.count}


@pytest.mark.parametrize("name", NO)
def test_an_old_url_is_no_yes_however_it_is_spelled(cutover: Cutover, name: str) -> None:
    cutover.fill({**CLEAN, "t/1": {"f": NO[name]}})
    assert cutover.verify().verdict.readiness is Readiness.NOT_READY


@pytest.mark.parametrize("name", PLACES)
def test_an_old_url_is_no_yes_wherever_it_stands(cutover: Cutover, name: str) -> None:
    cutover.fill({**CLEAN, **PLACES[name]})
    assert cutover.verify().verdict.readiness is Readiness.NOT_READY


@pytest.mark.parametrize("name", TOLD)
def test_what_may_be_an_old_url_is_counted_and_named(cutover: Cutover, name: str) -> None:
    cutover.fill({**CLEAN, "t/1": {"f": TOLD[name]}})
    found = cutover.verify()
    assert sum(named(found).values()) == 1, named(found)
    (shown,) = [each for gate in found.gates for each in gate.examples]
    assert shown.document == "t/1"
    failing = cutover.verify(fail_on=tuple(map(GateName, named(found))))
    assert failing.verdict.readiness is Readiness.NOT_READY


@pytest.mark.parametrize("name", NEW_ONES)
def test_a_new_url_without_its_object_is_found_however_it_is_spelled(
    cutover: Cutover, name: str
) -> None:
    cutover.fill({**CLEAN, "t/1": {"f": NEW_ONES[name]}})
    found = cutover.verify()
    assert list(named(found)) in (["targets-exist"], ["left-alone"]), named(found)


# -- lies -------------------------------------------------------------------------------------


def applied(cutover: Cutover, **documents: Any) -> None:
    cutover.fill({"apps/1": {"image": OBJECT}, **documents})
    cutover.plan()
    cutover.apply()


def excluded_collection(cutover: Cutover) -> Verification:
    cutover.fill({**CLEAN, "legacy/1": {"f": OBJECT}})
    return cutover.verify("scope: {exclude: [{collection: legacy}]}\n")


def excluded_field(cutover: Cutover) -> Verification:
    cutover.fill({**CLEAN, "t/1": {"old": OBJECT}})
    return cutover.verify("scope: {exclude: [{field: old}]}\n")


def half_by_collection(cutover: Cutover) -> Verification:
    cutover.fill({**CLEAN, "t/1": {"f": OBJECT}})
    return cutover.verify(limits=Limits(collections=("apps",)))


def half_by_exclusion(cutover: Cutover) -> Verification:
    cutover.fill({**CLEAN, "t/1": {"f": OBJECT}})
    return cutover.verify(limits=Limits(excluded=("t",)))


def half_by_document(cutover: Cutover) -> Verification:
    cutover.fill({**CLEAN, "t/1": {"f": OBJECT}})
    return cutover.verify(limits=Limits(documents=("apps/clean",)))


def half_by_field(cutover: Cutover) -> Verification:
    cutover.fill({**CLEAN, "t/1": {"f": OBJECT}})
    return cutover.verify(limits=Limits(fields=("image",)))


def half_by_the_plan(cutover: Cutover) -> Verification:
    applied(cutover)
    return cutover.verify(None, Limits(collections=("apps",)), plan=cutover.path)


def stale_plan(cutover: Cutover) -> Verification:
    applied(cutover)
    cutover.fill({**CLEAN, "t/new": {"f": f"{OLD}later.png"}})
    return cutover.verify(None, plan=cutover.path)


def plan_that_was_not_applied(cutover: Cutover) -> Verification:
    cutover.fill({"apps/1": {"image": OBJECT}})
    cutover.plan()
    cutover.fill(CLEAN)  # somebody changed it by other means
    return cutover.verify(None, plan=cutover.path)


def plan_that_was_rolled_back(cutover: Cutover) -> Verification:
    applied(cutover)
    cutover.rollback()
    return cutover.verify(None, plan=cutover.path)


def other_rules(cutover: Cutover) -> Verification:
    applied(cutover, **{"t/1": {"f": "gs://old-chat.appspot.com/b.png"}})
    cutover.rules_text = RULES.replace("old-chat.appspot.com", "old-chats.appspot.com")
    return cutover.verify("", plan=cutover.path)


def expired_waiver(cutover: Cutover) -> Verification:
    cutover.fill({**CLEAN, "legacy/1": {OBJECT: 1}})
    waive = "{gate: unreachable-places, collection: legacy, reason: old, until: 2020-01-01}"
    return cutover.verify(f"waive: [{waive}]\n")


def waiver_of_another_collection(cutover: Cutover) -> Verification:
    cutover.fill({**CLEAN, "legacy/1": {OBJECT: 1}})
    waive = "{gate: unreachable-places, collection: other, reason: old, until: 2999-01-01}"
    return cutover.verify(f"waive: [{waive}]\n")


def missing_object(cutover: Cutover) -> Verification:
    applied(cutover)
    cutover.keys = ()
    return cutover.verify(None, plan=cutover.path)


def staging(cutover: Cutover) -> Verification:
    cutover.fill(CLEAN)
    cutover.environ["S3_ENDPOINT_URL"] = "http://127.0.0.1:9001"
    return cutover.verify()


def below_another_prefix(cutover: Cutover) -> Verification:
    cutover.fill(CLEAN)
    cutover.environ["S3_ENDPOINT_URL"] = f"{ENDPOINT}/fallback"
    return cutover.verify()


def host_without_an_address(cutover: Cutover) -> Verification:
    cutover.rules_text = RULES.replace(ENDPOINT, "https://files.nowhere.invalid")
    cutover.rules_text += f"aliases: ['{ENDPOINT}']\n"
    cutover.fill({"t/1": {"f": "https://files.nowhere.invalid/data/logos/a.png"}})
    return cutover.verify()


def empty_database(cutover: Cutover) -> Verification:
    cutover.fill({})
    return cutover.verify()


def empty_collection(cutover: Cutover) -> Verification:
    cutover.fill(CLEAN)
    return cutover.verify(limits=Limits(collections=("aps",)))


def base_and_key_apart(cutover: Cutover) -> Verification:
    base = "https://storage.googleapis.com/old-logos/"
    cutover.fill({**CLEAN, "t/1": {"base": base, "key": "a.png"}})
    return cutover.verify()


def bucket_and_key_apart(cutover: Cutover) -> Verification:
    cutover.fill({**CLEAN, "t/1": {"bucket": "old-logos", "key": "a.png"}})
    return cutover.verify()


def text_with_offsets(cutover: Cutover) -> Verification:
    ranges = [{"offset": 4, "length": 3}]
    cutover.fill({**CLEAN, "t/1": {"text": f"see {OBJECT}", "entityRanges": ranges}})
    return cutover.verify()


def skipped_target(cutover: Cutover) -> Verification:
    cutover.fill({**CLEAN, "t/1": {"f": f"{OLD}gone.png"}})
    return cutover.verify("defaults: {on_missing: skip}\n")


LIES: dict[Callable[[Cutover], Verification], tuple[Readiness, str]] = {
    excluded_collection: (Readiness.READY, "not-looked-at"),
    excluded_field: (Readiness.READY, "not-looked-at"),
    half_by_collection: (Readiness.NOT_ASKED, "scan-complete"),
    half_by_exclusion: (Readiness.NOT_ASKED, "scan-complete"),
    half_by_document: (Readiness.NOT_ASKED, "scan-complete"),
    half_by_field: (Readiness.NOT_ASKED, "scan-complete"),
    half_by_the_plan: (Readiness.NOT_ASKED, "scan-complete"),
    stale_plan: (Readiness.NOT_READY, "no-old-urls"),
    plan_that_was_not_applied: (Readiness.NOT_READY, "plan-complete"),
    plan_that_was_rolled_back: (Readiness.NOT_READY, "no-old-urls"),
    other_rules: (Readiness.NOT_ASKED, "plan-complete"),
    expired_waiver: (Readiness.NOT_READY, "unreachable-places"),
    waiver_of_another_collection: (Readiness.NOT_READY, "unreachable-places"),
    missing_object: (Readiness.NOT_READY, "targets-exist"),
    staging: (Readiness.NOT_ASKED, "targets-exist"),
    below_another_prefix: (Readiness.NOT_ASKED, "targets-exist"),
    host_without_an_address: (Readiness.NOT_READY, "targets-exist"),
    empty_database: (Readiness.NOT_READY, "something-scanned"),
    empty_collection: (Readiness.NOT_READY, "something-scanned"),
    base_and_key_apart: (Readiness.READY, "left-alone"),
    bucket_and_key_apart: (Readiness.NOT_READY, "second-opinion"),
    text_with_offsets: (Readiness.NOT_READY, "no-old-urls"),
    skipped_target: (Readiness.READY_WAIVED, "no-old-urls"),
}


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_a_lie_is_told(cutover: Cutover, lie: Callable[[Cutover], Verification]) -> None:
    found = lie(cutover)
    readiness, name = LIES[lie]
    assert found.verdict.readiness is readiness, found.verdict.headline
    told = gate(found, name)
    assert told.count or told.reason or told.waived


def test_a_scan_that_a_limit_stops_says_nothing(cutover: Cutover) -> None:
    cutover.fill({f"t/{number}": {"f": "x"} for number in range(1500)})
    with pytest.raises(ChecksFailedError, match="max-reads"):
        cutover.verify(limits=Limits(max_reads=100))


def test_a_plan_that_was_tampered_with_is_refused(cutover: Cutover) -> None:
    applied(cutover)
    cutover.verify(None, plan=cutover.path)
    with closing(sqlite3.connect(cutover.path)) as connection, connection:
        connection.execute("UPDATE verdicts SET headline = 'Ready to cut over'")
        connection.execute("UPDATE verdicts SET gates = '[]'")
    with pytest.raises(RefusedError), closing(Plan(cutover.path)) as plan:
        plan.check()


def test_a_plan_of_another_database_is_refused(cutover: Cutover) -> None:
    applied(cutover)
    other = cutover.folder / "other.jsonl"
    other.write_text(cutover.texts())
    with pytest.raises(RefusedError, match="not for"):
        cutover.verify(None, plan=cutover.path, store=f"embedded:{other}")


# -- clean databases --------------------------------------------------------------------------

WORDS = (
    "storage", "googleapis", "google", "bucket", "gs", "firebase", "settings:", "old", "logos",
    "https://example.com/a?b=c", "https://fonts.googleapis.com/css2?family=Inter", "a/b/o/c",
    "msgs://x", "the storage of google apis", "ada@example.com", "100%", "C:\\storage\\x", "&amp;",
    "https://www.googleapis.com/auth/userinfo.email", "見", "\u200b", "logs://old-logs/x", "s3://x",
)  # fmt: skip


def clean_documents(seed: int, count: int) -> dict[str, dict[str, Any]]:
    chance = random.Random(seed)

    def value(depth: int) -> Any:
        kind = chance.randrange(7 if depth < 3 else 5)
        if kind == 0:
            return f"{NEW}a.png"
        if kind == 1:
            return f"![logo]({NEW}a.png) and {ENDPOINT}/data/chat/b.png."
        if kind == 2:
            return " ".join(chance.choices(WORDS, k=chance.randrange(1, 9)))
        if kind == 3:
            return chance.randrange(10**9)
        if kind == 4:
            return chance.randbytes(chance.randrange(60)).replace(b"\x78", b"a")
        if kind == 5:
            return [value(depth + 1) for _ in range(chance.randrange(4))]
        names = ("image", "url", "meta", "a.b", "ünï", "bucketName", "gs", "storage")
        return {name: value(depth + 1) for name in chance.sample(names, chance.randrange(1, 5))}

    return {
        f"users/u{number}/files/f{number % 7}": {
            name: value(0) for name in ("image", "text", "list", "blob")
        }
        for number in range(count)
    }


@pytest.mark.parametrize("seed", range(10))
def test_a_clean_database_is_ready_in_silence(cutover: Cutover, seed: int) -> None:
    cutover.fill({**CLEAN, **clean_documents(seed, 60)})
    found = cutover.verify()
    assert found.verdict.headline == "Ready to cut over"
    assert named(found) == {}
