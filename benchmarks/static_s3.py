"""A server that says of numbered keys what S3 would, as fast as Python can: the bottleneck is the
client. ``python benchmarks/static_s3.py KEYS DELAY_MS`` prints its endpoint and serves for ever.
"""

from __future__ import annotations

import asyncio
import sys
from bisect import bisect_right
from urllib.parse import parse_qs, unquote

ETAG = "d41d8cd98f00b204e9800998ecf8427e"


def key_of(number: int) -> str:
    """The key of the object with this number."""
    return f"k/{number:07}.png"


class Bucket:
    """The answers for every bucket: all hold the same objects, which exist in thought only."""

    def __init__(self, count: int) -> None:
        self.numbers = range(count)

    def holds(self, key: str) -> bool:
        """Whether there is such an object."""
        digits = key[2:9]
        return digits.isdigit() and int(digits) in self.numbers and key == key_of(int(digits))

    def answer(self, target: str) -> bytes:
        """The bytes of the answer to a request for ``target``."""
        path, _, query = target.partition("?")
        bucket, _, key = path[1:].partition("/")
        if "list-type" in query:
            return self._page(bucket, parse_qs(query, keep_blank_values=True))
        if key and not self.holds(unquote(key)):
            return _render("404 Not Found", "content-length: 0\r\n")
        return _render(
            "200 OK",
            f'etag: "{ETAG}"\r\ncontent-length: {4 if key else 0}\r\ncontent-type: image/png\r\n'
            "last-modified: Sun, 01 Nov 2026 00:00:00 GMT\r\n",
        )

    def _page(self, bucket: str, query: dict[str, list[str]]) -> bytes:
        after = query.get("start-after", query.get("continuation-token", [""]))[0]
        prefix = query.get("prefix", [""])[0]
        if self.holds(prefix):
            first = int(prefix[2:9])
            past = first + 1
        elif prefix not in ("", "k/"):
            first = past = 0
        else:
            first = bisect_right(self.numbers, after, key=key_of)
            past = min(len(self.numbers), first + int(query.get("max-keys", ["1000"])[0]))
        more = past < len(self.numbers) and past > first and not self.holds(prefix)
        following = f"<NextContinuationToken>{key_of(past - 1)}</NextContinuationToken>"
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>{bucket}</Name><Prefix>{prefix}</Prefix><KeyCount>{past - first}</KeyCount>"
            f"<MaxKeys>1000</MaxKeys><IsTruncated>{str(more).lower()}</IsTruncated>"
            + ("<EncodingType>url</EncodingType>" if "encoding-type" in query else "")
            + (following if more else "")
            + "".join(map(_entry, self.numbers[first:past]))
            + "</ListBucketResult>"
        )
        headers = f"content-type: application/xml\r\ncontent-length: {len(body)}\r\n"
        return _render("200 OK", headers) + body.encode()


def _entry(number: int) -> str:
    return (
        f"<Contents><Key>{key_of(number)}</Key><LastModified>2026-11-01T00:00:00.000Z"
        f"</LastModified><ETag>&quot;{ETAG}&quot;</ETag><Size>4</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )


def _render(status: str, headers: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nx-amz-request-id: 1\r\n{headers}\r\n".encode()


class Connection(asyncio.Protocol):
    """One client's connection; requests have no bodies."""

    def __init__(self, bucket: Bucket, delay: float) -> None:
        self._bucket = bucket
        self._delay = delay
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            answer = self._bucket.answer(head.split(b" ", 2)[1].decode())
            if head.startswith(b"HEAD"):
                answer = answer[: answer.index(b"\r\n\r\n") + 4]
            if self._delay:
                asyncio.get_running_loop().call_later(self._delay, self._transport.write, answer)
            else:
                self._transport.write(answer)


async def serve(count: int, delay: float) -> None:
    """Serve for ever; the first line of stdout is the endpoint."""
    bucket = Bucket(count)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(bucket, delay), "127.0.0.1", 0, backlog=1_000
    )
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) / 1_000))
