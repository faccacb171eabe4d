"""What commands say: numbers with their nouns, nothing twice, and at every end a next command.

A migration is walked with none, one and two of each thing. Every line that any command prints is
read by the checks below, which share no code with what makes the lines.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tests.cli.command import OLD, RULES, clean_environ, texts, write_database
from tests.servers.s3 import ServedS3
from url_rewriter.cli import main
from url_rewriter.cli.console import Terminal

STORE = ("--store", "embedded:db.jsonl")
RULED = ("--rules", "rules.yaml", *STORE)

COUNTS = (0, 1, 2)
"""How many there are of each thing."""


@dataclass(frozen=True)
class Told:
    """What a command said at its end."""

    words: tuple[str, ...]
    status: int
    out: str
    err: str
    folder: Path

    @property
    def commands(self) -> list[list[str]]:
        """The commands that stderr names, each on the rest of a line."""
        return [shlex.split(each) for each in re.findall(r"  url-rewriter (.*)", self.err)]

    def __str__(self) -> str:
        return f"url-rewriter {shlex.join(self.words)}\n{self.out}{self.err}-> {self.status}"


@dataclass
class Walker:
    """Runs commands in a folder and keeps what they said, with the folder as it was then."""

    folder: Path
    environ: dict[str, str]
    told: list[Told]

    def run(self, *words: str) -> Told:
        """Run a command in this process."""
        ran = CliRunner(env=self.environ).invoke(main, list(words))
        if ran.exception is not None and not isinstance(ran.exception, SystemExit):
            raise ran.exception
        kept = self.folder.parent / "kept" / str(len(self.told))
        shutil.copytree(self.folder, kept)
        self.told.append(Told(words, ran.exit_code, ran.stdout, ran.stderr, kept))
        return self.told[-1]


def documents(count: int) -> dict[str, dict[str, object]]:
    """So many documents with a URL of each kind."""
    return {
        f"{kind}/{number}": texts(image=url.format(number))
        for number in range(count)
        for kind, url in (
            ("there", OLD + "there{}.png"),
            ("missing", OLD + "missing{}.png"),
            ("waived", "https://storage.googleapis.com/old.chat_files/{}.jpg"),
            ("backups", "gs://old-backups/{}.zip"),
            ("roots", "https://storage.googleapis.com/old-logos#{}"),
        )
    }


def walk(walker: Walker, count: int) -> None:
    """A migration from the first look to the last rollback, with the slips that people make."""
    run, folder = walker.run, walker.folder
    rules = RULES.replace("{prefix: chat-files/}", "{prefix: chat-files/}\n    on_missing: skip")
    (folder / "rules.yaml").write_text(rules)
    write_database(folder / "db.jsonl", documents(count))
    run("doctor", *RULED)
    run("audit", *STORE)
    run("rules", "init", *STORE, "-o", "proposed.yaml")
    run("rules", "check", "rules.yaml")
    run("rules", "check", "nowhere.yaml")
    run("audit", *RULED)
    run("verify", *RULED)
    run("plan", *RULED, "-o", "x.plan")
    for status in ("rewrite", "missing", "unmapped", "left", "mismatch"):
        run("show", "x.plan", "--status", status)
    run("show", "x.plan")
    run("show", "x.plan", "--rule", "slip")
    run("show", "x.plan", "--status", "missing", "--format", "copy-list")
    run("apply", "x.plan", "--yes")
    run("apply", "x.plan", "--no-input")
    run("plan", *RULED, "-o", "x.plan", "--on-missing", "skip")
    run("apply", "x.plan", "--no-input")
    run("apply", "x.plan", "--yes", "--dry-run")
    run("apply", "x.plan", "--yes", "--max-writes", "1")
    run("apply", "x.plan", "--yes")
    run("apply", "x.plan", "--yes")
    run("plan", *RULED, "-o", "x.plan")
    run("plan", "--rules", "rules.yaml", "--store", "embedded:nowhere.jsonl", "-o", "y.plan")
    run("verify", "x.plan")
    run("verify", "x.plan", "--attest", "attestation.json")
    run("verify", "--check", "attestation.json", "x.plan")
    run("verify", "x.plan", "--fail-on", "no-unmapped-urls", "-o", "verified.plan")
    run("report", "x.plan", "-o", "x.html")
    run("rollback", "x.plan", "--yes", "--dry-run")
    database = folder / "db.jsonl"
    database.write_text(database.read_text().replace("app-logos/there", "app-logos/edited"))
    run("rollback", "x.plan", "--yes")
    run("show", "x.plan", "--outcome", "conflict")
    database.write_text(database.read_text().replace("app-logos/edited", "app-logos/there"))
    run("rollback", "x.plan", "--yes")
    run("rollback", "x.plan", "--yes")
    (folder / "broken.plan").write_bytes(b"no plan")
    run("apply", "broken.plan", "--yes")


@pytest.fixture(scope="module")
def walked(
    s3: ServedS3, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[int, list[Told]]]:
    """What was said on each walk, by how many there were of each thing."""
    for number in range(max(COUNTS)):
        s3.put(f"app-logos/there{number}.png")
    said = {}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "GOOGLE_CLOUD_PROJECT", "GITHUB_ACTIONS"):
            patch.delenv(name, raising=False)
        for count in COUNTS:
            folder = tmp_path_factory.mktemp(f"walk{count}") / "here"
            folder.mkdir()
            patch.chdir(folder)
            walker = Walker(folder, clean_environ(s3.environ()), [])
            walk(walker, count)
            said[count] = walker.told
        yield said


def every(walked: dict[int, list[Told]]) -> Iterator[Told]:
    for told in walked.values():
        yield from told


NOUNS = (
    "URL document doc key object rule target text bucket byte check example read write place store "
    "waiver name scan finding collection field thing reading server second hour day"
)
_SEVERAL = "|".join(f"{noun}s" for noun in NOUNS.split())
_SINGLE = "|".join(NOUNS.split())
_BETWEEN = r" {1,2}(?:(?:more|planned|new|missing|other|old|target|distinct) )?"
_NUMBER = r"(?<![\w.,:/·-])"
DISAGREEMENTS = (
    re.compile(rf"{_NUMBER}1{_BETWEEN}(?:{_SEVERAL})\b"),
    re.compile(rf"{_NUMBER}(?:0|[2-9]|\d[\d,]+){_BETWEEN}(?:{_SINGLE})\b(?! \w+s\b)"),
    re.compile(rf"{_NUMBER}1{_BETWEEN}(?:{_SINGLE}) (?:are|were|have|do|stay)\b"),
    re.compile(rf"{_NUMBER}(?:0|[2-9]|\d[\d,]+){_BETWEEN}(?:{_SEVERAL}) (?:is|was|has|does)\b"),
)
UNSAID = re.compile(r"\b(nobody|somebody|whoever|no one|anybody|someone|anyone)\b", re.IGNORECASE)


@pytest.mark.parametrize(
    "line",
    ["1 keys left", "1  URLs stay", "2 URL", "1 document were written", "3 targets is there"],
)
def test_the_checks_see_what_is_wrong(line: str) -> None:
    assert any(each.search(line) for each in DISAGREEMENTS)


def test_numbers_agree_with_their_nouns(walked: dict[int, list[Told]]) -> None:
    wrong = [
        (told.words, line)
        for told in every(walked)
        for line in (*told.out.splitlines(), *told.err.splitlines())
        if any(each.search(line) for each in DISAGREEMENTS)
    ]
    assert wrong == []


def test_no_line_is_said_twice(walked: dict[int, list[Told]]) -> None:
    for told in every(walked):
        err = [line.strip() for line in told.err.splitlines() if line.strip()]
        assert [line for line, count in Counter(err).items() if count > 1] == [], told
        out = {line.strip() for line in told.out.splitlines()}
        assert out.isdisjoint(err), told


def test_no_message_speaks_of_unknown_people_or_asks_with_an_empty_default(
    walked: dict[int, list[Told]],
) -> None:
    for told in every(walked):
        assert UNSAID.search(told.out + told.err) is None, told
        assert "[]" not in told.out.replace("files[]", "") + told.err, told


def test_the_source_of_the_program_speaks_of_no_unknown_people() -> None:
    package = Path(main.callback.__code__.co_filename).parent.parent  # type: ignore[union-attr]
    files = [each for each in package.rglob("*") if each.suffix in (".py", ".js", ".j2", ".json")]
    found = [
        f"{path.name}:{number}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if UNSAID.search(line)
    ]
    assert len(files) > 200
    assert found == []


ENDS = (("verify", "--check"), ("audit",))
"""What may end a story: an attestation that holds; a database without anything to rewrite."""


def test_every_end_names_a_next_command(walked: dict[int, list[Told]]) -> None:
    for told in every(walked):
        done = told.status == 0 and any(told.words[: len(end)] == end for end in ENDS)
        assert told.commands or done, told


def test_every_next_command_is_one(walked: dict[int, list[Told]]) -> None:
    named = {tuple(each) for told in every(walked) for each in told.commands}
    assert len(named) > 20
    for words in named:
        parse(click.Context(main), list(words))


def parse(group: click.Context, words: list[str]) -> None:
    """Parse a command line to its end; click raises where it is none."""
    assert isinstance(group.command, click.Group)
    command = group.command.get_command(group, words[0])
    assert command is not None, words
    if isinstance(command, click.Group):
        parse(click.Context(command, parent=group), words[1:])
    elif words[1:] != ["--help"]:
        command.make_context(command.name, words[1:], parent=group)


def test_the_first_next_command_goes_on_from_where_the_last_one_ended(
    walked: dict[int, list[Told]], s3: ServedS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = clean_environ(s3.environ())
    went_on: dict[str, Told] = {}
    for told in walked[1]:
        words = told.commands[0] if told.commands and told.status in (0, 3, 5) else ["none"]
        line = shlex.join(words)
        if words[0] not in ("apply", "rollback", "show", "verify", "report") or line in went_on:
            continue
        went_on[line] = told
        agreed = ["--yes"] if words[0] in ("apply", "rollback") and "--yes" not in words else []
        monkeypatch.chdir(told.folder)
        ran = CliRunner(env=environ).invoke(main, [*words, *agreed])
        assert ran.exit_code in (0, 3, 5), (told, words, ran.stderr)
    assert {line.split()[0] for line in went_on} >= {"apply", "show", "verify", "report"}


def test_a_question_shows_no_empty_default(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def ask() -> None:
        from url_rewriter.cli.console import Console

        Terminal(Console()).answer("Write 1 document? Type yes to go on")

    said = CliRunner().invoke(ask, [], input="yes\n").stderr
    assert said.startswith("Write 1 document? Type yes to go on: ")


def test_what_a_dry_run_did_not_do_is_not_told_as_done(walked: dict[int, list[Told]]) -> None:
    dry = [told for told in every(walked) if "--dry-run" in told.words]
    assert len(dry) == 2 * len(COUNTS)
    for told in dry:
        rest = re.sub(
            r"would be (written|put back)|[Nn]othing was written", "", told.out + told.err
        )
        if "Nothing" not in told.out:
            assert not re.search(r"\b(written|put back)\b", rest), told


def test_an_apply_that_writes_nothing_says_since_when(walked: dict[int, list[Told]]) -> None:
    applies = [told.out for told in walked[2] if told.words == ("apply", "x.plan", "--yes")]
    assert re.fullmatch(
        r" Nothing left to write: all 2 documents were written 20\d\d-\d\d-\d\d \d\d:\d\d UTC\.\n",
        applies[-1],
    )


def test_the_sums_add_up_in_every_command(walked: dict[int, list[Told]]) -> None:
    sums = [
        line
        for told in every(walked)
        for line in told.out.splitlines()
        if re.match(r" \d+ URLs?( \+ .*)? = ", line)
    ]
    assert len(sums) > 20
    for line in sums:
        left, _, right = re.sub(r"\(.*?\)", "", line).partition(" = ")
        assert sum(map(int, re.findall(r"\d+", left))) == sum(map(int, re.findall(r"\d+", right)))
