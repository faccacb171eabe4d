"""One S3 server, and the transports by which it is asked."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from url_rewriter.objects.transport.answers import Answer
from url_rewriter.objects.transport.base import Transport
from url_rewriter.objects.transport.boto import BotoTransport, Client
from url_rewriter.objects.transport.circuit_breaker import CircuitBreaker
from url_rewriter.objects.transport.cross_checked import CrossChecked, Trials
from url_rewriter.objects.transport.fast import FastTransport
from url_rewriter.objects.transport.settings import S3Settings
from url_rewriter.objects.transport.verdicts import DenialStyle
from url_rewriter.urls import ObjectRef

_log = logging.getLogger(__name__)


class S3Connection:
    """Connections to a server. ``client`` asks boto3; transports share its connections."""

    def __init__(self, settings: S3Settings) -> None:
        """Contact no server yet. Raises ConfigurationError."""
        self.client = Client(settings)
        self._settings = settings
        self._trials = Trials()
        self._fast = _open_fast(settings, self.client)

    def transport(
        self,
        styles: Mapping[str, DenialStyle] = MappingProxyType({}),
        given_up: Mapping[str, str] = MappingProxyType({}),
    ) -> Transport:
        """The fastest transport whose answers can be relied on.

        HEADs need the ``styles`` of their buckets. The buckets of ``given_up`` are not asked.
        """
        sure = CircuitBreaker(BotoTransport(self.client, self._settings.threads), given_up)
        if self._fast is None:
            return sure
        fast = CircuitBreaker(self._fast, given_up)
        return CrossChecked(fast, sure, styles, self._trials, max(8, self._settings.workers))

    def glance(self, targets: Sequence[ObjectRef]) -> Mapping[ObjectRef, Answer]:
        """The fast transport's answers to a few HEADs; none where it is not used."""
        if self._fast is None or self._trials.heads.given_up:
            return {}
        return dict(self._fast.heads(targets))

    def gentle_transport(self, given_up: Mapping[str, str]) -> Transport:
        """A transport through boto3 alone, at half the concurrency."""
        threads = max(1, self._settings.threads // 2)
        return CircuitBreaker(BotoTransport(self.client, threads), given_up)

    def close(self) -> None:
        """Give back all connections."""
        if self._fast is not None:
            self._fast.close()
        self.client.close()


def _open_fast(settings: S3Settings, client: Client) -> FastTransport | None:
    """The fast transport, where it sends what boto3 would send, where boto3 would send it."""
    if not settings.fast:
        return None
    bundle = client.plain_bundle()
    if bundle is None:
        _log.debug("not fast: a proxy, a signature or certificates that only boto3 handles")
        return None
    return FastTransport(settings, client, bundle)
