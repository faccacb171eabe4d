"""Public forms: how the URLs that readers open are made of an endpoint, a bucket and a key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

from url_rewriter.rules import names
from url_rewriter.rules.problems import did_you_mean
from url_rewriter.urls import Base, ObjectRef, TargetPlace, url_below

PATH_STYLE = "{endpoint}/{bucket}/{key}"
"""The default: what an S3 server itself answers to."""

_MEMBER = re.compile(r"\{(?P<name>[^{}]*)\}")
_KEY = re.compile(r"\{key(?::after=(?P<after>[^{}]*))?\}")
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_NAMES = ("endpoint", "bucket", "key")


@dataclass(frozen=True, slots=True)
class PublicForm:
    """How URLs are written: literals, ``{endpoint}``, ``{bucket}`` and, at the end, ``{key}``.

    ``{key:after=PREFIX}`` is the key without the prefix, with which it begins. The text is in the
    canonical spelling that `public_form` gives.
    """

    text: str = PATH_STYLE

    @property
    def is_path_style(self) -> bool:
        """Whether it is the default, whose URLs tell their buckets themselves."""
        return self.text == PATH_STYLE

    @property
    def leaves_out(self) -> str:
        """What keys begin with and no URL holds."""
        return _after(self.text)

    def place(self, endpoint: str, bucket: str) -> TargetPlace:
        """Where objects of a bucket are opened.

        >>> form = PublicForm("https://{bucket}.s3.example.com/{key:after=app-logos/}")
        >>> form.place("https://s3.example.com", "data")[:3]
        ('https://data.s3.example.com/', 'data', 'app-logos/')
        """
        return _place(self.text, endpoint, bucket)

    def spells(self, key: str) -> bool:
        """Whether a URL of the key can be written: behind what is left out there is something.

        >>> form = PublicForm("https://cdn.example.com/{key:after=app-logos/}")
        >>> form.spells("app-logos/a.png"), form.spells("thumbnails/a.png")
        (True, False)
        """
        after = self.leaves_out
        return not after or (key.startswith(after) and key != after)

    def url(self, endpoint: str, target: ObjectRef, query: str = "", fragment: str = "") -> str:
        """The URL of a target that this form can spell."""
        base, _, after, _ = _place(self.text, endpoint, target.bucket)
        key = target.key.removeprefix(after) if after else target.key
        return url_below(base, key, query=query, fragment=fragment)

    def url_of_base(
        self, endpoint: str, prefix: ObjectRef, base: Base, query: str = "", fragment: str = ""
    ) -> str:
        """The base URL of all keys that begin with that of ``prefix``, or a template of them.

        >>> PublicForm().url_of_base("https://s3.example.com", ObjectRef("data", "a/"), Base(False))
        'https://s3.example.com/data/a'
        """
        where, _, after, _ = _place(self.text, endpoint, prefix.bucket)
        url = url_below(where, prefix.key.removeprefix(after))
        url = (url if base.slash else url.removesuffix("/")) + base.rest
        return url_below(url, "", query=query, fragment=fragment)


IN_PATH_STYLE = PublicForm()


@lru_cache(maxsize=256)
def _place(text: str, endpoint: str, bucket: str) -> TargetPlace:
    base = _KEY.sub("", text).replace("{endpoint}", endpoint.rstrip("/"))
    return TargetPlace(base.replace("{bucket}", quote(bucket, safe="-._~")), bucket, _after(text))


@lru_cache(maxsize=256)
def _after(text: str) -> str:
    match = _KEY.search(text)
    return (match and match["after"]) or ""


def public_form(text: str) -> str:
    """A public form in its canonical spelling, such as ``https://cdn.example.com/{key}``.

    What was written with it can be read again: the key is all that follows a base, and the base
    tells the bucket. Raises ValueError with what is wrong.

    >>> public_form("HTTPS://CDN.Example.com/{key}")
    'https://cdn.example.com/{key}'
    """
    literals = _MEMBER.sub("", text)
    members = [match["name"] for match in _MEMBER.finditer(text)]
    trouble = "a brace is never closed, or never opened" if set("{}") & set(literals) else None
    trouble = trouble or _trouble_with_members(members) or _trouble_with_literals(text, literals)
    if trouble:
        raise ValueError(trouble)
    if after := _after(text):
        _check_after(after)
    base, key = text[: text.rindex("{")], text[text.rindex("{") :]
    scheme, separator, rest = base.rpartition("://")
    host, slash, path = rest.partition("/")
    canonical = f"{scheme.lower()}{separator}{host.lower()}{slash}{path}"
    _check_base(_place(canonical + key, "https://endpoint.example", "bucket").base)
    return canonical + key


def _trouble_with_members(members: list[str]) -> str | None:
    for name in members:
        known = name.partition(":")[0]
        if known not in _NAMES or (known != "key" and known != name):
            shown = f"{{{name}}}" if re.fullmatch(r"\w{1,20}", name) else "what stands in braces"
            meant = did_you_mean(known, _NAMES)
            return f"{shown} is none of {{endpoint}}, {{bucket}} and {{key}}{meant}"
        if name != known and not _KEY.fullmatch(f"{{{name}}}"):
            return "a key without its beginning is written {key:after=PREFIX}"
    keys = sum(name.partition(":")[0] == "key" for name in members)
    if keys == 0:
        return "holds no {key}: every object would have the same URL"
    if keys > 1:
        return "holds {key} twice: it is written once"
    return None


def _trouble_with_literals(text: str, literals: str) -> str | None:
    """What stands wrong around members that are right by themselves."""
    for mark, name in ("?", "query"), ("#", "fragment"):
        if mark in literals:
            return f"has a {name}: a rewritten URL brings its own, or none"
    if "{endpoint}" in text[1:]:
        return "{endpoint} has a scheme of its own: it stands at the beginning, once"
    if not (_SCHEME.match(text) or text.startswith("{endpoint}")):
        return "begins with https://, http:// or {endpoint}"
    if text.startswith("{endpoint}") and not text.startswith("{endpoint}/"):
        return "{endpoint} is followed by a slash"
    key = _KEY.search(text)
    if key is None or key.end() < len(text):
        return "ends with {key}: where the key ends could not be told from what follows it"
    if not text.startswith("/", key.start() - 1):
        return "{key} follows a slash: where the key begins could not be told otherwise"
    return None


def _check_after(after: str) -> None:
    names.prefix(after)
    if not after.endswith("/"):
        raise ValueError("what {key:after=} leaves out ends with a slash")


def _check_base(base: str) -> None:
    bare = base.removesuffix("/")
    names.endpoint(bare, "a URL")
    if bare.endswith("/"):
        raise ValueError("a doubled slash stands before {key}: servers fold it")
