"""Firestore's protocol, bare: for tests that speak to a server without the adapter."""

from __future__ import annotations

from typing import Any

import grpc
from google.cloud.firestore_v1 import types

from tests.emulator import fresh_project

DocumentMask = types.DocumentMask.pb()
Write = types.Write.pb()


def text(value: str) -> Any:
    return types.Value.pb()(string_value=value)


def array(*values: str) -> Any:
    return types.Value.pb()(array_value={"values": list(map(text, values))})


def mapping(**fields: str) -> Any:
    return types.Value.pb()(map_value={"fields": {name: text(fields[name]) for name in fields}})


class Client:
    """Calls on one database of a server, a fresh one if none is named."""

    def __init__(self, host: str, database: str | None = None) -> None:
        self.database = database or f"projects/{fresh_project()}/databases/(default)"
        options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
        self._channel = grpc.insecure_channel(host, options=options)

    def name(self, path: str) -> str:
        return f"{self.database}/documents/{path}"

    def update(self, path: str, fields: dict[str, Any], *mask: str, **more: Any) -> Any:
        """A write; without a mask it replaces the document."""
        masked = {"update_mask": DocumentMask(field_paths=mask)} if mask else {}
        return Write(update={"name": self.name(path), "fields": fields}, **masked, **more)

    def deletion(self, path: str, **more: Any) -> Any:
        return Write(delete=self.name(path), **more)

    def write(self, *writes: Any) -> list[int]:
        """The status code of each write."""
        return [status.code for status in self.batch_write(*writes).status]

    def batch_write(self, *writes: Any) -> Any:
        return self._unary("BatchWrite", database=self.database, writes=writes)

    def get(self, path: str) -> Any | None:
        """The document there, or None."""
        (answer,) = self._stream(
            "BatchGetDocuments", database=self.database, documents=[self.name(path)]
        )
        return answer.found if answer.HasField("found") else None

    def found(self, path: str) -> Any:
        """The document there, which must be."""
        document = self.get(path)
        assert document is not None
        return document

    def fields(self, path: str) -> dict[str, Any]:
        """The fields of a document that is there."""
        return dict(self.found(path).fields)

    def query(self, **structured: Any) -> list[Any]:
        """The responses to a query over every document, narrowed by ``structured``."""
        query = {
            "from_": [{"all_descendants": True}],
            "order_by": [{"field": {"field_path": "__name__"}, "direction": 1}],
            **structured,
        }
        return self._stream("RunQuery", parent=self.name("")[:-1], structured_query=query)

    def paths(self, **structured: Any) -> list[str]:
        """The paths of the documents that a query gives."""
        return [
            response.document.name.removeprefix(self.name(""))
            for response in self.query(**structured)
            if response.HasField("document")
        ]

    def cursor(self, path: str, *, before: bool) -> Any:
        return {"values": [{"reference_value": self.name(path)}], "before": before}

    def bound(self, operator: str, path: str) -> Any:
        return {
            "field_filter": {
                "field": {"field_path": "__name__"},
                "op": getattr(types.StructuredQuery.FieldFilter.Operator, operator),
                "value": {"reference_value": self.name(path)},
            }
        }

    def collection_ids(self, parent: str = "") -> list[str]:
        ids: list[str] = []
        token = ""
        while True:
            page = self._unary(
                "ListCollectionIds",
                parent=self.name(parent).rstrip("/"),
                page_size=2,
                page_token=token,
            )
            ids += page.collection_ids
            token = page.next_page_token
            if not token:
                return ids

    def _unary(self, method: str, **request: Any) -> Any:
        return self._call(self._channel.unary_unary, method, request)

    def _stream(self, method: str, **request: Any) -> list[Any]:
        return list(self._call(self._channel.unary_stream, method, request))

    def _call(self, kind: Any, method: str, request: dict[str, Any]) -> Any:
        call = kind(
            f"/google.firestore.v1.Firestore/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=getattr(types, f"{method}Response").pb().FromString,
        )
        message = getattr(types, f"{method}Request").pb(getattr(types, f"{method}Request")(request))
        return call(message, metadata=(("authorization", "Bearer owner"),), timeout=30)
