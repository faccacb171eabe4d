"""Rules, once they are known to be right: which source objects moved where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypedDict

from url_rewriter.documents import ValuePath
from url_rewriter.rules.patterns import CollectionPattern, FieldPattern
from url_rewriter.rules.places import RuleUrls, UrlSpace, places_of
from url_rewriter.rules.public_form import IN_PATH_STYLE, PublicForm
from url_rewriter.rules.s3_sources import S3Source
from url_rewriter.rules.waivers import Waiver
from url_rewriter.urls import Grammar, ObjectRef, Reading, S3Address, TargetPlace
from url_rewriter.urls.names import key_trouble

VERSION = 1
"""The version of the rules file's format."""


class OnMissing(StrEnum):
    """What a target that is not there does to a plan. It is never written, whichever is chosen.

    ``BLOCK``: the plan cannot be applied. ``SKIP``: that URL stays as it is, and is listed.
    """

    BLOCK = "block"
    SKIP = "skip"


class QueryPolicy(StrEnum):
    """What becomes of query parameters that are neither credentials nor the API's."""

    DROP = "drop"
    KEEP = "keep"


class ReadingPolicy(StrEnum):
    """Which readings of a URL may be taken.

    ``SERVED``: only those that Cloud Storage would have answered. ``REPAIR``: also those that mend
    a URL which was broken, where the objects of all the others are missing.
    """

    SERVED = "served"
    REPAIR = "repair"


class TextOffsets(StrEnum):
    """What becomes of a text when fields beside it name parts of it by offsets, and stay."""

    LEAVE = "leave"
    REWRITE = "rewrite"


class SourceKind(StrEnum):
    """Where objects were before the move."""

    CLOUD_STORAGE = "cloud-storage"
    S3 = "s3"


class Bases(StrEnum):
    """What becomes of URLs that name no object, but all below a prefix: bucket roots, folders and
    templates.

    ``REWRITE``: they are rewritten by their prefix, if at least one object is below its target.
    """

    LEAVE = "leave"
    REWRITE = "rewrite"


class Unmapped(StrEnum):
    """What a Cloud Storage URL that no rule takes does to a plan."""

    REPORT = "report"
    BLOCK = "block"


class Nested(StrEnum):
    """What becomes of a URL inside another site's URL: of an image proxy, of a redirect."""

    REWRITE = "rewrite"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Target:
    """Where rewritten URLs point: an endpoint, without a slash at its end, and a bucket there.

    ``form`` is how URLs are written by rules that do not say otherwise.
    """

    endpoint: str
    bucket: str
    form: PublicForm = IN_PATH_STYLE


@dataclass(frozen=True, slots=True)
class Example:
    """A text and what the rules must make of it; None: nothing."""

    url: str
    becomes: str | None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Rule:
    """Objects of one bucket, under one prefix, and where they are now.

    ``public``: what is written opens without credentials, so that ``verify`` insists on it; False:
    it is not meant to, so that it is not tried; None: it is tried and told. ``store`` is where the
    objects were. ``line`` is that of the rules file, for messages; 0 where the rules come from a
    plan file.
    """

    name: str
    source: ObjectPrefix
    target: ObjectPrefix
    on_missing: OnMissing = OnMissing.BLOCK
    query: QueryPolicy = QueryPolicy.DROP
    readings: ReadingPolicy = ReadingPolicy.SERVED
    text_offsets: TextOffsets = TextOffsets.LEAVE
    bases: Bases = Bases.LEAVE
    public: bool | None = None
    form: PublicForm = IN_PATH_STYLE
    store: SourceKind = SourceKind.CLOUD_STORAGE
    examples: tuple[Example, ...] = ()
    line: int = field(default=0, compare=False)

    def target_of(self, ref: ObjectRef) -> ObjectRef:
        """The target of an object that this rule takes: its key, with the prefix exchanged.

        >>> rule = Rule("logos", ObjectPrefix("old", "img/"), ObjectPrefix("new", "app-logos/"))
        >>> rule.target_of(ObjectRef("old", "img/a b.png"))
        ObjectRef(bucket='new', key='app-logos/a b.png')
        """
        key = self.target.prefix + ref.key.removeprefix(self.source.prefix)
        return ObjectRef(self.target.bucket, key)

    def source_of(self, target: ObjectRef) -> ObjectRef | None:
        """The object whose target this rule makes ``target``, by its prefixes alone; or None.

        >>> rule = Rule("logos", ObjectPrefix("old", "img/"), ObjectPrefix("new", "app-logos/"))
        >>> rule.source_of(ObjectRef("new", "app-logos/a b.png"))
        ObjectRef(bucket='old', key='img/a b.png')
        """
        prefix = self.target.prefix
        if target.bucket != self.target.bucket or not target.key.startswith(prefix):
            return None
        key = self.source.prefix + target.key.removeprefix(prefix)
        return ObjectRef(self.source.bucket, key) if key else None

    def url_of(self, endpoint: str, target: ObjectRef, reading: Reading) -> str:
        """The URL of a reading's target, with the fragment, and the query if this rule keeps it."""
        query = reading.query
        if query and self.query is QueryPolicy.DROP:
            query = ""
        if reading.base is not None:
            return self.form.url_of_base(endpoint, target, reading.base, query, reading.fragment)
        return self.form.url(endpoint, target, query, reading.fragment)

    def urls(self, endpoint: str, sources: Sequence[S3Source] = ()) -> RuleUrls:
        """The URLs that this rule writes, and takes of S3 servers."""
        place = self.form.place(endpoint, self.target.bucket)
        writes = UrlSpace(place, self.target.prefix, self.form.is_path_style)
        if self.store is not SourceKind.S3:
            return RuleUrls(writes)
        spaces = [each.spaces(self.source.bucket, self.source.prefix) for each in sources]
        takes = tuple(space for found in spaces for space in found)
        return RuleUrls(writes, takes, self.source == self.target)


