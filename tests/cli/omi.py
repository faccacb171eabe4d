"""Documents as the first user's backend keeps them, with what each must become.

Written down twice on purpose, before and after, without the code under test: the rewritten side is
made from bucket and key by ``urllib.parse.quote`` alone.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

HOST = "https://storage.googleapis.com"
ENDPOINT = "https://localhost:9000"
TARGET = "omi.data"

PREFIXES = {
    "omi-speech-profiles": "speech-profiles/",
    "omi_postprocessing": "postprocessing/",
    "omi-memories-recordings": "memories-recordings/",
    "sync-temporal": "temporal-sync/",
    "omi.plugins.logos": "app-logos/",
    "omi-app-thumbnails": "app-thumbnails/",
    "omi-chat.firebasestorage.app": "chat-files/",
}

RULES = "\n".join(
    [
        "version: 1",
        f"target: {{endpoint: '{ENDPOINT}', bucket: {TARGET}}}",
        "aliases: ['${S3_ENDPOINT_URL:-http://127.0.0.1:9}']",
        "rules:",
        *(
            f"  - {{name: {prefix.rstrip('/')}, source: {{bucket: {bucket}}}, "
            f"target: {{prefix: {prefix}}}}}"
            for bucket, prefix in PREFIXES.items()
        ),
    ]
)

# Not migrated, though each begins like a bucket that is.
FOREIGN = ("omi-speech-profiles-dev", "omi.plugins.logos.dev", "omi-app-thumbnails2", "omi")

KEYS = (
    "u1/speech_profile.wav", "app old logo (1).png", "Zoë/photo + 100% #1?.png", "a/b/c.jpg",
    "_temp/conv_be", "quote'd \"name\".png", "syncing/u/x_fs320_1700000000.wav", "日本/写真.jpg",
)  # fmt: skip


@dataclass
class Data:
    """REST-form documents before and after, and the target keys that exist."""

    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)

    @property
    def changed(self) -> set[str]:
        """The documents that a migration writes."""
        return {path for path in self.before if self.before[path] != self.after[path]}


def make_data(documents: int, seed: int = 7) -> Data:
    """So many documents, half of them with URLs."""
    maker = _Maker(random.Random(seed))
    for number in range(documents):
        maker.make(number)
    return maker.data


class _Maker:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.data = Data()

    def url(self) -> tuple[str, str]:
        """A URL in some spelling, and what it becomes; one in eight has no object."""
        bucket = self.chance.choice(list(PREFIXES))
        key = self.chance.choice(KEYS)
        number = self.chance.randrange(10_000)
        key = f"{number % 50}/{key}"
        target = PREFIXES[bucket] + key
        exists = number % 8 != 0
        old = self._spelled(bucket, key)
        if not exists:
            # The number in the key decides, so that no other document makes the object exist.
            target, key = f"{target}.lost", f"{key}.lost"
            old = self._spelled(bucket, key)
        else:
            self.data.keys.add(target)
        new = f"{ENDPOINT}/{TARGET}/{quote(target, safe='/-._~')}"
        return old, new if exists else old

    def _spelled(self, bucket: str, key: str) -> str:
        path = quote(key, safe="/-._~")
        match self.chance.randrange(7):
            case 0:
                return f"gs://{bucket}/{key}"
            case 1:
                return (
                    f"https://firebasestorage.googleapis.com/v0/b/{bucket}/o/"
                    f"{quote(key, safe='')}?alt=media&token=0f0f0f0f-aaaa"
                )
            case 2:
                return f"{HOST}/{bucket}/{path}?X-Goog-Algorithm=A&X-Goog-Signature=beef"
            case 3:
                return f"{HOST}/download/storage/v1/b/{bucket}/o/{quote(key, safe='')}?alt=media"
            case 4:
                return f"https://{bucket}.storage.googleapis.com/{path}"
            case 5:
                return f"https://storage.cloud.google.com/{bucket}/{path}?authuser=1"
            case _:
                return f"{HOST}/{bucket}/{path}"

    def make(self, number: int) -> None:
        shapes = (self.plain, self.app, self.message, self.announcement, self.odd, self.foreign)
        path, before, after = shapes[number % len(shapes)](number)
        self.data.before[path] = before
        self.data.after[path] = after

    def plain(self, number: int) -> tuple[str, Any, Any]:
        fields = {"name": text(f"user {number}"), "segments": {"bytesValue": "eJwDAAAAAAE="}}
        return f"users/u{number:05}", fields, fields

    def app(self, number: int) -> tuple[str, Any, Any]:
        image, thumbs = self.url(), [self.url() for _ in range(number // 6 % 3)]

        def fields(side: int) -> Any:
            return {
                "image": text(image[side]),
                "thumbnail_urls": array(*(text(each[side]) for each in thumbs)),
                "thumbnails": array(text("01HX")),
                "rating": {"doubleValue": 3},
                "reviews": {"integerValue": "3"},
                "score": {"doubleValue": "NaN"},
                "created": {"timestampValue": "2024-03-01T10:00:00.123456Z"},
            }

        return f"plugins_data/app{number:05}", fields(0), fields(1)

    def message(self, number: int) -> tuple[str, Any, Any]:
        """Under a parent that does not exist."""
        one, two = self.url(), self.url()

        def fields(side: int) -> Any:
            files = [
                mapped(thumbnail=text(one[side]), n={"integerValue": "1"}),
                {"nullValue": None},
                mapped(thumbnail={"nullValue": None}),
            ]
            metadata = json.dumps({"preview": two[side]}).replace("/", "\\/")
            return {"files": array(*files), "metadata": text(metadata)}

        return f"phantoms/p{number % 40}/messages/m{number:05}", fields(0), fields(1)

    def announcement(self, number: int) -> tuple[str, Any, Any]:
        url = self.url()
        while any(char in url[0] for char in " \"'#()") or "://omi" in url[0]:
            url = self.url()

        def fields(side: int) -> Any:
            body = f'# Hi\n\n![logo]({url[side]}) and <a href="{url[side]}">this</a>, see it.'
            steps = array(mapped(image_url=text(url[side]), n={"doubleValue": -0.0}))
            return {"content": mapped(body=text(body), steps=steps)}

        return f"announcements/{number}", fields(0), fields(1)

    def odd(self, number: int) -> tuple[str, Any, Any]:
        url = self.url()

        def fields(side: int) -> Any:
            return {
                "a.b": mapped(**{"c/d": text(url[side]), "`tick`": text("x"), "0digit": text("y")}),
                "back\\slash": text(url[side]),
                "owner": {"referenceValue": "projects/other/databases/(default)/documents/users/u"},
                "place": {"geoPointValue": {"latitude": 1.5, "longitude": -2.5}},
                "embedding": mapped(
                    __type__=text("__vector__"),
                    value=array({"doubleValue": 0.25}, {"doubleValue": 1.0}),
                ),
                "late": {"timestampValue": "9999-12-31T23:59:59.999999Z"},
            }

        return f"external/{number}/data/d{number}", fields(0), fields(1)

    def foreign(self, number: int) -> tuple[str, Any, Any]:
        bucket = FOREIGN[number % len(FOREIGN)]
        fields = {
            "url": text(f"{HOST}/{bucket}/x.png"),
            "root": text(f"{HOST}/omi-speech-profiles/"),
            "other": text("https://storage.googleapis.com.evil.example/omi.plugins.logos/x.png"),
        }
        return f"plugins/{number}/usage_history/h", fields, fields


def text(value: str) -> Any:
    return {"stringValue": value}


def array(*values: Any) -> Any:
    return {"arrayValue": {"values": list(values)}}


def mapped(**fields: Any) -> Any:
    return {"mapValue": {"fields": fields}}
