"""What ``help`` says of things that belong to no single command."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import click

from url_rewriter.cli.command import GroupedOption, walk

EXIT_STATUSES = (
    ("0", "done; everything asked for is true"),
    ("1", "failed: network, disk, a bug"),
    ("2", "command line, configuration or rules are wrong; nothing was contacted"),
    (
        "3",
        (
            "checks failed (missing or unknown targets, a gate, an example, no run to control); "
            "nothing was written"
        ),
    ),
    ("4", "not authenticated, or not permitted"),
    (
        "5",
        "applied, rolled back or copied in part: conflicts were left alone; running again is safe",
    ),
    (
        "6",
        (
            "refused: broken seal, another process holds the plan file, wrong database for this "
            "plan, an S3 server that only the plan file names"
        ),
    ),
    (
        "130, 143",
        (
            "interrupted (130 also by control ... stop); the journal is complete; the same command "
            "continues"
        ),
    ),
)

_ELSEWHERE = (
    ("S3_ENDPOINT_URL", "the S3 server; else AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL"),
    ("S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY", "its credentials; else boto3's own chain (AWS_*)"),
    ("AWS_SESSION_TOKEN", "beside them where they are temporary"),
    ("AWS_REGION", "the region that requests are signed for; else AWS_DEFAULT_REGION"),
    ("AWS_PROFILE, AWS_CA_BUNDLE", "boto3's profile; certificate authorities to trust"),
    ("S3_BUCKET_NAME", "the bucket that rules init and doctor take where no rules name one"),
    ("GOOGLE_APPLICATION_CREDENTIALS", "the key file of Google's default credentials"),
    ("GOOGLE_CLOUD_PROJECT", "the project where no option names one; else GCLOUD_PROJECT"),
    ("FIRESTORE_EMULATOR_HOST", "HOST:PORT of the Firestore emulator, which is then asked"),
    ("STORAGE_EMULATOR_HOST", "the URL of a Cloud Storage emulator, which is then asked"),
    ("NO_COLOR, FORCE_COLOR", "no colour; colour also where no terminal is"),
    ("GITHUB_ACTIONS", "set by GitHub: problems are annotated in the rules file"),
)

_SAFETY = """
audit, plan, verify, show, report and doctor cannot write to the database: they hold no writer, and
a role that may only read is enough for them.

plan asks for every object that a new URL would name. One that is missing, or of which nothing
certain is known, keeps the plan from being applied.

apply writes what was planned and nothing else: each write is recorded in the plan file before it
is sent, and carries the document's revision, so that a document which changed meanwhile is read
again and otherwise left alone. Every target is asked for again just before the write.

A command that was killed is continued by the same command. rollback puts back every string that
apply wrote, where it still stands, and lists the rest.

A real project is written to after its id was typed, or given with --confirm; --yes is enough on an
emulator and on the embedded store only. No settings file can consent in your place.

A plan file holds whole URLs with their signatures: keep it as you keep a password, and apply only
plan files that you made. Nothing that is printed shows a signature, a token or a key.

Credentials of the object store go to the server that an option, the environment, a settings file
or your rules file names, and to no other.
"""

_RULES = """
A rules file says which buckets and prefixes of Cloud Storage moved where:

\b
version: 1
target:
  endpoint: https://s3.example.com
  bucket: data
rules:
  - name: logos
    source: {bucket: my-logos}
    target: {prefix: logos/}
    examples:
      - url: gs://my-logos/a b.png
        becomes: https://s3.example.com/data/logos/a%20b.png

The longest prefix of a bucket wins. ${NAME} and ${NAME:-default} are filled in from the
environment. An unknown key, or a rule that can never apply, is an error with its line.
"""


_MANY = 10


def write_environment(formatter: click.HelpFormatter, root: click.Group) -> None:
    """Every variable that is read: those of options, with their commands, then the others."""
    users: dict[str, list[str]] = defaultdict(list)
    for name, command in walk(root):
        for option in command.params:
            if isinstance(option, GroupedOption) and option.envvar:
                users[str(option.envvar)].append(name)
    formatter.write_text(
        "A flag wins over its variable, and a variable over a settings file. A flag without a "
        "value is set by 1, true or yes; what may be repeated is separated by blanks."
    )
    with formatter.section("Options"):
        formatter.write_dl(
            [
                (variable, "most commands" if len(names) > _MANY else ", ".join(names))
                for variable, names in sorted(users.items())
            ]
        )
    with formatter.section("Others"):
        formatter.write_dl(_ELSEWHERE)


def write_exit_codes(formatter: click.HelpFormatter, root: click.Group) -> None:
    """The exit statuses."""
    formatter.write_dl(EXIT_STATUSES)
    formatter.write_paragraph()
    formatter.write_text(
        "stdout carries the result only, with --format json exactly one document; everything else "
        "goes to stderr."
    )


def write_safety(formatter: click.HelpFormatter, root: click.Group) -> None:
    """What the program does not do to your data."""
    formatter.write_text(_SAFETY.strip())


def write_rules(formatter: click.HelpFormatter, root: click.Group) -> None:
    """What a rules file is, and the commands around it."""
    formatter.write_text(_RULES.strip())
    commands = root.commands["rules"]
    assert isinstance(commands, click.Group)  # noqa: S101 - for mypy
    with formatter.section("Commands"):
        formatter.write_dl(
            [
                (f"rules {name}", each.get_short_help_str(200))
                for name, each in commands.commands.items()
            ]
        )


TOPICS: dict[str, tuple[str, Callable[[click.HelpFormatter, click.Group], None]]] = {
    "environment": (
        "Every environment variable, and the commands that read it.",
        write_environment,
    ),
    "exit-codes": ("What each exit status means.", write_exit_codes),
    "safety": ("What keeps your data from harm.", write_safety),
    "rules": ("What a rules file says.", write_rules),
}
