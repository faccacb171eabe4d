"""Objects behind S3's interface, proven by ``head_object``."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime

from url_rewriter.errors import UrlRewriterError
from url_rewriter.evidence import Evidence
from url_rewriter.objects.base import ListedObject
from url_rewriter.objects.listing import walk
from url_rewriter.objects.proving.batches import Proof
from url_rewriter.objects.proving.diagnosis import told_time
from url_rewriter.objects.proving.honesty import Canaries, Trouble
from url_rewriter.objects.transport.answers import Manner
from url_rewriter.objects.transport.boto import Client
from url_rewriter.objects.transport.fast import FastLane
from url_rewriter.objects.transport.settings import S3Settings
from url_rewriter.urls import ObjectRef

_log = logging.getLogger(__name__)


class S3ObjectStore:
    """An object store that is asked with ``head_object``: through boto3, whose word counts, and
    through a faster lane where there is one."""

    def __init__(self, settings: S3Settings) -> None:
        self.settings = settings
        self.client = Client(settings)
        self._lane = _open_lane(settings, self.client)
        self._canaries = Canaries(self.client, settings.endpoint)
        self._manners: dict[str, Manner] = {}

    def check(self, bucket: str) -> UrlRewriterError | None:
        """See ``ObjectStore.check``."""
        found = self._canaries.examine(bucket)
        if isinstance(found, Trouble):
            self._manners.pop(bucket, None)
            return found.error
        self._manners[bucket] = found
        return None

    def prove(self, targets: Iterable[ObjectRef]) -> Iterator[Evidence]:
        """See ``ObjectStore.prove``. A bucket that has not passed ``check`` is checked first."""
        proof = Proof(self.settings, self.client, self._lane, self._canaries, dict(self._manners))
        return proof.evidence(targets)

    def contents(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """See ``ObjectStore.contents``."""
        return walk(self.settings, self.client, self._lane, bucket, prefix)

    def clock(self, bucket: str) -> datetime | None:
        """See ``ObjectStore.clock``."""
        return told_time(self.client.head_bucket(bucket))

    def close(self) -> None:
        """See ``ObjectStore.close``."""
        if self._lane is not None:
            self._lane.close()
        self.client.close()


def _open_lane(settings: S3Settings, client: Client) -> FastLane | None:
    """The fast lane, where it sends what boto3 would send, where boto3 would send it; else None."""
    if not settings.fast:
        return None
    bundle = client.plain_bundle()
    if bundle is None:
        _log.debug("no fast lane: a proxy, a signature or certificates that only boto3 handles")
        return None
    return FastLane(settings, client, bundle)
