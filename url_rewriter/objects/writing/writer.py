"""Objects are stored through boto3: only where there is none, and only whole and right.

A small object is read whole, compared with Cloud Storage's checksum, then put. A larger one is
uploaded in parts, which no reader sees before the upload is completed, and it is completed only
after all of it was compared. ``If-None-Match: *`` lets the server itself refuse to overwrite.
Servers that do not know this header, or additional checksums, are asked without; of those that
ignore it, only the question just before the write protects what others put there.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from url_rewriter.comparison import Agreement, Pair, compare_checksums
from url_rewriter.copying import Transfer, TransferOutcome
from url_rewriter.evidence import SourceEvidence, SourceState
from url_rewriter.objectinfo import ObjectInfo
from url_rewriter.objects.base import UploadLog
from url_rewriter.objects.proving.checksums import read_checksums
from url_rewriter.objects.transport.answers import Answer, Listed
from url_rewriter.objects.transport.boto import Client, connect, follow_no_redirect
from url_rewriter.objects.transport.boto_answers import ask_for
from url_rewriter.objects.transport.persistence import Persistence
from url_rewriter.objects.transport.settings import S3Settings
from url_rewriter.objects.transport.verdicts import judge_key
from url_rewriter.objects.writing.hashes import Digest, digest_of
from url_rewriter.objects.writing.metadata import not_kept, put_arguments, trouble
from url_rewriter.objects.writing.parts import PART, at_most, in_parts
from url_rewriter.objects.writing.slashes import folding
from url_rewriter.urls import ObjectRef

_READ_TIMEOUT = 120.0  # seconds; a server may think that long before an upload is complete

_LONGEST_WRITE = 900.0  # seconds, of a request as a whole: 8 MiB at 10 KiB a second

_CONDITION = {"IfNoneMatch": "*"}
_UNWANTED = frozenset(
    {"", "NotImplemented", "NotSupported", "InvalidArgument", "InvalidRequest", "UnsupportedHeader"}
)
"""Codes of a 400 by which servers turn down a header that they do not know, or not want here."""

_TAKEN = (409, 412)
"""Another object is there, or is being stored at this moment."""

_NO_CONDITION = (
    "the server refuses If-None-Match although nothing is there (412): stored without it, so that"
    " only the question just before protects what others store in that instant"
)


class S3ObjectWriter:
    """Stores objects on S3 or what is compatible with it."""

    def __init__(self, settings: S3Settings, uploads: UploadLog) -> None:
        """Set up a connection pool; contacts no server. Raises ConfigurationError."""
        _, self._s3 = connect(replace(settings, read_timeout=_READ_TIMEOUT))
        self._uploads = uploads
        self._client = Client(settings)  # for questions
        self._persistence = Persistence(settings, self._client.rate, _LONGEST_WRITE)
        self._s3.meta.events.register("before-call.s3", follow_no_redirect)
        self._never_met: set[str] = set()  # buckets whose server takes the condition for not met
        self._unwanted: dict[str, int] = {}  # bucket: how many of the extras its server refused

    def write(self, target: ObjectRef, source: ObjectInfo, chunks: Iterable[bytes]) -> Transfer:
        """See ``ObjectWriter.write``."""
        if (verdict := judge_key(target.key)) is not None:
            return _failed(verdict.detail)
        if why := trouble(source):
            return _failed(why)
        if (stands := self._look(target, source)) is not None:
            return stands
        if why := folding(self._client, target):
            return _failed(why)
        if source.size is None:
            return _failed("the size of its source is not known")
        bounded = at_most(source.size, chunks)
        if source.size <= PART:
            return self._write_whole(target, source, bounded)
        return self._write_parts(target, source, in_parts(bounded, source.size))

    def give_up(self, target: ObjectRef, upload: str) -> str:
        """See ``ObjectWriter.give_up``."""
        answer = self._ask(
            lambda: self._s3.abort_multipart_upload(
                Bucket=target.bucket, Key=target.key, UploadId=upload
            )
        )
        if answer.status in (200, 204) or answer.code == "NoSuchUpload":
            self._uploads.ended(target, upload)
            return ""
        return _words(answer)

    def close(self) -> None:
        """See ``ObjectWriter.close``."""
        self._client.close()
        self._s3.close()

    def _look(self, target: ObjectRef, source: ObjectInfo) -> Transfer | None:
        """The result where writing is ruled out; None where nothing is at the target."""
        answer = self._head(target)
        if answer.status == 200:
            return _compare(target, source, answer)
        return None if answer.status == 404 else _refused("asking for the target", answer)

    # -- in one request -----------------------------------------------------------------------

    def _write_whole(
        self, target: ObjectRef, source: ObjectInfo, chunks: Iterable[bytes]
    ) -> Transfer:
        body = b"".join(chunks)
        digest = digest_of(body)
        if complaint := digest.complaint(source):
            return _failed(complaint, passing=True)
        kept = put_arguments(source)

        def put(extras: Mapping[str, Any]) -> Mapping[str, Any]:
            return self._s3.put_object(
                Bucket=target.bucket,
                Key=target.key,
                Body=io.BytesIO(body),  # sent bit by bit, so that no time limit is for all of it
                ContentMD5=digest.content_md5,
                **kept,
                **extras,
            )

        answer, remark = self._with_extras(target, put, {"ChecksumCRC32C": digest.crc32c})
        if answer.status != 200:
            return self._not_written(target, source, answer, "storing it")
        return self._confirm(target, source, kept, remark)

    # -- in parts -----------------------------------------------------------------------------

    def _write_parts(
        self, target: ObjectRef, source: ObjectInfo, parts: Iterable[bytes]
    ) -> Transfer:
        kept = put_arguments(source)
        answer, upload = self._begin(target, kept)
        if not upload:
            return _refused("beginning an upload", answer)
        self._uploads.begun(target, upload)
        completed = False
        try:
            sent = self._send_parts(target, upload, source, parts)
            if isinstance(sent, Transfer):
                return sent
            if (stands := self._look(target, source)) is not None:
                return stands
            answer, remark = self._complete(target, upload, sent)
            completed = answer.status == 200
        finally:
            if completed:
                self._uploads.ended(target, upload)
            else:
                self.give_up(target, upload)
        if not completed:
            return self._not_written(target, source, answer, "completing the upload")
        return self._confirm(target, source, kept, remark)

    def _begin(self, target: ObjectRef, kept: Mapping[str, Any]) -> tuple[Answer, str]:
        answer, reply = self._ask_for(
            lambda: self._s3.create_multipart_upload(Bucket=target.bucket, Key=target.key, **kept)
        )
        return answer, str(reply.get("UploadId") or "") if answer.status == 200 else ""

    def _send_parts(
        self, target: ObjectRef, upload: str, source: ObjectInfo, parts: Iterable[bytes]
    ) -> list[dict[str, Any]] | Transfer:
        """Send all parts; their numbers and tags, or why there is nothing to complete."""
        digest = Digest()
        sent: list[dict[str, Any]] = []
        for number, part in enumerate(parts, start=1):
            digest.update(part)
            answer = self._send_part(target, upload, number, part)
            if answer.status != 200:
                return _refused(f"storing part {number}", answer)
            if answer.etag is None:
                return _failed(f"the server gave no tag for part {number}", passing=True)
            sent.append({"PartNumber": number, "ETag": answer.headers["etag"]})
        if complaint := digest.complaint(source):
            return _failed(complaint, passing=True)
        return sent

    def _send_part(self, target: ObjectRef, upload: str, number: int, part: bytes) -> Answer:
        md5 = digest_of(part).content_md5
        return self._ask(
            lambda: self._s3.upload_part(
                Bucket=target.bucket,
                Key=target.key,
                UploadId=upload,
                PartNumber=number,
                Body=io.BytesIO(part),
                ContentMD5=md5,
            )
        )

    def _complete(
        self, target: ObjectRef, upload: str, parts: list[dict[str, Any]]
    ) -> tuple[Answer, str]:
        def complete(extras: Mapping[str, Any]) -> Mapping[str, Any]:
            return self._s3.complete_multipart_upload(
                Bucket=target.bucket,
                Key=target.key,
                UploadId=upload,
                MultipartUpload={"Parts": parts},  # type: ignore[typeddict-item]  # as they came
                **extras,
            )

        return self._with_extras(target, complete, {})

    # -- what both share ----------------------------------------------------------------------

    def _with_extras(
        self,
        target: ObjectRef,
        request: Callable[[Mapping[str, Any]], Mapping[str, Any]],
        checksum: Mapping[str, Any],
    ) -> tuple[Answer, str]:
        """Make a request with the checksum and the condition, or without what the server refuses.

        The condition is let go last: where the server does not know it, or finds it not met twice
        while nothing is there, which the remark then says. What a server was seen to do without, it
        is not asked for again.
        """
        levels: tuple[Mapping[str, Any], ...] = ({**checksum, **_CONDITION}, _CONDITION, {})
        first = self._unwanted.get(target.bucket, 0)
        answer = Answer()
        for number, extras in enumerate(levels[first:], start=first):
            answer = self._ask(lambda extras=extras: request(extras))  # type: ignore[misc]  # bound now
            if extras and answer.status == 412 and self._head(target).status == 404:
                answer = self._ask(lambda extras=extras: request(extras))  # type: ignore[misc]
                if answer.status == 412 and self._head(target).status == 404:
                    self._never_met.add(target.bucket)
                    continue
            if answer.status == 200 and number > first:
                self._unwanted[target.bucket] = number
            if answer.status != 501 and not (answer.status == 400 and answer.code in _UNWANTED):
                break
        unprotected = answer.status == 200 and target.bucket in self._never_met
        return answer, _NO_CONDITION if unprotected else ""

    def _not_written(
        self, target: ObjectRef, source: ObjectInfo, answer: Answer, doing: str
    ) -> Transfer:
        """The result of a write that the server did not confirm: it may be there all the same."""
        if answer.status in _TAKEN or answer.passing or answer.code == "NoSuchUpload":
            now = self._head(target)
            if now.status == 200:
                return _compare(target, source, now)
        return _refused(doing, answer)

    def _confirm(
        self, target: ObjectRef, source: ObjectInfo, kept: Mapping[str, Any], remark: str
    ) -> Transfer:
        """Look at what was written, as its readers will see it."""
        answer = self._head(target)
        if answer.status != 200:
            return Transfer(
                TransferOutcome.UNKNOWN,
                f"stored, and then not found again: {self._why_not_found(target, answer)}",
                passing=answer.passing,
            )
        compared = _compare(target, source, answer)
        if compared.outcome is not TransferOutcome.ALREADY_THERE:
            return _failed(f"what is there is not what was stored: {compared.detail}")
        lost = not_kept(kept, answer)
        remarks = [f"the server did not keep {', '.join(lost)}"] if lost else []
        remarks += [remark] if remark else []
        return Transfer(TransferOutcome.COPIED, "; ".join(remarks), bytes=source.size or 0)

    def _why_not_found(self, target: ObjectRef, answer: Answer) -> str:
        if answer.status == 404 and self._client.find_listed(target) is Listed.SHOWN:
            return (
                "a listing shows it, and HEAD is answered 404, as by a cache before the server; ask"
                " the server itself (--s3-endpoint), or again when the cache has forgotten"
            )
        return _words(answer)

    def _head(self, target: ObjectRef) -> Answer:
        return self._client.head(target, checksums=True)

    def _ask(self, request: Callable[[], Mapping[str, Any]]) -> Answer:
        return self._ask_for(request)[0]

    def _ask_for(
        self, request: Callable[[], Mapping[str, Any]]
    ) -> tuple[Answer, Mapping[str, Any]]:
        return self._persistence.ask(lambda: ask_for(request))


def _compare(target: ObjectRef, source: ObjectInfo, answer: Answer) -> Transfer:
    """The result where an object is at the target already."""
    there = SourceEvidence(target, SourceState.EXISTS, datetime.now(UTC), source)
    pair = Pair(target, None, answer.info)  # under which name the source is known decides nothing
    compared = compare_checksums(pair, there, read_checksums(target, answer))
    match compared.agreement:
        case Agreement.MATCH:
            return Transfer(TransferOutcome.ALREADY_THERE)
        case Agreement.SIZE_ONLY:
            return Transfer(TransferOutcome.ALREADY_THERE, f"of the same size; {compared.detail}")
        case Agreement.MISMATCH:
            return Transfer(TransferOutcome.MISMATCH, compared.detail)
        case _:
            return Transfer(TransferOutcome.UNKNOWN, compared.detail)


def _failed(detail: str, *, passing: bool = False) -> Transfer:
    return Transfer(TransferOutcome.FAILED, detail, passing=passing)


def _refused(doing: str, answer: Answer) -> Transfer:
    if answer.full:
        says = f"{doing}: the target is full, or a quota is used up ({_words(answer)})"
        return Transfer(TransferOutcome.FAILED, says, full=True)
    return Transfer(
        TransferOutcome.FAILED,
        f"{doing}: {_words(answer)}",
        passing=answer.passing,
        forbidden=answer.refused,
    )


def _words(answer: Answer) -> str:
    if answer.status == 0:
        return answer.fault
    return f"answered {answer.status}" + (f" {answer.code}" if answer.code else "")
