"""What ``doctor`` finds out, one line a check, and how its questions are bounded in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from url_rewriter.concurrency.time_limit import within
from url_rewriter.errors import NotPermittedError, UrlRewriterError
from url_rewriter.pipeline.requests import StoreChoice
from url_rewriter.text import counted

_READ_IT = "look at what is said"

SECONDS = 30.0
"""How long one check may take."""


class DoctorCheck(StrEnum):
    """The checks, in the order in which they are shown."""

    VERSIONS = "versions"
    DISK = "disk"
    PLAN_FILES = "plan-files"
    RULES = "rules"
    EXAMPLES = "examples"
    GOOGLE_CREDENTIALS = "google-credentials"
    DATABASE = "database"
    DATABASE_READ = "database-read"
    DATABASE_KIND = "database-kind"
    RECOVERY = "point-in-time-recovery"
    BACKUP = "backup"
    S3_SETTINGS = "s3-settings"
    S3_CREDENTIALS = "s3-credentials"
    S3_ENDPOINT = "s3-endpoint"
    CLOCK = "clock"
    S3_BUCKET = "s3-bucket"
    S3_REGION = "s3-region"
    KNOWN_ABSENT = "known-absent"
    S3_LISTING = "s3-listing"
    KNOWN_PRESENT = "known-present"
    ANONYMOUS = "anonymous-reading"


class DoctorState(StrEnum):
    """``WARNING``: it works, and less well or less safely than it could."""

    OK = "ok"
    FAILED = "failed"
    WARNING = "warning"
    NOT_ASKED = "not-asked"


@dataclass(frozen=True, slots=True)
class DoctorLine:
    """One check: what was found, what to do where it is not ok, where its setting came from.

    ``denied``: it failed because of who asks.
    """

    name: DoctorCheck
    state: DoctorState
    found: str
    remedy: str = ""
    origin: str = ""
    denied: bool = False


@dataclass(frozen=True, slots=True)
class DoctorRequest:
    """What to examine; whatever is not named is not asked about.

    ``given`` says by which option, or which of its variables, each setting was given: ``rules``,
    ``store``, ``project``, ``s3_endpoint``. ``seconds``: how long one check may take.
    """

    store: StoreChoice = field(default_factory=StoreChoice)
    rules_file: Path | None = None
    folder: Path = field(default_factory=Path)
    given: Mapping[str, str] = field(default_factory=dict)
    seconds: float = SECONDS


def ok(name: DoctorCheck, found: str, origin: str = "") -> DoctorLine:
    """All is well."""
    return DoctorLine(name, DoctorState.OK, found, origin=origin)


def warning(name: DoctorCheck, found: str, remedy: str, origin: str = "") -> DoctorLine:
    """It works, and could be better."""
    return DoctorLine(name, DoctorState.WARNING, found, remedy, origin)


def failed(name: DoctorCheck, found: str, remedy: str, origin: str = "") -> DoctorLine:
    """It does not work."""
    return DoctorLine(name, DoctorState.FAILED, found, remedy, origin)


def not_asked(name: DoctorCheck, why: str, remedy: str = "") -> DoctorLine:
    """Nothing is known of it, and why."""
    return DoctorLine(name, DoctorState.NOT_ASKED, why, remedy)


def failed_by(
    name: DoctorCheck, error: UrlRewriterError, remedy: str, origin: str = ""
) -> DoctorLine:
    """It does not work, as an error says; of several problems it shows the first."""
    first, *more = str(error).rstrip(".").splitlines() or [""]
    found = f"{first}, and {counted(len(more), 'more problem')}" if more else first
    denied = isinstance(error, NotPermittedError)
    return DoctorLine(name, DoctorState.FAILED, found, remedy, origin, denied)


def explained(
    name: DoctorCheck, error: UrlRewriterError, otherwise: str, origin: str = ""
) -> DoctorLine:
    """It does not work, as an error of the object store says, which is "found; what to do".

    ``otherwise`` is the remedy where it does not say what to do.

    >>> error = UrlRewriterError("no bucket 'b'; create it.")
    >>> line = explained(DoctorCheck.S3_BUCKET, error, "")
    >>> line.found, line.remedy
    ("no bucket 'b'", 'create it')
    """
    line = failed_by(name, error, otherwise, origin)
    found, _, told = line.found.rpartition("; ")
    return replace(line, found=found, remedy=told) if found else line


class Questions:
    """Puts questions to one ``server``, each within ``seconds``; none after one without an answer.

    What does not answer in time goes on in a thread of its own, and is waited for no more.
    """

    def __init__(self, server: str, seconds: float) -> None:
        self._server = server
        self._seconds = seconds
        self._silent = ""

    def give_up(self, why: str = "") -> None:
        """Put no more questions."""
        self._silent = why or f"{self._server} does not answer"

    def put(
        self, name: DoctorCheck, question: Callable[[], DoctorLine], remedy: str = ""
    ) -> DoctorLine:
        """The line that ``question`` makes.

        ``remedy`` is for an error that it raises, unless that one says what to do.
        """
        if self._silent:
            return not_asked(name, self._silent)
        try:
            return within(self._seconds, question)
        except TimeoutError:
            self.give_up()
            return failed(
                name,
                f"no answer from {self._server} within {self._seconds:g} s",
                "look whether it is up, and at the network and the proxy on the way to it",
            )
        except UrlRewriterError as error:
            return failed_by(name, error, remedy) if remedy else explained(name, error, _READ_IT)
        except OSError as error:
            return failed(name, f"{error.strerror or error}: {error.filename or ''}", _READ_IT)
