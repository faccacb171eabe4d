"""What the program is known to break today; each code goes when its fault is mended."""

from __future__ import annotations

KNOWN = frozenset(
    {
        # A plan file is one thing, and its journal cannot be lost.
        "journal-replaced", "journal-lost", "stale-sidecar",
        "accepted-wal", "used-wal", "accepted-trigger", "used-trigger", "wrong-text",
        "status-6", "bug", "secret-left",
        # Every URL ends in one counted state.
        "old-url-unlisted", "moved-unlisted", "copy-unlisted", "write-forgotten",
        "unanswered-forgotten", "restored-foreign", "restored-remade", "second-rollback",
        "write-forgotten-by-rule", "moved-unlisted-by-rule", "copy-unlisted-by-rule",
        # Limits that hold.
        "future-evidence", "verified-wrongly", "not-proven",
    }
)  # fmt: skip
