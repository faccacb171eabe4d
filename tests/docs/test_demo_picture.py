"""The picture of the README is what ``url-rewriter demo`` prints. ``UPDATE_GOLDEN=1`` draws it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.cli.command import PROGRAM, clean_environ
from tests.docs.demo_picture import COLUMNS, DARK, LIGHT, picture, selected

IMAGES = Path(__file__).parents[2] / "docs" / "images"


def test_the_picture_is_of_a_demo_that_ran_now(tmp_path: Path) -> None:
    environ = clean_environ({"FORCE_COLOR": "1", "COLUMNS": str(COLUMNS), "NO_COLOR": ""})
    folder = tmp_path / "demo"
    ended = subprocess.run(
        [*PROGRAM, "demo", "--keep", str(folder)],
        env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout
    lines = selected(ended.stdout, str(folder))
    for name, palette in (("demo-light.svg", LIGHT), ("demo-dark.svg", DARK)):
        drawn = picture(lines, palette)
        ET.fromstring(drawn)
        if os.environ.get("UPDATE_GOLDEN"):
            (IMAGES / name).write_text(drawn, encoding="utf-8")
        assert (IMAGES / name).read_text(encoding="utf-8") == drawn
