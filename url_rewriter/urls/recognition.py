"""Recognising: one complete URL, without any escaping around it, taken apart and judged."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import urlsplit

from url_rewriter.urls import names
from url_rewriter.urls.encoding import decoded
from url_rewriter.urls.forms import is_listed, look_up
from url_rewriter.urls.hosts import Authority, is_lookalike, read_authority
from url_rewriter.urls.model import S3_FORMS, Api, Form, Grammar, ObjectRef, Remark, TargetPlace
from url_rewriter.urls.parameters import NO_QUERY, SortedQuery, sort_query
from url_rewriter.urls.s3_addresses import Addressed, is_addressed
from url_rewriter.urls.s3_addresses import look_up as look_up_address


@dataclass(frozen=True, slots=True)
class Spelled:
    """A URL taken apart: everything as it is spelled, but the bucket, which is decoded.

    ``literal``: the key is not percent-encoded, and ``?`` and ``#`` belong to it (gs, gcs).
    ``query`` and ``fragment`` are without their marks; ``remarks`` says what rewriting drops.
    ``doubt`` says what it looks like more than like an object. ``place`` has what of
    the key the URL does not hold.
    """

    form: Form
    bucket: str
    key: str
    query: str = ""
    fragment: str = ""
    literal: bool = False
    sorted_query: SortedQuery = NO_QUERY
    remarks: tuple[Remark, ...] = ()
    doubt: Remark | None = None
    place: TargetPlace | None = None

    def named(self, key: str) -> ObjectRef | None:
        """The object of a decoded key; None where it is none of the place's."""
        if self.place is None:
            return ObjectRef(self.bucket, key)
        key = self.place.after + key
        return ObjectRef(self.bucket, key) if key.startswith(self.place.within) else None


Verdict = Spelled | Remark | None
"""An object; a reason to leave the URL alone; or nothing of ours."""

_SPLIT = re.compile(
    r"(?:(?P<scheme>[A-Za-z]+):)?//(?P<authority>[^/?#\\]*)"
    r"(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:\#(?P<fragment>.*))?",
    re.DOTALL,
)
_GS = re.compile(
    r"(?P<scheme>gc?s)://(?P<bucket>[^/]*)(?:/(?P<key>.*))?", re.DOTALL | re.IGNORECASE
)
_GENERATION = re.compile(r"(?P<key>.+)#[0-9]+", re.DOTALL)

_S3 = re.compile(r"(?P<scheme>s3)://(?P<bucket>[^/]*)(?:/(?P<key>.*))?", re.DOTALL | re.IGNORECASE)
_FIREBASE_PATH = re.compile(r"/v[0-9]\w*/b(?:/|\Z)")
_JSON_PATH = re.compile(r"/(?:(?:resumable/)?upload/|download/)?storage/v[0-9]\w*/")

# Longer than any escaping of a key with any signature; bounds the work on hostile input.
LONGEST_URL = 16_384

_METRIC = re.compile(
    r"/(?:network/(?:sent|received)_bytes_count|api/\w+|authn/\w+|authz/\w+|quota/\w+"
    r"|storage/(?:v2/)?(?:object_count|total_bytes|total_byte_seconds|total_count|deleted_bytes)"
    r"|replication/\w+|client/\w+|autoclass/\w+|acl_operations_count)"
)


def recognise(url: str, grammar: Grammar) -> Verdict:
    """Read one URL, complete and without any escaping around it.

    >>> recognise("https://storage.googleapis.com/data/a%20b?x=1", Grammar()).key
    'a%20b'
    >>> recognise("gs://data/", Grammar())
    <Remark.BUCKET_ROOT: 'bucket-root'>
    """
    if len(url) > LONGEST_URL:
        return None
    if url[:1] in "gG" and (match := _GS.fullmatch(url)):
        return _literal(match)
    if grammar.addresses and url[:1] in "sS" and (match := _S3.fullmatch(url)):
        return _literal(match)
    match = _SPLIT.fullmatch(url)
    if match is None or (match["scheme"] or "https").lower() not in ("http", "https"):
        return None
    return _hosted(match, grammar)


def is_known_host(authority: str, scheme: str, grammar: Grammar) -> bool:
    """Whether `recognise` may have anything to say of URLs on this host."""
    read = read_authority(authority, scheme)
    if read is None:
        return is_lookalike(authority.lower())
    return (
        is_listed(read.host)
        or read.netloc in grammar.hosts
        or read.netloc in grammar.apis
        or any(read.netloc == netloc for _, netloc, _ in endpoints(grammar.targets))
        or any(read.netloc == netloc for netloc, _, _ in places(grammar.places))
        or is_addressed(read.netloc, grammar.addresses)
        or is_lookalike(authority.lower())
    )


