"""Firestore, in production and on Google's emulator, spoken to through its own protocol.

The client library's walk costs more than a hundred times what its protocol costs, and misses
documents under missing parents; its bulk writer loses writes. So: one stream of bytes for each
range of names (`streams`), parsed only where a document may hold a URL (`reader`, `values`); masked
writes with the read's update time as precondition, each answer looked at (`updates`, `store`).
"""

from url_rewriter.stores.firestore.channel import FirestoreChannel
from url_rewriter.stores.firestore.connecting import connect
from url_rewriter.stores.firestore.reader import FirestoreReader
from url_rewriter.stores.firestore.store import FirestoreStore

__all__ = ["FirestoreChannel", "FirestoreReader", "FirestoreStore", "connect"]
