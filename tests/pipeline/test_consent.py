"""Who may write what: a store that can be thrown away needs a yes, a real project its name."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.pipeline.memory import MemoryStore
from url_rewriter.documents import Environment
from url_rewriter.errors import ConfigurationError
from url_rewriter.pipeline.consent import Consent, NoOperator, require_consent


@dataclass
class Typist:
    """An operator who always types the same."""

    text: str
    present: bool = True
    asked: list[str] = field(default_factory=list)

    def answer(self, question: str) -> str:
        self.asked.append(question)
        return self.text

    def agrees(self, question: str) -> bool:
        raise AssertionError("a yes or no is not asked for")


LOCATOR = "firestore://omi-prod/(default)"
REAL = MemoryStore({}, locator=LOCATOR, environment=Environment.PRODUCTION)
DISPOSABLE = MemoryStore({}, locator=LOCATOR)


@pytest.mark.parametrize(
    ("store", "consent"),
    [
        (DISPOSABLE, Consent(yes=True)),
        (DISPOSABLE, Consent(confirm="omi-prod")),
        (REAL, Consent(confirm="omi-prod")),
        (REAL, Consent(yes=True, confirm="omi-prod")),
    ],
)
def test_what_was_agreed_to_beforehand_is_not_asked(store: MemoryStore, consent: Consent) -> None:
    require_consent(store, "Write?", consent, NoOperator())


@pytest.mark.parametrize(
    ("store", "consent", "says"),
    [
        (REAL, Consent(), "There is no terminal to ask whether to write: give --confirm omi-prod"),
        (REAL, Consent(yes=True), "--yes is not enough for a real project: give --confirm"),
        (REAL, Consent(confirm="omi-dev"), "--confirm omi-dev is not what is written to: omi-prod"),
        (DISPOSABLE, Consent(), "There is no terminal to ask whether to write: give --yes"),
        (DISPOSABLE, Consent(confirm="omi-dev"), "--confirm omi-dev is not what is written to"),
    ],
)
def test_what_was_not_agreed_to_is_refused(store: MemoryStore, consent: Consent, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        require_consent(store, "Write?", consent, NoOperator())


@pytest.mark.parametrize(("store", "wanted"), [(REAL, "omi-prod"), (DISPOSABLE, "yes")])
def test_an_operator_types_the_project_or_a_yes(store: MemoryStore, wanted: str) -> None:
    typist = Typist(f" {wanted} ")
    require_consent(store, "Write?", Consent(), typist)
    assert typist.asked == [f"Write? Type {wanted} to go on"]


@pytest.mark.parametrize("text", ["", "y", "omi-dev", "YES"])
@pytest.mark.parametrize("store", [REAL, DISPOSABLE])
def test_anything_else_that_is_typed_is_no_consent(store: MemoryStore, text: str) -> None:
    with pytest.raises(ConfigurationError, match="Not confirmed"):
        require_consent(store, "Write?", Consent(), Typist(text))


def test_a_yes_is_no_consent_to_a_real_project() -> None:
    with pytest.raises(ConfigurationError, match="Not confirmed"):
        require_consent(REAL, "Write?", Consent(), Typist("yes"))
