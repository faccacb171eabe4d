"""How the pages become a site: ``sphinx-build -W docs docs/_build``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "url-rewriter"
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_heading_anchors = 4  # as GitHub has them: the pages are read there, too

html_theme = "furo"
html_title = "url-rewriter"
html_copy_source = False
html_show_copyright = False

# Files of the repository's root, and the pages that include them.
_OUTSIDE = {"SECURITY": "security", "CONTRIBUTING": "contributing", "CHANGELOG": "changelog"}


def _lead_inside(app: Sphinx, page: str, source: list[str]) -> None:
    """Have links to files of the repository's root lead to the pages that include them."""
    del app
    up = "../" * page.count("/")
    for file, inside in _OUTSIDE.items():
        source[0] = re.sub(rf"\]\({up}\.\./{file}\.md", f"]({up}{inside}.md", source[0])


def setup(app: Sphinx) -> None:
    """Register what the pages need."""
    app.connect("source-read", _lead_inside)