def recognise_schemeless(text: str, grammar: Grammar) -> Verdict:
    """Read ``HOST/B/K``, a whole value without a scheme, unless it is the name of something else.

    ``storage.googleapis.com/api/request_count`` is a metric and ``storage.googleapis.com/Bucket`` a
    resource type; the bare host is a service's name.
    """
    verdict = recognise(f"//{text}", grammar)
    match verdict:
        case Spelled(form=Form.HOST | Form.TARGET):
            return None
        case Spelled(form=form) if form in S3_FORMS:
            return None
        case Spelled():
            return None if _METRIC.fullmatch(text[text.find("/") :]) else verdict
        case Remark.SERVICE | Remark.LOOKALIKE_HOST | Remark.INVALID_BUCKET | Remark.ODD_PORT:
            return None
    return verdict


def _literal(match: re.Match[str]) -> Verdict:
    bucket, key = match["bucket"], match["key"] or ""
    if not bucket:
        return None
    if not names.is_bucket(bucket):
        return _bucket_trouble(bucket)
    if not key:
        return Remark.BUCKET_ROOT
    form = Form(match["scheme"].lower())
    if names.has_placeholder(key):
        return Spelled(form, bucket, key, literal=True, doubt=Remark.TEMPLATE)
    if names.is_wildcard(key):
        return Spelled(form, bucket, key, literal=True, doubt=Remark.WILDCARD)
    if form is Form.S3:
        return Spelled(form, bucket, key, literal=True)
    if pinned := _GENERATION.fullmatch(key):
        return Spelled(
            form, bucket, pinned["key"], literal=True, remarks=(Remark.DROPPED_GENERATION,)
        )
    return Spelled(form, bucket, key, literal=True)


def _hosted(match: re.Match[str], grammar: Grammar) -> Verdict:
    scheme = (match["scheme"] or "").lower()
    authority = read_authority(match["authority"], scheme or "https")
    if authority is None:
        return _strange_authority(match["authority"])
    path = match["path"]
    if (target := _at_place(authority, path, grammar)) is not None:
        return target
    query, fragment = match["query"] or "", match["fragment"] or ""
    if grammar.addresses:
        found = look_up_address(authority.netloc, path, grammar.addresses)
        if found is not None:
            return Remark.USERINFO if authority.userinfo else _addressed(found, query, fragment)
    if (target := _below_endpoint(authority, path, grammar)) is not None:
        return target
    if (bucket := grammar.hosts.get(authority.netloc)) is not None:
        if authority.userinfo:
            return Remark.USERINFO
        return _configured(bucket, path, query, fragment)
    if (api := grammar.apis.get(authority.netloc)) is not None:
        authority = replace(authority, host=_host_of_api(api, path), port="")
    return _by_table(authority, match["authority"].lower(), path, query, fragment)


def _host_of_api(api: Api, path: str) -> str:
    """Google's host of the API that a path at a declared host belongs to.

    Emulators serve both APIs at one port. No bucket is called ``v0``, ``storage`` or ``download``
    there: the first has too few letters, and the emulators take the others for the JSON API's.
    """
    if _FIREBASE_PATH.match(path):
        return "firebasestorage.googleapis.com"
    if api is Api.CLOUD_STORAGE or _JSON_PATH.match(path):
        return "storage.googleapis.com"
    return "firebasestorage.googleapis.com"


def _by_table(authority: Authority, spelled: str, path: str, query: str, fragment: str) -> Verdict:
    found = look_up(authority.host, path)
    if found is None:
        mimics = is_lookalike(authority.host) or (authority.userinfo and is_lookalike(spelled))
        return Remark.LOOKALIKE_HOST if mimics else None
    if authority.userinfo:
        return Remark.USERINFO
    if authority.port:
        return Remark.ODD_PORT
    bucket = decoded(found.bucket) or ""
    if found.bucket and not names.is_bucket(bucket):
        return _bucket_trouble(bucket)
    if isinstance(found.meaning, Remark):
        return _refine(found.meaning, query)
    return _spelled(found.meaning, bucket, found.key, query, fragment)


def _spelled(form: Form, bucket: str, key: str, query: str, fragment: str) -> Verdict:
    doubt = None
    if names.has_placeholder(key):
        doubt = Remark.TEMPLATE
    elif key.endswith("*") and names.is_wildcard(key):
        doubt = Remark.WILDCARD
    parameters = sort_query(query)
    if parameters.upload:
        return Remark.UPLOAD
    if parameters.sub_resource:
        return Remark.SUB_OPERATION
    remarks = parameters.remarks
    if form is Form.CONSOLE and query:
        parameters, remarks = NO_QUERY, (Remark.DROPPED_PARAMETERS,)
    if form is Form.GOGETTER and fragment.isascii() and fragment.isdigit():
        fragment, remarks = "", (*remarks, Remark.DROPPED_GENERATION)
    return Spelled(
        form, bucket, key, query, fragment, sorted_query=parameters, remarks=remarks, doubt=doubt
    )


