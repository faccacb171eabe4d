"""The embedded store: documents in this process, read from and written back to a JSON Lines file.

For the demo, for try-outs on a dump, and for fast tests. One document a line, in the value form of
Firestore's REST interface::

    {"path": "users/u1", "fields": {"image": {"stringValue": "gs://photos/u1.png"}}}

``name`` (``projects/P/databases/D/documents/users/u1``) may stand in place of ``path``. Whatever
else a line holds is kept.
"""

from url_rewriter.stores.embedded.store import EmbeddedReader, EmbeddedStore

__all__ = ["EmbeddedReader", "EmbeddedStore"]
