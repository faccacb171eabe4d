"""The table of forms: which host and path spell an object, and which only come near it.

`FORMS` is tried from the top, most specific first; the first row that matches decides. A row says
what a URL means (a form, or the remark of one that is left alone), on which hosts, and with which
path; the groups ``bucket`` and ``key`` are still percent-encoded. Adding a form is adding a row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from url_rewriter.urls.hosts import LOCATION
from url_rewriter.urls.model import Form, Remark

_API = rf"(?:storage(?:\.mtls|\.{LOCATION}\.rep)?|{LOCATION}-storage)\.googleapis\.com"
_JSON = rf"(?:{_API}|(?:www|content-storage)\.googleapis\.com)"
_PATH = rf"(?:{_API}|(?:commondatastorage|storage-download)\.googleapis\.com)"
_VHOST = rf"(?:storage(?:\.{LOCATION}\.rep)?|commondatastorage|storage-download)\.googleapis\.com"
_APIDATA = r"[0-9a-z]+-apidata\.googleusercontent\.com"
_FIREBASE = r"(?:firebasestorage\.googleapis\.com|firebasestorage\.clients6\.google\.com)"
_FIREBASE_APP = r"[a-z0-9-]+\.firebasestorage\.app"
_WWW = r"www\.googleapis\.com"
_BROWSER = r"storage\.cloud\.google\.com"
_CONSOLE = r"console\.(?:cloud|developers)\.google\.com"
_VERSION = r"(?:v1|v1beta1|v1beta2|v1_internal)"
_APIS = rf"(?:{_JSON}|{_APIDATA})"
_OPERATION = r"(?:acl(?:/[^/]+)?|compose|iam(?:/testPermissions)?|(?:rewriteTo|copyTo|moveTo)/.+)"
_B = r"(?P<bucket>[^/]+)"
_K = r"(?P<key>.+)"

FORMS: tuple[tuple[Form | Remark, str, str], ...] = (
    # Write endpoints, before anything that would take their path for a bucket.
    (Remark.UPLOAD, r"storage-upload\.googleapis\.com", r"/.+"),
    (Remark.UPLOAD, _JSON, r"/(?:resumable/)?upload/(?:storage|resumable)/.*"),
    (Remark.UPLOAD, _JSON, r"/resumable/(?:upload|storage)/.*"),
    (Remark.SERVICE, _JSON, r"/batch(?:/storage(?:/.*)?)?"),
    (Remark.SERVICE, _JSON, r"/(?:\$discovery/.*|discovery/v\d+/apis/storage.*)"),
    (Remark.SERVICE, _WWW, r"/auth/(?:devstorage|cloud-platform|firebase).*"),
    (Remark.RESOURCE_NAME, _API, r"/(?:v\d/)?projects/_/buckets/.+"),
    # The JSON API. A key's own slashes may be raw, so operations are told by their literal name.
    (Remark.SUB_OPERATION, _APIS, rf"/(?:download/)?storage/{_VERSION}/b/[^/]+/o/.+/{_OPERATION}"),
    (Form.JSON, _JSON, rf"/storage/{_VERSION}/b/{_B}/o/{_K}"),
    (Form.APIDATA, _APIDATA, rf"/download/storage/{_VERSION}/b/{_B}/o/{_K}"),
    (Form.JSON_DOWNLOAD, _JSON, rf"/download/storage/{_VERSION}/b/{_B}/o/{_K}"),
    (Remark.LISTING, _APIS, rf"/(?:download/)?storage/{_VERSION}/b(?:/{_B}.*)?/?"),
    (Remark.SERVICE, _JSON, rf"/(?:download/)?storage/{_VERSION}(?:/(?:projects|channels)/.*)?/?"),
    (Form.GOGETTER, _WWW, rf"/storage/{_VERSION}/{_B}/{_K}"),
    (Remark.BUCKET_ROOT, _WWW, rf"/storage/{_VERSION}/{_B}/?"),
    (Remark.SERVICE, _API, rf"/storage/{_VERSION}/.*"),
    # Firebase.
    (Form.FIREBASE, _FIREBASE, rf"/v0/b/{_B}/o/{_K}"),
    (Form.FIREBASE_APP_HOST, _FIREBASE_APP, rf"/v0/b/{_B}/o/{_K}"),
    (Remark.LISTING, rf"(?:{_FIREBASE}|{_FIREBASE_APP})", rf"/v\d\w*/b/{_B}(?:/o?/?)?"),
    (Remark.SERVICE, rf"(?:{_FIREBASE}|{_FIREBASE_APP})", r"(?:/.*)?"),
    # The console and the browser's host.
    (Form.CONSOLE, _CONSOLE, rf"/storage/browser/_details/{_B}/(?P<key>.+?)(?:;tab=[^/;]*)?"),
    (Form.CONSOLE_DOWNLOAD, _CONSOLE, rf"/m/cloudstorage/b/{_B}/o/{_K}"),
    (Remark.LISTING, _CONSOLE, r"/m/cloudstorage(?:/.*)?"),
    (Remark.CONSOLE_LISTING, _CONSOLE, r"/(?:project/[^/]+/)?storage/(?:browser|_details).*"),
    (Form.AUTHBROWSER, _BROWSER, rf"/{_B}/{_K}"),
    (Remark.BUCKET_ROOT, _BROWSER, rf"/{_B}/?"),
    (Remark.SERVICE, _BROWSER, r"/*"),
    (Remark.RETIRED_HOST, r"sandbox\.google\.com", r"/storage(?:/.*)?"),
    # Path style, then bucket names in the host, which would also match some hosts above.
    (Form.PATH, _PATH, rf"/{_B}/{_K}"),
    (Remark.BUCKET_ROOT, _PATH, rf"/{_B}/?"),
    (Remark.SERVICE, _PATH, r"/?"),
    (Remark.INVALID_BUCKET, _PATH, r"//.*"),
    (Remark.SERVICE, r"c\.storage\.googleapis\.com", r"(?:/.*)?"),
    (Remark.SERVICE, r"(?:content-storage|storage-upload)\.googleapis\.com", r"(?:/.*)?"),
    (Form.VHOST, rf"(?P<bucket>[^/]+)\.{_VHOST}", rf"/{_K}"),
    (Remark.BUCKET_ROOT, rf"(?P<bucket>[^/]+)\.{_VHOST}", r"/?"),
    (Remark.PRIVATE_ENDPOINT, r"storage-[a-z0-9-]+\.p\.googleapis\.com", r"(?:/.*)?"),
)


@dataclass(frozen=True, slots=True)
class Match:
    """What a row found: its meaning, and bucket and key as spelled, where it has them."""

    meaning: Form | Remark
    bucket: str = ""
    key: str = ""


# What every host of the table ends with: other hosts are told apart without trying the rows.
_SUFFIXES = ("googleapis.com", "google.com", "googleusercontent.com", "firebasestorage.app")


@lru_cache(maxsize=4096)
def _rows(host: str) -> tuple[tuple[Form | Remark, str, re.Pattern[str]], ...]:
    """The rows for ``host``, with the bucket that stands in it."""
    if not host.endswith(_SUFFIXES):
        return ()
    return tuple(
        (meaning, match.groupdict().get("bucket", ""), re.compile(path, re.DOTALL))
        for meaning, hosts, path in FORMS
        if (match := re.fullmatch(hosts, host))
    )


def is_listed(host: str) -> bool:
    """Whether the table has anything to say of ``host`` (in lower case)."""
    return bool(_rows(host))


def look_up(host: str, path: str) -> Match | None:
    """The first row that matches.

    >>> look_up("storage.googleapis.com", "/data/a%20b")
    Match(meaning=<Form.PATH: 'path'>, bucket='data', key='a%20b')
    """
    for meaning, bucket, pattern in _rows(host):
        if match := pattern.fullmatch(path):
            groups = match.groupdict()
            return Match(meaning, groups.get("bucket") or bucket, groups.get("key") or "")
    return None
