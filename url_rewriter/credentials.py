"""Google's application default credentials, as ``firebase_admin`` finds them."""

from __future__ import annotations

import itertools
import os
import queue
import re
import threading
from collections.abc import Mapping
from typing import Any

from url_rewriter.errors import (
    ConfigurationError,
    NotPermittedError,
    ServiceError,
    UrlRewriterError,
)

LOG_IN = (
    "run 'gcloud auth application-default login', or name a service account's key file in "
    "GOOGLE_APPLICATION_CREDENTIALS"
)

KEY_FILE = "GOOGLE_APPLICATION_CREDENTIALS"

TOKEN_SECONDS = 8.0
"""How long one request for a token may take in all, however slowly its answer drips."""

_REFUSED = re.compile(
    "invalid_grant|invalid_client|unauthorized_client|access_denied|invalid_scope|invalid_rapt"
    "|deleted_client|disabled_client|org_internal|Reauthentication|impersonated credentials"
    "|necessary fields"
)
_CLOCK = re.compile("iat and exp|short-lived token", re.IGNORECASE)

_app_numbers = itertools.count(1)


def default_credentials(project: str = "") -> tuple[Any, str]:
    """The credentials, and ``project``; where that is empty, the project that they name, or "".

    Raises NotPermittedError where there are none that can be used.
    """
    import firebase_admin
    from google.auth.exceptions import GoogleAuthError

    # Each app has a name of its own, so that an application's default app is never touched.
    app = firebase_admin.initialize_app(  # type: ignore[no-untyped-call]  # ships no types
        options={"projectId": project} if project else None,
        name=f"url-rewriter-{os.getpid()}-{next(_app_numbers)}",
    )
    try:
        return app.credential.get_credential(), project or app.project_id or ""
    except (GoogleAuthError, OSError, ValueError) as error:
        raise NotPermittedError(
            f"No usable Google credentials{_named_file()} ({type(error).__name__}): {LOG_IN}"
        ) from error
    finally:
        firebase_admin.delete_app(app)  # type: ignore[no-untyped-call]  # ships no types


def describe_identity(credentials: Any) -> str:
    """Whom Google's credentials are of, as far as they tell that without a request.

    Nothing secret is in it: an address, or what kind of credentials they are.
    """
    for name in ("service_account_email", "account"):
        told = getattr(credentials, name, None)
        if isinstance(told, str) and "@" in told:
            return told
    if type(credentials).__module__.startswith("google.auth.compute_engine"):
        return "the service account of this machine"
    if type(credentials).__module__.startswith("google.oauth2.credentials"):
        return "a user who logged in"
    return f"credentials of the kind {type(credentials).__name__}"


def origin_of_identity(credentials: Any, environ: Mapping[str, str]) -> str:
    """Where Google's default credentials were found."""
    if environ.get(KEY_FILE):
        return f"environment variable {KEY_FILE}"
    if type(credentials).__module__.startswith("google.auth.compute_engine"):
        return "the metadata server of this machine"
    return "gcloud's application default login"


def token_request() -> Any:
    """What google-auth asks for tokens with: Google's own, bounded in time.

    It waits two minutes for each answer, and again for each byte.
    """
    from google.auth.exceptions import TransportError
    from google.auth.transport.requests import Request

    class TokenRequest(Request):
        def __call__(self, *arguments: Any, **options: Any) -> Any:
            options["timeout"] = TOKEN_SECONDS
            answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
            send: Any = super().__call__

            def ask() -> None:
                try:
                    answers.put(send(*arguments, **options))
                except BaseException as error:  # raised again where the answer is awaited
                    answers.put(error)

            threading.Thread(target=ask, name="token", daemon=True).start()
            try:
                answer = answers.get(timeout=TOKEN_SECONDS)
            except queue.Empty:
                raise TransportError(f"no answer within {TOKEN_SECONDS:g} s") from None  # type: ignore[no-untyped-call]  # ships no types
            if isinstance(answer, BaseException):
                raise answer
            return answer

    return TokenRequest()


def refuses_identity(said: str) -> bool:
    """Whether a token server's answer, as google-auth tells it, is one to this identity."""
    return _REFUSED.search(said) is not None


def meaning_of_no_token(said: str) -> UrlRewriterError:
    """What it means that there is no token, ``said`` google-auth, for the operator.

    Nothing of ``said`` is repeated: it may hold a key, or the page of a proxy.
    """
    if _CLOCK.search(said):
        return NotPermittedError(
            "The token server refused the credentials because of this machine's clock, which "
            "differs from its own: set the clock (`timedatectl set-ntp true`)."
        )
    if refuses_identity(said):
        return NotPermittedError(f"The Google credentials could not be refreshed: {LOG_IN}")
    return ServiceError(
        "No token for Google: the token server (oauth2.googleapis.com, or the metadata server) "
        "cannot be reached, is busy, or something else answered in its place. Look at the network "
        "and at the proxy (HTTPS_PROXY, NO_PROXY); the credentials were not refused."
    )


def project_of(app: Any) -> str:
    """The project of a ``firebase_admin`` app, or of a credential that names one.

    Raises ConfigurationError where it has none.
    """
    project: str | None = getattr(app, "project_id", None)
    if not project:
        raise ConfigurationError(
            "The app names no project: give it one, initialize_app(options={'projectId': ...})."
        )
    return project


def credentials_of(app: Any) -> Any:
    """Google's credentials of a ``firebase_admin`` app, or of its credential.

    Raises NotPermittedError where there are none that can be used.
    """
    from google.auth.exceptions import GoogleAuthError

    try:
        return getattr(app, "credential", app).get_credential()
    except (GoogleAuthError, OSError, ValueError) as error:
        raise NotPermittedError(
            f"No usable Google credentials in the app ({type(error).__name__}): {LOG_IN}"
        ) from error


def _named_file() -> str:
    # The error's own text may quote the file, which may hold a key.
    path = os.environ.get(KEY_FILE)
    if not path:
        return ""
    state = "is there, and is not usable" if os.path.exists(path) else "does not exist"  # noqa: PTH110 - a name as it was given
    return f": {path}, which GOOGLE_APPLICATION_CREDENTIALS names, {state}"
