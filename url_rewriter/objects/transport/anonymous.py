"""Requests without credentials, sent as boto3 would send them."""

from __future__ import annotations

from collections.abc import Callable

from url_rewriter.concurrency.request_rate import RequestRate
from url_rewriter.objects.transport.answers import Answer
from url_rewriter.objects.transport.boto_answers import read_fault
from url_rewriter.objects.transport.persistence import Persistence
from url_rewriter.objects.transport.settings import S3Settings

Opener = Callable[[str, str], Answer]
"""Sends one request, of a method for a URL, without credentials; follows no redirect."""


def make_opener(settings: S3Settings) -> Opener:
    """A function, safe to share between threads, that opens URLs."""
    import botocore.session
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import BotoCoreError
    from botocore.httpsession import URLLib3Session
    from botocore.utils import get_environ_proxies

    session = URLLib3Session(
        verify=botocore.session.get_session().get_config_variable("ca_bundle") or True,
        proxies=get_environ_proxies(settings.endpoint),
        # Its stubs know whole numbers only; botocore itself passes a pair.
        timeout=(settings.connect_timeout, settings.read_timeout),  # type: ignore[arg-type]
        max_pool_connections=settings.threads,
    )
    rate = RequestRate(settings.max_rps, patience=settings.busy_patience)
    persistence = Persistence(settings, rate, settings.longest)

    def open_url(method: str, url: str) -> Answer:
        return persistence.ask(lambda: (send(method, url), {}))[0]

    def send(method: str, url: str) -> Answer:
        headers = {"User-Agent": "Mozilla/5.0 (url-rewriter)", "Accept": "*/*"}
        if method == "GET":
            headers["Range"] = "bytes=0-0"
        request = AWSRequest(method=method, url=url, headers=headers, stream_output=True)
        try:
            reply = session.send(request.prepare())
        except BotoCoreError as error:
            return read_fault(error)
        reply.raw.close()
        return Answer(reply.status_code, {k.lower(): v for k, v in reply.headers.items()})

    return open_url
