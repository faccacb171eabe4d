"""Where the S3 client talks, as whom, and how hard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self
from urllib.parse import urlsplit

from url_rewriter.errors import ConfigurationError

WORKERS = 256
"""How many objects are asked for at once by default."""

KEY_ID_VARIABLE = "S3_ACCESS_KEY_ID"
_SECRET = "S3_SECRET_ACCESS_KEY"  # noqa: S105 - the variable's name, not its value
_TOKEN = "AWS_SESSION_TOKEN"  # noqa: S105 - as above
ENDPOINT_VARIABLES = ("S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")


class Prove(StrEnum):
    """How targets are proven: with HEAD, by listing at any price, or by whichever is cheaper.

    What a listing does not show is asked for with HEAD in any case.
    """

    AUTO = "auto"
    LIST = "list"
    HEAD = "head"


@dataclass(frozen=True, slots=True)
class S3Settings:
    """What an S3 client needs to know.

    Without ``access_key_id`` the credentials come from boto3's own chain (``AWS_*``, profiles,
    roles); with it, ``session_token`` is sent where the pair is a temporary one. Without ``region``
    it is the profile's, or ``us-east-1``. ``max_rps`` caps requests per second, retries included. A
    request is tried ``attempts`` times on the spot, ``busy_attempts`` times where the server says
    that it is asked too often; what is then still unknown is asked again in ``passes`` later
    passes, the first after ``backoff`` seconds, each next after twice as many. ``patience`` is how
    many seconds a server that falls silent is given to come back before the rest is not asked any
    more, ``busy_patience`` one that only says that it is busy. ``fast``: questions may go through
    the fast transport, where it can be used. ``prove``: see ``Prove``. Timeouts are in seconds.
    """

    endpoint: str
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    region: str | None = None
    workers: int = WORKERS
    max_rps: float | None = None
    attempts: int = 3
    busy_attempts: int = 8
    connect_timeout: float = 5.0
    read_timeout: float = 15.0
    passes: int = 3
    backoff: float = 1.0
    patience: float = 30.0
    fast: bool = True
    prove: Prove = Prove.AUTO

    def __post_init__(self) -> None:
        require_endpoint(self.endpoint)
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ConfigurationError(
                f"Only one of {KEY_ID_VARIABLE} and {_SECRET} is set; set both."
            )
        if self.workers < 1:
            raise ConfigurationError(f"--workers must be at least 1, not {self.workers}.")
        if self.max_rps is not None and not self.max_rps > 0:
            raise ConfigurationError(f"--max-rps must be more than 0, not {self.max_rps}.")

    @property
    def busy_patience(self) -> float:
        """How many seconds a server that refuses every request as too many is waited for."""
        return 4 * self.patience

    @property
    def longest(self) -> float:
        """How many seconds a request may take as a whole, however slowly its answer drips."""
        return self.connect_timeout + self.read_timeout

    @property
    def threads(self) -> int:
        """How many threads ask through boto3: more than these only wait for one another."""
        return min(self.workers, 32)

    @classmethod
    def from_environ(
        cls,
        environ: Mapping[str, str],
        *,
        endpoint: str | None,
        fallback_endpoint: str,
        workers: int = WORKERS,
        max_rps: float | None = None,
        prove: Prove = Prove.AUTO,
    ) -> Self:
        """The settings that ``environ`` holds. An empty variable counts as unset.

        ``endpoint`` (``--s3-endpoint``) wins, then ``S3_ENDPOINT_URL``, ``AWS_ENDPOINT_URL_S3``,
        ``AWS_ENDPOINT_URL``, then ``fallback_endpoint``, the one that the rules write. Raises
        ConfigurationError for an endpoint that is no URL of a server, which names its variable, and
        for half a key pair.
        """
        for variable in ENDPOINT_VARIABLES if not endpoint else ():
            if environ.get(variable):
                require_endpoint(environ[variable].rstrip("/"), variable)
                break
        return cls(
            endpoint=(endpoint or endpoint_of(environ) or fallback_endpoint).rstrip("/"),
            access_key_id=_credential(environ, KEY_ID_VARIABLE),
            secret_access_key=_credential(environ, _SECRET),
            session_token=environ.get(_TOKEN) or None if environ.get(KEY_ID_VARIABLE) else None,
            region=_first(environ, REGION_VARIABLES),
            workers=workers,
            max_rps=max_rps,
            prove=prove,
        )


def endpoint_of(environ: Mapping[str, str]) -> str | None:
    """The S3 endpoint that the environment names, if any."""
    return _first(environ, ENDPOINT_VARIABLES)


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((environ[name] for name in names if environ.get(name)), None)


def _credential(environ: Mapping[str, str], name: str) -> str | None:
    value = environ.get(name)
    if value and value != value.strip():
        # Usually the line end of a file; servers answer with a puzzling SignatureDoesNotMatch.
        raise ConfigurationError(f"{name} begins or ends with white space; remove it.")
    return value or None


def require_endpoint(endpoint: str, name: str = "The S3 endpoint") -> None:
    """Refuse what is no ``http(s)://host[:port][/path]``; never repeats a password.

    ``name`` says in messages where it came from. Raises ConfigurationError.
    """
    try:
        parts = urlsplit(endpoint)
        credentials = parts.username is not None or parts.password is not None
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        credentials, usable = False, False
    if credentials:
        raise ConfigurationError(
            f"{name} holds a user name or password; put credentials into "
            f"{KEY_ID_VARIABLE} and {_SECRET}."
        )
    if not usable or parts.query or parts.fragment:
        raise ConfigurationError(f"{name} must be http(s)://host[:port][/path], not {endpoint!r}.")
