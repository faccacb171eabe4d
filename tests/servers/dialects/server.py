"""A scripted S3 server: what its listings show, and what HEAD says, are told for each object."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count as numbers
from urllib.parse import parse_qs, quote
from xml.sax.saxutils import escape

from tests.servers.fault import MARK, Reaction, Request, present, xml_error
from url_rewriter.evidence import TargetState

BUCKET = "b.c_d"
ABSENT = xml_error(404, "NoSuchKey")


@dataclass(frozen=True)
class Thing:
    """What a server says of a key, and what is the right verdict on it.

    ``listed`` is the size that a listing shows, None where it shows nothing. ``get`` is the answer
    to GET of its first byte, where that is not what HEAD says; ``opened`` is the right verdict once
    it was opened, where that is another one.
    """

    state: TargetState
    head: Reaction
    listed: int | None = None
    storage_class: str = "STANDARD"
    get: Reaction | None = None
    opened: TargetState | None = None


@dataclass(frozen=True)
class Dialect:
    """A kind of server. Wanted keys are its ``things`` in turn, below each of its prefixes.

    ``who`` behaves so. ``absent`` is the answer to HEAD of a key below a prefix that is no thing.
    ``listing`` answers in place of each page. Keys for which ``fold`` gives the same are the same
    to it. Every one of ``busy`` HEADs is refused with 503.
    """

    who: str
    things: Sequence[Thing]
    absent: Reaction = ABSENT
    listing: Reaction | None = None
    key: Callable[[int], str] = "{:06}.png".format
    spell: Callable[[str], str] = quote
    fold: Callable[[str], str] = str
    busy: int = 0

    def right(
        self, count: int, prefixes: Sequence[str] = ("moved/",), *, opened: bool = False
    ) -> dict[str, TargetState]:
        """The right verdict on each of ``count`` keys below each prefix; once they were opened."""
        wanted = {
            prefix + self.key(number): self.things[number % len(self.things)]
            for prefix in prefixes
            for number in range(count)
        }
        return {
            key: thing.opened if opened and thing.opened is not None else thing.state
            for key, thing in wanted.items()
        }


@dataclass
class DialectServer:
    """The behaviour of a server with ``count`` keys below each prefix, for ``FaultServer``.

    Another object is there unless these are ``alone``.
    """

    dialect: Dialect
    count: int
    prefixes: Sequence[str] = ("moved/",)
    page: int = 1_000
    alone: bool = False
    _things: dict[str, Thing] = field(init=False)
    _shown: Sequence[str] = field(init=False)
    _folded: Mapping[str, Thing] = field(init=False)
    _heads: Iterator[int] = field(init=False, default_factory=lambda: numbers(1))

    def __post_init__(self) -> None:
        things = self.dialect.things
        self._things = (
            {}
            if self.alone
            else {"a/other": Thing(TargetState.EXISTS, present(**{"content-length": "4"}), 4)}
        )
        self.put(
            {
                prefix + self.dialect.key(number): things[number % len(things)]
                for prefix in self.prefixes
                for number in range(self.count)
            }
        )

    def put(self, things: Mapping[str, Thing]) -> None:
        """Have things at more keys, or others at the same ones."""
        self._things.update(things)
        self._folded = {self.dialect.fold(key): each for key, each in self._things.items()}
        self._shown = sorted(key for key, each in self._things.items() if each.listed is not None)

    def __call__(self, request: Request) -> Reaction:
        if request.key:
            return self._object(request.key, request.method)
        query = parse_qs(request.path.partition("?")[2], keep_blank_values=True)
        if request.method == "HEAD":
            return Reaction(200, MARK)
        return self.dialect.listing or self._page({name: each[0] for name, each in query.items()})

    def _object(self, key: str, method: str) -> Reaction:
        if method == "HEAD" and self.dialect.busy and not next(self._heads) % self.dialect.busy:
            return xml_error(503, "SlowDown")
        thing = self._things.get(key) or self._folded.get(self.dialect.fold(key))
        if thing is not None:
            return (method == "GET" and thing.get) or thing.head
        return self.dialect.absent if key.startswith(tuple(self.prefixes)) else ABSENT

    def _page(self, query: Mapping[str, str]) -> Reaction:
        prefix, after = query.get("prefix", ""), query.get("start-after", "")
        most = min(int(query.get("max-keys", self.page)), self.page)
        keys = [key for key in self._shown if key > after and key.startswith(prefix)]
        encoded = query.get("encoding-type") == "url"
        spell = self.dialect.spell if encoded else str
        entries = "".join(
            f"<Contents><Key>{escape(spell(key))}</Key>"
            "<LastModified>2026-11-01T00:00:00.000Z</LastModified><ETag>&quot;e1&quot;</ETag>"
            f"<Size>{self._things[key].listed}</Size>"
            f"<StorageClass>{self._things[key].storage_class}</StorageClass></Contents>"
            for key in keys[:most]
        )
        body = (
            f"<ListBucketResult><Name>{BUCKET}</Name><Prefix>{escape(spell(prefix))}</Prefix>"
            + ("<EncodingType>url</EncodingType>" if encoded else "")
            + f"<IsTruncated>{str(len(keys) > most).lower()}</IsTruncated>{entries}"
            "</ListBucketResult>"
        )
        return Reaction(200, {**MARK, "content-type": "application/xml"}, body.encode())


def sized(size: str = "4", **headers: str) -> Reaction:
    """HEAD of an object that is there."""
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    return present(**{"content-length": size, **shown})


def part(etag: str = "e1", total: int = 4) -> Reaction:
    """The first byte of an object."""
    headers = {"etag": f'"{etag}"', "content-range": f"bytes 0-0/{total}", **MARK}
    return Reaction(206, headers, b"x")
