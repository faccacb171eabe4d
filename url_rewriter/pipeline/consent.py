"""How an operator agrees to writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from url_rewriter.documents import Environment
from url_rewriter.errors import ConfigurationError
from url_rewriter.stores.base import DocumentReader


class Operator(Protocol):
    """Answers questions while a use case runs."""

    @property
    def present(self) -> bool:
        """Whether questions are answered at all; where not, none may be asked."""

    def answer(self, question: str) -> str:
        """What is typed at a question."""

    def agrees(self, question: str) -> bool:
        """Whether a question is answered with yes."""


class NoOperator:
    """Answers no question: what was not agreed to beforehand is not done."""

    present = False

    def answer(self, question: str) -> str:
        """No answer."""
        return ""

    def agrees(self, question: str) -> bool:
        """No."""
        return False


@dataclass(frozen=True, slots=True)
class Consent:
    """What was agreed to beforehand: ``yes`` to a store whose data can be thrown away, ``confirm``
    to the project of this name."""

    yes: bool = False
    confirm: str | None = None

    @property
    def given(self) -> bool:
        """Whether anything was agreed to."""
        return self.yes or self.confirm is not None


def require_consent(
    store: DocumentReader, question: str, consent: Consent, operator: Operator
) -> None:
    """Return when the operator agrees to writes; raise ConfigurationError otherwise.

    On a store whose data can be thrown away ``--yes`` is enough; on a real project its id is
    wanted.
    """
    project = project_of(store.locator)
    disposable = store.environment is Environment.DISPOSABLE
    if consent.confirm == project or (consent.yes and disposable):
        return
    flag = "--yes" if disposable else f"--confirm {project}"
    if consent.confirm is not None:
        raise ConfigurationError(
            f"--confirm {consent.confirm} is not what is written to: {project}."
        )
    if consent.yes:
        raise ConfigurationError(f"--yes is not enough for a real project: give {flag}.")
    if not operator.present:
        raise ConfigurationError(f"There is no terminal to ask whether to write: give {flag}.")
    wanted = "yes" if disposable else project
    if operator.answer(f"{question} Type {wanted} to go on").strip() != wanted:
        raise ConfigurationError("Not confirmed. Nothing was written.")


def project_of(locator: str) -> str:
    """The project of a Firestore locator; the locator itself for other stores.

    >>> project_of("firestore://omi-prod/(default)")
    'omi-prod'
    """
    scheme, _, rest = locator.partition("://")
    return rest.partition("/")[0] if scheme == "firestore" else locator
