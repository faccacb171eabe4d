"""How fast URLs are found, against a plain regular expression and ``str.replace``.

    python benchmarks/urls.py [megabytes]

Prints MB per second of CPU time (of UTF-8), best of three, for texts like those of a
database: prose, JSON kept in strings, non-ASCII prose, each without a URL and with one in about
every kilobyte.
"""

from __future__ import annotations

import json
import random
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from url_rewriter.urls import ObjectRef, Replacement, find, needles, rewrite, target_url

WORDS = re.findall(
    r"\S+", "the user asked for settings and a summary of meetings about storage, costs and plans"
)
FOREIGN = "https://example.com/a/b.png?w=64"
OLD = "https://storage.googleapis.com/data/u1/photo%20{}.png"
PLAIN = re.compile(r"https://storage\.googleapis\.com/([a-z0-9._-]+)/([^\s\"'<>?#]+)|gs://\S+")


def prose(rng: random.Random, size: int, url: str) -> str:
    """About ``size`` characters of words, a foreign URL, and ``url``."""
    words = [rng.choice(WORDS) for _ in range(size // 7)]
    return " ".join([*words, FOREIGN, url])


def texts(kind: str, megabytes: float, with_urls: bool) -> list[str]:
    """String values of about a kilobyte each."""
    rng = random.Random(7)
    made = []
    for number in range(int(megabytes * 1000)):
        text = prose(rng, 900, OLD.format(number) if with_urls else "")
        match kind:
            case "json":
                text = json.dumps({"id": number, "body": text, "tags": ["a", "b"]})
            case "non-ascii":
                text = text.replace("a ", "à ")
        made.append(text)
    return made


def move(text: str) -> str:
    """Find and rewrite, as a plan does."""
    found = find(text)
    return rewrite(
        text,
        [
            Replacement(
                each,
                each.readings[0],
                target_url("https://s3", ObjectRef("d", each.readings[0].source.key)),
            )
            for each in found.occurrences
        ],
    )


def replace(text: str) -> str:
    """What a hand-written script does."""
    return text.replace("https://storage.googleapis.com/", "https://s3/").replace(
        "gs://", "https://s3/"
    )


def look(data: bytes) -> bool:
    """What a scan does to a document's bytes."""
    lowered = data.lower()
    return any(needle.encode() in lowered for needle in needles())


def look_at(encoded: Mapping[str, bytes], value: str) -> bool:
    """Look at a value's bytes, encoded beforehand."""
    return look(encoded[value])


def speed(work: Callable[[str], object], values: Sequence[str]) -> float:
    """MB per CPU second."""
    size = sum(len(value.encode()) for value in values) / 1e6
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        for value in values:
            work(value)
        best = min(best, time.process_time() - started)
    return size / best


def main() -> None:
    """Print the table."""
    megabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 3
    contenders: dict[str, Callable[[str], object]] = {
        "find": find,
        "find + rewrite": move,
        "regex": PLAIN.findall,
        "str.replace": replace,
    }
    print(f"{'MB/s':24}" + "".join(f"{name:>16}" for name in contenders) + f"{'needles':>16}")
    for kind in ("prose", "json", "non-ascii"):
        for with_urls in (False, True):
            values = texts(kind, megabytes, with_urls)
            speeds = [speed(work, values) for work in contenders.values()]
            encoded = {value: value.encode() for value in values}
            speeds.append(speed(partial(look_at, encoded), values))
            label = f"{kind}, {'a URL per KB' if with_urls else 'no URL'}"
            print(f"{label:24}" + "".join(f"{each:16,.0f}" for each in speeds))


if __name__ == "__main__":
    main()
