"""Objects behind S3's interface, proven by ``head_object``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from url_rewriter.errors import UrlRewriterError
from url_rewriter.evidence import Evidence
from url_rewriter.objects.answers import Manner
from url_rewriter.objects.canaries import Canaries, Trouble
from url_rewriter.objects.client import Client
from url_rewriter.objects.proof import Proof
from url_rewriter.objects.settings import S3Settings
from url_rewriter.urls import ObjectRef


class S3ObjectStore:
    """An object store that is asked with ``head_object``, through boto3."""

    def __init__(self, settings: S3Settings) -> None:
        self.settings = settings
        self.client = Client(settings)
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
        proof = Proof(self.settings, self.client, self._canaries, dict(self._manners))
        yield from proof.evidence(targets)

    def close(self) -> None:
        """See ``ObjectStore.close``."""
        self.client.close()
