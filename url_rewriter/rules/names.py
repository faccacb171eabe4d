"""What the values of a rules file may be: endpoints, hosts, buckets, prefixes, names.

Each function gives back the value in its canonical spelling, or raises ValueError with what is
wrong. It does not repeat the value, which may have come from the environment and be a secret.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address

from url_rewriter import urls
from url_rewriter.urls.names import LONGEST_KEY

_IPV4 = re.compile(r"\d+\.\d+\.\d+\.\d+")
_LABEL = r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>.*))?", re.DOTALL)

# "General purpose bucket naming rules" of Amazon S3. MinIO (CheckValidBucketName) refuses a dot
# beside a hyphen as well.
_RESERVED_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_ENDS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_MISPLACED = ("..", ".-", "-.")


def endpoint(text: str, what: str = "an endpoint") -> str:
    """``http(s)://host[:port][/path]``, without a slash at its end; not Cloud Storage itself.

    ``what`` is how messages call it.

    >>> endpoint("HTTPS://S3.example.com/")
    'https://s3.example.com'
    """
    scheme, _, rest = text.partition("://")
    if scheme.lower() not in {"http", "https"}:
        raise ValueError(f"{what} begins with http:// or https://")
    authority, slash, path = rest.partition("/")
    if "@" in authority:
        raise ValueError(f"{what} holds no user name and no password")
    for mark, name in ("?", "query"), ("#", "fragment"):
        if mark in rest:
            raise ValueError(f"{what} has no {name}")
    path = (slash + path).rstrip("/")
    if not re.fullmatch(r"(?:/[A-Za-z0-9._~-]+)*", path) or _dot_segment(path):
        raise ValueError(f"the path of {what} is /segments of letters, digits, - . _ ~")
    canonical = f"{scheme.lower()}://{_authority(authority)}{path}"
    if urls.is_cloud_storage(canonical):
        raise ValueError("is Cloud Storage itself: what is written would be rewritten again")
    return canonical


def host(text: str) -> str:
    """A host, lower-case, with ``:port`` where it has one; not one of Cloud Storage's own.

    >>> host("CDN.example.com:8443")
    'cdn.example.com:8443'
    """
    if "/" in text:
        raise ValueError("a host is a name such as cdn.example.com: no scheme, no path")
    canonical = _authority(text)
    if urls.is_cloud_storage(f"https://{canonical}"):
        raise ValueError("is Cloud Storage's own host, which needs no entry")
    return canonical


def host_of(endpoint: str) -> str:
    """The host of a canonical endpoint, in the canonical spelling of a host; default ports go.

    >>> host_of("https://files.example.com:443/s3")
    'files.example.com'
    """
    scheme, _, rest = endpoint.partition("://")
    default = ":443" if scheme == "https" else ":80"
    return rest.partition("/")[0].removesuffix(default)


def _authority(text: str) -> str:
    match = _AUTHORITY.fullmatch(text.lower())
    name = match["host"] if match else ""
    if not _is_host(name):
        raise ValueError("the host is neither a name of letters, digits and - nor an address")
    port = match["port"] if match else None
    if port is None:
        return name
    if not (re.fullmatch(r"[1-9][0-9]{0,4}", port) and int(port) < 1 << 16):
        raise ValueError("a port is a number from 1 to 65535")
    return f"{name}:{port}"


def _is_host(name: str) -> bool:
    if name.startswith("["):
        try:
            return bool(IPv6Address(name[1:-1]))
        except AddressValueError:
            return False
    return len(name) <= 253 and _HOST_NAME.fullmatch(name) is not None


def target_bucket(text: str) -> str:
    """A bucket that S3, and MinIO, would make.

    >>> target_bucket("flutter_infra_release")
    Traceback (most recent call last):
    ValueError: S3 allows only a-z, 0-9, - and . in the name of a bucket, not "_"
    """
    _check_bucket(text, "S3", allowed="a-z, 0-9, - and .", pattern=r"[a-z0-9.-]")
    if len(text) > 63:
        raise ValueError("S3 allows a bucket no name of more than 63 characters")
    for misplaced in _MISPLACED:
        if misplaced in text:
            raise ValueError(f'S3 allows no "{misplaced}" in the name of a bucket')
    for reserved in _RESERVED_STARTS:
        if text.startswith(reserved):
            raise ValueError(f'S3 reserves names of buckets that begin with "{reserved}"')
    for reserved in _RESERVED_ENDS:
        if text.endswith(reserved):
            raise ValueError(f'S3 reserves names of buckets that end with "{reserved}"')
    return text


def source_bucket(text: str) -> str:
    """A bucket that Cloud Storage can have, by its naming guidelines."""
    _check_bucket(text, "Cloud Storage", allowed="a-z, 0-9, -, _ and .", pattern=r"[a-z0-9._-]")
    if len(text) > 222 or any(len(label) > 63 for label in text.split(".")):
        raise ValueError("Cloud Storage allows 63 characters between dots, and 222 in all")
    if ".." in text:
        raise ValueError('Cloud Storage allows no ".." in the name of a bucket')
    return text


def _check_bucket(text: str, whose: str, *, allowed: str, pattern: str) -> None:
    """What both naming rules say."""
    if not text:
        raise ValueError("a bucket has a name")
    refused = re.sub(pattern, "", text)
    if refused:
        what = refused[0] if refused[0].isprintable() else ascii(refused[0])[1:-1]
        raise ValueError(f'{whose} allows only {allowed} in the name of a bucket, not "{what}"')
    if len(text) < 3:
        raise ValueError(f"{whose} allows a bucket no name of less than 3 characters")
    if not (text[0].isalnum() and text[-1].isalnum()):
        raise ValueError("the name of a bucket begins and ends with a letter or a digit")
    if _IPV4.fullmatch(text):
        raise ValueError("the name of a bucket is no IP address")


def prefix(text: str) -> str:
    """What keys begin with."""
    if text.startswith("/"):
        raise ValueError("a prefix begins with no slash: keys do not")
    if _dot_segment(text):
        raise ValueError('a prefix has no segment "." or "..": clients would resolve it')
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError("a prefix holds no control character")
    if len(text.encode()) >= LONGEST_KEY:
        raise ValueError(f"no key has room behind it: keys end at {LONGEST_KEY} bytes")
    return text


def _dot_segment(path: str) -> bool:
    return not {".", ".."}.isdisjoint(path.split("/"))


def rule_name(text: str) -> str:
    """A name for reports: something, on one line, without space around it."""
    if not text or not text.isprintable() or text != text.strip() or len(text) > 100:
        raise ValueError("a rule's name is 1 to 100 printable characters, no space around them")
    return text
