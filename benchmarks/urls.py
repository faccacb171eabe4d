"""How fast URLs are found, against a plain regular expression and ``str.replace``.

    python benchmarks/urls.py [megabytes]

Prints MB per second of CPU time (of UTF-8), best of three, for texts like those of a
database: prose, JSON kept in strings, non-ASCII prose, each without a URL and with one in about
every kilobyte. Then microseconds for short texts with one URL each, best of seven.
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


TOKEN = "?alt=media&token=0b5c1142-8d00-4a54-9d44-8d1d7d436d5b"
FIREBASE = f"https://firebasestorage.googleapis.com/v0/b/data/o/u1%2Fphoto.png{TOKEN}"
SOME_WORDS = " ".join(WORDS)
ONE_URL = {
    "a path URL": OLD.format(17),
    "a Firebase URL": FIREBASE,
    "a gs:// URL": "gs://data/u1/photo.png",
    "a sentence": f"See {OLD.format(17)}, please.",
    "a kilobyte of prose": f"{SOME_WORDS * 6} {OLD.format(17)} {SOME_WORDS * 6}",
    "JSON in a string": json.dumps({"body": SOME_WORDS, "image": FIREBASE}),
    "HTML": f'<p>{SOME_WORDS}<img src="{FIREBASE.replace("&", "&amp;")}"></p>',
}


def microseconds(text: str, times: int = 400) -> float:
    """What `find` takes for ``text``."""
    best = float("inf")
    for _ in range(7):
        started = time.process_time()
        for _ in range(times):
            find(text)
        best = min(best, time.process_time() - started)
    return best / times * 1e6


def main() -> None:
    """Print the tables."""
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
            print(f"{label:24}" + "".join(f"{each:16,.1f}" for each in speeds))
    print()
    for name, text in ONE_URL.items():
        print(f"{name:24}{microseconds(text):16,.1f} us")


if __name__ == "__main__":
    main()
