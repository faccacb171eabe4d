"""A canary: a few documents that are written first, then read back, their new URLs fetched."""

from __future__ import annotations

import functools
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from url_rewriter.documents import collection_pattern
from url_rewriter.pipeline.write_loop import DocumentWriter
from url_rewriter.planfile import Plan, PlannedWrite, UrlFilter

_TIMEOUT = 15.0  # seconds


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was seen of one new URL, or of one document: ``trouble`` is "" where all is well."""

    document: str
    url: str
    trouble: str


def choose(writes: Iterable[PlannedWrite], count: int) -> list[PlannedWrite]:
    """``count`` of the writes, spread over the collections as evenly as they go."""
    groups: dict[str, list[PlannedWrite]] = defaultdict(list)
    for write in writes:
        group = groups[collection_pattern(write.path)]
        if len(group) < count:
            group.append(write)
    turns = chain.from_iterable(zip_longest(*groups.values()))
    return [write for write in turns if write is not None][:count]


def look(
    store: DocumentWriter,
    plan: Plan,
    writes: Sequence[PlannedWrite],
    fetch: Callable[[str], str] | None = None,
) -> list[Sighting]:
    """Read the documents back, and fetch each of their new URLs without credentials.

    ``fetch`` says what is wrong with a URL, "" if nothing is; by default it asks its server,
    without credentials.
    """
    fetch = fetch or fetch_anonymously
    found = store.get([write.path for write in writes])
    sightings: list[Sighting] = []
    for write in writes:
        texts = dict(found[write.path].strings) if write.path in found else {}
        if any(texts.get(edit.value_path) != edit.after for edit in write.edits):
            sightings.append(Sighting(write.path, "", "does not read as it was written"))
        urls = {row.new for row in plan.urls(UrlFilter(document=write.path)) if row.new}
        sightings += [Sighting(write.path, url, fetch(url)) for url in sorted(urls)]
    return sightings


def fetch_anonymously(url: str) -> str:
    """What is wrong with a URL for a reader without credentials; "" if nothing is.

    Only http and https are ever opened, whatever a plan file says.
    """
    if not url.startswith(("https://", "http://")):
        return "no http or https URL: it was not opened"
    request = urllib.request.Request(url, headers={"Range": "bytes=0-0"})  # noqa: S310 - a rule's
    try:
        with _opener().open(request, timeout=_TIMEOUT):
            return ""
    except urllib.error.HTTPError as error:
        if error.code == 416:  # an empty object has no first byte
            return ""
        return f"HTTP {error.code}"
    except OSError as error:
        return f"unreachable: {getattr(error, 'reason', error)}"


@functools.cache
def _opener() -> urllib.request.OpenerDirector:
    """Opens http and https, redirects to them, through proxies, and nothing else."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener
