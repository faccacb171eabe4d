"""Runs the command as a user does: another process, its two streams, its exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.forking import Forked, fits

PROGRAM = (sys.executable, "-m", "url_rewriter")


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)


@dataclass
class Workshop:
    """A folder, an environment of its own, and commands that run in them."""

    folder: Path
    environ: dict[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str] | Forked:
        """Start a command."""
        if fits(self.environ):
            return Forked(arguments, self.folder, self.environ)
        return subprocess.Popen(
            [*PROGRAM, *arguments],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> Ended:
        """Run a command to its end; whatever happens, no traceback is shown."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=100)
        assert "Traceback" not in err, err
        return Ended(process.wait(), out, err)

    def json(self, *arguments: str, status: int = 0) -> Any:
        """Run a command that must end with ``status`` and give its JSON document."""
        ended = self.run(*arguments, "--format", "json")
        assert ended.status == status, (ended.status, ended.out, ended.err)
        return ended.json


def clean_environ(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without what would lead a command elsewhere."""
    foreign = ("AWS_", "S3_", "URL_REWRITER_", "GOOGLE_", "GCLOUD_", "FIRESTORE_", "BUCKET_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return {**kept, "AWS_EC2_METADATA_DISABLED": "true", **extra}


RULES = """
version: 1
target: {endpoint: https://localhost, bucket: omi.data}
aliases: ["${S3_ENDPOINT_URL:-http://127.0.0.1:9}"]
rules:
  - name: logos
    source: {bucket: old-logos}
    target: {prefix: app-logos/}
  - name: chat
    source: {bucket: old.chat_files}
    target: {prefix: chat-files/}
"""

OLD = "https://storage.googleapis.com/old-logos/"
NEW = "https://localhost/omi.data/app-logos/"


def write_database(path: Path, documents: Mapping[str, Mapping[str, Any]]) -> None:
    """Write documents, whose fields are in Firestore's REST form, for the embedded store."""
    lines = [json.dumps({"path": name, "fields": fields}) for name, fields in documents.items()]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def read_database(path: Path) -> dict[str, Any]:
    """The documents of an embedded store's file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return {each["path"]: each["fields"] for each in map(json.loads, lines)}


def texts(**fields: str) -> dict[str, Any]:
    """Fields that are all strings."""
    return {name: {"stringValue": text} for name, text in fields.items()}


def plan_arguments(*more: str, output: str = "x.plan") -> Sequence[str]:
    """``plan`` over the workshop's rules and database."""
    return ("plan", "--rules", "rules.yaml", "--store", "embedded:db.jsonl", "-o", output, *more)
