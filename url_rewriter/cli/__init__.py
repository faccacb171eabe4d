"""The command line: the group, and the one place that turns errors into exit statuses.

One module per command: its options, one call into the pipeline, what to print, the exit status.
Clients of services are imported inside the commands, so that ``--help`` loads none of them.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import threading
from contextlib import suppress
from inspect import cleandoc
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
from url_rewriter.cli.event_log import current_log, end_log
from url_rewriter.cli.help import show_help
from url_rewriter.cli.plan import plan
from url_rewriter.cli.report import report
from url_rewriter.cli.rollback import rollback
from url_rewriter.cli.rules import rules
from url_rewriter.cli.show import show
from url_rewriter.cli.steps import keep_typed, say_steps, steps_for, typed
from url_rewriter.cli.terminal.emphasis import styled
from url_rewriter.cli.terminal.prose import wrap
from url_rewriter.cli.terminal.screen import terminal_width
from url_rewriter.cli.terminal.standard_error import STDERR
from url_rewriter.cli.traffic import traffic
from url_rewriter.cli.verify import verify
from url_rewriter.cli.watch import watch
from url_rewriter.demo.needs import INSTALL, can_run
from url_rewriter.errors import NextStep, UrlRewriterError
from url_rewriter.pipeline.events import ErrorTold, WarningTold, schema

_DEMO = """\b
Try it, with no cloud and no credentials:
  url-rewriter demo

"""


class _Terminated(KeyboardInterrupt):
    """SIGTERM came. No client takes it for a fault of its request, as it would an Exception."""


class _Main(Group):
    """The commands, and the one place where errors become exit statuses."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep what was typed, to name it where it can go on."""
        keep_typed(ctx, args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; its log, where it has one, is told how it ended."""
        try:
            result = self._invoke(ctx)
        except BaseException as error:
            end_log(ctx, error)
            if isinstance(error, click.ClickException) and _owns_stderr(ctx):
                ctx.exit(error.exit_code)
            raise
        end_log(ctx, None)
        return result

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, the demo last where what it needs is not installed."""
        names = super().list_commands(ctx)
        return names if can_run() else sorted(names, key=lambda name: name == "demo")

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the description, which offers the demo first only where it can run."""
        kept = cleandoc(self.help or "")
        if not can_run():
            self.help = f"{kept.replace(_DEMO, '')}\n\n\b\nThe demo needs more:\n  {INSTALL}"
        try:
            super().format_help_text(ctx, formatter)
        finally:
            self.help = kept

    def _invoke(self, ctx: click.Context) -> Any:
        from url_rewriter.concurrency.interruption import InterruptedRunError

        _raise_on_signals(ctx)
        try:
            return super().invoke(ctx)
        except InterruptedRunError as error:
            _end(ctx, _ended_by(error, 128 + error.number), "", steps=_going_on())
        except UrlRewriterError as error:
            annotate_error(error)
            _end(ctx, _ended_by(error, error.exit_code), steps=steps_for(ctx, error))
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # click ends quietly when the reader of stdout is gone
            _forget_stdout()
            said = f"{error.strerror or error}{_of_file(error)}"
            _end(ctx, ErrorTold(type(error).__name__, said, 1))
        except KeyboardInterrupt as error:
            number = signal.SIGTERM if isinstance(error, _Terminated) else signal.SIGINT
            said = "Interrupted. The same command continues."
            told = ErrorTold("KeyboardInterrupt", said, 128 + number)
            _end(ctx, told, "", steps=_going_on())


def _ended_by(error: UrlRewriterError, exit_status: int) -> ErrorTold:
    return ErrorTold(type(error).__name__, str(error), exit_status)


def _going_on() -> tuple[NextStep, ...]:
    return (NextStep("Go on", typed()),)


def _of_file(error: OSError) -> str:
    return f": {error.filename}" if error.filename else ""


def _forget_stdout() -> None:
    """Let what could not be written go, so that the interpreter does not try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end(
    ctx: click.Context,
    told: ErrorTold,
    heading: str = "Error: ",
    steps: tuple[NextStep, ...] = (),
) -> NoReturn:
    """End the run: say why, on stderr and in the log, and what to do."""
    leave_progress(ctx)
    log = current_log(ctx)
    if log is not None:
        log.tell(told)
    if log is None or not log.owns_stderr:
        first, *more = told.message.splitlines() or [""]
        width = terminal_width(STDERR)
        for line in (f"{heading}{printable(first)}", *map(printable, more)):
            for part in wrap(line, width):
                click.echo(styled(part) if heading else part, file=STDERR)
    if (console := console_of(ctx)) is not None:
        say_steps(console, steps)
    ctx.exit(told.exit_status)


def _owns_stderr(ctx: click.Context) -> bool:
    """Whether events go to stderr, where nothing else may be written then."""
    log = current_log(ctx)
    return log is not None and log.owns_stderr


def _raise_on_signals(ctx: click.Context) -> None:
    """Let SIGTERM unwind the stack as SIGINT does, so that files and locks are given back.

    The first signal is answered at once: unwinding may have to wait for a server.
    """
    heard = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal heard
        if not heard:
            heard = True
            log = current_log(ctx)
            said = "\nStopping.\n"
            if log is not None and log.owns_stderr:
                said = f"{log.line(WarningTold('Stopping.'))}\n"
            with suppress(OSError):
                # Not through Python's streams: the signal may have come while one was written to.
                os.write(2, said.encode("ascii"))
        raise _Terminated if number == signal.SIGTERM else KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, interrupt)
        signal.signal(signal.SIGINT, interrupt)


def _print_log_schema(ctx: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(json.dumps(schema(), indent=2))
        ctx.exit()


@click.group(
    cls=_Main,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
)
@click.version_option(__version__, prog_name="url-rewriter")
@click.option(
    "--log-schema", is_flag=True, is_eager=True, expose_value=False, callback=_print_log_schema,
    help="Print the JSON Schema of the events of --log-format json, and exit.",
)  # fmt: skip
def main() -> None:
    """Rewrite Cloud Storage URLs in Firestore to S3 URLs: proven, journaled, undoable.

    \b
    Try it, with no cloud and no credentials:
      url-rewriter demo

    \b
    The usual order:
      url-rewriter rules init -o rules.yaml
      url-rewriter doctor --rules rules.yaml
      url-rewriter audit --rules rules.yaml
      url-rewriter plan --rules rules.yaml -o omi.plan
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
    traffic,
    control,
    rules,
    completion,
    show_help,
):
    main.add_command(_command)
