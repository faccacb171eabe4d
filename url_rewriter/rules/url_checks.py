"""Rules whose URLs contradict one another, those of aliases, of hosts or of S3 sources.

As in `consistency`, plain values are looked at, whatever is wrong with them elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from url_rewriter.rules import names
from url_rewriter.rules.places import RuleUrls, UrlSpace
from url_rewriter.rules.public_form import IN_PATH_STYLE, PATH_STYLE, PublicForm, public_form
from url_rewriter.rules.s3_sources import S3Source, s3_url, trouble_with_bucket
from url_rewriter.rules.syntax import Placed


def items(value: object) -> list[Any]:
    """A list, or an empty one in the place of anything else."""
    return value if isinstance(value, list) else []


def mapping(value: object) -> dict[str, Any]:
    """A mapping, or an empty one in the place of anything else."""
    return value if isinstance(value, dict) else {}


def valid(canonical: Callable[[str], str], text: object) -> str | None:
    """The canonical spelling, or None for a value that is complained of already."""
    if not isinstance(text, str):
        return None
    try:
        return canonical(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class _RuleAt:
    """The URLs of a rule, and its place in the list of rules."""

    index: int
    urls: RuleUrls


def check_urls(placed: Placed, data: dict[str, Any]) -> None:
    """Complain of URLs that could be read in two ways, and of hosts that would have to."""
    sources = list(_sources(data))
    rules = list(_rules(placed, data, [source for _, source in sources]))
    _check_rules(placed, rules)
    _check_sources(placed, data, sources)
    aliases = [valid(names.endpoint, each) for each in items(data.get("aliases"))]
    for index, alias in enumerate(aliases):
        if alias and any(_is_ambiguous(alias, each.urls.writes) for each in rules):
            message = "its URLs could be those that a rule writes, of other objects"
            placed.complain(("aliases", index), message)
    endpoints = [valid(names.endpoint, mapping(data.get("target")).get("endpoint")), *aliases]
    written = {names.host_of(endpoint) for endpoint in endpoints if endpoint}
    written |= {_host_of(each.urls.writes) for each in rules}
    old = {
        _host_of(UrlSpace(PublicForm(each.url).place("", each.bucket), ""))
        for _, source in sources
        for each in source.addresses
    }
    for index, entry in enumerate(items(data.get("hosts"))):
        host = valid(names.host, mapping(entry).get("host")) or ""
        bare = {host, host.removesuffix(":443").removesuffix(":80")}
        for taken, whose in (written, "the target"), (old, "an S3 source"):
            if not taken.isdisjoint(bare):
                message = f"serves {whose}: its URLs cannot name Cloud Storage objects too"
                placed.complain(("hosts", index, "host"), message)


def _host_of(space: UrlSpace) -> str:
    return names.host_of(space.place.base.removesuffix("/"))


def _is_ambiguous(alias: str, writes: UrlSpace) -> bool:
    in_path = IN_PATH_STYLE.place(alias, writes.place.bucket)
    return not writes.path_style and UrlSpace(in_path, "").contradicts(writes)


def _check_rules(placed: Placed, rules: list[_RuleAt]) -> None:
    for at, rule in enumerate(rules):
        writes = rule.urls.writes
        if writes.is_empty:
            message = "no key that begins with the prefix begins with what its url leaves out"
            placed.complain(("rules", rule.index, "target"), message)
        for other in rules[:at]:
            if writes.collides(other.urls.writes):
                message = (
                    f"{_told(placed, other)} may write the same URL for another object: give one "
                    "of the two another url, bucket or prefix"
                )
                placed.complain(("rules", rule.index, "target"), message)
        for other in rules:
            if rule.urls.takes_again(other.urls):
                writer = "it" if other is rule else _told(placed, other)
                message = f"takes URLs that {writer} writes: they would be rewritten again"
                placed.complain(("rules", rule.index, "source"), message)


def _told(placed: Placed, rule: _RuleAt) -> str:
    return f"rules[{rule.index}] (line {placed.line_of(('rules', rule.index))})"


def _check_sources(
    placed: Placed, data: dict[str, Any], sources: list[tuple[int, S3Source]]
) -> None:
    first: dict[S3Source, int] = {}
    aliases = {valid(names.endpoint, each) for each in items(data.get("aliases"))}
    for index, source in sources:
        earlier = first.setdefault(source, index)
        if earlier != index:
            line = placed.line_of(("sources", earlier))
            placed.complain(("sources", index), f"the same as sources[{earlier}] (line {line})")
        if source.url in aliases:
            message = "is an alias of the target: its URLs name targets already"
            placed.complain(("sources", index, "s3"), message)
    if items(data.get("sources")):
        return
    for index, rule in enumerate(items(data.get("rules"))):
        if mapping(mapping(rule).get("source")).get("store") == "s3":
            message = "no S3 server is declared: sources has its address"
            placed.complain(("rules", index, "source", "store"), message)


def _sources(data: dict[str, Any]) -> Iterator[tuple[int, S3Source]]:
    """The sources that nothing is wrong with."""
    for index, entry in enumerate(items(data.get("sources"))):
        url, bucket = valid(s3_url, mapping(entry).get("s3")), mapping(entry).get("bucket")
        if url is None or not isinstance(bucket, str | None):
            continue
        if trouble_with_bucket(url, bucket) is None:
            yield index, S3Source(url, bucket or "")


def _rules(placed: Placed, data: dict[str, Any], sources: list[S3Source]) -> Iterator[_RuleAt]:
    """The URLs of the rules that nothing is wrong with."""
    target = mapping(data.get("target"))
    for index, entry in enumerate(items(data.get("rules"))):
        writes = _writes(placed, index, target, mapping(mapping(entry).get("target")))
        if writes is not None:
            yield _RuleAt(index, _urls(writes, mapping(mapping(entry).get("source")), sources))


def _urls(writes: UrlSpace, source: dict[str, Any], sources: list[S3Source]) -> RuleUrls:
    bucket = valid(names.source_bucket, source.get("bucket"))
    prefix = valid(names.prefix, source.get("prefix", ""))
    if source.get("store") != "s3" or bucket is None or prefix is None:
        return RuleUrls(writes)
    takes = tuple(space for each in sources for space in each.spaces(bucket, prefix))
    return RuleUrls(writes, takes, (bucket, prefix) == (writes.place.bucket, writes.prefix))


def _writes(
    placed: Placed, index: int, target: dict[str, Any], own: dict[str, Any]
) -> UrlSpace | None:
    """What a rule writes; None where something about it is wrong."""
    endpoint = valid(names.endpoint, target.get("endpoint"))
    bucket = valid(names.target_bucket, own.get("bucket", target.get("bucket")))
    prefix = valid(names.prefix, own.get("prefix", ""))
    url = valid(public_form, own.get("url", target.get("url", PATH_STYLE)))
    if endpoint is None or bucket is None or prefix is None or url is None:
        return None
    form = PublicForm(url)
    place = form.place(endpoint, bucket)
    try:
        names.endpoint(place.base.removesuffix("/"), "the URL of the bucket")
    except ValueError as error:
        placed.complain(("rules", index, "target"), str(error))
        return None
    return UrlSpace(place, prefix, form.is_path_style)
