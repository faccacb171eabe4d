"""Addresses of S3 servers that objects moved from; none is known unless rules declare it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from url_rewriter.urls.encoding import decoded
from url_rewriter.urls.model import Form, Remark, S3Address

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[^/]*)(?P<path>/.*)?/\{key(?::after=(?P<after>[^{}]+))?\}"
)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_BUCKET_IN_HOST = r"(?P<bucket>[a-z0-9][a-z0-9._-]*)"
_BUCKET_IN_PATH = r"(?P<bucket>[^/]+)"


@dataclass(frozen=True, slots=True)
class Addressed:
    """Bucket, decoded, and key, as spelled, of a URL; ``after`` is what the key begins with too."""

    form: Form
    bucket: str
    key: str
    after: str


@dataclass(frozen=True, slots=True)
class _Patterns:
    form: Form
    host: re.Pattern[str]
    path: re.Pattern[str]
    bucket: str
    after: str


@lru_cache(maxsize=64)
def _patterns(addresses: tuple[S3Address, ...]) -> tuple[_Patterns, ...]:
    return tuple(map(_patterns_of, addresses))


def _patterns_of(address: S3Address) -> _Patterns:
    match = _URL.fullmatch(address.url)
    if match is None:
        raise ValueError(address.url)
    host = match["host"].removesuffix(_DEFAULT_PORTS[match["scheme"]])
    path = _pattern(match["path"] or "", _BUCKET_IN_PATH)
    return _Patterns(
        address.form,
        re.compile(_pattern(host, _BUCKET_IN_HOST)),
        re.compile(rf"{path}(?:/(?P<key>.*))?", re.DOTALL),
        address.bucket,
        match["after"] or "",
    )


def _pattern(text: str, bucket: str) -> str:
    first, braces, rest = text.partition("{bucket}")
    return re.escape(first) + (bucket if braces else "") + re.escape(rest)


def is_addressed(netloc: str, addresses: tuple[S3Address, ...]) -> bool:
    """Whether `look_up` may have anything to say of a host with its port."""
    return any(each.host.fullmatch(netloc) for each in _patterns(addresses))


def look_up(netloc: str, path: str, addresses: tuple[S3Address, ...]) -> Addressed | Remark | None:
    """What a path means on a host with its port.

    >>> server = S3Address(Form.S3_PATH, "https://minio.old.example/{bucket}/{key}")
    >>> look_up("minio.old.example", "/data/a%20b", (server,))
    Addressed(form=<Form.S3_PATH: 's3_path'>, bucket='data', key='a%20b', after='')
    >>> look_up("minio.old.example", "/data/", (server,))
    <Remark.BUCKET_ROOT: 'bucket-root'>
    """
    found: Remark | None = None
    for each in _patterns(addresses):
        if (host := each.host.fullmatch(netloc)) is None:
            continue
        if match := each.path.fullmatch(path):
            spelled = {**host.groupdict(), **match.groupdict()}
            bucket = each.bucket or decoded(spelled["bucket"]) or ""
            if spelled["key"]:
                return Addressed(each.form, bucket, spelled["key"], each.after)
            found = Remark.BUCKET_ROOT
        elif path in ("", "/"):
            found = found or Remark.SERVICE
    return found


@lru_cache(maxsize=64)
def hosts_of(addresses: tuple[S3Address, ...]) -> tuple[str, ...]:
    """What the hosts of addresses hold, whatever the bucket, in lower case."""
    hosts = (match["host"] for each in addresses if (match := _URL.fullmatch(each.url)))
    parts = (max(host.split("{bucket}"), key=len).strip(".") for host in hosts)
    return tuple(dict.fromkeys(part.lower() for part in parts if part))
