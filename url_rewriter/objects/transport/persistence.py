"""How often a request is sent until its answer counts: the one place where requests are repeated.

boto3's own retries are off. They know nothing of the other threads, so that a server which asks
for less would get three times as much.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from url_rewriter.concurrency.request_rate import LONGEST_PAUSE, RequestRate
from url_rewriter.concurrency.retry import Attempts, Backoff
from url_rewriter.concurrency.time_limit import within
from url_rewriter.concurrency.worker_pool import stop_of_this_thread
from url_rewriter.objects.transport.answers import Answer
from url_rewriter.objects.transport.settings import S3Settings

TOO_LATE = Answer(fault="no answer within the time limit")
_ABANDONED = Answer(fault="abandoned")

Reply = tuple[Answer, Mapping[str, Any]]


class Persistence:
    """Sends requests at a rate that the server bears, again where that may help.

    ``longest`` is how many seconds one of them may take as a whole.
    """

    def __init__(self, settings: S3Settings, rate: RequestRate, longest: float) -> None:
        self._settings = settings
        self._rate = rate
        self._longest = longest

    def ask(self, send: Callable[[], Reply]) -> Reply:
        """The answer to a request, and what came with it.

        One that may be answered by now is sent again, unless it ran into its time limit: what is
        slow is asked for in a later pass. A request of a pool that was stopped is not sent.
        """
        pauses = self._pauses(self._settings.attempts, 0.5)
        for _ in Attempts(pauses):
            answer, reply = self._ask_while_busy(send)
            if not _may_have_changed(answer):
                break
        return answer, reply

    def _ask_while_busy(self, send: Callable[[], Reply]) -> Reply:
        stop = stop_of_this_thread()
        for _ in Attempts(self._pauses(self._settings.busy_attempts, 0.1)):
            self._rate.wait(stop)
            if stop.is_set():
                return _ABANDONED, {}
            try:
                answer, reply = within(self._longest, send)
            except TimeoutError:
                return TOO_LATE, {}
            if not answer.busy:
                self._rate.passed(1 if answer.status else 0)
                break
            self._rate.refused(answer.words, answer.pause)
            if not self._rate.patient:
                break
            stop.wait(min(answer.pause, LONGEST_PAUSE))
        return answer, reply

    def _pauses(self, attempts: int, first: float) -> Backoff:
        unit = self._settings.backoff
        return Backoff(
            attempts=attempts,
            first_pause=first * unit,
            longest_pause=8 * unit,
            jitter=0.5,
            pause=stop_of_this_thread().wait,
        )


def _may_have_changed(answer: Answer) -> bool:
    if answer.status == 0:
        return not answer.code and answer not in (TOO_LATE, _ABANDONED)
    return answer.passing and not (answer.busy or answer.full)
