"""What is wrong with a bucket that gives no honest answers, in one sentence, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from url_rewriter.errors import (
    ConfigurationError,
    NotPermittedError,
    ServiceError,
    UrlRewriterError,
)
from url_rewriter.objects.transport.answers import CAP_EXCEEDED, Answer

MAX_SKEW = timedelta(minutes=5)
"""How far S3 lets the clock of a signature be off, at the strictest (AWS allows 15 minutes)."""

_ENDED = "the session token has ended: renew it (AWS_SESSION_TOKEN), and the same command continues"
_REMEDIES = {
    "ExpiredToken": _ENDED,
    "TokenRefreshRequired": _ENDED,
    CAP_EXCEEDED: "the account's cap is used up: raise it, or wait until it begins anew, and the "
    "same command continues",
}

_OTHER_REGION = frozenset(
    {
        "PermanentRedirect",
        "TemporaryRedirect",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
    }
)


def explain(answer: Answer, endpoint: str, bucket: str) -> UrlRewriterError:
    """What the answer to the question for an absent key of ``bucket`` says is wrong."""
    if error := _misdirected(answer, endpoint, bucket) or _kept_out(answer, endpoint, bucket):
        return error
    match answer:
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
        case Answer(words=words) if answer.busy:
            return ServiceError(
                f"{endpoint} answers {words} for bucket {bucket!r}: it is busy, or asked too "
                "often; try again, with --max-rps where it allows only so many requests a second."
            )
        case Answer() if answer.refused:
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


def explain_named_bucket(endpoint: str, bucket: str) -> UrlRewriterError:
    """The trouble where an object is denied as S3 does, and so is the bucket that is to hold it."""
    return ConfigurationError(
        f"{endpoint} seems to name a bucket already: it knows no bucket {bucket!r} and denies an "
        "object as one of its own; give the endpoint without the bucket's name."
    )


def explain_list_only(endpoint: str, bucket: str, count: int) -> UrlRewriterError:
    """The trouble where objects are listed, and all that were asked for are forbidden."""
    return NotPermittedError(
        f"These credentials may list bucket {bucket!r} of {endpoint} and read nothing in it: all "
        f"{count} objects that were asked for are forbidden (403); grant GetObject, which HEAD "
        "needs as well."
    )


def _misdirected(answer: Answer, endpoint: str, bucket: str) -> UrlRewriterError | None:
    """What is wrong with the address, or the bucket's name."""
    match answer:
        case Answer(code="InvalidBucketName"):
            return ConfigurationError(
                f"{bucket!r} is no bucket name to {endpoint}; correct the target bucket in the "
                "rules (S3_BUCKET_NAME)."
            )
        case Answer(code="NoSuchBucket"):
            return ConfigurationError(
                f"{endpoint} has no bucket {bucket!r}; create it, or correct the target bucket in "
                "the rules (S3_BUCKET_NAME)."
            )
        case Answer(code="SecondLevelDomainForbidden"):
            return ConfigurationError(
                f"{endpoint} takes a bucket as part of the host name only, and {bucket!r} would be "
                "written as part of the path (SecondLevelDomainForbidden): URLs like that cannot "
                "open there."
            )
        case Answer(status=status, code=code) if code in _OTHER_REGION or 300 <= status < 400:
            return _elsewhere(answer, endpoint, bucket)
    return None


def _kept_out(answer: Answer, endpoint: str, bucket: str) -> UrlRewriterError | None:
    """What keeps requests from the server before it looks at who sends them."""
    match answer:
        case Answer(code="NoCredentials", fault=fault):
            return NotPermittedError(
                f"Nothing can be asked of {endpoint}: {fault}; set S3_ACCESS_KEY_ID and "
                "S3_SECRET_ACCESS_KEY."
            )
        case Answer(code="UntrustedCertificate", fault=fault):
            return ServiceError(
                f"No answer from {endpoint} for bucket {bucket!r}: {fault}; set AWS_CA_BUNDLE to "
                "a file with the certificate of the authority that issued it."
            )
        case Answer(status=403) if _is_web_page(answer):
            return ServiceError(
                f"{endpoint} answers 403 for bucket {bucket!r} with a web page: no S3 server "
                "signed this 403, something in front of it answered; have this machine let through."
            )
    return None


def _is_web_page(answer: Answer) -> bool:
    return not answer.marked and answer.headers.get("content-type", "").startswith("text/html")


def _elsewhere(answer: Answer, endpoint: str, bucket: str) -> UrlRewriterError:
    where, here = urlsplit(answer.headers.get("location", "")), urlsplit(endpoint)
    if here.scheme == "http" and where.scheme == "https" and where.hostname == here.hostname:
        return ConfigurationError(
            f"{endpoint} sends requests for bucket {bucket!r} to https://{where.netloc}; give that "
            "as --s3-endpoint, and as the endpoint of the rules if they name the same one."
        )
    if answer.code == "AuthorizationHeaderMalformed" and answer.region:
        return ConfigurationError(
            f"{endpoint} expects requests for bucket {bucket!r} to be signed for region "
            f"{answer.region!r}; set AWS_REGION={answer.region}."
        )
    place = f"in region {answer.region}" if answer.region else "elsewhere"
    return ConfigurationError(
        f"{endpoint} says that bucket {bucket!r} is {place} ({answer.code or answer.status}); set "
        "AWS_REGION and --s3-endpoint to match."
    )


def _refusal(answer: Answer, endpoint: str, bucket: str) -> UrlRewriterError:
    skew = measure_skew(answer)
    code = answer.code or answer.status
    if answer.code == "RequestTimeTooSkewed" or (skew is not None and abs(skew) > MAX_SKEW):
        by = f" by {abs(skew).total_seconds() / 60:.0f} minutes" if skew is not None else ""
        return NotPermittedError(
            f"{endpoint} refused the signature for bucket {bucket!r} ({code}) and its clock "
            f"differs{by} from this machine's; set the clock."
        )
    remedy = _REMEDIES.get(answer.code, "check S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY")
    return NotPermittedError(
        f"{endpoint} refused the credentials for bucket {bucket!r} ({code}); {remedy}."
    )


def explain_skew(skew: timedelta, endpoint: str, bucket: str) -> UrlRewriterError:
    """The trouble with a server that answers as it should, at another time of day."""
    where = "behind" if skew > timedelta() else "ahead of"
    return ServiceError(
        f"{endpoint} dates its answers for bucket {bucket!r} "
        f"{abs(skew).total_seconds() / 60:.0f} minutes {where} this machine's clock, so evidence "
        "would carry a wrong time or comes from a cache; set the clocks."
    )


def measure_skew(answer: Answer) -> timedelta | None:
    """This machine's clock minus the server's, or None where the server tells no time."""
    told = told_time(answer)
    return None if told is None else datetime.now(UTC) - told


def told_time(answer: Answer) -> datetime | None:
    """The server's time, to the second, or None where it tells none."""
    try:
        told = parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    return None if told.tzinfo is None else told