def _configured(bucket: str, path: str, query: str, fragment: str) -> Verdict:
    key = path[1:]
    if not key:
        return Remark.BUCKET_ROOT
    return _spelled(Form.HOST, bucket, key, query, fragment)


def _addressed(found: Addressed | Remark, query: str, fragment: str) -> Verdict:
    """A URL of an S3 server that objects moved from."""
    if isinstance(found, Remark):
        return _refine(found, query)
    if not names.is_bucket(found.bucket):
        return _bucket_trouble(found.bucket)
    spelled = _spelled(found.form, found.bucket, found.key, query, fragment)
    if found.after and isinstance(spelled, Spelled):
        return replace(spelled, place=TargetPlace("", found.bucket, found.after))
    return spelled


def _at_place(authority: Authority, path: str, grammar: Grammar) -> Spelled | None:
    """A URL at a place of targets, whose scheme may be the place's, its twin, or left out."""
    for netloc, base, place in places(grammar.places):
        if authority.netloc == netloc and path.startswith(base) and not authority.userinfo:
            spelled = Spelled(Form.TARGET, place.bucket, path[len(base) :], place=place)
            if (name := decoded(spelled.key)) and spelled.named(name):
                return spelled
    return _root_of_place(authority, path, grammar) if grammar.bases else None


def _below_endpoint(authority: Authority, path: str, grammar: Grammar) -> Spelled | None:
    """A URL of a target below an endpoint, with the same schemes."""
    for endpoint in endpoints(grammar.targets):
        if authority.netloc != endpoint[1] or authority.userinfo:
            continue
        base = endpoint[2]
        if path.startswith(f"{base}/"):
            bucket, _, key = path[len(base) + 1 :].partition("/")
            name = decoded(bucket)
            if name and key and decoded(key):
                return Spelled(Form.TARGET, name, key)
            if name and not key and grammar.bases:
                return Spelled(Form.TARGET, name, "")
    return None


def _root_of_place(authority: Authority, path: str, grammar: Grammar) -> Spelled | None:
    """The base of a place's URLs, with or without the slash at its end."""
    for netloc, base, place in places(grammar.places):
        if authority.netloc == netloc and not authority.userinfo and base in (path, f"{path}/"):
            return Spelled(Form.TARGET, place.bucket, "", place=place)
    return None


@lru_cache(maxsize=64)
def endpoints(targets: tuple[str, ...]) -> tuple[tuple[str, str, str], ...]:
    """Of the endpoints of a grammar: scheme, host with port, and path prefix of each."""
    found = []
    for target in targets:
        parts = urlsplit(target)
        authority = read_authority(parts.netloc, parts.scheme)
        if authority is not None:
            found.append((parts.scheme, authority.netloc, parts.path.rstrip("/")))
    return tuple(found)


@lru_cache(maxsize=64)
def places(found: tuple[TargetPlace, ...]) -> tuple[tuple[str, str, TargetPlace], ...]:
    """Host with port and path of each place, the most exact one first."""
    split = []
    for place in found:
        parts = urlsplit(place.base)
        authority = read_authority(parts.netloc, parts.scheme)
        if authority is not None:
            split.append((authority.netloc, parts.path, place))
    return tuple(sorted(split, key=lambda each: (-len(each[1]), -len(each[2].within))))


def _bucket_trouble(name: str) -> Remark:
    if "@" in name:
        return Remark.USERINFO
    return Remark.TEMPLATE if names.is_placeholder(name) else Remark.INVALID_BUCKET


def _strange_authority(authority: str) -> Remark | None:
    """A host no parser takes: a template around one of ours, or something that mimics one."""
    if not is_lookalike(authority.lower()):
        return None
    return Remark.TEMPLATE if names.is_placeholder(authority) else Remark.LOOKALIKE_HOST


def _refine(remark: Remark, query: str) -> Remark:
    """Tell a bucket's root and listing by what the query asks for: ``o?name=`` makes an object."""
    if remark not in (Remark.BUCKET_ROOT, Remark.LISTING):
        return remark
    parameters = sort_query(query)
    if parameters.upload or (remark is Remark.LISTING and query.startswith("name=")):
        return Remark.UPLOAD
    if remark is Remark.BUCKET_ROOT and parameters.listing:
        return Remark.LISTING
    return remark
