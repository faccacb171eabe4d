"""What every object store offers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from url_rewriter.copying import Transfer
from url_rewriter.errors import UrlRewriterError
from url_rewriter.evidence import Evidence
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.urls import ObjectRef


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object as a listing shows it; of ``info`` its size and its time are known.

    ``keys`` is one key where the listing's spelling leaves no doubt, otherwise every key that it
    may mean; none where that cannot be told.
    """

    keys: tuple[str, ...]
    info: ObjectInfo


class Unopened(NamedTuple):
    """What is known of an object that was found and does not open.

    ``contradicts``: it was refused, so that others that were found the same way may be refused too;
    otherwise no answer came.
    """

    evidence: Evidence
    contradicts: bool


class ObjectStore(Protocol):
    """Tells which objects are there; cannot write."""

    def check(self, bucket: str) -> UrlRewriterError | None:
        """Find out whether this endpoint, these credentials and ``bucket`` give honest answers.

        None when they do. Trouble is returned, not raised, because a plan goes on and records every
        target as unknown on its account: ConfigurationError (no such bucket, another region),
        NotPermittedError (credentials refused), ServiceError (unreachable, or not an S3 server),
        each in one sentence that says what to do. Credentials that may not tell a missing object
        from a forbidden one are no trouble here: such targets come out unknown.
        """

    def prove(self, targets: Iterable[ObjectRef]) -> Iterator[Evidence]:
        """Yield one piece of evidence for each target, in any order.

        Targets are taken as the work goes on, so that an endless iterable is no burden on memory. A
        fault of one target is evidence (unknown, with its cause), never an exception.
        """

    def contradicted(self) -> Collection[ObjectRef]:
        """Prefixes, as refs, where a listing and HEAD contradicted each other since the last call.

        Evidence of their targets that was yielded before rests on one of the two alone. Asked for
        once more, they are asked for both ways.
        """

    def unlisted(self) -> Collection[str]:
        """Buckets that may not be listed, so that no listing confirmed what HEAD said there."""

    def try_open(self, found: Iterable[Evidence]) -> Iterator[Unopened]:
        """Read the first byte of objects that were found, with the credentials of ``prove``.

        Yields what is known of those that do not open, and nothing of the others.
        """

    def contents(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """Yield every object of ``bucket`` whose key begins with ``prefix``, or may.

        Those of which the key is certain come in strictly ascending order of their code points.
        Raises NotPermittedError where the bucket may not be listed, and ServiceError where a page
        of the listing cannot be had or relied on: what was yielded until then is a part, of which
        nothing tells how large it is.
        """

    def clock(self, bucket: str) -> datetime | None:
        """What time it is to the server of ``bucket``, to the second; None where it tells none."""

    def close(self) -> None:
        """Give back connections and threads."""


class UploadLog(Protocol):
    """Remembers uploads in parts while they are under way; used by many threads at once.

    What a killed run leaves of them takes room at the server and shows in no listing of objects.
    Only uploads in this log are given up: others may belong to another program.
    """

    def begun(self, target: ObjectRef, upload: str) -> None:
        """Remember an upload; durable when this returns, before its first part is sent."""

    def ended(self, target: ObjectRef, upload: str) -> None:
        """Forget an upload that was completed or given up."""


class ObjectWriter(Protocol):
    """Stores objects where there are none; overwrites nothing. Safe to share between threads."""

    def write(self, target: ObjectRef, source: ObjectInfo, chunks: Iterable[bytes]) -> Transfer:
        """Store the bytes that ``chunks`` yields at ``target``, with the metadata of ``source``.

        Where there is an object already it is left as it is, and compared. Nothing becomes visible
        before all bytes were compared with the checksum of ``source``. What ``chunks`` raises is
        raised, and nothing is left behind.
        """

    def give_up(self, target: ObjectRef, upload: str) -> str:
        """Let go of an upload in parts that was never completed; why that failed, or ""."""

    def close(self) -> None:
        """Give back connections."""
