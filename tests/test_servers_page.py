"""``docs/servers.md`` tells of every scripted server. ``UPDATE_GOLDEN=1`` writes it anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.servers.dialects.page import tables

PAGE = Path(__file__).parents[1] / "docs" / "servers.md"


@pytest.mark.parametrize("heading", tables())
def test_the_page_has_a_row_for_every_scripted_server(heading: str) -> None:
    text, table = PAGE.read_text(encoding="utf-8"), tables()[heading]
    section = rf"(?<=^## {re.escape(heading)}\n)(.*?)^\|.*?(?=^[^|]|\Z)"
    if os.environ.get("UPDATE_GOLDEN"):
        text = re.sub(section, lambda match: f"{match[1]}{table}", text, count=1, flags=re.M | re.S)
        PAGE.write_text(text, encoding="utf-8")
    assert table in text
