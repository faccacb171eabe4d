"""Google's application default credentials, as ``firebase_admin`` finds them."""

from __future__ import annotations

import itertools
import os
from typing import Any

from url_rewriter.errors import ConfigurationError, NotPermittedError

LOG_IN = (
    "run 'gcloud auth application-default login', or name a service account's key file in "
    "GOOGLE_APPLICATION_CREDENTIALS"
)

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
    path = os.environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    if not path:
        return ""
    state = "is there, and is not usable" if os.path.exists(path) else "does not exist"  # noqa: PTH110 - a name as it was given
    return f": {path}, which GOOGLE_APPLICATION_CREDENTIALS names, {state}"
