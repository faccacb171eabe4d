"""Invented documents, shaped as a voice assistant's backend keeps them.

Everything that makes a naive search-and-replace go wrong is in here: both spellings of a key,
signed URLs in Markdown, JSON in a string with escaped slashes, arrays of maps with nulls, documents
under missing parents, a development bucket whose name begins like the production one, value types
that must not be touched.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

_HOST = "https://storage.googleapis.com"
_NAMES = ("ada", "grace", "linus", "margaret", "edsger", "barbara", "alan", "radia")
_WORDS = ("meeting", "garden", "budget", "holiday", "recipe", "workshop", "interview", "run")
_USERS = 60
_APPS = 90
_LOST_EVERY = 45  # one object in so many was not copied


@dataclass(slots=True)
class DemoData:
    """Documents as (path, fields in Firestore's REST form), and the target keys they need.

    ``copied`` were moved to the target; ``lost`` were forgotten, and are copied when the demo
    repairs the migration.
    """

    documents: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def to_jsonl(self) -> str:
        """The documents as the embedded store reads them."""
        return "".join(
            json.dumps({"path": path, "fields": fields}, ensure_ascii=False) + "\n"
            for path, fields in self.documents
        )


def make_sample(seed: int = 1) -> DemoData:
    """About a thousand documents; the same ones for the same seed."""
    maker = _Maker(random.Random(seed))  # noqa: S311 - invented data, no secrets
    maker.apps()
    maker.users()
    maker.others()
    return maker.sample


class _Maker:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.sample = DemoData()

    def add(self, path: str, **fields: Any) -> None:
        self.sample.documents.append((path, {name: _value(each) for name, each in fields.items()}))

    def target(self, key: str, *, expected: bool = True) -> None:
        if not expected:
            return
        lost = self.chance.randrange(_LOST_EVERY) == 0
        (self.sample.lost if lost else self.sample.copied).append(key)

    def url(self, bucket: str, prefix: str, key: str) -> str:
        """A URL of an object, in one of the spellings that writers used over the years."""
        self.target(prefix + key)
        spelling = self.chance.randrange(8)
        encoded = quote(key, safe="/~")
        if spelling == 0:
            return f"gs://{bucket}/{key}"
        if spelling == 1:
            token = self.chance.randbytes(8).hex()
            path = f"v0/b/{bucket}/o/{quote(key, safe='')}?alt=media&token={token}"
            return f"https://firebasestorage.googleapis.com/{path}"
        if spelling == 2 and "_" not in bucket and "." not in bucket:
            return f"https://{bucket}.storage.googleapis.com/{encoded}"
        if spelling == 3 and " " in key:
            return f"{_HOST}/{bucket}/{key}"
        return f"{_HOST}/{bucket}/{encoded}"

    def signed(self, url: str) -> str:
        signature = self.chance.randbytes(24).hex()
        return f"{url}?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature={signature}"

    def apps(self) -> None:
        for number in range(_APPS):
            app = f"app{number:03}"
            logo = f"{app}.png" if number % 7 else f"{app} old logo (1).png"
            thumbs = [
                self.url("demo.app.thumbnails", "app-thumbnails/", f"01HX{number:04}{each}.jpg")
                for each in range(number % 4)
            ]
            self.add(
                f"plugins_data/{app}",
                name=f"{_WORDS[number % 8]} helper",
                image=self.url("demo-plugins-logos", "app-logos/", logo),
                thumbnail_urls=thumbs,
                thumbnails=[f"01HX{number:04}{each}" for each in range(number % 4)],
                rating=_Raw({"doubleValue": 3} if number % 2 else {"integerValue": "3"}),
                score=_Raw({"doubleValue": "NaN"}),
                created_at=_Raw(
                    {"timestampValue": f"2024-03-{1 + number % 28:02}T10:00:00.123456Z"}
                ),
                twitter={"avatar": "https://pbs.example.com/avatar.jpg", "handle": f"@{app}"},
            )
            # The parent plugins/{app} was never written.
            self.add(f"plugins/{app}/usage_history/h1", uid="u1", n=_Raw({"integerValue": "1"}))

    def users(self) -> None:
        for number in range(_USERS):
            uid = f"{_NAMES[number % 8]}{number:02}"
            profile = self.url(
                "demo-speech-profiles", "speech-profiles/", f"{uid}/speech_profile.wav"
            )
            self.add(f"users/{uid}", name=_NAMES[number % 8].title(), speech_profile=profile)
            for each in range(5):
                self._conversation(uid, each)
            for each in range(4):
                self._message(uid, each)
            if number % 3 == 0:
                # Deleted minutes after it was written; the link is dead on both sides.
                self.add(
                    f"users/{uid}/processing_memories/p1",
                    audio_url=f"{_HOST}/demo_postprocessing/_temp/{uid}_be",
                )

    def _conversation(self, uid: str, number: int) -> None:
        if number % 2:
            self.add(f"users/{uid}/conversations/c{number}", title=self.chance.choice(_WORDS))
            return
        recording = self.url(
            "demo-memories-recordings", "memories-recordings/", f"{uid}/c{number}.wav"
        )
        self.add(
            f"users/{uid}/conversations/c{number}",
            title=self.chance.choice(_WORDS),
            structured={"overview": f"Listen: [recording]({self.signed(recording)})."}
            if recording.startswith(_HOST) and "?" not in recording and " " not in recording
            else {"overview": "Nothing to hear", "source": recording},
            transcript_segments=_Raw(
                {"bytesValue": base64.b64encode(self.chance.randbytes(48)).decode()}
            ),
            owner=_Raw(
                {"referenceValue": f"projects/demo/databases/(default)/documents/users/{uid}"}
            ),
        )

    def _message(self, uid: str, number: int) -> None:
        if number > 1:
            self.add(f"users/{uid}/messages/m{number}", text="Hello", files=[], metadata="{}")
            self.add(f"users/{uid}/files/f{number}", thumbnail="", storage_id=f"{uid}/f{number}")
            return
        key = f"{uid}/Zoë's photo + 100% {number}_thumbnail.png"
        first = self.url("demo-chat.firebasestorage.app", "chat-files/", key)
        self.add(f"users/{uid}/files/f{number}", thumbnail=first, storage_id=f"{uid}/f{number}")
        attachments = [{"thumbnail": first, "name": "photo"}, None, {"thumbnail": None}]
        metadata = json.dumps({"preview": first, "read": True}).replace("/", "\\/")
        self.add(
            f"users/{uid}/messages/m{number}",
            text=f"See {first.replace(' ', '%20')}, it is *great*." if number == 0 else "Hello",
            files=attachments,
            metadata=metadata if number == 1 else "{}",
            external_data={"a.b": {"`odd` name/1": _WORDS[number]}},
        )

    def others(self) -> None:
        self.add(
            "announcements/welcome",
            content={
                "body": f"![logo]({_HOST}/demo-plugins-logos/app001.png) Welcome!",
                "steps": [{"image_url": f"{_HOST}/demo-plugins-logos/app002.png", "n": 1}],
            },
        )
        self.add("desktop_preview_manifests/mac:1", dmg_url=f"{_HOST}/demo-plugins-logos/app.dmg")
        self.add(
            "settings/storage",
            base_url=f"{_HOST}/demo-plugins-logos/",
            development=f"{_HOST}/demo-speech-profiles-dev/u1/speech_profile.wav",
            backups=f"{_HOST}/demo-private-cloud-sync/2024/backup.tar",
            embedding=_Raw(_VECTOR),
        )


_VECTOR = {
    "mapValue": {
        "fields": {
            "__type__": {"stringValue": "__vector__"},
            "value": {"arrayValue": {"values": [{"doubleValue": 0.25}, {"doubleValue": -0.0}]}},
        }
    }
}


@dataclass(frozen=True, slots=True)
class _Raw:
    """A value that is already in REST form."""

    rest: dict[str, Any]


def _value(value: Any) -> dict[str, Any]:
    match value:
        case _Raw():
            return value.rest
        case None:
            return {"nullValue": None}
        case str():
            return {"stringValue": value}
        case int():
            return {"integerValue": str(value)}
        case list():
            return {"arrayValue": {"values": [_value(each) for each in value]}}
        case dict():
            return {"mapValue": {"fields": {name: _value(each) for name, each in value.items()}}}
    raise TypeError(value)


def differences(before: str, after: str) -> Iterator[str]:
    """The paths of the documents whose lines differ between two files' texts."""
    old = {json.loads(line)["path"]: json.loads(line) for line in before.splitlines()}
    new = {json.loads(line)["path"]: json.loads(line) for line in after.splitlines()}
    for path in old.keys() | new.keys():
        if old.get(path) != new.get(path):
            yield path
