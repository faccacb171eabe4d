"""Honesty probes: questions with known answers, which tell whether a bucket's server is honest.

A random key cannot be there, and a key that the server lists must be. Both are asked for before,
during and after the targets, because a proxy, a policy or a failover may change what answers.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from url_rewriter.errors import ServiceError, UrlRewriterError
from url_rewriter.objects.proving.diagnosis import (
    MAX_SKEW,
    explain,
    explain_list_only,
    explain_named_bucket,
    explain_skew,
    measure_skew,
)
from url_rewriter.objects.transport.answers import Answer
from url_rewriter.objects.transport.boto import Client
from url_rewriter.objects.transport.verdicts import DenialStyle, is_folded, judge_key
from url_rewriter.urls import ObjectRef

_TRIED = 10
"""Keys below each prefix that are asked for where a listed one is forbidden."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a bucket, in one sentence.

    ``lied``: the server gave an answer that cannot be true, so that its other answers of that time
    are worth nothing; otherwise it gave none.
    """

    error: UrlRewriterError
    lied: bool


EXAMINED_EVERY = 2_000
"""Targets after which the questions are put in full, through boto3; before, a glance will do."""


def _absent(bucket: str) -> ObjectRef:
    return ObjectRef(bucket, f"url-rewriter-probe-{uuid.uuid4().hex}")


class HonestyProbes:
    """Asks the questions with known answers. Remembers a listed key for each bucket.

    Below each of the ``prefixes`` targets may lie.
    """

    def __init__(self, client: Client, endpoint: str, prefixes: Collection[ObjectRef] = ()) -> None:
        self._client = client
        self._endpoint = endpoint
        self._prefixes = prefixes
        self._listed: dict[str, ObjectRef | None] = {}
        self._since: Counter[str] = Counter()  # targets of each bucket since it was examined
        self._readable: set[str] = set()  # buckets of which some object was not forbidden

    def is_due(self, bucket: str, count: int) -> bool:
        """Whether the questions are to be put in full behind ``count`` more targets."""
        self._since[bucket] += count
        return self._since[bucket] >= EXAMINED_EVERY

    def two_keys(self, bucket: str) -> tuple[ObjectRef, ObjectRef] | None:
        """A key that cannot be there and one that must, for a glance; None where none is known."""
        listed = self._listed.get(bucket)
        return (_absent(bucket), listed) if listed is not None else None

    def examine(self, bucket: str) -> DenialStyle | Trouble:
        """How ``bucket``'s server denies an absent key, or what is wrong with it."""
        self._since[bucket] = 0
        answer, found = self._ask_absent(bucket)
        if isinstance(found, Trouble):
            return found
        skew = measure_skew(answer)
        if skew is not None and abs(skew) > MAX_SKEW:
            return Trouble(explain_skew(skew, self._endpoint, bucket), lied=True)
        return self.examine_listed(bucket) or found

    def examine_absent(self, bucket: str) -> DenialStyle | Trouble:
        """How ``bucket``'s server denies a key that cannot be there, or what is wrong with it."""
        return self._ask_absent(bucket)[1]

    def _ask_absent(self, bucket: str) -> tuple[Answer, DenialStyle | Trouble]:
        absent = _absent(bucket)
        answer = self._client.head(absent)
        return answer, self._judge_absent(absent, answer)

    def _judge_absent(self, absent: ObjectRef, answer: Answer) -> DenialStyle | Trouble:
        # A HEAD of the bucket may be forbidden where one of its objects is not, so it alone
        # decides nothing.
        bucket = self._client.head_bucket(absent.bucket) if answer.status == 404 else Answer()
        if answer.marked and bucket.status == 200:
            return DenialStyle.MARKED
        if answer.status != 200 and not answer.passing:
            # HEAD has no body, so it tells no error code; GET does.
            told = self._client.get(absent)
            if told.code == "NoSuchKey" and answer.status == told.status == 404:
                if bucket.status == 404:
                    error = explain_named_bucket(self._endpoint, absent.bucket)
                    return Trouble(error, lied=True)
                return DenialStyle.MARKED if answer.marked else DenialStyle.UNMARKED
            if told.code == "AccessDenied" and answer.status in (403, 404):
                return DenialStyle.HIDDEN
            answer = told
        error = explain(answer, self._endpoint, absent.bucket)
        return Trouble(error, lied=not answer.passing)

    def examine_listed(self, bucket: str) -> Trouble | None:
        """Ask for a key that is listed; None also where nothing is, or the listing is refused."""
        if bucket not in self._listed:
            self._listed[bucket] = self._choose(bucket)
        for _ in range(2):
            listed = self._listed[bucket]
            answer = self._client.head(listed) if listed else Answer()
            if answer.status in (401, 403):
                return self._examine_readers(bucket)
            if answer.status not in (200, 404) or answer.etag:
                return None
            self._listed[bucket] = self._choose(bucket)  # it may have been deleted since
        return Trouble(
            ServiceError(
                f"{self._endpoint} lists objects of bucket {bucket!r} but denies that they exist: "
                "it proves nothing; check --s3-endpoint and what stands between."
            ),
            lied=True,
        )

    def _examine_readers(self, bucket: str) -> Trouble | None:
        """Ask for more listed keys where one is forbidden: may these credentials read any?"""
        if bucket in self._readable:
            return None
        places = sorted({"", *(each.key for each in self._prefixes if each.bucket == bucket)})
        keys = {key for place in places for key in self._client.first_keys(bucket, _TRIED, place)}
        asked = [ObjectRef(bucket, key) for key in sorted(keys) if not judge_key(key)]
        for target in asked:
            if self._client.head(target).status not in (401, 403):
                self._readable.add(bucket)
                return None
        if len(asked) < 2:
            return None  # a single object may have an owner of its own
        error = explain_list_only(self._endpoint, bucket, len(asked))
        return Trouble(error, lied=False)

    def _choose(self, bucket: str) -> ObjectRef | None:
        keys = self._client.first_keys(bucket)
        return next(
            (ObjectRef(bucket, key) for key in keys if not is_folded(key) and not judge_key(key)),
            None,
        )
