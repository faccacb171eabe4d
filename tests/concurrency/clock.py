"""A clock for tests: time passes only when the code under test pauses."""

from __future__ import annotations


class Clock:
    """A clock that only pausing moves; ``pauses`` are those that were made."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
