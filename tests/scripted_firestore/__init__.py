"""A Firestore server that does what a test tells it to.

Documents in memory, spoken to over gRPC, with the preconditions, masks, update times and limits of
the real one; and on command its faults: streams that break or end early, refusals, stalls, answers
that never come, documents that change between read and write. ``test_like_the_emulator.py`` keeps
its behaviour to that of Google's emulator.

In a test's process: ``with scripted_firestore() as server: ...``; as a process of its own, which
outlives a killed client: ``python -m tests.scripted_firestore --help``.
"""

from tests.scripted_firestore.database import Database, Databases
from tests.scripted_firestore.script import (
    FOR_EVER,
    Cut,
    Drop,
    EndEarly,
    Late,
    Reaction,
    Refuse,
    Script,
    Short,
    Stall,
    Twice,
)
from tests.scripted_firestore.server import ScriptedFirestore, scripted_firestore

__all__ = [
    "FOR_EVER",
    "Cut",
    "Database",
    "Databases",
    "Drop",
    "EndEarly",
    "Late",
    "Reaction",
    "Refuse",
    "Script",
    "ScriptedFirestore",
    "Short",
    "Stall",
    "Twice",
    "scripted_firestore",
]
