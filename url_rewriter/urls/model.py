"""The values of the URL grammar: what an occurrence is, and what configures the search for one.

What is made for every URL is a named tuple, which takes a third of the time of a frozen dataclass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class ObjectRef(NamedTuple):
    """An object: its bucket, and its key in that bucket, both literal (nothing is escaped)."""

    bucket: str
    key: str


class Form(StrEnum):
    """One way of spelling a URL. ``TARGET``: already a URL of the target, or of an alias of it."""

    GS = "gs"
    GCS = "gcs"
    PATH = "path"
    VHOST = "vhost"
    AUTHBROWSER = "authbrowser"
    JSON = "json"
    JSON_DOWNLOAD = "json_download"
    APIDATA = "apidata"
    FIREBASE = "firebase"
    FIREBASE_APP_HOST = "firebase_app_host"
    CONSOLE = "console"
    CONSOLE_DOWNLOAD = "console_download"
    GOGETTER = "gogetter"
    HOST = "host"
    # Where rules declare an S3 server that objects moved from: `s3://`, the bucket in the path or
    # in the host, or behind a CDN.
    S3 = "s3"
    S3_PATH = "s3_path"
    S3_VHOST = "s3_vhost"
    S3_PUBLIC = "s3_public"
    TARGET = "target"


S3_FORMS = frozenset({Form.S3, Form.S3_PATH, Form.S3_VHOST, Form.S3_PUBLIC})
"""The forms whose objects were on an S3 server, and not in Cloud Storage."""


class Api(StrEnum):
    """An API of Google's that a declared host serves, as an emulator does."""

    FIREBASE = "firebase"
    CLOUD_STORAGE = "cloud-storage"


class Remark(StrEnum):
    """Something an operator should know of a URL that was recognised."""

    # -- Why a URL is left alone ---------------------------------------------------------------
    # No key: a base URL that an application joins keys to, the most important line of a report.
    BUCKET_ROOT = "bucket-root"
    # Lists or describes a bucket.
    LISTING = "listing"
    # Lists a bucket in the console.
    CONSOLE_LISTING = "console-listing"
    # A write endpoint or a write session; it expires, and never served an object.
    UPLOAD = "upload"
    # An operation on an object (`/o/K/acl`, `?compose`), not the object.
    SUB_OPERATION = "sub-operation"
    # An address of the service itself: its root, OAuth scopes, discovery documents.
    SERVICE = "service"
    # `//storage.googleapis.com/projects/_/buckets/B`: an identifier in logs and policies.
    RESOURCE_NAME = "resource-name"
    # A host of Google's that stopped serving objects.
    RETIRED_HOST = "retired-host"
    # Private Api Connect: serves Cloud Storage in one network only.
    PRIVATE_ENDPOINT = "private-endpoint"
    # Made to look like Cloud Storage, or mistyped; it is another party's host.
    LOOKALIKE_HOST = "lookalike-host"
    # Credentials before the host.
    USERINFO = "userinfo"
    # Cloud Storage listens on no other port than the scheme's own.
    ODD_PORT = "odd-port"
    # A pattern to be filled in, not a URL.
    TEMPLATE = "template"
    # gsutil's `*` and `**`.
    WILDCARD = "wildcard"
    # No bucket can have this name.
    INVALID_BUCKET = "invalid-bucket"
    # No object can have this name: too long, or it breaks a line.
    INVALID_KEY = "invalid-key"
    # `.` or `..` as a path segment: every normalising client folds it, `%2E` does not help.
    UNADDRESSABLE_KEY = "unaddressable-key"
    # Escapes that spell no UTF-8, as every object name is.
    INVALID_UTF8 = "invalid-utf8"
    # A foreign host with Google's signature: a bucket behind a name that no setting declares.
    SIGNED_FOREIGN_URL = "signed-foreign-url"
    # Inside a PHP string whose declared length is wrong; changing it would hide the damage.
    CORRUPT_LENGTH = "corrupt-length"
    # Cut by an escape that nothing is known of; what the whole of it names cannot be told.
    UNKNOWN_ESCAPE = "unknown-escape"
    # Parts of the text are named by offsets in fields beside it, which no edit changes.
    TEXT_OFFSETS = "text-offsets"
    # No URL of the target's public form can name the key.
    NO_PUBLIC_URL = "no-public-url"
    # A URL of the target in a bucket that no rule names.
    OTHER_BUCKET = "other-bucket"
    # Names Cloud Storage in a way that the grammar cannot read.
    UNREAD = "unread"

    # -- What rewriting loses or breaks --------------------------------------------------------
    # A signed URL becomes a plain one.
    DROPPED_SIGNATURE = "dropped-signature"
    # A Firebase download token, or another bearer token.
    DROPPED_TOKEN = "dropped-token"  # noqa: S105 (a name, not a secret)
    # The pin to one generation.
    DROPPED_GENERATION = "dropped-generation"
    # Parameters of Google's API.
    DROPPED_PARAMETERS = "dropped-parameters"
    # Parameters that the grammar does not know; ``Reading.query`` keeps them for who wants them.
    DROPPED_QUERY = "dropped-query"
    # The dropped query held another URL.
    DROPPED_URL = "dropped-url"
    # Inside a foreign URL (an image proxy, a redirector). On a Left: switched off.
    NESTED = "nested"
    # The foreign URL around it is signed, and the signature covers what is rewritten.
    OUTER_SIGNATURE = "outer-signature"
    # A leading or doubled slash in the key, which some S3 servers refuse or fold.
    SLASHES = "slashes"
    # A folder placeholder, or the base of other URLs.
    TRAILING_SLASH = "trailing-slash"


