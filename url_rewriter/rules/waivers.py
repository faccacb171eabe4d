"""Waivers: what may stand against a gate of ``verify``, for a reason and until a day."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from url_rewriter.documents import ValuePath, collection_of
from url_rewriter.gates import GateName
from url_rewriter.rules.patterns import CollectionPattern, FieldPattern


@dataclass(frozen=True, slots=True)
class Waiver:
    """What stands against ``gate`` is waived, to the end of the day ``until`` (UTC).

    ``collection`` and ``field`` narrow it to what stands there; without them the whole gate is
    waived, where it was not asked too. ``line`` is that of the rules file; 0 where the rules come
    from a plan file.
    """

    gate: GateName
    reason: str
    until: date
    collection: CollectionPattern | None = None
    field: FieldPattern | None = None
    line: int = dataclasses.field(default=0, compare=False)

    @property
    def whole(self) -> bool:
        """Whether the gate as such is waived, whatever stands against it."""
        return self.collection is None and self.field is None

    def has_ended(self, today: date) -> bool:
        """Whether the waiver's last day is over."""
        return today > self.until

    def covers(self, document: str, value_path: ValuePath) -> bool:
        """Whether what stands at a place of a document is waived.

        >>> legacy = CollectionPattern("legacy")
        >>> waiver = Waiver(GateName.UNREAD, "switched off", date(2027, 3, 1), legacy)
        >>> waiver.covers("legacy/1", ("a",)), waiver.covers("users/1", ("a",))
        (True, False)
        """
        if self.collection is not None and not self.collection.matches(collection_of(document)):
            return False
        return self.field is None or self.field.matches(value_path)

    def __str__(self) -> str:
        """The waiver as the rules file has it, without its reason and its end."""
        parts = [f"gate: {self.gate}"]
        if self.collection is not None:
            parts.append(f"collection: {self.collection.text}")
        if self.field is not None:
            parts.append(f"field: {self.field.text}")
        return ", ".join(parts)

    def to_members(self) -> dict[str, str]:
        """The waiver as in a rules file."""
        members: dict[str, str] = {
            "gate": self.gate,
            "reason": self.reason,
            "until": self.until.isoformat(),
        }
        if self.collection is not None:
            members["collection"] = self.collection.text
        if self.field is not None:
            members["field"] = self.field.text
        return members

    @classmethod
    def from_members(cls, members: Mapping[str, Any], line: int = 0) -> Self:
        """What ``to_members`` wrote. Raises ValueError, KeyError or PatternError."""
        collection, of_field = members.get("collection"), members.get("field")
        return cls(
            GateName(members["gate"]),
            members["reason"],
            date.fromisoformat(members["until"]),
            CollectionPattern(collection) if collection is not None else None,
            FieldPattern(of_field) if of_field is not None else None,
            line,
        )
