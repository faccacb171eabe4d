"""Calls that are bounded in time as a whole, whatever they wait for.

Clients of HTTP bound each read from a socket: an answer that drips, byte by byte, is waited for
without an end.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T]) -> T:
    """The result of ``call``; what it raises is raised here.

    Raises TimeoutError where it takes longer. It then goes on in a daemon thread of its own, and
    its result is wanted no more.

    >>> within(5.0, lambda: "done")
    'done'
    """
    results: queue.SimpleQueue[tuple[T] | BaseException] = queue.SimpleQueue()

    def work() -> None:
        try:
            results.put((call(),))
        except BaseException as error:  # raised in the caller's thread
            results.put(error)

    threading.Thread(target=work, name="within", daemon=True).start()
    try:
        result = results.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(result, BaseException):
        raise result
    return result[0]
