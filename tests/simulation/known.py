"""What the program is known to break today; each code goes when its fault is mended."""

from __future__ import annotations

KNOWN = frozenset(
    {
        # A plan file is one thing, and is not refused where nothing is lost.
        "status-6",
        # Every URL ends in one counted state.
        "old-url-unlisted", "moved-unlisted", "copy-unlisted", "write-forgotten",
        "unanswered-forgotten", "restored-foreign", "restored-remade", "second-rollback",
        "write-forgotten-by-rule", "moved-unlisted-by-rule", "copy-unlisted-by-rule",
        # Limits that hold.
        "verified-wrongly",
    }
)  # fmt: skip
