"""Objects behind S3's interface, proven by ``head_object``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime

from url_rewriter.concurrency.retry import Backoff
from url_rewriter.errors import UrlRewriterError
from url_rewriter.evidence import Evidence
from url_rewriter.objects.base import ListedObject, Unopened
from url_rewriter.objects.connection import S3Connection
from url_rewriter.objects.listing import list_objects
from url_rewriter.objects.proving.bases import prove_bases
from url_rewriter.objects.proving.batches import Proof
from url_rewriter.objects.proving.diagnosis import told_time
from url_rewriter.objects.proving.honesty import HonestyProbes, Trouble
from url_rewriter.objects.proving.memory import ProofMemory
from url_rewriter.objects.proving.opening import Opener
from url_rewriter.objects.proving.prefixes import Prefixes
from url_rewriter.objects.transport.settings import S3Settings
from url_rewriter.objects.transport.verdicts import DenialStyle
from url_rewriter.urls import ObjectRef


class S3ObjectStore:
    """An object store on one S3 server.

    Targets that are bases by ``is_base`` are proven by what is below them.
    """

    def __init__(
        self,
        settings: S3Settings,
        prefixes: Iterable[ObjectRef] = (),
        is_base: Callable[[ObjectRef], bool] | None = None,
    ) -> None:
        self.settings = settings
        self._is_base = is_base
        given = tuple(prefixes)
        self._memory = ProofMemory(Prefixes(given))
        self._connection = S3Connection(settings)
        self._honesty = HonestyProbes(self._connection.client, settings.endpoint, given)
        self._styles: dict[str, DenialStyle] = {}

    def check(self, bucket: str) -> UrlRewriterError | None:
        """See ``ObjectStore.check``."""
        found = self._honesty.examine(bucket)
        if isinstance(found, Trouble):
            self._styles.pop(bucket, None)
            return found.error
        self._styles[bucket] = found
        return None

    def prove(self, targets: Iterable[ObjectRef]) -> Iterator[Evidence]:
        """See ``ObjectStore.prove``. A bucket that has not passed ``check`` is checked first."""
        if self._is_base is None:
            return self._prove_objects(targets)
        return self._prove_both(targets, self._is_base)

    def _prove_both(
        self, targets: Iterable[ObjectRef], is_base: Callable[[ObjectRef], bool]
    ) -> Iterator[Evidence]:
        bases: list[ObjectRef] = []
        yield from self._prove_objects(_without_bases(targets, is_base, bases))
        transport = self._connection.transport()
        yield from prove_bases(bases, transport, self._prove_objects, self._passes())

    def _prove_objects(self, targets: Iterable[ObjectRef]) -> Iterator[Evidence]:
        styles = dict(self._styles)
        proof = Proof(self.settings, self._connection, self._honesty, styles, self._memory)
        return proof.evidence(targets)

    def contradicted(self) -> Collection[ObjectRef]:
        """See ``ObjectStore.contradicted``."""
        return self._memory.prefixes.take_outdated()

    def unlisted(self) -> Collection[str]:
        """See ``ObjectStore.unlisted``."""
        return frozenset(self._memory.unlisted)

    def try_open(self, found: Iterable[Evidence]) -> Iterator[Unopened]:
        """See ``ObjectStore.try_open``."""
        opener = Opener(self._connection.client, self.settings, self._styles)
        is_base = self._is_base
        return opener.try_open(
            found if is_base is None else (each for each in found if not is_base(each.target))
        )

    def contents(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """See ``ObjectStore.contents``."""
        return list_objects(self._connection.transport(), bucket, prefix, self._passes())

    def _passes(self) -> Backoff:
        return Backoff(attempts=1 + self.settings.passes, first_pause=self.settings.backoff)

    def clock(self, bucket: str) -> datetime | None:
        """See ``ObjectStore.clock``."""
        return told_time(self._connection.client.head_bucket(bucket))

    def close(self) -> None:
        """See ``ObjectStore.close``."""
        self._connection.close()


def _without_bases(
    targets: Iterable[ObjectRef], is_base: Callable[[ObjectRef], bool], bases: list[ObjectRef]
) -> Iterator[ObjectRef]:
    """The targets that are objects; the others go into ``bases``."""
    for target in targets:
        if is_base(target):
            bases.append(target)
        else:
            yield target
