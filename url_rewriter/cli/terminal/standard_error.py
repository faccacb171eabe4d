"""Standard error, whose end is not the end of a run.

A log's disk may be full, the reader of a pipe may be gone: an apply goes on then, and says no more.
"""

from __future__ import annotations

import errno
import io
import os
import sys
import threading
from contextlib import suppress
from typing import IO, cast


class StandardError(io.TextIOBase):
    """Writes to ``sys.stderr`` as it is then. Any thread may write; a text is written whole."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.trouble: OSError | None = None

    def write(self, text: str, /) -> int:
        """Write, unless that failed before."""
        with self._lock:
            if self.trouble is None:
                try:
                    sys.stderr.write(text)
                    sys.stderr.flush()
                except OSError as error:
                    self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Nothing waits."""

    def isatty(self) -> bool:
        """Whether a terminal shows it."""
        return sys.stderr.isatty()

    def fileno(self) -> int:
        """The descriptor."""
        return sys.stderr.fileno()

    def writable(self) -> bool:
        """It is written to."""
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override] # read-only
        """The encoding of ``sys.stderr``."""
        return sys.stderr.encoding

    def _give_up(self, error: OSError) -> None:
        if error.errno == errno.EAGAIN:
            return  # a pipe that is full for now
        self.trouble = error
        # What could not be written waits in sys.stderr; the interpreter tries again at its end.
        with suppress(OSError, ValueError):  # no file of this process
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, sys.stderr.fileno())
            os.close(null)


_STANDARD_ERROR = StandardError()
STDERR = cast("IO[str]", _STANDARD_ERROR)


def stderr_trouble() -> OSError | None:
    """Why standard error cannot be written to any more; None as long as it can."""
    return _STANDARD_ERROR.trouble
