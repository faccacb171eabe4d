"""The `plan` command that made a plan file, kept whole so that it can be run again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import Enum, auto
from typing import Any


class OptionKind(Enum):
    """What an option's value names, which decides how a report may show it."""

    FILE = auto()
    PATTERN = auto()
    SETTING = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """The options of `plan` that decide what a plan holds, "" or empty where not given.

    Left out: what is of one run only, such as its pace and how many workers it has.
    """

    rules_file: str = ""
    store: str = ""
    collections: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    read_time: str = ""
    on_missing: str = ""
    s3_endpoint: str = ""
    prove: str = ""
    no_open: bool = False
    check_public: bool = False
    check_content_type: bool = False
    check_size: bool = False
    check_source: bool = False
    inventories: tuple[str, ...] = ()
    target_inventories: tuple[str, ...] = ()
    inventory_time: str = ""
    max_age: str = ""
    output: str = ""

    @property
    def scope(self) -> tuple[object, ...]:
        """What the options say of the documents and fields to scan."""
        return self.collections, self.excluded, self.fields, self.documents, self.read_time

    def to_json(self) -> str:
        """The options as a plan file keeps them."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Invocation:
        """The options that ``to_json`` wrote."""
        kept: dict[str, Any] = json.loads(text)
        for name, value in kept.items():
            if isinstance(value, list):
                kept[name] = tuple(value)
        return cls(**kept)

    def options(self, shown: Callable[[OptionKind, str], str] = lambda kind, value: value) -> str:
        """The options, quoted for a shell; ``shown`` says how a value may be shown.

        >>> Invocation(collections=("tmp/*/x",), check_size=True, output="a b.plan").options()
        "--collection 'tmp/*/x' --check-size -o 'a b.plan'"
        """
        return shlex.join(self._words(shown))

    def _words(self, shown: Callable[[OptionKind, str], str]) -> Iterator[str]:
        for name, (option, kind) in _OPTIONS.items():
            value = getattr(self, name)
            if value is True:
                yield option
            elif value:
                for each in [value] if isinstance(value, str) else value:
                    yield option
                    yield shown(kind, each)


_OPTIONS = {
    "rules_file": ("--rules", OptionKind.FILE),
    "store": ("--store", OptionKind.FILE),
    "collections": ("--collection", OptionKind.PATTERN),
    "excluded": ("--exclude-collection", OptionKind.PATTERN),
    "fields": ("--field", OptionKind.PATTERN),
    "documents": ("--document", OptionKind.PATTERN),
    "read_time": ("--read-time", OptionKind.SETTING),
    "on_missing": ("--on-missing", OptionKind.SETTING),
    "s3_endpoint": ("--s3-endpoint", OptionKind.SETTING),
    "prove": ("--prove", OptionKind.SETTING),
    "no_open": ("--no-open", OptionKind.SETTING),
    "check_public": ("--check-public", OptionKind.SETTING),
    "check_content_type": ("--check-content-type", OptionKind.SETTING),
    "check_size": ("--check-size", OptionKind.SETTING),
    "check_source": ("--check-source", OptionKind.SETTING),
    "inventories": ("--inventory", OptionKind.FILE),
    "target_inventories": ("--target-inventory", OptionKind.FILE),
    "inventory_time": ("--target-inventory-time", OptionKind.SETTING),
    "max_age": ("--max-age", OptionKind.SETTING),
    "output": ("-o", OptionKind.FILE),
}
"""The option of each field, in the order in which they are written."""