class Base(NamedTuple):
    """How a base URL or a template goes on behind its prefix.

    ``slash``: a slash stands at the end of the prefix, or one is not needed. ``rest`` is the rest
    of a template, spelled as it is to be written.
    """

    slash: bool = True
    rest: str = ""


class Reading(NamedTuple):
    """One honest way to read an occurrence.

    ``start`` and ``end`` are offsets into the text (code points, query and fragment included);
    readings of one occurrence may end at different places. ``query`` holds the parameters that are
    neither credentials nor API parameters, as a raw query string without its ``?``; ``fragment`` is
    without its ``#``. ``why`` says how this reading differs from the likeliest ("" for that one).

    ``served``: Cloud Storage, or a client of it, would have answered this very URL with ``source``.
    Any other reading repairs a URL that was broken: its key was escaped twice, or not at all.

    ``base``: it names no object, but all whose keys begin with that of ``source``.
    """

    source: ObjectRef
    start: int
    end: int
    query: str = ""
    fragment: str = ""
    why: str = ""
    served: bool = True
    base: Base | None = None


class Occurrence(NamedTuple):
    """One URL in one string, with its readings, likeliest first (at least one).

    ``layer`` names the escaping around the URL, outermost first (`""` for none, `json`, `html`,
    `pct1`, `pct2`, `json+pct1`, ...), which rewriting redoes.
    """

    form: Form
    layer: str
    readings: tuple[Reading, ...]
    remarks: tuple[Remark, ...] = ()

    @property
    def start(self) -> int:
        """Where the likeliest reading begins."""
        return self.readings[0].start

    @property
    def end(self) -> int:
        """Where the likeliest reading ends."""
        return self.readings[0].end


class Left(NamedTuple):
    """Text that is recognised as Cloud Storage and is no rewritable URL of an object.

    ``literal`` is what it is if every character of it is meant: a `gs://` key may well hold
    ``*`` or ``<x>``, and the object store can tell.
    """

    start: int
    end: int
    remark: Remark
    literal: Occurrence | None = None


class Found(NamedTuple):
    """What a text holds, each in order of offset, none overlapping another."""

    occurrences: tuple[Occurrence, ...] = ()
    left: tuple[Left, ...] = ()


class Replacement(NamedTuple):
    """A reading of an occurrence that was chosen, and the URL to put in its place."""

    occurrence: Occurrence
    reading: Reading
    url: str


class TargetPlace(NamedTuple):
    """Where readers open objects of one bucket: the URL of a key is ``base`` and then the key.

    ``after`` is what every key begins with and no URL holds. ``within``: where other places lie at
    or below the same base, only keys that begin with it are meant.
    """

    base: str
    bucket: str
    after: str = ""
    within: str = ""


class S3Address(NamedTuple):
    """Where an S3 server that objects moved from was opened.

    ``url`` ends with ``{key}``, or ``{key:after=PREFIX}`` where keys begin with what no URL holds.
    It has ``{bucket}`` in its host or in its path, unless it serves one ``bucket`` only.
    """

    form: Form
    url: str
    bucket: str = ""


@dataclass(frozen=True, slots=True)
class Grammar:
    """What is recognised beyond Google's own hosts.

    ``hosts`` maps a lower-case host (with ``:port`` where it has one) that serves one bucket to
    that bucket, and ``apis`` one that serves an API, in whose URLs the bucket stands, to that.
    ``targets`` are endpoints, ``http(s)://host[:port][/path]``, whose URLs already
    name targets, and ``places`` the other bases of such URLs; where several fit, the longest base
    decides. ``nested`` switches URLs inside a foreign URL on, ``bases`` the reading of base URLs
    and templates as such. With ``addresses`` of S3 servers, ``s3://`` is known too.
    """

    hosts: Mapping[str, str] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    nested: bool = True
    places: tuple[TargetPlace, ...] = ()
    addresses: tuple[S3Address, ...] = ()
    apis: Mapping[str, Api] = field(default_factory=dict)
    bases: bool = False

    @property
    def declared(self) -> tuple[str, ...]:
        """The hosts of sources that are none of Google's."""
        return (*self.hosts, *self.apis) if self.apis else tuple(self.hosts)
