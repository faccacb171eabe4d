"""The dialects: each a row of what public reports say of real servers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from unicodedata import normalize
from urllib.parse import unquote

from tests.servers.dialects.server import Dialect, Thing, part, sized
from tests.servers.fault import MARK, Reaction, xml_error
from url_rewriter.evidence import TargetState

EXISTS, MISSING, UNKNOWN = TargetState.EXISTS, TargetState.MISSING, TargetState.UNKNOWN
NO = Reaction(404, MARK)

THERE = Thing(EXISTS, sized(), 4)
LOST = Thing(MISSING, NO)
ELSEWHERE = Thing(UNKNOWN, sized())
GHOST = Thing(UNKNOWN, NO, 4)
FORBIDDEN = Thing(UNKNOWN, Reaction(403, MARK), 4)
ENCRYPTED = Thing(UNKNOWN, Reaction(400, MARK), 4)
FOLDER = Thing(UNKNOWN, sized("0", content_type="application/x-directory"))
FOLDER_OF_APACHE = Thing(UNKNOWN, sized("0", content_type="httpd/unix-directory; charset=x"))
ARCHIVED = Thing(UNKNOWN, sized(x_amz_storage_class="GLACIER"), 4, "GLACIER")
DEEP = Thing(UNKNOWN, sized(x_amz_storage_class="DEEP_ARCHIVE"), 4, "DEEP_ARCHIVE")
RESTORING = Thing(
    UNKNOWN,
    sized(x_amz_storage_class="GLACIER", x_amz_restore='ongoing-request="true"'),
    4, "GLACIER",
)  # fmt: skip
RESTORED = Thing(
    EXISTS,
    sized(x_amz_storage_class="GLACIER", x_amz_restore='ongoing-request="false", expiry-date="x"'),
    4, "GLACIER",
)  # fmt: skip
INSTANT = Thing(EXISTS, sized(x_amz_storage_class="GLACIER_IR"), 4, "GLACIER_IR")
TIERED = Thing(UNKNOWN, sized(x_amz_archive_status="ARCHIVE_ACCESS"), 4, "INTELLIGENT_TIERING")
UNSIZED = Thing(EXISTS, sized("0"), 4)
EMPTY = Thing(EXISTS, sized("0"), 0)
PLACED = Thing(UNKNOWN, sized())

# What HEAD cannot say: opened, they are something else.
OPENS = Thing(EXISTS, sized(), 4, get=part())
HEAD_ONLY = Thing(EXISTS, sized(), 4, get=xml_error(403, "AccessDenied"), opened=UNKNOWN)
ASLEEP = Thing(EXISTS, sized(), 4, get=xml_error(403, "InvalidObjectState"), opened=UNKNOWN)
SEALED = Thing(EXISTS, sized(), 4, get=xml_error(400, "InvalidRequest"), opened=UNKNOWN)
HOLLOW = Thing(EXISTS, sized(), 4, get=xml_error(404, "NoSuchKey"), opened=UNKNOWN)
BROKEN = Thing(EXISTS, sized(), 4, get=xml_error(500, "InternalError"), opened=UNKNOWN)
ANOTHER = Thing(EXISTS, sized(), 4, get=part("e2"), opened=UNKNOWN)
LOGIN = Thing(EXISTS, sized(), 4, get=Reaction(200, {}, b"<html>"), opened=UNKNOWN)
MOVED = Thing(EXISTS, sized(), 4, get=Reaction(307, {"location": "/x", **MARK}), opened=UNKNOWN)
SHORN = Thing(EXISTS, sized(), 4, get=xml_error(416, "InvalidRange"), opened=UNKNOWN)
BARE = Thing(EXISTS, sized("0"), 0, get=xml_error(416, "InvalidRange"))

DIALECTS = {
    "plain": Dialect("AWS, MinIO, Ceph", [THERE, THERE, LOST]),
    "read-through": Dialect("R2 with Sippy, MinIO replication", [THERE, ELSEWHERE]),
    "read-through, rarely": Dialect("remote mounts", [*[THERE] * 49, ELSEWHERE]),
    "ghosts": Dialect("listings that lag", [*[THERE] * 9, GHOST]),
    "folders": Dialect("SeaweedFS, VersityGW, s3proxy", [THERE, FOLDER, FOLDER_OF_APACHE]),
    "placeholder": Dialect("nginx, CDNs: try_files", [THERE, PLACED], absent=sized()),
    "archived": Dialect("AWS", [THERE, ARCHIVED, DEEP, RESTORING, RESTORED, INSTANT]),
    "archived tiers": Dialect("AWS Intelligent-Tiering", [THERE, TIERED]),
    "some forbidden": Dialect("tags, owners, KMS keys", [*[THERE] * 49, FORBIDDEN]),
    "all forbidden": Dialect("list-only identities", [FORBIDDEN]),
    "encrypted with customers' keys": Dialect("AWS, OVH, Ceph", [THERE, ENCRYPTED]),
    "no length": Dialect("R2, Supabase, LocalStack", [UNSIZED, EMPTY]),
    "no listing": Dialect(
        "AWS without ListBucket", [THERE, Thing(UNKNOWN, Reaction(403, MARK))],
        absent=Reaction(403, MARK), listing=xml_error(403, "AccessDenied"),
    ),
    "a combination": Dialect(
        "a read-through store with archived objects",
        [THERE, ELSEWHERE, ARCHIVED, FORBIDDEN, GHOST, LOST, FOLDER],
    ),
    "a throttled combination": Dialect(
        "a throttled read-through store with archived objects",
        [THERE, ELSEWHERE, ARCHIVED, LOST], busy=40,
    ),
}  # fmt: skip

OPENED = {
    "all open": (Dialect("AWS, MinIO, Ceph", [OPENS, BARE, THERE, LOST]), ""),
    "HEAD alone is allowed": (Dialect("policies by method", [HEAD_ONLY]), "may not open it"),
    "archived, and HEAD is silent": (
        Dialect("gateways to tape, Versity ScoutFS", [OPENS, ASLEEP]), "archived",
    ),
    "encrypted, and HEAD is silent": (Dialect("SSE-C behind gateways", [OPENS, SEALED]), "SSE-C"),
    "names without bytes": (Dialect("lost blocks: Garage", [OPENS, HOLLOW]), "finds nothing"),
    "lost blocks": (Dialect("lost blocks: Garage, MinIO, Ceph", [OPENS, BROKEN]), "fails"),
    "a cache": (Dialect("caches that answer HEAD", [OPENS, ANOTHER]), "another object"),
    "a login page": (Dialect("portals", [OPENS, LOGIN]), "without an ETag"),
    "a redirect": (Dialect("redirects to a CDN", [OPENS, MOVED]), "redirected (307)"),
    "no bytes": (Dialect("interrupted uploads", [OPENS, SHORN]), "finds none"),
    "a combination": (
        Dialect("a read-through store with archived objects", [OPENS, ASLEEP, ELSEWHERE, ARCHIVED]),
        "archived",
    ),
}  # fmt: skip
"""Servers whose HEAD and listings agree, and which GET contradicts; with words of what is said."""


@dataclass(frozen=True)
class Folding:
    """A server to which keys are the same for which ``fold`` gives the same.

    ``stored`` are keys that it holds, beside plain ones; ``asked`` are keys that it does not hold.
    ``says`` is in the verdict on each of these.
    """

    who: str
    fold: Callable[[str], str]
    stored: tuple[str, ...]
    asked: tuple[str, ...]
    says: str


FOLDING = {
    "letter case": Folding(
        "macOS, Windows, case-insensitive collations", str.lower, ("a.png",), ("A.PNG", "A.png"),
        "takes upper and lower case for the same",
    ),
    "dots and blanks": Folding(
        "Windows", lambda key: re.sub(r"[. ]+(?=/|$)", "", key), ("a.png", "d/e.png"),
        ("a.png.", "a.png ", "d./e.png", "a.png.. "), "cuts dots and blanks",
    ),
    "blanks around": Folding(
        "form fields", lambda key: "/".join(each.strip() for each in key.split("/")), ("a.png",),
        (" a.png", "a.png "), "cuts dots and blanks",
    ),
    "a second decoding": Folding(
        "proxies", unquote, ("aA.png", "b c.png"), ("a%41.png", "b%20c.png"),
        "decodes a key twice",
    ),
    "a query": Folding(
        "proxies that decode", lambda key: key.partition("?")[0], ("a.png",),
        ("a.png?x", "a.png?"), "ends a key",
    ),
    "a NUL": Folding(
        "C strings", lambda key: key.partition("\0")[0], ("a.png",), ("a.png\0.exe",), "ends a key",
    ),
    "path parameters": Folding(
        "Tomcat, Jetty", lambda key: re.sub(";[^/]*", "", key), ("a.png", "d/e.png"),
        ("a.png;v=1", "d;x/e.png"), "ends a key",
    ),
    "backslashes": Folding(
        "Windows, IIS", lambda key: key.replace("\\", "/"), ("d/e.png",), ("d\\e.png",),
        "takes a backslash for a slash",
    ),
    "decomposed accents": Folding(
        "macOS, rclone by default", lambda key: normalize("NFC", key), ("\u00e9.png",),
        ("e\u0301.png",), "normalises accents",
    ),
    "compatible letters": Folding(
        "databases", lambda key: normalize("NFKC", key), ("A1.png", "fi.png"),
        ("\uff211.png", "\ufb01.png"), "normalises accents",
    ),
    "long keys": Folding(
        "columns of 255 characters", lambda key: key[:255], ("x" * 255,), ("x" * 255 + "y",),
        "may cut a key",
    ),
}  # fmt: skip
