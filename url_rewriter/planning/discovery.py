"""What a database shows of the buckets that its URLs name, before there are rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from url_rewriter.planning.addresses import Address, AddressKind
from url_rewriter.planning.planner import PlannedDocument
from url_rewriter.urls import Form, Occurrence, Remark, redact_url

_MOST_ADDRESSES = 500
_LONGEST_EXAMPLE = 500

_Example = tuple[bool, bool, int, str]
"""A URL that was found, in the order in which they are good examples: without an escaping around
it, of the web, short."""

_NO_EXAMPLE: _Example = (False, False, 0, "")


@dataclass(frozen=True, slots=True)
class FoundBucket:
    """A bucket that URLs name. ``prefix``: the folder that all their keys are in; ``example`` is
    one of the URLs, redacted, or "" where none is fit to be shown. ``roots`` more URLs name the
    bucket itself, without a key."""

    name: str
    documents: int
    urls: int
    example: str = ""
    prefix: str = ""
    roots: int = 0


@dataclass(frozen=True, slots=True)
class FoundAddress:
    """An address that may name objects, with the number of its URLs and one of them."""

    address: Address
    urls: int
    example: str = ""


class Discovery:
    """Examples and folders of the buckets that are named, and the addresses that were met.

    Memory stays flat: of a bucket one URL and one prefix are kept. Discoveries add up, in any
    order.
    """

    def __init__(self) -> None:
        self._examples: dict[str, _Example] = {}
        self._prefixes: dict[str, str] = {}
        self._roots: Counter[str] = Counter()
        self._addresses: Counter[Address] = Counter()
        self._shown: dict[Address, str] = {}

    def count(self, document: PlannedDocument) -> None:
        """Note what one document shows."""
        for text in document.texts:
            for url in text.urls:
                if url.doubt is None and url.occurrence.form is not Form.TARGET:
                    self._note(url.occurrence, text.text)
            for left in text.left:
                if left.literal is not None and left.remark is Remark.BUCKET_ROOT:
                    self._roots[left.literal.readings[0].source.bucket] += 1
        for address, example in document.addresses:
            self._note_address(address, 1, example)

    def _note(self, occurrence: Occurrence, text: str) -> None:
        reading = occurrence.readings[0]
        bucket, key = reading.source
        self._note_prefix(bucket, key[: key.rfind("/") + 1])
        if reading.end - reading.start <= _LONGEST_EXAMPLE:
            url = text[reading.start : reading.end]
            self._note_example(bucket, _rank(bool(occurrence.layer), url))

    def _note_prefix(self, bucket: str, folder: str) -> None:
        known = self._prefixes.get(bucket, folder)
        if known != folder:
            known = _common_folder(known, folder)
        self._prefixes[bucket] = known

    def _note_example(self, bucket: str, example: _Example) -> None:
        known = self._examples.get(bucket)
        if known is None or example < known:
            self._examples[bucket] = example

    def _note_address(self, address: Address, urls: int, example: str) -> None:
        if address in self._addresses or len(self._addresses) < _MOST_ADDRESSES:
            self._addresses[address] += urls
            shown = self._shown.get(address, example)
            self._shown[address] = min(shown, example, key=lambda each: (len(each), each))

    def add(self, other: Discovery) -> None:
        """Add what other documents showed."""
        for bucket, prefix in other._prefixes.items():
            self._note_prefix(bucket, prefix)
        for bucket, example in other._examples.items():
            self._note_example(bucket, example)
        self._roots.update(other._roots)
        for address, urls in other._addresses.items():
            self._note_address(address, urls, other._shown[address])

    def buckets(self, rows: Sequence[tuple[str, int, int]]) -> tuple[FoundBucket, ...]:
        """The buckets of a tally's rows (name, documents, URLs), and those named without a key."""
        named = {name for name, _, _ in rows}
        alone = ((name, 0, 0) for name in sorted(self._roots) if name not in named)
        return tuple(
            FoundBucket(
                name,
                documents,
                urls,
                redact_url(self._examples.get(name, _NO_EXAMPLE)[-1]),
                self._prefixes.get(name, ""),
                self._roots[name],
            )
            for name, documents, urls in (*rows, *alone)
            if name in self._prefixes or name in self._roots
        )

    def addresses(self) -> tuple[FoundAddress, ...]:
        """The addresses, those of most URLs first."""
        found = sorted(self._addresses.items(), key=lambda each: (-each[1], each[0]))
        return tuple(FoundAddress(each, urls, self._shown[each]) for each, urls in found)


def _rank(escaped: bool, url: str) -> _Example:
    return escaped, not url.startswith("http"), len(url), url


def _common_folder(one: str, other: str) -> str:
    """The deepest folder that both folders are in.

    >>> _common_folder("users/u1/", "users/u11/")
    'users/'
    """
    same = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        same += 1
    return one[: one.rfind("/", 0, same) + 1]


@dataclass(frozen=True, slots=True)
class Discovered:
    """What a database shows, for rules to be proposed from; ``findings`` are counted by code."""

    store: str
    scanned: int
    buckets: tuple[FoundBucket, ...]
    addresses: tuple[FoundAddress, ...]
    findings: Mapping[str, int]
    read_at: str = ""

    def to_members(self) -> dict[str, Any]:
        """What an audit's JSON document holds of it beside counts."""
        return {
            "buckets": [
                {
                    "bucket": each.name,
                    "documents": each.documents,
                    "urls": each.urls,
                    "example": each.example,
                    "prefix": each.prefix,
                    "roots": each.roots,
                }
                for each in self.buckets
            ],
            "addresses": [
                {
                    "kind": each.address.kind,
                    "endpoint": each.address.endpoint,
                    "bucket": each.address.bucket,
                    "urls": each.urls,
                    "example": each.example,
                }
                for each in self.addresses
            ],
        }

    @classmethod
    def from_audit(cls, members: Mapping[str, Any]) -> Self:
        """What an audit's JSON document tells; one that was made with rules has no examples.

        Raises KeyError, TypeError, ValueError or AttributeError for anything else.
        """
        if members["schema"] != "url-rewriter/audit@1":
            raise ValueError("another schema")
        rows = members.get("buckets", members["by_bucket"])
        return cls(
            store=str(members["store"]),
            scanned=int(members["documents"]["scanned"]),
            buckets=tuple(
                FoundBucket(
                    str(row["bucket"]),
                    int(row["documents"]),
                    int(row["urls"]),
                    str(row.get("example", "")),
                    str(row.get("prefix", "")),
                    int(row.get("roots", 0)),
                )
                for row in rows
                if row["bucket"] != "-"
            ),
            addresses=tuple(
                FoundAddress(
                    Address(AddressKind(row["kind"]), str(row["endpoint"]), str(row["bucket"])),
                    int(row["urls"]),
                    str(row["example"]),
                )
                for row in members.get("addresses", [])
            ),
            findings={str(code): int(count) for code, count in members["findings"].items()},
            read_at=str(members.get("read_at", "")),
        )
