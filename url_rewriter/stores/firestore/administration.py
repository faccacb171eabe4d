"""What Firestore's administration says of a database: its kind, its recovery, its backups."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import grpc

from url_rewriter.stores.description import DatabaseDescription, NewestBackup
from url_rewriter.stores.firestore.channel import FirestoreChannel
from url_rewriter.stores.firestore.faults import meaning

_MODES = {1: "Native mode", 2: "Datastore mode"}
_EDITIONS = {1: "Standard edition", 2: "Enterprise edition"}
_RECOVERS = {1: True, 2: False}
_READY = 2  # the state of a backup that is whole
_NATIVE, _STANDARD = 1, 1


def describe_database(channel: FirestoreChannel) -> DatabaseDescription:
    """The database of a channel; where its project's databases may be listed."""
    try:
        listed = channel.list_databases()
    except grpc.RpcError as error:
        return DatabaseDescription(trouble=str(meaning(error, "asking what database this is")))
    for each in listed.databases:
        if each.name == channel.database.name:
            return _described(each)
    return DatabaseDescription(trouble=f"the project lists no database {channel.database.id}")


def find_newest_backup(channel: FirestoreChannel) -> NewestBackup:
    """The newest backup of a channel's database, in whichever location."""
    try:
        listed = channel.list_backups()
    except grpc.RpcError as error:
        return NewestBackup(trouble=str(meaning(error, "asking for backups")))
    moments = [
        each.snapshot_time.ToDatetime(tzinfo=UTC)
        for each in listed.backups
        if each.database == channel.database.name and each.state == _READY
    ]
    if not moments and listed.unreachable:
        places = ", ".join(listed.unreachable)
        return NewestBackup(trouble=f"locations did not answer: {places}")
    return NewestBackup(max(moments, default=None))


def _described(database: Any) -> DatabaseDescription:
    kind = database.type_
    edition = getattr(database, "database_edition", 0)  # older clients do not know it
    earliest: datetime | None = None
    if database.HasField("earliest_version_time"):
        earliest = database.earliest_version_time.ToDatetime(tzinfo=UTC)
    return DatabaseDescription(
        mode=_MODES.get(kind, ""),
        edition=_EDITIONS.get(edition, ""),
        location=database.location_id,
        foreign=kind not in (0, _NATIVE) or edition not in (0, _STANDARD),
        recovers=_RECOVERS.get(database.point_in_time_recovery_enablement),
        earliest=earliest,
    )
