"""Opening objects that were found: HEAD may say yes where GET says no.

HEAD reads what a server remembers of an object, GET reads the object. They differ where objects are
archived, encrypted with a customer's key or damaged, and where a policy allows one of the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from url_rewriter.concurrency.retry import Attempts, Backoff
from url_rewriter.concurrency.worker_pool import WorkerPool
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.objectinfo import NOTHING, ObjectInfo
from url_rewriter.objects.base import Unopened
from url_rewriter.objects.proving.head import conclude
from url_rewriter.objects.transport.answers import Answer
from url_rewriter.objects.transport.boto import Client
from url_rewriter.objects.transport.settings import S3Settings
from url_rewriter.objects.transport.verdicts import DenialStyle, judge


class Opener:
    """Reads first bytes; ``styles`` says how each bucket's server denies an object."""

    def __init__(
        self, client: Client, settings: S3Settings, styles: Mapping[str, DenialStyle]
    ) -> None:
        self._client = client
        self._settings = settings
        self._styles = styles

    def try_open(self, found: Iterable[Evidence]) -> Iterator[Unopened]:
        """See ``ObjectStore.try_open``."""
        threads = self._settings.threads
        with WorkerPool(self._open, threads) as pool:
            for unopened in pool.map(found, 2 * threads):
                if unopened is not None:
                    yield unopened

    def _open(self, found: Evidence) -> Unopened | None:
        answer = self._ask(found)
        why = judge_opening(answer, found.info)
        if not why:
            return None
        if _unanswered(answer):
            return Unopened(_unknown(found, why), contradicts=False)
        return self._ask_both(found)

    def _ask(self, found: Evidence) -> Answer:
        passes, pause = self._settings.passes, self._settings.backoff
        answer = Answer()
        for _ in Attempts(Backoff(attempts=1 + passes, first_pause=pause)):
            answer = self._client.first_byte(found.target)
            if answer.busy or not answer.passing:
                break  # a server that is busy has been waited for already
        return answer

    def _ask_both(self, found: Evidence) -> Unopened | None:
        """What HEAD and GET say now: the object may have changed since it was found."""
        target = found.target
        answer = self._client.head(target)
        now, _ = conclude(target, judge(answer, self._styles.get(target.bucket)), answer)
        if now.state is not TargetState.EXISTS:
            return Unopened(now, contradicts=False)
        opened = self._ask(now)
        why = judge_opening(opened, now.info)
        return Unopened(_unknown(found, why), not _unanswered(opened)) if why else None


def _unanswered(answer: Answer) -> bool:
    """Whether an answer says nothing of the object: none came, or the server is busy.

    >>> [_unanswered(Answer(400, code=code)) for code in ("RequestThrottled", "InvalidRequest")]
    [True, False]
    """
    return answer.busy or answer.status in (0, 408)


def judge_opening(answer: Answer, info: ObjectInfo) -> str:
    """Why an object does not open, by the answer to GET of its first byte; "" if it does.

    ``info`` is what was told of it when it was found.

    >>> judge_opening(Answer(403, code="InvalidObjectState"), NOTHING)
    'archived: it cannot be read before it is restored (InvalidObjectState)'
    >>> judge_opening(Answer(400, code="RequestThrottled"), NOTHING)
    'it could not be opened: throttled or busy (400)'
    """
    match answer.status:
        case 200 | 206 if answer.etag is None:
            return f"opening it gives no object ({answer.status} without an ETag)"
        case 200 | 206 if info.etag is not None and answer.etag != info.etag:
            return "opening it gives another object than HEAD and the listing tell of"
        case 200 | 206:
            return ""
        case 416 if not info.size:
            return ""  # of no bytes there is no first one
        case 416:
            return f"it should have {info.size} bytes, and opening it finds none (416)"
        case 0:
            return f"it could not be opened: {answer.fault}"
        case status if answer.busy:
            return f"it could not be opened: throttled or busy ({status})"
        case _:
            return _refusal(answer)


def _refusal(answer: Answer) -> str:
    code = answer.code or str(answer.status)
    match answer.status:
        case 403 if answer.code == "InvalidObjectState":
            return f"archived: it cannot be read before it is restored ({code})"
        case 401 | 403:
            return f"HEAD affirms it, and these credentials may not open it ({code})"
        case 400:
            return (
                f"HEAD affirms it, and opening it is refused ({code}), as for an object encrypted "
                "with a customer's key (SSE-C)"
            )
        case 404:
            return f"HEAD affirms it, and opening it finds nothing ({code})"
        case status if 300 <= status < 400:
            return f"HEAD affirms it, and opening it is redirected ({status})"
        case _:
            return f"HEAD affirms it, and opening it fails ({code})"


def _unknown(found: Evidence, why: str) -> Evidence:
    return Evidence(found.target, TargetState.UNKNOWN, Method.GET, datetime.now(UTC), NOTHING, why)
