"""A harness for any server that speaks Firestore's gRPC protocol without real credentials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import grpc
import pytest
from google.cloud.firestore_v1.types import (
    BatchGetDocumentsRequest,
    BatchGetDocumentsResponse,
    BatchWriteRequest,
    BatchWriteResponse,
)
from google.protobuf import json_format

from tests.contract.harness import Ability, Fields, State, canonical
from tests.emulator import fresh_project
from url_rewriter.concurrency.batches import in_batches
from url_rewriter.stores import open_reader, open_store
from url_rewriter.stores.base import DocumentReader, DocumentStore

METADATA = (("authorization", "Bearer owner"),)
BATCH_BYTES = 2_000_000
BATCH_DOCUMENTS = 300


class FirestoreHarness:
    """One database of a server at ``host``, spoken to without the adapter under test."""

    abilities = frozenset(Ability) - {Ability.HOLDS_BSON}

    def __init__(self, host: str, monkeypatch: pytest.MonkeyPatch, database: str = "(default)"):
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", host)
        self.host = host
        self.project = fresh_project()
        self.database = f"projects/{self.project}/databases/{database}"
        self.locator = f"firestore://{self.project}/{database}"
        options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        self._channel = grpc.insecure_channel(host, options=options)

    def open_reader(self) -> DocumentReader:
        return open_reader(self.locator)

    def open_store(self) -> DocumentStore:
        return open_store(self.locator)

    def load(self, documents: Mapping[str, Fields]) -> None:
        batch: list[dict[str, Any]] = []
        size = 0
        for path, fields in documents.items():
            batch.append({"update": {"name": self.name(path), "fields": fields}})
            size += len(canonical(fields))
            if size > BATCH_BYTES or len(batch) == 500:
                self._write(batch)
                batch, size = [], 0
        self._write(batch)

    def merge(self, path: str, fields: Fields) -> None:
        """Replace some fields of a document, whose names need no quoting, and no others."""
        update = {"name": self.name(path), "fields": fields}
        self._write([{"update": update, "updateMask": {"fieldPaths": list(fields)}}])

    def delete(self, path: str) -> None:
        self._write([{"delete": self.name(path)}])

    def state(self, path: str) -> State | None:
        return self.states([path])[path]

    def states(self, paths: Iterable[str]) -> dict[str, State | None]:
        """The documents at ``paths``; None for one that does not exist."""
        names = {self.name(path): path for path in paths}
        found: dict[str, State | None] = {}
        call = self._channel.unary_stream(
            "/google.firestore.v1.Firestore/BatchGetDocuments",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=BatchGetDocumentsResponse.pb().FromString,
        )
        for some in in_batches(names, BATCH_DOCUMENTS):
            request = BatchGetDocumentsRequest.pb()(database=self.database, documents=some)
            for response in call(request, metadata=METADATA, timeout=60):
                if response.HasField("found"):
                    found[names[response.found.name]] = _state_of(response.found)
                elif response.missing:
                    found[names[response.missing]] = None
        assert len(found) == len(names), "a document has no answer"
        return found

    def name(self, path: str) -> str:
        return f"{self.database}/documents/{path}"

    def _write(self, writes: list[dict[str, Any]]) -> None:
        if not writes:
            return
        request = BatchWriteRequest.pb()()
        json_format.ParseDict({"database": self.database, "writes": writes}, request)
        call = self._channel.unary_unary(
            "/google.firestore.v1.Firestore/BatchWrite",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=BatchWriteResponse.pb().FromString,
        )
        response = call(request, metadata=METADATA, timeout=60)
        refused = [status.message for status in response.status if status.code]
        assert not refused, refused


def _state_of(document: Any) -> State:
    fields = json_format.MessageToDict(document)["fields"] if document.fields else {}
    updated = document.update_time
    return State(canonical(fields), f"{updated.seconds}.{updated.nanos:09}")


def emulator_harness(request: pytest.FixtureRequest) -> FirestoreHarness:
    return FirestoreHarness(
        request.getfixturevalue("emulator_host"), request.getfixturevalue("monkeypatch")
    )
