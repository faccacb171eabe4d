"""Whether a bucket's server gives honest answers: it is asked for a key that cannot be there."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from url_rewriter.errors import (
    ConfigurationError,
    NotPermittedError,
    ServiceError,
    UrlRewriterError,
)
from url_rewriter.objects.answers import Answer, Manner
from url_rewriter.objects.client import Client
from url_rewriter.urls import ObjectRef

_MAX_SKEW = timedelta(minutes=5)
"""How far S3 lets the clock of a signature be off, at the strictest (AWS allows 15 minutes)."""

_REFUSALS = frozenset(
    {
        "NoCredentials",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "InvalidToken",
        "ExpiredToken",
        "InvalidSecurity",
        "XMinioInvalidIAMCredentials",
        "RequestTimeTooSkewed",
    }
)
_OTHER_REGION = frozenset(
    {
        "PermanentRedirect",
        "TemporaryRedirect",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
    }
)


def examine(client: Client, endpoint: str, bucket: str) -> Manner | UrlRewriterError:
    """How ``bucket``'s server answers for an absent key, or what is wrong, in one sentence.

    A HEAD of the bucket may be forbidden where one of its objects is not, so it alone decides
    nothing.
    """
    absent = ObjectRef(bucket, f"url-rewriter-canary-{uuid.uuid4().hex}")
    answer = client.head(absent)
    if answer.status == 404 and answer.marked and client.head_bucket(bucket).status == 200:
        return Manner.MARKED
    if answer.status not in (0, 200):
        # HEAD has no body, so it tells no error code; GET does.
        told = client.get(absent)
        if told.code == "NoSuchKey" and answer.status == told.status == 404:
            return Manner.MARKED if answer.marked else Manner.UNMARKED
        if told.code == "AccessDenied" and answer.status in (403, 404):
            return Manner.HIDDEN
        answer = told
    return _explain(answer, endpoint, bucket)


def _explain(answer: Answer, endpoint: str, bucket: str) -> UrlRewriterError:
    match answer:
        case Answer(code="NoCredentials", fault=fault):
            return NotPermittedError(
                f"Nothing can be asked of {endpoint}: {fault}; set S3_ACCESS_KEY_ID and "
                "S3_SECRET_ACCESS_KEY."
            )
        case Answer(code="InvalidBucketName"):
            return ConfigurationError(
                f"{bucket!r} is no bucket name to {endpoint}; correct the target bucket in the "
                "rules (S3_BUCKET_NAME)."
            )
        case Answer(status=0, fault=fault):
            return ServiceError(
                f"No answer from {endpoint} for bucket {bucket!r}: {fault}; check that the server "
                "is up and --s3-endpoint is right."
            )
        case Answer(status=200):
            return ServiceError(
                f"{endpoint} answers 200 for a random key of bucket {bucket!r} that cannot be "
                "there: it proves nothing; check --s3-endpoint."
            )
        case Answer(code="NoSuchBucket"):
            return ConfigurationError(
                f"{endpoint} has no bucket {bucket!r}; create it, or correct the target bucket in "
                "the rules (S3_BUCKET_NAME)."
            )
        case Answer(status=status, code=code) if code in _OTHER_REGION or 300 <= status < 400:
            return _other_region(answer, endpoint, bucket)
        case Answer(status=status, code=code) if code in _REFUSALS or status in (
            401,
            403,
        ):
            return _refusal(answer, endpoint, bucket)
        case Answer(status=status) if answer.passing:
            return ServiceError(
                f"{endpoint} answers {status} for bucket {bucket!r}; try again when it is well."
            )
        case Answer(status=status):
            return ServiceError(
                f"{endpoint} answers {status} for bucket {bucket!r}, but not as an S3 server does; "
                "check --s3-endpoint."
            )


def _other_region(answer: Answer, endpoint: str, bucket: str) -> UrlRewriterError:
    place = f"in region {answer.region}" if answer.region else "elsewhere"
    return ConfigurationError(
        f"{endpoint} says that bucket {bucket!r} is {place} ({answer.code or answer.status}); set "
        "AWS_REGION and --s3-endpoint to match."
    )


def _refusal(answer: Answer, endpoint: str, bucket: str) -> UrlRewriterError:
    skew = _skew(answer)
    code = answer.code or answer.status
    if answer.code == "RequestTimeTooSkewed" or (skew is not None and abs(skew) > _MAX_SKEW):
        by = f" by {abs(skew).total_seconds() / 60:.0f} minutes" if skew is not None else ""
        return NotPermittedError(
            f"{endpoint} refused the signature for bucket {bucket!r} ({code}) and its clock "
            f"differs{by} from this machine's; set the clock."
        )
    return NotPermittedError(
        f"{endpoint} refused the credentials for bucket {bucket!r} ({code}); check "
        "S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY."
    )


def _skew(answer: Answer) -> timedelta | None:
    """This machine's clock minus the server's, or None where the server tells no time."""
    try:
        return datetime.now(UTC) - parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, TypeError):
        return None
