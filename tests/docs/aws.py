"""Moto, made to answer as AWS does where its policy engine differs.

AWS authorizes HEAD of a bucket by ``s3:ListBucket``, and says 403 of an object that is not there to
those who may not list. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
and .../API_HeadBucket.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from moto.s3 import responses
from moto.s3.exceptions import MissingKey, S3AccessDeniedError


@contextmanager
def answering_as_aws(granted: Sequence[str]) -> Iterator[None]:
    """Correct moto's server while the block runs; ``granted`` are the actions of its user."""
    heads = responses.ACTION_MAP["BUCKET"]["HEAD"]
    with (
        mock.patch.dict(heads, {"DEFAULT": "ListBucket"}),
        _hidden("head_object", granted),
        _hidden("get_object", granted),
    ):
        yield


def _hidden(name: str, granted: Sequence[str]) -> Any:
    """Objects that are not there are forbidden to those who may not list."""
    real: Callable[..., Any] = getattr(responses.S3Response, name)

    def answer(self: responses.S3Response, *arguments: Any, **more: Any) -> Any:
        try:
            given = real(self, *arguments, **more)
        except MissingKey:
            given = (404, {}, "")
        if given[0] == 404 and "s3:ListBucket" not in granted:
            raise S3AccessDeniedError
        return given

    return mock.patch.object(responses.S3Response, name, answer)
