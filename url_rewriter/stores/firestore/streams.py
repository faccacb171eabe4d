"""One query as an unbroken stream of documents: broken connections are resumed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime

import grpc

from url_rewriter.errors import ServiceError
from url_rewriter.stores.firestore import queries
from url_rewriter.stores.firestore.channel import FirestoreChannel
from url_rewriter.stores.firestore.framing import Block, Span
from url_rewriter.stores.firestore.messages import Message, RunQueryResponse
from url_rewriter.stores.selection import path_order

# The tag of RunQueryResponse.document, its field 1. Serializers write fields in order, so a
# message with a document begins with it; other messages hold a read time or the end.
_DOCUMENT = ord("\n")


def stream_documents(
    channel: FirestoreChannel,
    query: Message,
    after: str | None,
    read_time: datetime | None,
    most: int | None = None,
) -> Iterator[Block]:
    """Yield serialized RunQueryResponses, each with a document, in name order.

    A broken stream is resumed behind the last document (``after`` is a resource name). After a
    stream that ends without saying that it is done, one more document is asked for, because streams
    were seen to end early without an error. At most ``most`` documents are asked for. Raises what a
    fault means when it outlasts its retries.
    """
    retries = channel.retries("reading documents")
    probing = False
    left = math.inf if most is None else most
    while left > 0:
        limit = int(probing) or _limit(left)
        request = queries.run_query(channel.database, query, after, limit, read_time)
        last = tail = b""
        call = channel.run_query(request)
        try:
            for block in call:
                data = block.data
                documents = [span for span in block.spans if data[span[0]] == _DOCUMENT]
                tail = block.message(block.spans[-1])
                if documents and after and not last:
                    documents = _behind(after, block, documents)
                if documents:
                    last = block.message(documents[-1])
                    left -= len(documents)
                    yield Block(data, documents)
        except grpc.RpcError as error:
            if last:
                retries.progress()
                after = name_of(last)
            retries.after(error)
            continue
        finally:
            call.cancel()
        if last:
            after = name_of(last)
        if probing and not last:
            return
        if not probing and RunQueryResponse.FromString(tail).done:
            return
        probing = not probing


def _limit(left: float) -> int:
    return 0 if math.isinf(left) else int(left)


def _behind(after: str, block: Block, documents: list[Span]) -> list[Span]:
    """The first documents of a resumed stream without the one that it was resumed behind."""
    first = name_of(block.message(documents[0]))
    if first == after:
        return documents[1:]
    if path_order(first) < path_order(after):
        raise ServiceError(
            "The server does not resume a query behind a document, so that documents would be "
            "counted twice. Nothing was written. Is a proxy or an old emulator in between?"
        )
    return documents


def name_of(response: bytes) -> str:
    """The resource name of the document in a serialized RunQueryResponse."""
    name: str = RunQueryResponse.FromString(response).document.name
    return name
