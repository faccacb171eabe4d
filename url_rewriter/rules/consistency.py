"""What no value of a rules file shows alone: rules, hosts and endpoints that contradict each other.

The checks look at plain values, whatever is wrong with them elsewhere, so that all problems of a
file are reported together.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from url_rewriter.documents import ValuePath
from url_rewriter.rules import names
from url_rewriter.rules.syntax import Placed


def check(placed: Placed) -> None:
    """Complain of contradictions."""
    match placed.data:
        case dict(data):
            _check_rules(placed, _items(data.get("rules")))
            _check_hosts(placed, _items(data.get("hosts")), set(_endpoint_hosts(data)))


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


def _check_hosts(placed: Placed, hosts: list[Any], taken: set[str]) -> None:
    same_host = _Firsts(placed, "hosts")
    for index, entry in enumerate(hosts):
        match entry:
            case {"host": str(text)} if host := _valid(names.host, text):
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
        if isinstance(text, str) and (endpoint := _valid(names.endpoint, text)):
            yield names.host_of(endpoint)


def _valid(canonical: Any, text: str) -> str | None:
    """The canonical spelling, or None for a value that is complained of already."""
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
