"""Runs that listen to orders: each holds a lock on a small file that says which run it is."""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from url_rewriter.planfile.sidecars import presence_of

COMMANDS = ("plan", "apply", "rollback", "copy", "watch")
"""The commands whose runs listen."""

_ROOM = 4_096
"""Bytes that a run writes at once, whatever it says: a reader never sees a part of it."""

_LOOKS = 50  # of 10 ms: for as long as another process may ask whether this run is there


@dataclass(frozen=True, slots=True)
class Present:
    """A run that listens. ``run`` is a token of it; ``plan`` identifies its plan; ``heard`` is how
    many orders of its file it has obeyed."""

    run: str
    plan: str
    command: str
    who: str
    pid: int
    began_at: str
    heard: int = 0


class Presence:
    """The file that says of a run that it is there, until it is closed or the process ends."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def take(cls, plan: Path, command: str) -> Presence | None:
        """Announce a run; None where another one of the command is there, or no file can be made.

        Nothing depends on it but that the run can be controlled.
        """
        path = presence_of(plan, command)
        for _ in range(_LOOKS):
            try:
                descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
            except OSError:
                return None
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return cls(path, descriptor)
            os.close(descriptor)
            time.sleep(0.01)
        return None

    def say(self, present: Present) -> None:
        """Say which run this is, and how much it has heard."""
        text = json.dumps(asdict(present), ensure_ascii=True).encode().ljust(_ROOM)
        with suppress(OSError):
            os.pwrite(self._descriptor, text, 0)

    def close(self) -> None:
        """Say that the run is not there any more."""
        with suppress(OSError):
            self._path.unlink()
        os.close(self._descriptor)


def find_present(plan: Path, command: str) -> Present | None:
    """The run of a command that listens to orders about a plan file, if one is there."""
    try:
        descriptor = os.open(presence_of(plan, command), os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:  # it is held
        with suppress(ValueError, TypeError):
            return Present(**json.loads(os.pread(descriptor, _ROOM, 0)))
        return None
    finally:
        os.close(descriptor)
    return None
