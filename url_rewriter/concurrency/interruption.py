"""SIGINT and SIGTERM: a run that writes finishes the batch in flight, then stops.

The second signal stops at once; the journal is durable before each write, so that is safe too.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from url_rewriter.errors import UrlRewriterError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class InterruptedRunError(UrlRewriterError):
    """A signal stopped the run; the journal is complete, and the same command continues."""

    def __init__(self, number: int) -> None:
        super().__init__("Interrupted. The journal is complete; the same command continues.")
        self.number = number


class Stop:
    """A context in which a first signal asks to stop between batches, by ``check``."""

    def __init__(self) -> None:
        self._number: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._number is not None:
            raise InterruptedRunError(number)
        self._number = number

    @property
    def asked(self) -> bool:
        """Whether a signal came."""
        return self._number is not None

    def check(self) -> None:
        """Raise InterruptedRunError if a signal came."""
        if self._number is not None:
            raise InterruptedRunError(self._number)
