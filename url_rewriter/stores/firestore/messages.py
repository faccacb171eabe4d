"""The messages of Firestore's protocol as plain protobuf; only this module imports the client.

The wrappers of google-cloud-firestore cost three times what the messages cost. Messages come back
from the server byte for byte, fields and value types that this release does not know included.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from google.cloud.firestore_v1 import types

Message: TypeAlias = Any
"""A protobuf message of the protocol, named by the functions' docstrings."""

BatchGetDocumentsRequest = types.BatchGetDocumentsRequest.pb()
BatchGetDocumentsResponse = types.BatchGetDocumentsResponse.pb()
BatchWriteRequest = types.BatchWriteRequest.pb()
BatchWriteResponse = types.BatchWriteResponse.pb()
DocumentMessage = types.Document.pb()
ListCollectionIdsRequest = types.ListCollectionIdsRequest.pb()
ListCollectionIdsResponse = types.ListCollectionIdsResponse.pb()
ListenRequest = types.ListenRequest.pb()
ListenResponse = types.ListenResponse.pb()
PartitionQueryRequest = types.PartitionQueryRequest.pb()
PartitionQueryResponse = types.PartitionQueryResponse.pb()
RunAggregationQueryRequest = types.RunAggregationQueryRequest.pb()
RunAggregationQueryResponse = types.RunAggregationQueryResponse.pb()
RunQueryRequest = types.RunQueryRequest.pb()
RunQueryResponse = types.RunQueryResponse.pb()
TargetChange = types.TargetChange.pb()
StructuredQuery = types.StructuredQuery.pb()
WriteMessage = types.Write.pb()


def databases_request(project: str) -> Message:
    """A ListDatabasesRequest. The messages of administration are loaded when they are needed."""
    from google.cloud.firestore_admin_v1.types import ListDatabasesRequest

    return ListDatabasesRequest.pb()(parent=project)


def backups_request(project: str) -> Message:
    """A ListBackupsRequest, for all locations of a project."""
    from google.cloud.firestore_admin_v1.types import ListBackupsRequest

    return ListBackupsRequest.pb()(parent=f"projects/{project}/locations/-")


def parse_backups(data: bytes) -> Message:
    """A ListBackupsResponse."""
    from google.cloud.firestore_admin_v1.types import ListBackupsResponse

    return ListBackupsResponse.pb().FromString(data)


def parse_databases(data: bytes) -> Message:
    """A ListDatabasesResponse."""
    from google.cloud.firestore_admin_v1.types import ListDatabasesResponse

    return ListDatabasesResponse.pb().FromString(data)
