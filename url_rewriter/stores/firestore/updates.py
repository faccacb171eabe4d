"""Makes a Firestore write from edits: a mask, a payload, a precondition.

A mask names fields from the document down through maps, and the server replaces exactly those. It
cannot step into an array (``a.`0` `` would make the array a map), so an array is written whole,
from the read that the edits were decided on, and its precondition makes sure that it is still that.
"""

from __future__ import annotations

from collections.abc import Iterable

from url_rewriter.documents import Edit, FieldPath, Update, ValuePath, format_name
from url_rewriter.stores.firestore.messages import (
    DocumentMessage,
    Message,
    RunQueryResponse,
    WriteMessage,
)
from url_rewriter.stores.firestore.values import (
    MAX_DOCUMENT_SIZE,
    MAX_VALUE_SIZE,
    document_size,
    revision_of,
)

# A value's count is at most this many times its protobuf encoding (an empty geo point: 4 bytes to
# 16; a small integer in an array: 4 to 8), so that most documents need not be counted.
_SIZE_RATIO = 8


class UnwritableError(ValueError):
    """An update that Firestore would never take; the message says why."""


def write_for(update: Update, name: str) -> Message:
    """The Write for an update of the document whose resource name is ``name``.

    Raises UnwritableError where it can never succeed, and ValueError where the edits do not belong
    to ``update.document``, which is a bug in the caller.
    """
    read = update.document.raw
    if isinstance(read, bytes):
        read = RunQueryResponse.FromString(read).document
    if not isinstance(read, DocumentMessage) or revision_of(read) != update.document.revision:
        raise ValueError(f"{update.document.path}: not a document as this store read it")
    after = DocumentMessage()
    after.fields.MergeFrom(read.fields)
    for edit in update.edits:
        _replace(after, edit)
    _check_size(after, update)
    write = WriteMessage()
    write.update.name = name
    for field_path in masks(edit.value_path for edit in update.edits):
        write.update_mask.field_paths.append(".".join(map(format_name, field_path)))
        _copy(after, write.update, field_path)
    write.current_document.update_time.CopyFrom(read.update_time)
    return write


def masks(value_paths: Iterable[ValuePath]) -> list[FieldPath]:
    """The least fields that hold all of ``value_paths``, none inside another, sorted.

    >>> masks([("photos", 2, "url"), ("m", "a"), ("photos", 0, "url")])
    [('m', 'a'), ('photos',)]
    """
    fields = {_mask(path) for path in value_paths}
    return sorted(
        field
        for field in fields
        if not any(field[:length] in fields for length in range(1, len(field)))
    )


def _mask(value_path: ValuePath) -> FieldPath:
    names: list[str] = []
    for step in value_path:
        # An empty name has no spelling in a mask: the map around it is written.
        if not isinstance(step, str) or not step:
            break
        names.append(step)
    if not names:
        raise UnwritableError("a field without a name cannot be addressed")
    return tuple(names)


def _replace(document: Message, edit: Edit) -> None:
    value = _value_at(document, edit.value_path)
    if value is None or value.string_value != edit.before:
        raise ValueError("an edit is of a string that the document does not hold")
    value.string_value = edit.after


def _value_at(document: Message, value_path: ValuePath) -> Message | None:
    """The string value at a path, in ``document`` itself."""
    fields, value = document.fields, None
    for step in value_path:
        if isinstance(step, str):
            # Reading a protobuf map at a missing key would create it.
            if fields is None or step not in fields:
                return None
            value = fields[step]
        else:
            if value is None or not 0 <= step < len(value.array_value.values):
                return None
            value = value.array_value.values[step]
        fields = value.map_value.fields if value.HasField("map_value") else None
    return value if value is not None and value.HasField("string_value") else None


def _copy(source: Message, payload: Message, field_path: FieldPath) -> None:
    """Put the value at ``field_path`` into ``payload``, with the maps on the way to it."""
    *above, last = field_path
    fields, copies = source.fields, payload.fields
    for name in above:
        fields, copies = fields[name].map_value.fields, copies[name].map_value.fields
    copies[last].CopyFrom(fields[last])


def _check_size(document: Message, update: Update) -> None:
    if any(len(edit.after.encode()) > MAX_VALUE_SIZE for edit in update.edits):
        raise UnwritableError(f"a value would be over {MAX_VALUE_SIZE:,} bytes")
    if document.ByteSize() * _SIZE_RATIO <= MAX_DOCUMENT_SIZE:
        return
    size = document_size(document, update.document.path)
    if size > MAX_DOCUMENT_SIZE:
        raise UnwritableError(
            f"the document would have {size:,} bytes; the limit is {MAX_DOCUMENT_SIZE:,}"
        )
