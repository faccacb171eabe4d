"""What can be told of an S3 server and its buckets before anything is asked of it in earnest."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta

from url_rewriter.errors import NotPermittedError, UrlRewriterError
from url_rewriter.evidence import WrittenUrl
from url_rewriter.objects.proving.diagnosis import MAX_SKEW, explain, explain_skew, measure_skew
from url_rewriter.objects.proving.honesty import HonestyProbes, Trouble
from url_rewriter.objects.transport.answers import Answer
from url_rewriter.objects.transport.base import Place
from url_rewriter.objects.transport.boto import Client
from url_rewriter.objects.transport.settings import S3Settings
from url_rewriter.objects.transport.verdicts import DenialStyle
from url_rewriter.urls import ObjectRef


@dataclass(frozen=True, slots=True)
class Greeting:
    """The answer to the first question to a server.

    ``trouble``: none came. ``skew``: this machine's clock minus the server's, where it tells one;
    ``wrong_clock``: that is too much. ``region``: where it says that the bucket is.
    """

    trouble: UrlRewriterError | None = None
    skew: timedelta | None = None
    wrong_clock: UrlRewriterError | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key that requests are signed with: the end of its id, and where boto3 found it."""

    ending: str
    method: str


class BucketInspector:
    """Asks an S3 server one question after the other, each once. Reads only."""

    def __init__(self, settings: S3Settings, prefixes: Collection[ObjectRef] = ()) -> None:
        """Contact no server yet. Raises ConfigurationError."""
        self.endpoint = settings.endpoint
        once = replace(settings, attempts=1, busy_attempts=1, passes=0)
        self._client = Client(once)
        self._honesty = HonestyProbes(self._client, settings.endpoint, prefixes)

    @property
    def region(self) -> str:
        """The region that requests are signed for."""
        return self._client.region

    def signing_key(self) -> SigningKey | None:
        """The key in use; None where there is none. Raises NotPermittedError."""
        found = self._client.describe_key()
        return SigningKey(*found) if found else None

    def greet(self, bucket: str) -> Greeting:
        """Ask for the bucket itself."""
        answer = self._client.head_bucket(bucket)
        if answer.status == 0:
            return Greeting(explain(answer, self.endpoint, bucket))
        skew = measure_skew(answer)
        wrong = None
        if skew is not None and abs(skew) > MAX_SKEW:
            wrong = explain_skew(skew, self.endpoint, bucket)
        return Greeting(skew=skew, wrong_clock=wrong, region=answer.region)

    def probe_absent(self, bucket: str) -> UrlRewriterError | bool:
        """Ask for a key that cannot be there: the trouble, or whether it is plainly denied.

        It is not where these credentials may not list, so that a server hides what is missing.
        """
        found = self._honesty.examine_absent(bucket)
        return found.error if isinstance(found, Trouble) else found is not DenialStyle.HIDDEN

    def probe_present(self, bucket: str) -> UrlRewriterError | ObjectRef | None:
        """Ask for keys that are listed until one is found: the trouble, or that key.

        None where none is listed.
        """
        if trouble := self._honesty.examine_listed(bucket):
            return trouble.error
        answer = None
        for key in self._client.first_keys(bucket):
            target = ObjectRef(bucket, key)
            answer = self._client.head(target)
            if answer.confirms:
                return target
        return self._explain_unfound(answer, bucket) if answer is not None else None

    def _explain_unfound(self, answer: Answer, bucket: str) -> UrlRewriterError:
        if answer.refused:
            return NotPermittedError(
                f"{self.endpoint} lists objects of bucket {bucket!r} and forbids to ask for them "
                f"({answer.words}); grant GetObject, which HEAD needs as well."
            )
        return explain(answer, self.endpoint, bucket)

    def may_list(self, bucket: str) -> str:
        """Why the bucket cannot be listed; "" where it can."""
        answer = self._client.page(Place(bucket, ""))
        return "" if answer.page is not None else answer.words

    def sample(self, prefix: ObjectRef) -> WrittenUrl | None:
        """An object below a prefix, without the URL that is written; None where none is found."""
        for key in self._client.first_keys(prefix.bucket, prefix=prefix.key):
            target = ObjectRef(prefix.bucket, key)
            answer = self._client.head(target)
            if answer.confirms:
                return WrittenUrl(target, "", answer.info)
        return None

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()
