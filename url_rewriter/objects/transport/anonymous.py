"""Requests without credentials, sent as boto3 would send them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from url_rewriter.objects.transport.answers import Answer
from url_rewriter.objects.transport.boto_answers import read_fault
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

    options: dict[str, Any] = {
        "verify": botocore.session.get_session().get_config_variable("ca_bundle") or True,
        "timeout": (settings.connect_timeout, settings.read_timeout),
        "max_pool_connections": settings.threads,
    }
    # Readers open URLs on other hosts than the S3 endpoint's, for which no_proxy may differ.
    direct = URLLib3Session(**options)
    proxied = URLLib3Session(**options, proxies=getproxies())

    def open_url(method: str, url: str) -> Answer:
        if urlsplit(url).scheme not in ("http", "https"):
            return Answer(fault="only http and https are opened")
        headers = {"User-Agent": "Mozilla/5.0 (url-rewriter)", "Accept": "*/*"}
        if method == "GET":
            headers["Range"] = "bytes=0-0"
        request = AWSRequest(method=method, url=url, headers=headers, stream_output=True)
        try:
            session = proxied if get_environ_proxies(url) else direct
            reply = session.send(request.prepare())
        except BotoCoreError as error:
            return read_fault(error)
        reply.raw.close()  # unread: what answers decides how long it is
        return Answer(reply.status_code, {k.lower(): v for k, v in reply.headers.items()})

    return open_url
