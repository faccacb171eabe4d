"""A run that listens to what `control` asks of it from another terminal.

A pause and a rate hold until they are taken back or the work is done: a run that was killed or
interrupted is followed by one that obeys them too, and says so first. A stop is for one run.
"""

from __future__ import annotations

import os
import secrets
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from url_rewriter.concurrency.control import LOOK, Control, controlled_by
from url_rewriter.errors import ServiceError
from url_rewriter.pipeline.progress import Progress
from url_rewriter.planfile import whoami
from url_rewriter.planfile.orders import Order, Standing, read_orders, standing
from url_rewriter.planfile.presence import Presence, Present
from url_rewriter.planfile.sidecars import orders_of

Record = Callable[[Sequence[Order]], None]
"""Keeps orders in the plan file; it may be told of the same ones again."""


@contextmanager
def controlled(path: Path, command: str, progress: Progress) -> Iterator[Listener]:
    """A context whose run of ``command`` can be controlled while its listener listens.

    It must be entered before anything is opened that the run asks or works with.
    """
    listener = Listener(path, command, progress)
    with controlled_by(listener.control):
        yield listener


class Listener:
    """Reads the orders to a run, five times a second, in a thread of its own."""

    def __init__(self, path: Path, command: str, progress: Progress) -> None:
        self.control = Control()
        self._path = path
        self._command = command
        self._progress = progress
        self._orders_file = orders_of(path, command)
        self._run = secrets.token_hex(8)
        self._orders: list[Order] = []
        self._kept = 0
        self._presence: Presence | None = None
        self._present: Present | None = None
        self._record: Record | None = None
        self._sees: tuple[int, ...] = ()
        self._state = Standing()
        self._in_main = threading.current_thread() is threading.main_thread()
        self._ended = threading.Event()
        self._changing = threading.Lock()
        self._thread = threading.Thread(target=self._listen, name="control", daemon=True)

    @contextmanager
    def listening(self, plan: str, record: Record) -> Iterator[None]:
        """A context in which orders to the plan that ``plan`` identifies are obeyed.

        ``record`` keeps them in the plan file, in the thread that calls this. Where another run of
        the same command listens already, this one does not.
        """
        self._attach(plan, record)
        try:
            yield
        except BaseException:
            with suppress(ServiceError):  # what ended the run is the better thing to say
                self.settle()
            self._close(done=False)
            raise
        self.settle()
        self._close(done=True)

    def _attach(self, plan: str, record: Record) -> None:
        self._presence = Presence.take(self._path, self._command)
        if self._presence is None:
            return
        began_at = datetime.now(UTC).isoformat()
        self._present = Present(self._run, plan, self._command, whoami(), os.getpid(), began_at)
        self._presence.say(self._present)
        self._record = record
        self.control.live = True
        self.control.keep(self.settle)
        self._drop_foreign()
        self._look(first=True)
        self._thread.start()

    def settle(self) -> None:
        """Keep the orders that were heard, in the plan file."""
        orders = self._orders
        if self._record is not None and len(orders) > self._kept:
            self._record(orders[self._kept :])
            self._kept = len(orders)

    def _close(self, *, done: bool) -> None:
        """End; ``done``: the work is done, and no order holds for another run."""
        if self._presence is None:
            return
        with self._changing:
            self._ended.set()
        self._thread.join()
        self.control.live = False
        self._progress.state("")
        if done or self._state.stop:
            with suppress(OSError):
                self._orders_file.unlink(missing_ok=True)
        elif self._state != Standing():
            self._progress.note(
                f"It stays {self._state}, when it is run again, until"
                f" `url-rewriter control {self._path} resume`."
            )
        self._presence.close()

    def _drop_foreign(self) -> None:
        """Remove orders that were meant for another plan, or for a run that has ended."""
        orders = self._read()
        if len(orders) < len(read_orders(self._orders_file)):
            self._progress.warn(
                f"{self._orders_file.name} held orders for another plan of this name: removed, and"
                " not obeyed."
            )
            self._orders_file.unlink(missing_ok=True)
        elif orders and standing(orders, self._run) == Standing():
            self._orders = orders
            self.settle()
            self._orders_file.unlink(missing_ok=True)
            self._orders, self._kept = [], 0

    def _listen(self) -> None:
        while not self._ended.wait(LOOK):
            self._look()

    def _look(self, *, first: bool = False) -> None:
        sees = self._stamp()
        if sees == self._sees:
            return
        orders = self._read()
        self._sees = sees
        with self._changing:
            if not self._ended.is_set():
                self._obey(orders, first=first)

    def _stamp(self) -> tuple[int, ...]:
        try:
            now = self._orders_file.stat()
        except OSError:
            return ()
        return now.st_ino, now.st_size, now.st_mtime_ns

    def _read(self) -> list[Order]:
        """The orders to this plan."""
        plan = self._present.plan if self._present else ""
        try:
            return [each for each in read_orders(self._orders_file) if each.plan == plan]
        except ServiceError as error:
            self._progress.warn(str(error))
            return list(self._orders)

    def _obey(self, orders: list[Order], *, first: bool) -> None:
        before, now = self._state, standing(orders, self._run)
        news = orders[len(self._orders) :]
        if len(orders) < len(self._orders):
            self._kept = 0  # the file was removed, by other means; one more is a new one
        self._orders, self._state = orders, now
        if now != before:
            self._progress.state(str(now))
            self._tell(news, now, first=first)
        self.control.set(paused=now.paused, rate=now.rate, stop_asked=now.stop)
        if self._presence and self._present:
            self._present = replace(self._present, heard=len(orders))
            self._presence.say(self._present)
        if now.stop and not before.stop:
            self._interrupt()

    def _tell(self, news: Sequence[Order], now: Standing, *, first: bool) -> None:
        said = f" ({news[-1]})" if news else ""
        if first:
            self._progress.warn(
                f"{now} from before{said}: `url-rewriter control {self._path} resume` takes a pause"
                " back, `rate off` a limit"
            )
        else:
            self._progress.note(f"{str(now) or 'going on, by control'}{said}")

    def _interrupt(self) -> None:
        """End what the run waits for, as a signal from the keyboard does."""
        main = threading.main_thread()
        if self._in_main and main.ident is not None:
            signal.pthread_kill(main.ident, signal.SIGINT)
