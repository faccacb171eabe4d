"""One line of a usage log: seventeen columns of CSV, and what they say of a request.

Format: Google's documentation, "Usage logs & storage logs"; what stands in files was compared with
published ones. `cs_object` is the object's name as it is, in UTF-8; only `cs_uri` is escaped.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

from url_rewriter.text import counted

COLUMNS = (
    "time_micros", "c_ip", "c_ip_type", "c_ip_region", "cs_method", "cs_uri", "sc_status",
    "cs_bytes", "sc_bytes", "time_taken_micros", "cs_host", "cs_referer", "cs_user_agent",
    "s_request_id", "cs_operation", "cs_bucket", "cs_object",
)  # fmt: skip

DIGITS = 16
"""Of `time_micros`, from 2001 to 2286: times can be compared as text."""

FETCHES = frozenset({"GET_Object", "HEAD_Object", "storage.objects.get"})
"""Operations that ask for an object or for what is known of it: of the XML and of the JSON API."""

SERVED = frozenset({"200", "206", "304"})
"""Statuses of requests that got the object, a part of it, or the word that it is unchanged."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: when it was completed (in microseconds, as text), and what it asked for."""

    time: str
    operation: str
    bucket: str
    key: str
    status: str
    agent: str


def read_record(line: bytes) -> Request | str | None:
    """What a line says; why it cannot be read, as text; None for a header and an empty line.

    >>> read_record(b'"1","2"')
    '2 columns in place of 17'
    """
    try:
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        rows = list(csv.reader([text], strict=True))
    except csv.Error:
        return "not CSV"
    if not rows or not rows[0]:
        return None
    row = rows[0]
    if tuple(row) == COLUMNS:
        return None
    if row[0] == COLUMNS[0]:
        return "a header with other columns"
    if len(row) != len(COLUMNS):
        return f"{counted(len(row), 'column')} in place of {len(COLUMNS)}"
    if not is_time(row[0]):
        return "no time"
    return Request(row[0], row[14], row[15], row[16], row[6], row[12])


def is_time(text: str) -> bool:
    """Whether a text is a number of microseconds since 1970, of our days."""
    return len(text) == DIGITS and text.isascii() and text.isdigit()


_AGENTS = (
    ("crawler", re.compile(r"bot\b|crawl|spider|slurp|facebookexternalhit|preview", re.I)),
    ("Google's tools", re.compile(r"gcloud|gsutil|apitools|google-api|google-cloud|gl-", re.I)),
    ("app", re.compile(r"okhttp|cfnetwork|dart/|alamofire|dalvik|expo|reactnative", re.I)),
    ("browser", re.compile(r"^(mozilla|opera)/", re.I)),
    ("program", re.compile(r"curl|wget|python|java|go-http|node|axios|ruby|php|okhttp", re.I)),
)


def agent_class(agent: str) -> str:
    """What kind of client a user agent names; its text is not kept.

    >>> agent_class("Mozilla/5.0 (Windows NT 6.2)"), agent_class("")
    ('browser', 'none')
    """
    if not agent:
        return "none"
    return next((name for name, pattern in _AGENTS if pattern.search(agent)), "other")
