"""``demo``: the whole story, with no cloud and no credentials."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import click

from url_rewriter.cli import options
from url_rewriter.errors import ServiceError
from url_rewriter.text import counted

if TYPE_CHECKING:
    from url_rewriter.demo.sample import Sample
    from url_rewriter.demo.server import Server

_BUCKET = "demo-data"


@click.command()
@options.option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
    help="Work in this new folder and leave it behind.",
)  # fmt: skip
def demo(keep: Path | None) -> None:
    """Show a migration from audit to rollback on sample data, on this machine alone.

    The database is a file, the objects are served by a real S3 server on loopback. The commands are
    the real ones; every line that begins with $ can be typed.

    \b
    Example:
      url-rewriter demo
    """
    if keep is not None:
        keep.mkdir(parents=True)
        _tell(keep)
        return
    with tempfile.TemporaryDirectory(prefix="url-rewriter-demo-") as folder:
        _tell(Path(folder))


def _tell(folder: Path) -> None:
    from url_rewriter.demo.sample import differences, make_sample
    from url_rewriter.demo.server import s3_server

    sample = make_sample()
    before = sample.to_jsonl()
    database = folder / "firestore.jsonl"
    database.write_text(before, encoding="utf-8")
    rules = resources.files("url_rewriter.demo").joinpath("rules.yaml").read_text(encoding="utf-8")
    (folder / "rules.yaml").write_text(rules, encoding="utf-8")
    with s3_server(folder / "objects", _BUCKET) as server:
        for key in sample.copied:
            server.put(key, b"moved")
        _act(_Stage(folder, server), sample, server)
    left = list(differences(before, database.read_text(encoding="utf-8")))
    if left:
        raise ServiceError(f"The demo's database is not what it was: {', '.join(left[:5])}")
    click.echo(
        f"\nAll {counted(len(sample.documents), 'document')} are again what they were, value for "
        "value.\n\nNext, on your own data: write a rules file (`url-rewriter rules --help`), then\n"
        "  url-rewriter audit --rules rules.yaml --project YOUR-PROJECT"
    )


def _act(stage: _Stage, sample: Sample, server: Server) -> None:
    click.echo(f"A database of {counted(len(sample.documents), 'document')}, and an S3 server that")
    click.echo(f"holds {counted(len(sample.copied), 'moved object')}. Some were forgotten.")
    store = "--store embedded:firestore.jsonl"
    stage.run("What is there?", f"audit --rules rules.yaml {store}")
    stage.run("What would change?", f"plan --rules rules.yaml {store} -o demo.plan", expect=3)
    stage.run("A plan that would break URLs is refused.", "apply demo.plan --yes", expect=3)
    stage.say(f"Repair: copy the {counted(len(sample.lost), 'object')} that were forgotten.")
    for key in sample.lost:
        server.put(key, b"moved late")
    stage.run(
        "Plan again: every target is proven.", f"plan --rules rules.yaml {store} -o demo.plan"
    )
    stage.run("Write it.", "apply demo.plan --yes")
    stage.run("Is anything old left, is every new URL backed?", "verify demo.plan")
    stage.run("And back again.", "rollback demo.plan --yes")


class _Stage:
    """Runs the commands in the demo's folder, and shows what an operator would see."""

    def __init__(self, folder: Path, server: Server) -> None:
        self._folder = folder
        self._environ: Mapping[str, str] = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("URL_REWRITER_", "AWS_"))},
            "S3_ENDPOINT_URL": server.endpoint,
            "S3_ACCESS_KEY_ID": server.access_key_id,
            "S3_SECRET_ACCESS_KEY": server.secret_access_key,
            "S3_BUCKET_NAME": server.bucket,
        }

    def say(self, text: str) -> None:
        click.secho(f"\n# {text}", bold=True)

    def run(self, why: str, command: str, *, expect: int = 0) -> None:
        """Run one command; raise ServiceError unless it ends as the story wants."""
        self.say(why)
        click.echo(f"$ url-rewriter {command}")
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
            click.echo(f"(exit status {expect})")
