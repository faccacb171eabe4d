"""What the program is known to break today; each code goes when its fault is mended."""

from __future__ import annotations

KNOWN = frozenset(
    {
        # A plan file is one thing, and its journal cannot be lost.
        "journal-replaced", "journal-lost", "stale-sidecar",
        "accepted-wal", "used-wal", "accepted-trigger", "used-trigger", "wrong-text",
        "status-6", "bug", "secret-left",
        # Limits that hold.
        "future-evidence", "verified-wrongly",
    }
)  # fmt: skip
