"""The values of the URL grammar: what an occurrence is, and what configures the search for one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class ObjectRef:
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
    TARGET = "target"


class Remark(StrEnum):
    """Something an operator should know of a URL that was recognised."""

    # Why a URL is left alone.
    BUCKET_ROOT = "bucket-root"
    LISTING = "listing"
    UPLOAD = "upload"
    # ... and so on
    # What rewriting loses or breaks.
    DROPPED_SIGNATURE = "dropped-signature"
    OUTER_SIGNATURE = "outer-signature"


@dataclass(frozen=True, slots=True)
class Reading:
    """One honest way to read an occurrence.

    ``start`` and ``end`` are offsets into the text (code points, query and fragment included);
    readings of one occurrence may end at different places. ``query`` holds the parameters that are
    neither credentials nor API parameters, as a raw query string without its ``?``; ``fragment`` is
    without its ``#``. ``why`` says how this reading differs from the likeliest ("" for that one).
    """

    source: ObjectRef
    start: int
    end: int
    query: str = ""
    fragment: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One URL in one string, with its readings, likeliest first (at least one).

    ``layer`` names the escaping around the URL ("" for none; "json", "html", "pct1", "pct2",
    ...), which rewriting redoes.
    """

    form: Form
    layer: str
    readings: tuple[Reading, ...]
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, slots=True)
class Left:
    """Text that is recognised as Cloud Storage and is no rewritable URL of an object."""

    start: int
    end: int
    remark: Remark


@dataclass(frozen=True, slots=True)
class Found:
    """What a text holds, each in order of offset, none overlapping another."""

    occurrences: tuple[Occurrence, ...] = ()
    left: tuple[Left, ...] = ()


@dataclass(frozen=True, slots=True)
class Replacement:
    """A reading of an occurrence that was chosen, and the URL to put in its place."""

    occurrence: Occurrence
    reading: Reading
    url: str


@dataclass(frozen=True, slots=True)
class Grammar:
    """What is recognised beyond Google's own hosts.

    ``hosts`` maps a lower-case host (with ``:port`` where it has one) that serves one bucket to
    that bucket. ``targets`` are endpoints, ``http(s)://host[:port][/path]``, whose URLs already
    name targets. ``nested`` switches URLs inside a foreign URL on.
    """

    hosts: Mapping[str, str] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    nested: bool = True
