"""The command line: the group, and the one place that turns errors into exit statuses.

One module per command: its options, one call into the pipeline, what to print, the exit status.
Clients of services are imported inside the commands, so that ``--help`` loads none of them.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from types import FrameType
from typing import Any, NoReturn

import click

from url_rewriter import __version__
from url_rewriter.cli.annotations import annotate_error
from url_rewriter.cli.apply import apply
from url_rewriter.cli.audit import audit
from url_rewriter.cli.command import Group
from url_rewriter.cli.completion import completion
from url_rewriter.cli.console import console_of, leave_progress, printable
from url_rewriter.cli.control import control
from url_rewriter.cli.copy import copy
from url_rewriter.cli.demo import demo
from url_rewriter.cli.doctor import doctor
from url_rewriter.cli.help import show_help
from url_rewriter.cli.plan import plan
from url_rewriter.cli.report import report
from url_rewriter.cli.rollback import rollback
from url_rewriter.cli.rules import rules
from url_rewriter.cli.show import show
from url_rewriter.cli.steps import keep_typed, say_steps, steps_for, typed
from url_rewriter.cli.verify import verify
from url_rewriter.cli.watch import watch
from url_rewriter.errors import NextStep, UrlRewriterError


class _Terminated(KeyboardInterrupt):
    """SIGTERM came. No client takes it for a fault of its request, as it would an Exception."""


class _Main(Group):
    """The commands, and the one place where errors become exit statuses."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what was typed, to name it where it can go on."""
        keep_typed(ctx, args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        from url_rewriter.concurrency.interruption import InterruptedRunError

        _raise_on_signals()
        try:
            return super().invoke(ctx)
        except InterruptedRunError as error:
            _end(ctx, str(error), 128 + error.number, "", steps=_going_on())
        except UrlRewriterError as error:
            annotate_error(error)
            _end(ctx, str(error), error.exit_code, steps=steps_for(ctx, error))
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # click ends quietly when the reader of stdout is gone
            _forget_stdout()
            _end(ctx, f"{error.strerror or error}{_of_file(error)}", 1)
        except KeyboardInterrupt as error:
            number = signal.SIGTERM if isinstance(error, _Terminated) else signal.SIGINT
            message = "Interrupted. The same command continues."
            _end(ctx, message, 128 + number, "", steps=_going_on())


def _going_on() -> tuple[NextStep, ...]:
    return (NextStep("Go on", typed()),)


def _of_file(error: OSError) -> str:
    return f": {error.filename}" if error.filename else ""


def _forget_stdout() -> None:
    """Let what could not be written go, so that the interpreter does not try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end(
    ctx: click.Context,
    message: str,
    exit_status: int,
    heading: str = "Error:",
    steps: tuple[NextStep, ...] = (),
) -> NoReturn:
    leave_progress(ctx)
    first, *more = message.splitlines() or [""]
    styled = f"{click.style(heading, fg='red')} " if heading else ""
    click.echo(f"{styled}{printable(first)}", err=True)
    for line in more:
        click.echo(printable(line), err=True)
    if (console := console_of(ctx)) is not None:
        say_steps(console, steps)
    ctx.exit(exit_status)


def _raise_on_signals() -> None:
    """Let SIGTERM unwind the stack as SIGINT does, so that files and locks are given back.

    The first signal is answered at once: unwinding may have to wait for a server.
    """
    heard = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal heard
        if not heard:
            heard = True
            # Not through Python's streams: the signal may have come while one was written to.
            os.write(2, b"\nStopping.\n")
        raise _Terminated if number == signal.SIGTERM else KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, interrupt)
        signal.signal(signal.SIGINT, interrupt)


@click.group(
    cls=_Main,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
)
@click.version_option(__version__, prog_name="url-rewriter")
def main() -> None:
    """Rewrite Cloud Storage URLs in Firestore to S3 URLs: proven, journaled, undoable.

    \b
    Try it, with no cloud and no credentials:
      url-rewriter demo
    \b
    The usual order:
      url-rewriter doctor --rules rules/omi.yaml
      url-rewriter audit --rules rules/omi.yaml
      url-rewriter plan --rules rules/omi.yaml -o omi.plan
      url-rewriter apply omi.plan
      url-rewriter verify omi.plan

    Exit status: 0 done, 1 failed, 2 wrong command line or rules, 3 checks failed, 4 not permitted,
    5 done in part, 6 refused, 130 and 143 interrupted.
    """


for _command in (
    demo,
    doctor,
    audit,
    plan,
    show,
    copy,
    apply,
    verify,
    watch,
    rollback,
    report,
    control,
    rules,
    completion,
    show_help,
):
    main.add_command(_command)
