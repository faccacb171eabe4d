"""Ways to read a whole database, each to be run in a process of its own.

``python -m benchmarks.readers NAME PROJECT`` prints how many documents it saw.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any


def firebase_admin_walk(project: str) -> int:
    """`collections()`, `stream()`, `to_dict()`, down the tree: the usual script."""
    client = _client(project)

    def walk(collection: Any) -> Iterator[dict[str, Any]]:
        for document in collection.stream():
            yield document.to_dict()
            for below in document.reference.collections():
                yield from walk(below)

    return sum(1 for collection in client.collections() for _ in walk(collection))


GROUPS = ("conversations", "memories", "messages", "plugins", "users")


def collection_groups(project: str) -> int:
    """`collection_group(name).stream()` and `to_dict()`, for names that are known."""
    client = _client(project)
    return sum(
        1
        for name in GROUPS
        for document in client.collection_group(name).stream()
        if document.to_dict() is not None
    )


def transport(project: str) -> int:
    """grpc's leanest stream, its messages thrown away: what its own client costs."""
    import os

    import grpc

    from url_rewriter.stores.base import Partition
    from url_rewriter.stores.firestore import queries
    from url_rewriter.stores.firestore.channel import Database
    from url_rewriter.stores.firestore.connecting import channel_options

    options = channel_options(single_threaded=True)
    channel = grpc.insecure_channel(os.environ["FIRESTORE_EMULATOR_HOST"], options=options)
    call = channel.unary_stream(
        "/google.firestore.v1.Firestore/RunQuery",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=None,
    )
    database = Database(project)
    query = queries.structured_query(database, Partition(""))
    request = queries.run_query(database, query, None, 0, None)
    seen = 0
    for message in call(request, metadata=(("authorization", "Bearer owner"),)):
        seen += message[:1] == b"\n"
    return seen


def http2(project: str) -> int:
    """The same through libcurl."""
    from url_rewriter.stores.base import Partition
    from url_rewriter.stores.firestore import connect, queries

    channel = connect(project)
    query = queries.structured_query(channel.database, Partition(""))
    request = queries.run_query(channel.database, query, None, 0, None)
    return sum(
        block.data[at] == 10 for block in channel.run_query(request) for at, _ in block.spans
    )


def adapter(project: str) -> int:
    """Our read loop: documents found, and dropped."""
    from url_rewriter.stores.base import Checkpoint, Query
    from url_rewriter.stores.firestore import FirestoreReader, connect
    from url_rewriter.urls import needles

    reader = FirestoreReader(connect(project))
    query = Query(needles=needles())
    return sum(
        item.documents
        for partition in reader.partitions(query, 1)
        for item in reader.scan(query, partition)
        if isinstance(item, Checkpoint)
    )


def _client(project: str) -> Any:
    import firebase_admin
    from firebase_admin import credentials, firestore
    from google.auth.credentials import AnonymousCredentials

    class Anonymous(credentials.Base):
        def get_credential(self) -> AnonymousCredentials:
            return AnonymousCredentials()

    firebase_admin.initialize_app(Anonymous(), {"projectId": project})
    return firestore.client()


READERS: dict[str, Callable[[str], int]] = {
    "firebase-admin walk": firebase_admin_walk,
    "collection groups, to_dict": collection_groups,
    "transport": transport,
    "http2": http2,
    "adapter": adapter,
}

if __name__ == "__main__":
    print(READERS[sys.argv[1]](sys.argv[2]))
