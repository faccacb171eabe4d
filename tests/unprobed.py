"""Object stores without a server."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime

from url_rewriter.evidence import Evidence
from url_rewriter.objects import Unopened
from url_rewriter.urls import ObjectRef


class UnprobedObjects:
    """The part of an object store that finds nothing to say against its own proofs."""

    def unlisted(self) -> Collection[str]:
        return ()

    def try_open(self, found: Iterable[Evidence]) -> Iterator[Unopened]:
        return iter(())

    def contradicted(self) -> Collection[ObjectRef]:
        return ()

    def clock(self, bucket: str) -> datetime | None:
        return datetime.now(UTC)

    def close(self) -> None:
        """Nothing is held."""
