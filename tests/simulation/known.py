"""What the program is known to break today; each code goes when its fault is mended."""

from __future__ import annotations

KNOWN = frozenset(
    {
        # A plan file is refused where nothing is lost.
        "status-6",
    }
)  # fmt: skip
