"""What is said on one stream of Listen: targets are named, changes of their documents come back.

Each collection group is one target. The server tells documents, then that a target is *current*,
then, without naming a target, a moment: all that was written up to then was told. It may take a
target back (RESET) and tell it whole once more: Google's emulator does so at every write. It may
end one (REMOVE), or say how many documents it holds (a filter), for the client to see that some are
missing. This module sends nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from url_rewriter.stores.base import HeardTo, ListenPlace
from url_rewriter.stores.firestore.channel import Database
from url_rewriter.stores.firestore.messages import ListenRequest, Message, TargetChange

_Kind = TargetChange.TargetChangeType


class StartOverError(Exception):
    """A group has to be listened to from the beginning; ``code`` is the server's, 0 without one."""

    def __init__(self, group: str, why: str, code: int = 0) -> None:
        super().__init__(group, why)
        self.group = group
        self.why = why
        self.code = code


@dataclass(slots=True)
class _ListenTarget:
    """What is known of one target. ``documents``: how many it holds, None where not known."""

    group: str
    documents: int | None
    token: bytes = b""
    current: bool = False
    telling: bool = False  # from the beginning


class Conversation:
    """One stream, from its first request to its end.

    ``since`` is where groups without a place begin, rather than with all their documents.
    ``to`` is up to when earlier streams have told everything.
    """

    def __init__(
        self,
        database: Database,
        groups: Sequence[str],
        places: Mapping[str, ListenPlace],
        since: datetime | None = None,
        to: datetime | None = None,
    ) -> None:
        self._database = database
        self._targets: dict[int, _ListenTarget] = {}
        self._requests: list[Message] = []
        self._to = to or since
        for number, group in enumerate(groups, start=1):
            place = places.get(group)
            target = _ListenTarget(group, place.documents if place else None)
            if place is None and since is None:
                target.documents, target.telling = 0, True
            self._targets[number] = target
            self._requests.append(_add_target(database, number, group, place, since))

    def requests(self) -> list[Message]:
        """What is said at the beginning."""
        return self._requests

    def hear(self, response: Message) -> Iterator[Message | HeardTo]:
        """What a ListenResponse tells: a document, or up to when all was told.

        Raises StartOverError where a group cannot go on from where it is.
        """
        match response.WhichOneof("response_type"):
            case "document_change":
                change = response.document_change
                self._note_document(change)
                if change.target_ids:
                    yield change.document
            case "document_delete":
                self._note_gone(response.document_delete.removed_target_ids)
            case "document_remove":
                self._note_gone(response.document_remove.removed_target_ids)
            case "filter":
                self._compare(response.filter.target_id, response.filter.count)
            case "target_change":
                yield from self._change(response.target_change)

    def _note_document(self, change: Message) -> None:
        """Count a document that a target did not hold before."""
        made = change.document.create_time.ToDatetime(tzinfo=UTC)
        for target in self._named(change.target_ids):
            if target.documents is not None and (
                target.telling or (self._to is not None and made > self._to)
            ):
                target.documents += 1
        self._note_gone(change.removed_target_ids)

    def _note_gone(self, numbers: Sequence[int]) -> None:
        for target in self._named(numbers):
            if target.documents and not target.telling:
                target.documents -= 1

    def _compare(self, number: int, count: int) -> None:
        for target in self._named([number]):
            if target.documents is None:
                target.documents = count  # begun at a moment: nothing was counted yet
            elif target.documents != count:
                raise StartOverError(
                    target.group,
                    f"{target.group} holds {count:,} documents, and {target.documents:,} were told",
                )

    def _change(self, change: Message) -> Iterator[HeardTo]:
        kind = change.target_change_type
        targets = list(self._named(change.target_ids or self._targets))
        if kind == _Kind.REMOVE:
            cause = change.cause
            why = f"the server ended it: {cause.message or cause.code or 'no reason given'}"
            raise StartOverError(targets[0].group if targets else "", why, cause.code)
        if kind == _Kind.RESET:
            for target in targets:
                target.current, target.telling, target.documents = False, True, 0
        if kind == _Kind.CURRENT:
            for target in targets:
                target.current, target.telling = True, False
        if change.resume_token:
            for target in targets:
                # A token from the middle of what is told whole would leave out the rest.
                if target.current:
                    target.token = change.resume_token
        if kind == _Kind.NO_CHANGE and not change.target_ids and change.HasField("read_time"):
            yield from self._reach(change.read_time.ToDatetime(tzinfo=UTC))

    def _reach(self, moment: datetime) -> Iterator[HeardTo]:
        if all(target.current for target in self._targets.values()):
            self._to = max(moment, self._to or moment)
            places = {
                each.group: ListenPlace(each.token, each.documents)
                for each in self._targets.values()
                if each.token
            }
            yield HeardTo(moment, places)

    def _named(
        self, numbers: Sequence[int] | Mapping[int, _ListenTarget]
    ) -> Iterator[_ListenTarget]:
        return (self._targets[number] for number in numbers if number in self._targets)


def _add_target(
    database: Database, number: int, group: str, place: ListenPlace | None, since: datetime | None
) -> Message:
    request = ListenRequest(database=database.name)
    target = request.add_target
    target.target_id = number
    target.query.parent = database.documents
    target.query.structured_query.from_.add(collection_id=group, all_descendants=True)
    if place is not None:
        target.resume_token = place.token
        if place.documents is not None:
            target.expected_count.value = place.documents
    elif since is not None:
        target.read_time.FromDatetime(since)
    return request
