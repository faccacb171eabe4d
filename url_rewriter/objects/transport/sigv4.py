"""AWS Signature Version 4 for requests without a body, as botocore signs them for S3.

A tenth of botocore's cost: the signing key is kept for as long as it is the same. The rules are
those of "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)" in the
S3 API reference; a property test compares every byte with botocore's own signer.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Credentials:
    """A key pair, with a session token where it is temporary."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


class Signer:
    """Signs for one host and region. Not to be shared between threads."""

    def __init__(self, credentials: Credentials, region: str, host: str) -> None:
        self.credentials = credentials
        self._region = region
        self._host = host
        self._second = -1
        self._scope = ""

    def headers(self, method: str, path: str, query: str = "") -> str:
        """The header lines that sign a request, at this second, without a line end after the last.

        ``path`` and ``query`` are escaped already, the query's parameters in order of their names.
        """
        if (second := int(time.time())) != self._second:
            self._turn_to(second)
        request = f"{method}\n{path}\n{query}\n{self._signed}"
        digest = hashlib.sha256(request.encode()).hexdigest()
        # HMAC (RFC 2104) over hashes that have taken in the key: less than half of hmac.digest.
        inner = self._inner.copy()
        inner.update(f"{self._text}{digest}".encode())
        outer = self._outer.copy()
        outer.update(inner.digest())
        return f"{self._lines}{outer.hexdigest()}"

    def _turn_to(self, second: int) -> None:
        self._second = second
        date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
        scope = f"{date[:8]}/{self._region}/s3/aws4_request"
        if scope != self._scope:
            self._scope = scope
            self._take_key()
        signed = {
            "host": self._host,
            "x-amz-content-sha256": _EMPTY_SHA256,
            "x-amz-date": date,
        }
        lines = f"X-Amz-Date: {date}\r\nX-Amz-Content-SHA256: {_EMPTY_SHA256}\r\n"
        if token := self.credentials.token:
            signed["x-amz-security-token"] = token
            lines += f"X-Amz-Security-Token: {token}\r\n"
        names = ";".join(signed)
        values = "".join(f"{name}:{value}\n" for name, value in signed.items())
        self._signed = f"{values}\n{names}\n{_EMPTY_SHA256}"
        self._text = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n"
        self._lines = (
            f"{lines}Authorization: AWS4-HMAC-SHA256 Credential={self.credentials.access_key_id}/"
            f"{scope}, SignedHeaders={names}, Signature="
        )

    def _take_key(self) -> None:
        key = b"AWS4" + self.credentials.secret_access_key.encode()
        for part in self._scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        padded = key.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))


def escape_path(base: str, bucket: str, key: str = "") -> str:
    """The path of an object, or of its bucket, below ``base``, as it is sent and signed.

    >>> escape_path("", "b", "a b/c+d~")
    '/b/a%20b/c%2Bd~'
    """
    path = f"{base}/{escape_key(bucket)}"
    return f"{path}/{escape_key(key)}" if key else path


def escape_key(key: str) -> str:
    """A key as it stands in a path."""
    return quote(key, safe="/~")


def escape_query(parameters: Mapping[str, str]) -> str:
    """A query string as it is sent and signed.

    >>> escape_query({"prefix": "a b", "list-type": "2"})
    'list-type=2&prefix=a%20b'
    """
    return "&".join(f"{name}={quote(parameters[name], safe='-_.~')}" for name in sorted(parameters))
