"""What no value of a rules file shows alone: rules, hosts and endpoints that contradict each other.

The checks look at plain values, whatever is wrong with them elsewhere, so that all problems of a
file are reported together.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from url_rewriter.documents import ValuePath
from url_rewriter.rules import names
from url_rewriter.rules.model import SourceKind
from url_rewriter.rules.syntax import Placed
from url_rewriter.rules.url_checks import check_urls, items, mapping, valid


def check(placed: Placed) -> None:
    """Complain of contradictions."""
    match placed.data:
        case dict(data):
            _check_rules(placed, items(data.get("rules")))
            _check_hosts(placed, items(data.get("hosts")))
            check_urls(placed, data)


def _check_rules(placed: Placed, rules: list[Any]) -> None:
    same_name, same_source = _Firsts(placed, "rules"), _Firsts(placed, "rules")
    for index, rule in enumerate(rules):
        match rule:
            case {"name": str(name)}:
                same_name.check(index, name, ("name",), "the same name")
        match rule:
            case {"source": {"bucket": str(bucket), **rest}}:
                place = bucket, rest.get("prefix", ""), rest.get("store", SourceKind.CLOUD_STORAGE)
                if all(isinstance(each, str) for each in place):
                    same_source.check(index, place, ("source",), "the same source")


def _check_hosts(placed: Placed, hosts: list[Any]) -> None:
    same_host = _Firsts(placed, "hosts")
    for index, entry in enumerate(hosts):
        if host := valid(names.host, mapping(entry).get("host")):
            same_host.check(index, host, ("host",), "the same host")


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
