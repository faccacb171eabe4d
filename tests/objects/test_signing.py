"""Our signature is botocore's, byte for byte."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from unittest.mock import patch

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from tests.servers.fault import Reaction, Request, fault_server, present
from url_rewriter.objects.transport.boto import Client
from url_rewriter.objects.transport.fast import FastTransport
from url_rewriter.objects.transport.settings import S3Settings
from url_rewriter.objects.transport.sigv4 import Credentials, Signer, escape_path, escape_query
from url_rewriter.urls import ObjectRef

KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
MOMENTS = st.integers(0, 4_102_444_799)


@given(
    key=KEYS,
    after=st.none() | KEYS,
    bucket=st.from_regex(r"[a-z0-9][a-z0-9._-]{1,40}", fullmatch=True),
    secret=SECRETS,
    token=st.none() | SECRETS,
    region=st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True),
    second=MOMENTS,
)
def test_every_request_is_signed_as_botocore_signs_it(
    key: str, after: str | None, bucket: str, secret: str, token: str | None, region: str,
    second: int,
) -> None:  # fmt: skip
    method = "HEAD" if after is None else "GET"
    path = escape_path("/base", bucket, key)
    query = "" if after is None else escape_query({"start-after": after, "list-type": "2"})
    url = f"https://s3.example.com:9000{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method, url)
    theirs = botocore.auth.S3SigV4Auth(BotocoreCredentials("AKID", secret, token), "s3", region)
    moment = datetime.fromtimestamp(second, UTC).replace(tzinfo=None)
    with (
        patch.object(botocore.auth, "get_current_datetime", lambda: moment),
        patch.object(time, "time", lambda: float(second)),
    ):
        theirs.add_auth(request)
        signer = Signer(Credentials("AKID", secret, token), region, "s3.example.com:9000")
        lines = signer.headers(method, path, query)
    ours = dict(line.split(": ", 1) for line in lines.split("\r\n"))
    assert ours == dict(request.headers.items())


def test_the_lane_sends_the_path_that_boto3_sends() -> None:
    keys = ["a b", "100%", "%2F", "a+b", "a#b?c=d", "é\u0301", "c\u0001d", "a.", "~(x)'*!"]

    def paths(fast: bool) -> list[str]:
        with fault_server(lambda _: present()) as server:
            settings = S3Settings(server.endpoint + "/base", "AKID", "secret", workers=1)
            client = Client(settings)
            if fast:
                bundle = client.plain_bundle()
                assert bundle is not None
                lane = FastTransport(settings, client, bundle)
                list(lane.heads(ObjectRef("b.c-d", key) for key in keys))
                lane.close()
            else:
                for key in keys:
                    client.head(ObjectRef("b.c-d", key))
            return [request.path for request in server.requests]

    assert paths(fast=True) == paths(fast=False)


def test_the_host_is_signed_as_it_is_sent() -> None:
    def behave(request: Request) -> Reaction:
        assert "SignedHeaders=host;" in request.headers["authorization"]
        return present()

    with fault_server(behave) as server:
        settings = S3Settings(server.endpoint, "AKID", "secret", workers=1)
        client = Client(settings)
        lane = FastTransport(settings, client, client.plain_bundle() or "")
        ((_, answer),) = lane.heads([ObjectRef("b.c-d", "k")])
        assert answer.status == 200
        assert server.requests[0].headers["host"] == server.endpoint.removeprefix("http://")
        lane.close()
