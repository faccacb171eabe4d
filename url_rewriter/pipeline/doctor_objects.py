"""What ``doctor`` finds out of the object store: endpoint, clock, credentials, buckets, honesty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from url_rewriter.errors import ConfigurationError, NotPermittedError, UrlRewriterError
from url_rewriter.evidence import WrittenUrl
from url_rewriter.objects import open_inspector
from url_rewriter.objects.inspection import BucketInspector, Greeting
from url_rewriter.objects.transport.settings import (
    ENDPOINT_VARIABLES,
    KEY_ID_VARIABLE,
    REGION_VARIABLES,
)
from url_rewriter.pipeline.audit import NO_RULES, target_bucket
from url_rewriter.pipeline.doctor_lines import (
    DoctorCheck,
    DoctorLine,
    DoctorRequest,
    DoctorState,
    Questions,
    explained,
    failed,
    not_asked,
    ok,
    warning,
)
from url_rewriter.pipeline.opening import SECONDS as OPENING_SECONDS
from url_rewriter.pipeline.opening import conclude_opening
from url_rewriter.pipeline.services import Services
from url_rewriter.planfile import Openings, RuleOpening
from url_rewriter.planning import BUCKET_VARIABLE
from url_rewriter.rules import Rules
from url_rewriter.text import counted
from url_rewriter.urls import ObjectRef

_OF_A_BUCKET = (
    DoctorCheck.S3_ENDPOINT, DoctorCheck.CLOCK, DoctorCheck.S3_BUCKET, DoctorCheck.S3_REGION,
    DoctorCheck.KNOWN_ABSENT, DoctorCheck.S3_LISTING, DoctorCheck.KNOWN_PRESENT,
)  # fmt: skip
_EVERY = (DoctorCheck.S3_SETTINGS, DoctorCheck.S3_CREDENTIALS, *_OF_A_BUCKET, DoctorCheck.ANONYMOUS)
_ENDPOINT = "look at --s3-endpoint and at what stands between"
_WRITING = "whether objects may be put there is not asked, only copy tells"
_KEYS = "set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, or a profile of boto3"


def examine_objects(
    request: DoctorRequest, services: Services, rules: Rules | None
) -> Iterator[DoctorLine]:
    """Yield a line for each check of the object store. Reads a few objects, and writes nothing."""
    origin = _origin_of_endpoint(request, services, rules)
    try:
        buckets = _buckets(services, rules)
        if not origin or not buckets:
            how = "--rules FILE, or S3_ENDPOINT_URL and S3_BUCKET_NAME"
            yield from (not_asked(each, "no endpoint and bucket are named", how) for each in _EVERY)
            return
        settings = services.target_settings(rules or NO_RULES)
    except UrlRewriterError as error:
        yield explained(DoctorCheck.S3_SETTINGS, error, "correct it", origin)
        yield from (not_asked(each, "the settings cannot be used") for each in _EVERY[1:])
        return
    origins = {
        DoctorCheck.S3_BUCKET: "rules file" if rules else f"environment variable {BUCKET_VARIABLE}",
        DoctorCheck.S3_REGION: _origin_of_region(services),
    }
    questions = Questions(settings.endpoint, request.seconds)
    opened: list[BucketInspector] = []

    def open_client() -> DoctorLine:
        # boto3 looks for credentials now, where its chain may wait for a server or a program.
        opened.append(open_inspector(settings, _prefixes(rules)))
        places = f"{settings.endpoint}, {counted(len(buckets), 'bucket')}: {', '.join(buckets)}"
        return ok(DoctorCheck.S3_SETTINGS, places, origin)

    yield questions.put(DoctorCheck.S3_SETTINGS, open_client)
    if not opened:
        yield from (not_asked(each, "the settings cannot be used") for each in _EVERY[1:])
        return
    with closing(opened[0]) as inspector:
        credentials = questions.put(
            DoctorCheck.S3_CREDENTIALS, lambda: _credentials(inspector, services), _KEYS
        )
        yield credentials
        if credentials.state is DoctorState.FAILED:
            questions.give_up("there are no credentials")
        for bucket in buckets:
            for line in _examine_bucket(inspector, bucket, questions):
                yield replace(line, origin=line.origin or origins.get(line.name, ""))
        yield questions.put(
            DoctorCheck.ANONYMOUS, lambda: _read_anonymously(inspector, services, rules)
        )


def _buckets(services: Services, rules: Rules | None) -> list[str]:
    if rules is not None:
        return sorted({each.target.bucket for each in rules.rules})
    return list(filter(None, [target_bucket(services.environ)]))


def _prefixes(rules: Rules | None) -> list[ObjectRef]:
    if rules is None:
        return []
    return [ObjectRef(each.target.bucket, each.target.prefix) for each in rules.rules]


def _origin_of_endpoint(request: DoctorRequest, services: Services, rules: Rules | None) -> str:
    if "s3_endpoint" in request.given:
        return request.given["s3_endpoint"]
    if services.s3.endpoint:
        return "the caller"
    for variable in ENDPOINT_VARIABLES:
        if services.environ.get(variable):
            return f"environment variable {variable}"
    return "rules file" if rules is not None else ""


def _origin_of_region(services: Services) -> str:
    for variable in REGION_VARIABLES:
        if services.environ.get(variable):
            return f"environment variable {variable}"
    return "boto3's profile, or the default"


def _credentials(inspector: BucketInspector, services: Services) -> DoctorLine:
    check = DoctorCheck.S3_CREDENTIALS
    key = inspector.signing_key()
    if key is None:
        return replace(failed(check, "there are none", _KEYS), denied=True)
    if services.environ.get(KEY_ID_VARIABLE):
        origin = f"environment variable {KEY_ID_VARIABLE}"
    else:
        profile = services.environ.get("AWS_PROFILE")
        of_profile = f", profile {profile}" if profile else ""
        origin = f"boto3's chain: {key.method}{of_profile}"
    return ok(check, f"the key whose id ends in {key.ending}", origin)


def _examine_bucket(
    inspector: BucketInspector, bucket: str, questions: Questions
) -> Iterator[DoctorLine]:
    greeted: list[Greeting] = []
    yield questions.put(
        DoctorCheck.S3_ENDPOINT, lambda: _greet(inspector, bucket, questions, greeted)
    )
    denied: list[UrlRewriterError | bool] = []
    if greeted:
        yield tell_clock(greeted[0])
        yield questions.put(DoctorCheck.S3_BUCKET, lambda: _look(inspector, bucket, denied))
    if not greeted or not denied or isinstance(denied[0], ConfigurationError | NotPermittedError):
        left = _OF_A_BUCKET[3 if greeted else 1 :]
        yield from (not_asked(each, f"bucket {bucket} could not be asked") for each in left)
        return
    yield tell_region(greeted[0].region, inspector.region)
    yield tell_absent(denied[0])
    listed = questions.put(DoctorCheck.S3_LISTING, lambda: _list(inspector, bucket))
    yield listed
    if listed.state is DoctorState.OK:
        yield questions.put(DoctorCheck.KNOWN_PRESENT, lambda: _find(inspector, bucket))
    else:
        yield not_asked(DoctorCheck.KNOWN_PRESENT, f"{bucket} cannot be listed")


def _greet(
    inspector: BucketInspector, bucket: str, questions: Questions, greeted: list[Greeting]
) -> DoctorLine:
    greeting = inspector.greet(bucket)
    if greeting.trouble is not None:
        questions.give_up()
        raise greeting.trouble
    greeted.append(greeting)
    return ok(DoctorCheck.S3_ENDPOINT, f"{inspector.endpoint} answers")


def tell_clock(greeting: Greeting) -> DoctorLine:
    """The line on this machine's clock against the server's."""
    check = DoctorCheck.CLOCK
    if greeting.wrong_clock is not None:
        return explained(check, greeting.wrong_clock, "set the clock")
    if greeting.skew is None:
        return not_asked(check, "the server sends no date")
    return ok(check, f"{abs(greeting.skew).total_seconds():.0f} s from the server's")


def _look(
    inspector: BucketInspector, bucket: str, denied: list[UrlRewriterError | bool]
) -> DoctorLine:
    denied.append(inspector.probe_absent(bucket))
    if isinstance(denied[0], ConfigurationError | NotPermittedError):
        raise denied[0]
    if isinstance(denied[0], UrlRewriterError):
        return not_asked(DoctorCheck.S3_BUCKET, "what the server says is not to be relied on")
    if not denied[0]:
        return warning(
            DoctorCheck.S3_BUCKET,
            f"whether {bucket} is there, and may be read, cannot be told: all is forbidden alike",
            "grant these credentials GetObject and ListBucket",
        )
    return ok(
        DoctorCheck.S3_BUCKET,
        f"{bucket} is there, and its objects may be asked for; {_WRITING}",
    )


def tell_region(told: str | None, signed: str) -> DoctorLine:
    """The line on the region that the server tells against the one that requests are signed for."""
    if told is not None and told != signed:
        return warning(
            DoctorCheck.S3_REGION,
            f"the bucket is in {told}, requests are signed for {signed}",
            f"set AWS_REGION={told}",
        )
    return ok(DoctorCheck.S3_REGION, signed if told else f"{signed}; the server tells none")


def tell_absent(denied: UrlRewriterError | bool) -> DoctorLine:
    """The line on a random key, which cannot be there."""
    check = DoctorCheck.KNOWN_ABSENT
    if isinstance(denied, UrlRewriterError):
        return explained(check, denied, _ENDPOINT)
    if not denied:
        return warning(
            check,
            "a key that is not there is answered like a forbidden one: missing targets will be"
            " unknown",
            "grant these credentials ListBucket",
        )
    return ok(check, "a random key is denied")


def _list(inspector: BucketInspector, bucket: str) -> DoctorLine:
    if why := inspector.may_list(bucket):
        return warning(
            DoctorCheck.S3_LISTING,
            f"{bucket} cannot be listed ({why}): every target is asked for by HEAD",
            "grant these credentials ListBucket",
        )
    return ok(DoctorCheck.S3_LISTING, f"{bucket} may be listed")


def _find(inspector: BucketInspector, bucket: str) -> DoctorLine:
    found = inspector.probe_present(bucket)
    if isinstance(found, UrlRewriterError):
        raise found
    if found is None:
        return not_asked(DoctorCheck.KNOWN_PRESENT, f"{bucket} lists no object")
    return ok(DoctorCheck.KNOWN_PRESENT, "an object that is listed is found by HEAD")


def _read_anonymously(
    inspector: BucketInspector, services: Services, rules: Rules | None
) -> DoctorLine:
    check = DoctorCheck.ANONYMOUS
    if rules is None:
        return not_asked(check, "without rules it is not known what is written", "--rules FILE")
    openings = Openings(rules=tuple(_open_one_of_each(inspector, services, rules)))
    if openings.closed:
        return warning(
            check,
            f"opened without credentials: {openings.without_credentials()}",
            "let all read these objects, or say `public: false` in the rule",
        )
    if openings.silence:
        return not_asked(check, openings.silence)
    return ok(check, f"opened without credentials: {openings.without_credentials()}")


def _open_one_of_each(
    inspector: BucketInspector, services: Services, rules: Rules
) -> Iterator[RuleOpening]:
    chosen: dict[str, WrittenUrl] = {}
    for rule in rules.rules:
        prefix = ObjectRef(rule.target.bucket, rule.target.prefix)
        if rule.public is not False and (sample := inspector.sample(prefix)):
            url = rules.url_of(sample.target).partition("#")[0]
            chosen[rule.name] = replace(sample, url=url)
    opened = services.visitor(rules).open_within(chosen.values(), OPENING_SECONDS)
    found = {each.target: each for each in opened}
    for rule in rules.rules:
        if rule.public is not False and rule.name not in chosen:
            yield RuleOpening(rule.name, "", "no object is listed below its target")
        else:
            yield conclude_opening(rule, chosen.get(rule.name), found)
