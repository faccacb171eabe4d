"""Hosts: what stands between a scheme's slashes and the path, and whose it is."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

LOCATION = r"(?:us|eu|[a-z]+-[a-z]+\d+)"

_AUTHORITY = re.compile(
    r"(?:(?P<user>[^@]*)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]@]*)(?::(?P<port>[0-9]*))?"
)
_DEFAULT_PORTS = {"http": "80", "https": "443"}

# Spelled like Cloud Storage's hosts, with the dots replaced, prefixed or suffixed.
_LOOKALIKE = re.compile(
    r"(?:firebase|commondata)?storage(?:-?(?:upload|download))?\W?googleapis?(?:\W|x?com|\Z)"
    r"|storage.{0,3}googleapis|storage\W?cloud\W?google|firebasestorage\W"
)
_CLOUD_STORAGE = re.compile(
    r"(?:.+\.)?(?:googleapis\.com|firebasestorage\.app|apidata\.googleusercontent\.com"
    r"|(?:storage|console)\.cloud\.google\.com|console\.developers\.google\.com"
    r"|firebasestorage\.clients6\.google\.com|sandbox\.google\.com)"
    r"|[0-9a-z]+-apidata\.googleusercontent\.com"
)


@dataclass(frozen=True, slots=True)
class Authority:
    """The host in lower case without a trailing dot, its port ("" for the scheme's own)."""

    host: str
    port: str = ""
    userinfo: bool = False

    @property
    def netloc(self) -> str:
        """The host, with its port where it has one."""
        return f"{self.host}:{self.port}" if self.port else self.host


def read_authority(text: str, scheme: str) -> Authority | None:
    """Take ``user@host:port`` apart; ``scheme`` tells which port is none. None where malformed.

    >>> read_authority("Storage.GoogleAPIs.com.:443", "https")
    Authority(host='storage.googleapis.com', port='', userinfo=False)
    """
    match = _AUTHORITY.fullmatch(text)
    if match is None or not match["host"]:
        return None
    host = (unquote(match["host"]) if "%" in match["host"] else match["host"]).lower()
    port = match["port"] or ""
    if port and port.lstrip("0") == _DEFAULT_PORTS.get(scheme):
        port = ""
    return Authority(host.removesuffix("."), port, match["user"] is not None)


def is_lookalike(host: str) -> bool:
    """Whether a host that is none of Cloud Storage's could be taken for one.

    >>> is_lookalike("storage.googleapis.com.evil.com"), is_lookalike("fonts.googleapis.com")
    (True, False)
    """
    return _LOOKALIKE.search(unicodedata.normalize("NFKC", host).replace("\u3002", ".")) is not None


def is_cloud_storage(url: str) -> bool:
    """Whether an endpoint is Cloud Storage itself, so that its URLs would be found again.

    Strict: anything under ``googleapis.com`` counts, known or not, with and without a scheme.

    >>> is_cloud_storage("https://storage-x.p.googleapis.com"), is_cloud_storage("http://s3.local")
    (True, False)
    """
    scheme, separator, rest = url.strip().rpartition("//")
    scheme = scheme.rstrip(":").lower()
    if not separator:
        rest = scheme + rest
    if scheme in ("gs", "gcs") or re.match(r"g(?:c?)s:", url.strip(), re.IGNORECASE):
        return True
    authority = read_authority(re.split(r"[/?#\\]", rest, maxsplit=1)[0], scheme or "https")
    return authority is not None and _CLOUD_STORAGE.fullmatch(authority.host) is not None


def endpoint_place(endpoint: str) -> tuple[str, str]:
    """Where an endpoint's objects are: host with port, and path. The scheme does not matter.

    >>> endpoint_place("https://S3.example.com:443/files/") == endpoint_place(
    ...     "http://s3.example.com/files"
    ... )
    True
    """
    parts = urlsplit(endpoint)
    authority = read_authority(parts.netloc, parts.scheme)
    return (authority.netloc if authority else parts.netloc), parts.path.rstrip("/")
