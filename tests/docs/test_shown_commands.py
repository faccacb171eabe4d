"""Every command that README and pages show is run as it stands there, page by page.

A block that is not run says why, in a comment before it; a line that ends with another exit status
than 0 says which. Commands in the midst of a sentence are only looked up: their options exist.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from tests.cli.command import PROGRAM, Ended, Workshop, clean_environ
from tests.docs.commands_page import BEGIN, commands
from tests.docs.shown import PAGES, ROOT, Line, blocks, hidden_commands
from tests.inventories.writing import write_inventory
from tests.scripted_firestore import ScriptedFirestore, scripted_firestore
from tests.scripted_firestore.client import Client, text
from tests.servers.cloud_storage import ServedCloudStorage, cloud_storage
from tests.servers.s3 import ServedS3, rclone, rclone_binary
from tests.usage_logs.logs import as_csv, micros, row
from url_rewriter.cli import main

BLOCKS = {name: list(blocks(page)) for page in PAGES if (name := str(page.relative_to(ROOT)))}
FIRST = {tuple(block.lines): page for page in reversed(BLOCKS) for block in BLOCKS[page]}
"""The page that runs a block, where several show the same one."""
NOT_RUN = [
    block
    for each in BLOCKS.values()
    for block in each
    if block.reason and not block.reason.startswith("run by ")
]
HOST = "https://storage.googleapis.com"
BUCKETS = {
    "BUCKET_PLUGINS_LOGOS": "my-logos",
    "BUCKET_CHAT_FILES": "my-other",
    "BUCKET_SPEECH_PROFILES": "my-speech",
    "BUCKET_POSTPROCESSING": "my-postprocessing",
    "BUCKET_MEMORIES_RECORDINGS": "my-recordings",
    "BUCKET_APP_THUMBNAILS": "my-thumbnails",
}
OBJECTS = {"app-logos/a.png": "my-logos/a.png", "chat-files/u1/b.png": "my-other/u1/b.png"}
LOST = "my-logos/lost.png"


class World:
    """What the pages suppose: a database of Omi's, its object store, and what was there before."""

    def __init__(
        self, firestore: ScriptedFirestore, s3: ServedS3, storage: ServedCloudStorage, home: Path
    ) -> None:
        self.firestore = firestore
        self.s3 = s3
        self.storage = storage
        self.home = home
        self.environ = clean_environ(
            {
                **s3.environ(),
                **storage.environ(),
                **BUCKETS,
                "FIRESTORE_EMULATOR_HOST": firestore.host,
                "GOOGLE_CLOUD_PROJECT": "omi-prod",
                "RCLONE_CONFIG": str(home / "rclone.conf"),
                "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}",
            }
        )
        for bucket, key in (old.split("/", 1) for old in (*OBJECTS.values(), LOST)):
            storage.put(bucket, key)
        self._programs()

    def _programs(self) -> None:
        """``url-rewriter`` for lines that a shell runs, and rclone with the pages' remotes."""
        (self.home / "bin").mkdir()
        program = self.home / "bin" / "url-rewriter"
        program.write_text(f'#!/bin/sh\nexec {shlex.join(PROGRAM)} "$@"\n')
        program.chmod(0o755)
        (self.home / "bin" / "rclone").symlink_to(rclone_binary())
        (self.home / "rclone.conf").write_text(
            f"[s3]\ntype = s3\nprovider = Other\nendpoint = {self.s3.endpoint}\n"
            f"access_key_id = {self.environ['S3_ACCESS_KEY_ID']}\n"
            f"secret_access_key = {self.environ['S3_SECRET_ACCESS_KEY']}\n"
            f"[gcs]\ntype = alias\nremote = {self.home / 'storage'}\n"
        )
        for old in OBJECTS.values():
            path = self.home / "storage" / old
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"body")

    def anew(self, folder: Path, state: str) -> Workshop:
        """A folder in this world as it was before anything was run, or in another state."""
        client = Client(self.firestore.host, "projects/omi-prod/databases/(default)")
        database = self.firestore.databases[client.database]
        for path, _ in database.documents():
            database.delete(path)
        client.write(
            client.update("plugins_data/a", {"image": text(f"{HOST}/my-logos/a.png")}),
            client.update("users/u1/files/b", {"thumbnail": text("gs://my-other/u1/b.png")}),
        )
        for key in OBJECTS:
            self.s3.put(key, b"body")
        self.s3.client().delete_object(Bucket=self.s3.bucket, Key="app-logos/lost.png")
        folder.mkdir()
        shutil.copytree(ROOT / "rules", folder / "rules")
        workshop = Workshop(folder, dict(self.environ))
        STATES[state](self, workshop, client)
        return workshop


