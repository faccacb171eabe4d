"""The scripted server in a process of its own, for tests that kill its clients."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


@contextmanager
def scripted_process(*arguments: str) -> Iterator[str]:
    """``host:port`` of a server started with these arguments; it ends with the block.

    It ends with this process too, however that ends, because its standard input does.
    """
    command = [sys.executable, "-m", "tests.scripted_firestore", "--until-eof", *arguments]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            host = process.stdout.readline().strip()
            assert host, f"the scripted server ended with status {process.wait()}"
            yield host
        finally:
            process.stdin.close()
            process.wait(10)
