"""The story that ``demo`` tells: the real commands, over the sample and the server."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path

from url_rewriter.demo.sample import DemoData, differences, make_sample
from url_rewriter.demo.server import Server, s3_server
from url_rewriter.errors import ServiceError
from url_rewriter.text import counted

_BUCKET = "demo-data"

Say = Callable[[str], None]
"""Shows a line; the lines of commands appear between these."""


def tell(folder: Path, say: Say, title: Say) -> None:
    """Migrate the sample in ``folder`` and roll it back; ``title`` shows what comes next.

    Raises ServiceError where a command ends in another way than the story wants.
    """
    sample = make_sample()
    before = sample.to_jsonl()
    database = folder / "firestore.jsonl"
    database.write_text(before, encoding="utf-8")
    rules = resources.files("url_rewriter.demo").joinpath("rules.yaml").read_text(encoding="utf-8")
    (folder / "rules.yaml").write_text(rules, encoding="utf-8")
    with s3_server(folder / "objects", _BUCKET) as server:
        for key in sample.copied:
            server.put(key, b"moved")
        _act(_Player(folder, server, say, title), sample, server)
    left = list(differences(before, database.read_text(encoding="utf-8")))
    if left:
        raise ServiceError(f"The demo's database is not what it was: {', '.join(left[:5])}")
    say(
        f"\nAll {counted(len(sample.documents), 'document')} are again what they were, value for "
        "value.\n\nNext, on your own data: write a rules file (`url-rewriter rules --help`), then\n"
        "  url-rewriter audit --rules rules.yaml --project YOUR-PROJECT"
    )


def _act(stage: _Player, sample: DemoData, server: Server) -> None:
    stage.say(f"A database of {counted(len(sample.documents), 'document')}, and an S3 server that")
    stage.say(f"holds {counted(len(sample.copied), 'moved object')}. Some were forgotten.")
    store = "--store embedded:firestore.jsonl"
    stage.run("What is there?", f"audit --rules rules.yaml {store}")
    stage.run("What would change?", f"plan --rules rules.yaml {store} -o demo.plan", expect=3)
    stage.run("A plan that would break URLs is refused.", "apply demo.plan --yes", expect=3)
    stage.title(f"Repair: copy the {counted(len(sample.lost), 'object')} that were forgotten.")
    for key in sample.lost:
        server.put(key, b"moved late")
    stage.run(
        "Plan again: every target is proven.", f"plan --rules rules.yaml {store} -o demo.plan"
    )
    stage.run("Write it.", "apply demo.plan --yes")
    stage.run("Is anything old left, is every new URL backed?", "verify demo.plan")
    stage.run("And back again.", "rollback demo.plan --yes")


class _Player:
    """Runs the commands in the demo's folder, and shows what an operator would see."""

    def __init__(self, folder: Path, server: Server, say: Say, title: Say) -> None:
        self.say = say
        self.title = title
        self._folder = folder
        self._environ: Mapping[str, str] = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("URL_REWRITER_", "AWS_"))},
            "S3_ENDPOINT_URL": server.endpoint,
            "S3_ACCESS_KEY_ID": server.access_key_id,
            "S3_SECRET_ACCESS_KEY": server.secret_access_key,
            "S3_BUCKET_NAME": server.bucket,
        }

    def run(self, why: str, command: str, *, expect: int = 0) -> None:
        """Run one command; raise ServiceError unless it ends as the story wants."""
        self.title(why)
        self.say(f"$ url-rewriter {command}")
        sys.stdout.flush()
        ended = subprocess.run(  # noqa: S603 - our own arguments
            [sys.executable, "-m", "url_rewriter", *shlex.split(command)],
            cwd=self._folder,
            env=self._environ,
            check=False,
        )
        if ended.returncode != expect:
            raise ServiceError(f"The demo stopped: exit status {ended.returncode}, not {expect}.")
        if expect:
            self.say(f"(exit status {expect})")