PLAN = ("plan", "--rules", "rules/omi.yaml", "--project", "omi-prod", "-o", "omi.plan")


def nothing_done(world: World, workshop: Workshop, client: Client) -> None:
    """Nothing was done yet."""


def a_plan(world: World, workshop: Workshop, client: Client) -> None:
    """A plan that may be applied."""
    assert workshop.run(*PLAN).status == 0


def a_plan_that_is_blocked(world: World, workshop: Workshop, client: Client) -> None:
    """An object was forgotten."""
    client.write(client.update("plugins_data/lost", {"image": text(f"{HOST}/{LOST}")}))
    assert workshop.run(*PLAN).status == 3


def an_applied_plan(world: World, workshop: Workshop, client: Client) -> None:
    """A plan that was applied."""
    a_plan(world, workshop, client)
    assert workshop.run("apply", "omi.plan", "--yes").status == 0


def usage_logs(world: World, workshop: Workshop, client: Client) -> None:
    """A plan that was applied, and what Cloud Storage logs of an hour."""
    an_applied_plan(world, workshop, client)
    logs = workshop.folder / "logs"
    logs.mkdir()
    now = datetime.now(UTC)
    fetched = row(micros(now.isoformat()), "my-logos", "a.png")
    (logs / f"usage_{now:%Y_%m_%d_%H}_00_00_0a1b_v0").write_bytes(as_csv([fetched]))


def inventories(world: World, workshop: Workshop, client: Client) -> None:
    """What gcloud and AWS would have written."""
    listed = [
        {"type": "cloud_object", "url": f"gs://{bucket}/{key}",
         "metadata": {"bucket": bucket, "name": key, "size": "4", "generation": "1",
                      "md5Hash": base64.b64encode(hashlib.md5(b"body").digest()).decode()}}
        for bucket, key in [("my-logos", "a.png")]
    ]  # fmt: skip
    (workshop.folder / "my-logos.json").write_text(json.dumps(listed))
    rows = [{"Bucket": "omi-data", "Key": key, "Size": 4} for key in OBJECTS]
    manifest = write_inventory(
        workshop.folder, "omi-data", rows, datetime.now(UTC), columns=("Bucket", "Key", "Size")
    )
    manifest.parent.rename(manifest.parent.with_name("2026-11-26T01-00Z"))
    manifest.parent.parent.rename(workshop.folder / "inventory")


