"""``verify --check``: an attestation, read later, offline."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from url_rewriter.cli.console import Console, printable
from url_rewriter.errors import ChecksFailedError, NextStep
from url_rewriter.text import agreed

if TYPE_CHECKING:
    from url_rewriter.pipeline.check_attestation import CheckedAttestation


def check(console: Console, path: Path, plan_file: Path | None, rules_file: Path | None) -> None:
    """Say what an attestation says, and with what it was compared.

    Raises ChecksFailedError where it does not hold now, and what ``check_attestation`` raises.
    """
    from url_rewriter.next_steps import command
    from url_rewriter.pipeline.check_attestation import CheckRequest, check_attestation

    request = CheckRequest(path, plan_file, rules_file)
    checked = check_attestation(request, os.environ, datetime.now(UTC))
    if console.json:
        _show_json(console, checked)
    else:
        _show_text(console, checked)
    if checked.doubt:
        error = ChecksFailedError(f"{printable(checked.doubt)}.")
        if plan_file is not None:
            anew = command("verify", str(plan_file), "--attest", str(path))
            error.then(NextStep("Verify anew", anew))
        raise error
    console.say("\nThe attestation holds.")


def _show_json(console: Console, checked: CheckedAttestation) -> None:
    console.document(
        "check",
        {
            "attestation": str(checked.path),
            "holds": not checked.doubt,
            "doubt": checked.doubt,
            "compared": list(checked.compared),
            "left_out": list(checked.left_out),
            "predicate": checked.predicate.model_dump(mode="json"),
        },
    )


def _show_text(console: Console, checked: CheckedAttestation) -> None:
    said = checked.predicate
    rows = [
        (each.name, each.level, each.state, each.count, agreed(each.count, each.says))
        for each in said.gates
    ]
    console.table(
        ("gate", "level", "result", "count", "against it"),
        [tuple(printable(cell) if isinstance(cell, str) else cell for cell in row) for row in rows],
    )
    console.print(f" {printable(said.verdict.headline)}")
    console.print(f" {printable(said.store)}, verified {said.began_at}, until {said.expires_at}")
    for each in checked.compared:
        console.print(f" compared with {printable(each)}")
    for each in checked.left_out:
        console.print(f" not compared with {printable(each)}")
