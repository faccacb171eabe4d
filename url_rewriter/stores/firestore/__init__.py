"""Firestore, in production and on Google's emulator, through its own protocol.

The client library's walk costs more than a hundred times what the protocol costs and misses
documents under missing parents; its bulk writer loses writes. This adapter reads one stream of
bytes for each range of names (`streams`) and parses only documents that may hold a URL (`reader`,
`values`). It writes with masks and the read's update time as precondition, and checks the answer to
each write (`updates`, `store`).
"""

from url_rewriter.stores.firestore.channel import FirestoreChannel
from url_rewriter.stores.firestore.connecting import connect
from url_rewriter.stores.firestore.reader import FirestoreReader
from url_rewriter.stores.firestore.store import FirestoreStore

__all__ = ["FirestoreChannel", "FirestoreReader", "FirestoreStore", "connect"]
