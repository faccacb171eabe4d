"""A wire between a client and a server that a test can cut, and silence."""

from __future__ import annotations

import contextlib
import socket
import threading


class Wire:
    """Passes bytes between ``host`` here and the server at ``server``, both host:port."""

    def __init__(self, server: str) -> None:
        name, _, port = server.partition(":")
        self._server = (name, int(port))
        self._passing = threading.Event()
        self._passing.set()
        self._dead: set[socket.socket] = set()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Close every connection; new ones are passed on."""
        self._passing.set()
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for each in (end for pair in pairs for end in pair):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def deaden(self) -> None:
        """Lose all that is said on the connections that there are, for good; new ones work."""
        with self._lock:
            self._dead.update(end for pair in self._pairs for end in pair)

    def silence(self) -> None:
        """Hold back what the server says, on every connection, those to come included."""
        self._passing.clear()

    def restore(self) -> None:
        """Pass on what was held back."""
        self._passing.set()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
            except OSError:
                return
            with self._lock:
                self._pairs.append((client, server))
            threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if answers:
                    self._passing.wait()
                if source in self._dead:
                    continue
                sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
