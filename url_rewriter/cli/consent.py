"""How an operator agrees to writes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from url_rewriter.cli.console import Console, printable
from url_rewriter.documents import Environment
from url_rewriter.errors import ConfigurationError

if TYPE_CHECKING:
    from url_rewriter.stores.base import DocumentStore


@dataclass(frozen=True, slots=True)
class Consent:
    """What the operator said on the command line about writing."""

    yes: bool
    confirm: str | None
    dry_run: bool


def ask_consent(console: Console, store: DocumentStore, question: str, consent: Consent) -> None:
    """Return when the operator agrees to writes; raise ConfigurationError when nobody does.

    On a store whose data can be thrown away ``--yes`` is enough; on a real project its id is
    wanted. A dry run needs no consent.
    """
    project = project_of(store.locator)
    disposable = store.environment is Environment.DISPOSABLE
    agreed = consent.confirm == project or (consent.yes and disposable)
    if consent.dry_run or agreed:
        return
    flag = "--yes" if disposable else f"--confirm {project}"
    if consent.confirm is not None:
        raise ConfigurationError(
            f"--confirm {consent.confirm} is not what is written to: {project}."
        )
    if consent.yes:
        raise ConfigurationError(f"--yes is not enough for a real project: give {flag}.")
    if not may_ask(console):
        raise ConfigurationError(f"Nobody to ask whether to write: give {flag}.")
    wanted = "yes" if disposable else project
    answer = click.prompt(f"{question} Type {printable(wanted)} to go on", err=True, default="")
    if answer.strip() != wanted:
        raise ConfigurationError("Not confirmed. Nothing was written.")


def may_ask(console: Console) -> bool:
    """Whether somebody is there to answer a question."""
    return console.asks and sys.stdin.isatty()


def project_of(locator: str) -> str:
    """The project of a Firestore locator; the locator itself for other stores.

    >>> project_of("firestore://omi-prod/(default)")
    'omi-prod'
    """
    scheme, _, rest = locator.partition("://")
    return rest.partition("/")[0] if scheme == "firestore" else locator
