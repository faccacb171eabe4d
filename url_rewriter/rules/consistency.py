"""What no value of a rules file shows alone: rules, hosts and endpoints that contradict each other.

The checks look at plain values, whatever is wrong with them elsewhere, so that all problems of a
file are reported together.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from url_rewriter.documents import ValuePath
from url_rewriter.rules import names
from url_rewriter.rules.places import Writing
from url_rewriter.rules.public_form import IN_PATH_STYLE, PATH_STYLE, PublicForm, public_form
from url_rewriter.rules.syntax import Placed


def check(placed: Placed) -> None:
    """Complain of contradictions."""
    match placed.data:
        case dict(data):
            _check_rules(placed, _items(data.get("rules")))
            written = _check_urls(placed, data)
            _check_aliases(placed, _items(data.get("aliases")), written)
            places = {names.host_of(each.place.base.removesuffix("/")) for each in written}
            taken = places.union(_endpoint_hosts(data))
            _check_hosts(placed, _items(data.get("hosts")), taken)


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _check_rules(placed: Placed, rules: list[Any]) -> None:
    same_name, same_source = _Firsts(placed, "rules"), _Firsts(placed, "rules")
    for index, rule in enumerate(rules):
        match rule:
            case {"name": str(name)}:
                same_name.check(index, name, ("name",), "the same name")
        match rule:
            case {"source": {"bucket": str(bucket), "prefix": str(prefix)}}:
                same_source.check(index, (bucket, prefix), ("source",), "the same source")
            case {"source": {"bucket": str(bucket), **rest}} if "prefix" not in rest:
                same_source.check(index, (bucket, ""), ("source",), "the same source")


def _check_urls(placed: Placed, data: dict[str, Any]) -> list[Writing]:
    """Complain of rules whose URLs cannot be told from others, or name none of their objects.

    Return what all rules write.
    """
    written: list[tuple[int, Writing]] = []
    for index, rule in enumerate(_items(data.get("rules"))):
        writing = _writing(placed, index, _mapping(data.get("target")), rule)
        if writing is None:
            continue
        path: ValuePath = ("rules", index, "target")
        if writing.prefix_contradicts:
            message = "no key that begins with the prefix begins with what its url leaves out"
            placed.complain(path, message)
        for other, earlier in written:
            if writing.collides(earlier):
                first = f"rules[{other}] (line {placed.line_of(('rules', other))})"
                message = (
                    f"{first} may write the same URL for another object: give one of the two "
                    "another url, bucket or prefix"
                )
                placed.complain(path, message)
        written.append((index, writing))
    return [writing for _, writing in written]


def _check_aliases(placed: Placed, aliases: list[Any], written: list[Writing]) -> None:
    for index, alias in enumerate(aliases):
        endpoint = _valid(names.endpoint, alias)
        if endpoint and any(_is_ambiguous(endpoint, each) for each in written):
            message = "its URLs could be those that a rule writes, of other objects"
            placed.complain(("aliases", index), message)


def _is_ambiguous(alias: str, writing: Writing) -> bool:
    in_path = IN_PATH_STYLE.place(alias, writing.place.bucket)
    return not writing.path_style and Writing(in_path, "").contradicts(writing)


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _writing(placed: Placed, index: int, target: dict[str, Any], rule: object) -> Writing | None:
    """What a rule writes; None where something about it is wrong, or one cannot tell."""
    own = _mapping(_mapping(rule).get("target"))
    endpoint = _valid(names.endpoint, target.get("endpoint"))
    bucket = _valid(names.target_bucket, own.get("bucket", target.get("bucket")))
    prefix = _valid(names.prefix, own.get("prefix", ""))
    url = _valid(public_form, own.get("url", target.get("url", PATH_STYLE)))
    if endpoint is None or bucket is None or prefix is None or url is None:
        return None
    form = PublicForm(url)
    place = form.place(endpoint, bucket)
    try:
        names.endpoint(place.base.removesuffix("/"), "the URL of the bucket")
    except ValueError as error:
        placed.complain(("rules", index, "target"), str(error))
        return None
    return Writing(place, prefix, form.is_path_style)


def _check_hosts(placed: Placed, hosts: list[Any], taken: set[str]) -> None:
    same_host = _Firsts(placed, "hosts")
    for index, entry in enumerate(hosts):
        match entry:
            case {"host": text} if host := _valid(names.host, text):
                same_host.check(index, host, ("host",), "the same host")
                bare = host.removesuffix(":443").removesuffix(":80")
                if not taken.isdisjoint({host, bare}):
                    message = "serves the target: its URLs cannot name Cloud Storage objects too"
                    placed.complain(("hosts", index, "host"), message)


def _endpoint_hosts(data: dict[str, Any]) -> Iterator[str]:
    """The hosts of the target's endpoint and of its aliases."""
    endpoints = [*_items(data.get("aliases"))]
    match data:
        case {"target": {"endpoint": endpoint}}:
            endpoints.append(endpoint)
    for text in endpoints:
        if endpoint := _valid(names.endpoint, text):
            yield names.host_of(endpoint)


def _valid(canonical: Any, text: object) -> str | None:
    """The canonical spelling, or None for a value that is complained of already."""
    if not isinstance(text, str):
        return None
    try:
        spelling: str = canonical(text)
    except ValueError:
        return None
    return spelling


class _Firsts:
    """Where in a list each value came first."""

    def __init__(self, placed: Placed, key: str) -> None:
        self._placed = placed
        self._key = key
        self._first: dict[Hashable, ValuePath] = {}

    def check(self, index: int, value: Hashable, below: ValuePath, what: str) -> None:
        """Complain of ``value`` if the list had it before."""
        path: ValuePath = (self._key, index, *below)
        first = self._first.setdefault(value, path)
        if first != path:
            entry = f"{self._key}[{first[1]}] (line {self._placed.line_of(first)})"
            self._placed.complain(path, f"{what} as {entry}")
