"""``control``: pause, slow down or stop a run from another terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from url_rewriter.cli import options
from url_rewriter.cli.console import Console, printable

if TYPE_CHECKING:
    from url_rewriter.pipeline.control import Controlled
    from url_rewriter.planfile.orders import Standing

_VERBS = ("status", "pause", "resume", "rate", "stop")
_COMMANDS = ("plan", "apply", "rollback", "copy", "watch")


@options.command()
@options.plan_argument
@click.argument("verb", metavar="[VERB]", type=click.Choice(_VERBS), default="status")
@click.argument("number", metavar="[N]", required=False)
@options.filter_option(
    "--command", type=click.Choice(_COMMANDS),
    help="Only the run of this command, where several go on with the plan file.",
)  # fmt: skip
@options.output_options
def control(
    console: Console, *, plan_file: Path, verb: str, number: str | None, command: str | None
) -> None:
    """Pause, slow down or stop a run that goes on in another terminal of this host.

    VERB is `status` (who works with the plan file, and at which pace), `pause`, `resume`, `rate N`,
    `rate off` or `stop`. `rate N` allows N writes a second to apply and rollback, and N requests a
    second to the object store; it never allows more than the command's own --max-rps and ramp do.
    `stop` ends a run as Ctrl-C does: the batch under way is finished, the journal is complete, and
    the run's exit status is 130.

    \b
    Examples:
      url-rewriter control omi.plan pause
      url-rewriter control omi.plan rate 50
      kubectl exec job/rewrite -- url-rewriter control /data/omi.plan stop

    Exit status 3: no run goes on that could be asked.
    """
    from url_rewriter.pipeline.control import ControlRequest
    from url_rewriter.pipeline.control import control as give_order
    from url_rewriter.planfile.orders import Verb

    rate = _rate(verb, number)
    wanted = None if verb == "status" else Verb(verb)
    _show(console, give_order(ControlRequest(plan_file, wanted, rate, command)))


def _rate(verb: str, number: str | None) -> float | None:
    if verb != "rate":
        if number is not None:
            raise click.UsageError(f"{verb} takes no number.")
        return None
    if number == "off":
        return None
    try:
        rate = float(number or "")
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise click.UsageError("Give the rate as a number above 0, in writes or requests a second.")
    return rate


def _show(console: Console, controlled: Controlled) -> None:
    if console.json:
        console.document("control", _members(controlled))
        return
    rows = [
        (run.present.command, run.present.who, run.present.pid, f"{run.present.began_at[:19]}Z",
         _state(run.standing) + ("" if run.heard else ", not heard yet"))
        for run in controlled.runs
    ]  # fmt: skip
    if rows:
        texts = [(*row[:2], str(row[2]), *row[3:]) for row in rows]
        console.table(("run", "by", "process", "since", "state"), texts)
    else:
        console.print(f"No run goes on with {printable(str(controlled.path))}.")
    for each in controlled.waiting:
        console.print(
            f"The next {each.command} will be {printable(str(each.standing))} ({each.last}):"
            f" url-rewriter control {controlled.path} resume takes a pause back, rate off a limit."
        )
    if any(not run.heard for run in controlled.runs):
        console.warn("a run has not heard the order within 3 s; it will when it looks again.")


def _state(standing: Standing) -> str:
    return str(standing) or "at its own pace"


def _members(controlled: Controlled) -> dict[str, Any]:
    return {
        "plan": str(controlled.path),
        "verb": controlled.verb or "status",
        "runs": [
            {
                "command": run.present.command,
                "who": run.present.who,
                "pid": run.present.pid,
                "began_at": run.present.began_at,
                "paused": run.standing.paused,
                "rate": run.standing.rate,
                "stopped": run.standing.stop,
                "heard": run.heard,
            }
            for run in controlled.runs
        ],
        "waiting": [
            {
                "command": each.command,
                "paused": each.standing.paused,
                "rate": each.standing.rate,
                "who": each.last.who,
                "at": each.last.at,
            }
            for each in controlled.waiting
        ],
    }
