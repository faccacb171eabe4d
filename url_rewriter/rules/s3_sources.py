"""S3 servers that objects moved from, as rules declare them: where their URLs were opened."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from url_rewriter.rules import names
from url_rewriter.rules.places import UrlSpace
from url_rewriter.rules.public_form import PublicForm, public_form
from url_rewriter.urls import Form, S3Address

_HOST_NAME = re.compile(r"(?![0-9.]+\Z)[^\[\]:]+")


@dataclass(frozen=True, slots=True)
class S3Source:
    """A server's endpoint, or the public form of its URLs.

    ``bucket`` is the one that a form serves which does not tell it.
    """

    url: str
    bucket: str = ""

    @property
    def addresses(self) -> tuple[S3Address, ...]:
        """Where the URLs of objects are opened.

        >>> [each.url for each in S3Source("https://minio.old.example").addresses]
        ['https://minio.old.example/{bucket}/{key}', 'https://{bucket}.minio.old.example/{key}']
        """
        if "{" in self.url:
            return (S3Address(Form.S3_PUBLIC, self.url, self.bucket),)
        in_path = S3Address(Form.S3_PATH, f"{self.url}/{{bucket}}/{{key}}")
        parts = urlsplit(self.url)
        if parts.path or not _HOST_NAME.fullmatch(parts.hostname or ""):
            return (in_path,)
        in_host = f"{parts.scheme}://{{bucket}}.{parts.netloc}/{{key}}"
        return in_path, S3Address(Form.S3_VHOST, in_host)

    def spaces(self, bucket: str, prefix: str) -> tuple[UrlSpace, ...]:
        """The URLs of objects of a bucket whose keys begin with a prefix."""
        return tuple(
            UrlSpace(PublicForm(each.url).place("", bucket), prefix)
            for each in self.addresses
            if each.bucket in ("", bucket)
        )


def s3_url(text: str) -> str:
    """An endpoint or a public form of an S3 server, in its canonical spelling.

    >>> s3_url("HTTPS://MinIO.old.example/"), s3_url("https://cdn.old.example/{key}")
    ('https://minio.old.example', 'https://cdn.old.example/{key}')
    """
    if "{" not in text and "}" not in text:
        return names.endpoint(text)
    if "{endpoint}" in text:
        raise ValueError("{endpoint} is the target's: write the address of the server")
    return public_form(text)


def trouble_with_bucket(url: str, bucket: str | None) -> str | None:
    """What is wrong with the bucket that stands beside an address."""
    tells = "{" not in url or "{bucket}" in url
    if tells and bucket is not None:
        return "the address tells the bucket itself"
    if not tells and bucket is None:
        return "the address has no {bucket}: bucket names the one that it serves"
    return None