@dataclass(frozen=True, slots=True)
class ObjectPrefix:
    """All objects of a bucket whose keys begin with ``prefix``."""

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"{self.bucket}/{self.prefix}"


@dataclass(frozen=True, slots=True)
class Scope:
    """What is excluded from a migration; everything else is in it."""

    collections: tuple[CollectionPattern, ...] = ()
    fields: tuple[FieldPattern, ...] = ()

    def excludes_collection(self, collection_path: str) -> bool:
        """Whether the collection at this path is left out. Its subcollections are not."""
        return any(pattern.matches(collection_path) for pattern in self.collections)

    def excludes_field(self, value_path: ValuePath) -> bool:
        """Whether the value at this path is in a field that is left out."""
        return any(pattern.matches(value_path) for pattern in self.fields)


@dataclass(frozen=True, slots=True)
class Rules:
    """A rules file, with its variables and defaults filled in.

    ``grammar`` recognises what the file declares: hosts that serve a bucket, and, as URLs that
    already name targets, those of the target's endpoint and of its aliases. ``waivers`` are of the
    gates of ``verify``: they change nothing of what is planned. ``sources`` are S3 servers that
    objects moved from.
    """

    target: Target
    rules: tuple[Rule, ...]
    unmapped: Unmapped
    scope: Scope
    grammar: Grammar
    waivers: tuple[Waiver, ...] = ()
    sources: tuple[S3Source, ...] = ()
    _by_bucket: Mapping[str, tuple[Rule, ...]] = field(init=False, repr=False, compare=False)
    _by_s3_bucket: Mapping[str, tuple[Rule, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        longest_first = sorted(self.rules, key=lambda rule: -len(rule.source.prefix))
        by_bucket: dict[str, tuple[Rule, ...]] = {}
        by_s3_bucket: dict[str, tuple[Rule, ...]] = {}
        for rule in longest_first:
            rules = by_s3_bucket if rule.store is SourceKind.S3 else by_bucket
            rules[rule.source.bucket] = (*rules.get(rule.source.bucket, ()), rule)
        object.__setattr__(self, "_by_bucket", by_bucket)
        object.__setattr__(self, "_by_s3_bucket", by_s3_bucket)

    def taken(self, ref: ObjectRef, *, s3: bool = False) -> tuple[Rule, ObjectRef] | None:
        """The rule that takes an object, that of its bucket with the longest prefix of its key,
        and the object's target. ``s3``: the object is of an S3 source, not of Cloud Storage.

        None also where the target's key would be none that every client can ask for: empty, too
        long, or with a ``.`` or ``..`` segment, which exchanging prefixes can bring about (the key
        ``img../a`` without ``img``). A less exact rule does not take such an object instead.
        """
        for rule in (self._by_s3_bucket if s3 else self._by_bucket).get(ref.bucket, ()):
            if ref.key.startswith(rule.source.prefix):
                target = rule.target_of(ref)
                return (rule, target) if key_trouble(target.key) is None else None
        return None

    def sources_of(self, target: ObjectRef) -> tuple[ObjectRef, ...]:
        """Every object that these rules move to ``target``; several where rules merge buckets.

        None where one of them may be of an S3 source: which it was, no bucket and key can tell.
        """
        found: dict[ObjectRef, None] = {}
        for rule in self.rules:
            source, s3 = rule.source_of(target), rule.store is SourceKind.S3
            taken = source and self.taken(source, s3=s3)
            if source is None or taken is None or taken[0] is not rule:
                continue
            if s3:
                return ()
            found[source] = None
        return tuple(found)

    def url_of(self, target: ObjectRef) -> str:
        """The URL of a target, as the rule with the longest prefix of its key writes it."""
        return self._form_of(target).url(self.target.endpoint, target)

    def place_of(self, target: ObjectRef) -> TargetPlace:
        """Where a target is opened, by the same rule."""
        return self._form_of(target).place(self.target.endpoint, target.bucket)

    def _form_of(self, target: ObjectRef) -> PublicForm:
        writers = [
            rule
            for rule in self.rules
            if rule.target.bucket == target.bucket
            and target.key.startswith(rule.target.prefix)
            and rule.form.spells(target.key)
        ]
        writer = max(writers, key=lambda rule: len(rule.target.prefix), default=self.target)
        return writer.form if writer.form.spells(target.key) else IN_PATH_STYLE

    @property
    def rewrites_bases(self) -> bool:
        """Whether any rule rewrites base URLs and templates."""
        return any(rule.bases is Bases.REWRITE for rule in self.rules)

    def rule_below(self, prefix: ObjectRef, *, s3: bool = False) -> Rule | None:
        """The rule that takes every key that begins with that of ``prefix``.

        None where no rule does, or several share them.
        """
        found: Rule | None = None
        # The longest source prefix first.
        for rule in (self._by_s3_bucket if s3 else self._by_bucket).get(prefix.bucket, ()):
            if prefix.key.startswith(rule.source.prefix):
                return rule if found is None else None
            if rule.source.prefix.startswith(prefix.key):
                found = rule
        return None

    def is_base(self, target: ObjectRef) -> bool:
        """Whether a target is no object, but the prefix of those that a base URL means."""
        if target.key and not target.key.endswith("/"):
            return False
        movers = [
            rule
            for rule in self.rules
            if rule.target.bucket == target.bucket and target.key.startswith(rule.target.prefix)
        ]
        deepest = max((len(rule.target.prefix) for rule in movers), default=0)
        return bool(movers) and all(
            rule.bases is Bases.REWRITE for rule in movers if len(rule.target.prefix) == deepest
        )

    def is_root(self, target: ObjectRef) -> bool:
        """Whether a target is the prefix that some rule gives a whole bucket."""
        wanted = ObjectPrefix(*target)
        return any(not rule.source.prefix and rule.target == wanted for rule in self.rules)

    def rule_for(self, ref: ObjectRef, *, s3: bool = False) -> Rule | None:
        """The rule that takes an object, if any does."""
        taken = self.taken(ref, s3=s3)
        return taken and taken[0]

    def written_endpoints(self) -> tuple[str, ...]:
        """Where the URLs that these rules write are opened: endpoints, and bases of other forms."""
        places = (rule.urls(self.target.endpoint).writes for rule in self.rules)
        return tuple(
            dict.fromkeys(
                self.target.endpoint if each.path_style else each.place.base.rstrip("/")
                for each in places
            )
        )


class MovedUrls(TypedDict):
    """What a grammar knows of the URLs that rules write, and take of S3 servers."""

    places: tuple[TargetPlace, ...]
    addresses: tuple[S3Address, ...]


def moved_urls(target: Target, rules: Sequence[Rule], sources: Sequence[S3Source]) -> MovedUrls:
    """The members of a grammar that rules and sources make together."""
    urls = [rule.urls(target.endpoint, sources) for rule in rules]
    return {
        "places": places_of(urls, has_sources=bool(sources)),
        "addresses": tuple(address for source in sources for address in source.addresses),
    }
