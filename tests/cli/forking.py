"""Commands without the cost of their imports.

A process that has loaded what commands load forks one for each command: another process, with
its own streams, folder, environment and exit status, as a user's is, in a third of the time. What
depends on a fresh interpreter is tested with one (`PROGRAM`).
"""

from __future__ import annotations

import gc
import io
import json
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

from tests.botocore_files import read_once

AVAILABLE = hasattr(os, "pidfd_open")
"""Whether this system can tell when a process ends that is not its child's child."""

_LOADED = ("boto3", "firebase_admin.firestore", "pycurl", "rich.progress", "yaml")
_APART = (".dask", ".__main__")
_OF_THE_INTERPRETER = ("PYTHON", "LC_", "LANG")
_MOST = 1 << 20  # bytes of a request


class Forked:
    """A command under way; the part of ``subprocess.Popen`` that tests use."""

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        environ: Mapping[str, str],
        outputs: tuple[int, int] | None = None,
    ) -> None:
        """Start it. ``outputs`` are descriptors for its two streams, in place of pipes."""
        out, its_out = os.pipe() if outputs is None else (os.dup(outputs[0]), os.dup(outputs[0]))
        err, its_err = os.pipe() if outputs is None else (os.dup(outputs[1]), os.dup(outputs[1]))
        self._status, its_status = socket.socketpair()
        request = {"arguments": arguments, "folder": str(folder), "environ": dict(environ)}
        _parent().fork(json.dumps(request).encode(), (its_out, its_err, its_status.fileno()))
        os.close(its_out)
        os.close(its_err)
        its_status.close()
        self.args = list(arguments)
        self.stdout = os.fdopen(out, encoding="utf-8")
        self.stderr = os.fdopen(err, encoding="utf-8")
        self.returncode: int | None = None
        self.pid = int(self._status.recv(32))

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the command has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the command as it stands."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the command to end."""
        self.send_signal(signal.SIGTERM)

    def poll(self) -> int | None:
        """The exit status, once there is one; the number of a signal that ended it is negative."""
        if self.returncode is None and select.select([self._status], [], [], 0)[0]:
            self.returncode = int(self._status.recv(32))
            self._status.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit status. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._status], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.poll()
        assert self.returncode is not None
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Read both streams to their ends. Raises subprocess.TimeoutExpired; nothing is lost."""
        texts = ["", ""]
        readers = [
            threading.Thread(target=self._read_all, args=(each, texts, which), daemon=True)
            for which, each in enumerate((self.stdout, self.stderr))
        ]
        end = None if timeout is None else time.monotonic() + timeout
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(None if end is None else max(0.0, end - time.monotonic()))
            if reader.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self.wait(None if end is None else max(0.0, end - time.monotonic()))
        return texts[0], texts[1]

    @staticmethod
    def _read_all(stream: io.TextIOWrapper, texts: list[str], which: int) -> None:
        with stream:
            texts[which] = stream.read()


def fits(environ: Mapping[str, str]) -> bool:
    """Whether a command with this environment may be forked: its interpreter would be the same."""
    return AVAILABLE and all(
        environ.get(name) == os.environ.get(name)
        for name in {*environ, *os.environ}
        if name.startswith(_OF_THE_INTERPRETER)
    )


class _Parent:
    """The process that forks, as seen from the tests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests, its_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST)
        with its_end:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.cli.forking", str(its_end.fileno())],
                pass_fds=[its_end.fileno()],
                stdin=subprocess.DEVNULL,
            )

    def fork(self, request: bytes, descriptors: Sequence[int]) -> None:
        with self._lock:
            socket.send_fds(self._requests, [request], descriptors)


@cache
def _parent() -> _Parent:
    return _Parent()


# -- in the process that forks --------------------------------------------------------------------


def _serve(requests: socket.socket) -> None:
    """Fork a command for each request, and tell how each ends, until there are no more."""
    running = selectors.DefaultSelector()
    running.register(requests, selectors.EVENT_READ)
    while True:
        for key, _ in running.select():
            if key.fileobj is not requests:
                running.unregister(key.fd)
                _tell_end(key.fd, *key.data)
                continue
            request, descriptors, _, _ = socket.recv_fds(requests, _MOST, 3)
            if not request:
                return None
            out, err, status = descriptors
            pid = os.fork()
            if pid == 0:
                running.close()
                requests.close()
                _become(json.loads(request), out, err)
                os.close(status)
                return _run()
            os.write(status, b"%d" % pid)
            os.close(out)
            os.close(err)
            running.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, status))


def _tell_end(descriptor: int, pid: int, status: int) -> None:
    os.close(descriptor)
    _, ended = os.waitpid(pid, 0)
    with suppress(OSError):  # the test has gone
        os.write(status, b"%d" % os.waitstatus_to_exitcode(ended))
    os.close(status)


def _become(request: dict[str, object], out: int, err: int) -> None:
    """Take over what a started process is given: streams, folder, environment, arguments."""
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.close(out)
    os.close(err)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.chdir(str(request["folder"]))
    os.environ.clear()
    os.environ.update(request["environ"])  # type: ignore[call-overload]
    sys.argv[1:] = request["arguments"]  # type: ignore[call-overload]


def _run() -> None:
    from url_rewriter.cli import main

    main(prog_name="url-rewriter")


def _load() -> None:
    """Load what commands load: clients, and all of the program but what `Dask` brings along."""
    import url_rewriter

    modules = (each.name for each in walk_packages(url_rewriter.__path__, "url_rewriter."))
    for loaded in (*_LOADED, *(each for each in modules if not each.endswith(_APART))):
        with suppress(ImportError):  # an extra that is not installed
            import_module(loaded)
    read_once()
    import_module("boto3.session").Session().client("s3", region_name="any")


if __name__ == "__main__":
    _load()
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as ours:
        _serve(ours)
