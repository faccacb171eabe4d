"""What boto3 returns or raises, as answers in our own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from url_rewriter.objects.transport.answers import CAP_EXCEEDED, Answer, clean_code

_FAULTS = {
    "SSLError": "TLS failed",
    "ProxyConnectionError": "the proxy cannot be reached",
    "ConnectTimeoutError": "no connection within the time limit",
    "ReadTimeoutError": "no answer within the time limit",
    "ConnectionClosedError": "the connection was closed before the answer was complete",
    "ResponseParserError": "an answer that is not S3",
}
_UNTRUSTED = ("self-signed certificate", "self signed certificate", "unable to get local issuer")
"""Of OpenSSL: the certificate may be right, and its authority is not known here."""

_CREDENTIALS = {
    "NoCredentialsError": "no credentials were found",
    "PartialCredentialsError": "the credentials are incomplete",
    "CredentialRetrievalError": "the credentials could not be fetched",
    "TokenRetrievalError": "the credentials could not be fetched",
    "UnauthorizedSSOTokenError": "the single sign-on session has ended",
    "SSOTokenLoadError": "there is no single sign-on session",
}


def ask_for(request: Callable[[], Mapping[str, Any]]) -> tuple[Answer, Mapping[str, Any]]:
    """The answer to a request, and what boto3 returned; nothing unless the status is good."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        reply = request()
    except ClientError as error:
        return _read_reply(error.response), {}
    except BotoCoreError as error:
        return read_fault(error), {}
    except (ValueError, ArithmeticError):
        # botocore converts header values (dates, lengths) without catching what that raises.
        return Answer(fault="an answer with headers that cannot be read"), {}
    return _read_reply(reply), reply


def read_fault(error: Exception) -> Answer:
    """The cause of an error. A client's own message may repeat what it sent."""
    name = type(error).__name__
    if name == "SSLError" and any(words in str(error) for words in _UNTRUSTED):
        return Answer(fault="its certificate is not trusted here", code="UntrustedCertificate")
    if name in _CREDENTIALS:
        return Answer(fault=_CREDENTIALS[name], code="NoCredentials")
    if name == "ParamValidationError":
        return Answer(fault="a name that boto3 refuses to ask for", code="InvalidBucketName")
    if name == "EndpointConnectionError":
        return Answer(fault=_why_unreachable(str(getattr(error, "kwargs", {}).get("error"))))
    return Answer(fault=_FAULTS.get(name, f"the request failed ({name})"))


def _read_reply(reply: Mapping[str, Any]) -> Answer:
    metadata = reply.get("ResponseMetadata", {})
    headers = metadata.get("HTTPHeaders", {})
    if region := reply.get("Error", {}).get("Region"):
        headers = {"x-amz-bucket-region": region, **headers}
    error = reply.get("Error", {})
    code = clean_code(error.get("Code"))
    if "cap exceeded" in str(error.get("Message", "")).lower():
        code = CAP_EXCEEDED
    return Answer(
        status=metadata.get("HTTPStatusCode", 0),
        headers=headers,
        code=code or clean_code(headers.get("x-minio-error-code")),
        fault="" if "HTTPStatusCode" in metadata else "an answer that cannot be read",
    )


def _why_unreachable(message: str) -> str:
    text = message.lower()
    if "refused" in text:
        return "connection refused"
    if "resolve" in text or "name or service" in text or "nodename" in text:
        return "the host name is unknown"
    return "it cannot be reached"
