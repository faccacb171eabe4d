"""SIGINT and SIGTERM: a run that writes finishes the batch in flight, then stops.

What only reads is given up at once. The second signal stops at once; the journal is durable before
each write, so that is safe too.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from url_rewriter.concurrency.control import current_control
from url_rewriter.errors import UrlRewriterError

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_STEP = 0.05
"""Seconds that a pause may go on after a signal came."""

STOPPING = "Stopping when the work under way is done; a second signal stops at once, safely."


class InterruptedRunError(UrlRewriterError):
    """A signal stopped the run; the journal is complete, and the same command continues."""

    def __init__(self, number: int) -> None:
        super().__init__("Interrupted. The journal is complete; the same command continues.")
        self.number = number


class _Unwinding(KeyboardInterrupt):
    """Ends what is under way. No client takes it for a fault of its request, as it would an
    Exception; `Stop` makes an InterruptedRunError of it."""


class Stop:
    """A context in which a first signal asks to stop between batches, by ``check``, and ends
    at once what runs in ``at_once``.

    ``announce`` is told at once that the signal was heard, in a thread of its own: the main thread
    may be waiting for a server. ``pause`` sleeps, for a number of seconds. While the run
    is paused from outside, ``check`` waits; where it is to stop, that is as if a signal had come.
    """

    def __init__(
        self,
        announce: Callable[[str], None] = lambda text: None,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._announce = announce
        self._pause = pause
        self._number: int | None = None
        self._at_once = False
        self._previous: dict[int, Any] = {}
        self._watch: _Watch | None = None
        self._control = current_control()

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            self._watch = _Watch(self._announce)
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
        if self._watch is not None:
            self._watch.close()
        if isinstance(error, _Unwinding) and self._number is not None:
            raise InterruptedRunError(self._number) from None

    def _note(self, number: int, frame: FrameType | None) -> None:
        ends = self._number is not None or self._at_once
        self._number = number
        if ends:
            raise _Unwinding

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """A context in which nothing is under way that must be finished.

        A first signal raises InterruptedRunError in it, whatever it waits for.
        """
        self._raise_if_asked()
        self._at_once = True
        try:
            yield
        except _Unwinding:
            self._raise_if_asked()
            raise
        finally:
            self._at_once = False

    @property
    def asked(self) -> bool:
        """Whether a signal came, or the run is to stop."""
        return self._number is not None or self._control.stop_asked

    def check(self) -> None:
        """Raise InterruptedRunError if a signal came; return when the run is not paused."""
        self._control.settle()
        self.hold()
        self._raise_if_asked()

    def _raise_if_asked(self) -> None:
        if self.asked:
            raise InterruptedRunError(self._number or signal.SIGINT)

    def hold(self) -> None:
        """Return when the run is not paused, or a signal came; for threads beside the run's own."""
        self._control.hold(lambda: self.asked, self._pause)

    def sleep(self, seconds: float) -> bool:
        """Pause. Raises InterruptedRunError as soon as a signal comes.

        Returns early, and True, where the run was given other orders meanwhile.
        """
        version = self._control.version
        while seconds > 0 and self._control.version == version:
            self.check()
            self._pause(min(seconds, _STEP))
            seconds -= _STEP
        self.check()
        return self._control.version != version


class _Watch:
    """Calls ``announce`` when the first signal arrives, whatever the main thread is doing.

    Python runs a signal's handler in the main thread, and only between two of its instructions;
    the number of the signal is written to the wakeup descriptor before that.
    """

    def __init__(self, announce: Callable[[str], None]) -> None:
        self._announce = announce
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._wait, name="signals", daemon=True)
        self._thread.start()

    def close(self) -> None:
        signal.set_wakeup_fd(self._before)
        os.close(self._write)
        self._thread.join()
        os.close(self._read)

    def _wait(self) -> None:
        while arrived := os.read(self._read, 64):
            if any(number in _SIGNALS for number in arrived):
                self._announce(STOPPING)
                break
        while os.read(self._read, 64):  # until the other end is closed
            pass
