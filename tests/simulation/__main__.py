"""``python -m tests.simulation``: many migrations, or one again, step by step."""

from __future__ import annotations

import os
import sys

from tests.simulation import clock

if os.environ.get("PYTHONHASHSEED") != "0":  # sets must come in the same order in every run
    os.environ["PYTHONHASHSEED"] = "0"
    os.execv(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]])

clock.install()

from tests.simulation.command import run  # noqa: E402 - under simulated time

sys.exit(run(sys.argv[1:]))
