"""What stops a run.

Expected trouble (a URL without a rule, a missing target, a document that changed) is data: it
becomes a finding or an outcome and the run goes on. An exception means that the run cannot. Its
``exit_code`` is the command's exit status; the command group is the one place that reads it.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple, Self


class NextStep(NamedTuple):
    """What an operator may do now: why, in a word or two, and the whole command."""

    why: str
    command: str


class UrlRewriterError(Exception):
    """A message for the operator: the place, what was found there, what to do about it.

    ``next_steps`` are commands that help, the likeliest first.
    """

    exit_code: ClassVar[int] = 1
    next_steps: tuple[NextStep, ...] = ()

    def then(self, *steps: NextStep) -> Self:
        """This error, with the commands that help."""
        self.next_steps = steps
        return self


class ServiceError(UrlRewriterError):
    """A service or the disk failed in a way that waiting did not cure."""

    exit_code = 1


class ReconciliationError(UrlRewriterError):
    """The totals do not add up: a defect of this program, not of what it was given."""


class ConfigurationError(UrlRewriterError):
    """The command line, the configuration or the rules are wrong; nothing was contacted."""

    exit_code = 2


class ChecksFailedError(UrlRewriterError):
    """Something that must be true is not (a missing target, a gate); nothing was written."""

    exit_code = 3


class NotPermittedError(UrlRewriterError):
    """A service refused the credentials, or refuses this identity the operation."""

    exit_code = 4


class IncompleteError(UrlRewriterError):
    """Applied, rolled back or copied in part: the rest was left alone; running again is safe."""

    exit_code = 5


class RefusedError(UrlRewriterError):
    """A broken seal, another process holding the plan file, the wrong database for a plan."""

    exit_code = 6