STATES = {
    "inventories": inventories,
    "": nothing_done,
    "a plan": a_plan,
    "a plan that is blocked": a_plan_that_is_blocked,
    "an applied plan": an_applied_plan,
    "usage logs": usage_logs,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with ExitStack() as running:
        yield World(
            running.enter_context(scripted_firestore()),
            running.enter_context(rclone(tmp_path_factory.mktemp("objects"), "omi-data")),
            running.enter_context(cloud_storage()),
            tmp_path_factory.mktemp("home"),
        )


def run(line: Line, workshop: Workshop) -> None:
    """Run a line as a shell would, and compare how it ends and what it prints with the page."""
    words = shlex.split(line.text)
    if words[0] == "export":
        workshop.environ |= {
            name: value for name, _, value in (w.partition("=") for w in words[1:])
        }
        return
    if words[0] == "url-rewriter" and not {"|", "&&", ";"} & {*words}:
        arguments, _, output = " ".join(map(shlex.quote, words[1:])).partition(" '>' ")
        ended = workshop.run(*shlex.split(arguments))
        if output:
            (workshop.folder / output).write_text(ended.out)
    else:
        process = subprocess.run(
            ["bash", "-ec", line.text],
            cwd=workshop.folder, env=workshop.environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        ended = Ended(process.returncode, process.stdout, process.stderr)
    assert ended.status == line.status, (line.text, ended.out[-2000:], ended.err[-2000:])
    said = " ".join(f"{ended.out} {ended.err}".split())
    for each in line.printed:
        assert each in said, (line.text, each)


@pytest.mark.parametrize("page", [name for name, each in BLOCKS.items() if each])
def test_the_commands_of_a_page_run_as_they_stand(page: str, world: World, tmp_path: Path) -> None:
    workshop = None
    for number, block in enumerate(BLOCKS[page]):
        if block.reason or FIRST[tuple(block.lines)] != page:
            continue
        if workshop is None or block.anew is not None:
            workshop = world.anew(tmp_path / str(number), block.anew or "")
        for line in block.lines:
            run(line, workshop)


def test_blocks_that_are_not_run_are_few_and_say_why() -> None:
    shown = sum(len(each) for each in BLOCKS.values())
    assert len(NOT_RUN) <= shown / 2, [block.page for block in NOT_RUN]
    unknown = [
        (block.page, block.mark)
        for each in BLOCKS.values()
        for block in each
        if block.mark and not block.reason and block.anew is None
    ]
    assert unknown == []


def test_the_test_that_runs_a_block_names_its_page() -> None:
    for block in (block for each in BLOCKS.values() for block in each):
        if (block.reason or "").startswith("run by "):
            test = ROOT / block.mark.removeprefix("run by ")
            assert Path(block.page).name in test.read_text(encoding="utf-8")


def test_no_block_without_a_language_hides_commands() -> None:
    assert [line for page in PAGES for line in hidden_commands(page)] == []


NAMES = dict(commands())


def spans(page: Path) -> list[str]:
    """What stands as code in the sentences of a page, the parts made of commands left out."""
    written = page.read_text(encoding="utf-8").partition(BEGIN)[0]
    prose = re.sub(r"^ *```.*?^ *```$", "", written, flags=re.M | re.S)
    return re.findall(r"`([^`\n]+)`", prose)


def mentioned() -> Iterator[tuple[str, list[str]]]:
    """Commands in the midst of sentences, each with its page."""
    for page in PAGES:
        for span in spans(page):
            words = span.split(" #")[0].split()
            words = words[1:] if words[0] == "url-rewriter" else words
            if words and words[0] in main.commands and any(each[0] == "-" for each in words):
                yield str(page.relative_to(ROOT)), words


def options(command: click.Command) -> set[str]:
    """The options of a command, and of its commands where it is a group."""
    own = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    below = command.commands.values() if isinstance(command, click.Group) else ()
    return own.union({"--help", "--version"}, *map(options, below))


def used(words: list[str]) -> set[str]:
    return {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}


@pytest.mark.parametrize(("page", "words"), list(mentioned()))
def test_every_option_of_a_command_that_a_sentence_names_exists(
    page: str, words: list[str]
) -> None:
    name = next(each for each in (" ".join(words[:2]), words[0]) if each in NAMES)
    assert used(words) - options(NAMES[name]) == set(), page


def test_every_option_that_stands_alone_in_a_sentence_is_one_of_some_command() -> None:
    alone = {
        (str(page.relative_to(ROOT)), option)
        for page in PAGES
        for span in spans(page)
        if span.startswith("--")
        for option in used(span.split())
    }
    assert len(alone) > 30
    assert {each for each in alone if each[1] not in options(main)} == set()
