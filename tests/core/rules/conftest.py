from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from url_rewriter.rules import Rules, RulesError, load_rules


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Rules]:
    """Load rules from text."""

    def from_text(text: str | bytes, environ: Mapping[str, str] | None = None) -> Rules:
        path = tmp_path / "rules.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return load_rules(path, environ or {})

    return from_text


@pytest.fixture
def problems(load: Callable[..., Rules]) -> Callable[..., list[tuple[int, int, str]]]:
    """What is wrong with a text: line, column and message of each problem."""

    def of_text(
        text: str | bytes, environ: Mapping[str, str] | None = None
    ) -> list[tuple[int, int, str]]:
        with pytest.raises(RulesError) as caught:
            load(text, environ)
        return [(each.line, each.column, each.message) for each in caught.value.problems]

    return of_text
