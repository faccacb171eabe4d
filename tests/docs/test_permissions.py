"""``docs/permissions.md``: each policy is enough for its commands, and none of its actions is idle.

Moto's policy engine decides. Google's emulators have none: there, the calls that the program makes
are compared with the page, and the permissions of its roles with those of the calls.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.core.authorization import enable_iam_authentication
from ruamel.yaml import YAML

from tests.cli.command import NEW, OLD, RULES, Ended, Workshop, clean_environ, texts, write_database
from tests.docs.aws import answering_as_aws
from tests.servers.cloud_storage import cloud_storage
from tests.servers.s3 import ServedS3, moto

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8")
BUCKET = "omi-data"
STORE = ("--rules", "rules.yaml", "--store")
PLANNED = ("plan", *STORE, "embedded:db.jsonl", "--no-open", "-o")
COMMANDS = {
    "doctor": ("doctor", *STORE, "embedded:db.jsonl"),
    "plan": (*PLANNED, "new.plan"),
    "apply": ("apply", "ready.plan", "--yes", "--dry-run"),
    "verify": ("verify", *STORE, "embedded:moved.jsonl", "--no-open"),
    "audit --orphans": ("audit", "--orphans", *STORE, "embedded:moved.jsonl"),
    "copy": ("copy", "blocked.plan", "--yes"),
}


NOTHING: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:ListAllMyBuckets"], "Resource": "*"}],
}


def section(title: str) -> str:
    """What is below a heading of the page."""
    return re.split(r"\n##+ ", PAGE.partition(f"\n### {title}\n")[2])[0]


def policy(name: str) -> dict[str, Any]:
    block = re.search(r"```json\n(.*?)```", section(name), re.S)
    assert block is not None
    found: dict[str, Any] = json.loads(block[1])
    return found


def actions(document: dict[str, Any]) -> list[str]:
    return [action for each in document["Statement"] for action in each["Action"]]


def without(document: dict[str, Any], action: str) -> dict[str, Any]:
    """A policy that lacks an action."""
    kept = [
        {**each, "Action": [other for other in each["Action"] if other != action]}
        for each in document["Statement"]
    ]
    return {**document, "Statement": [each for each in kept if each["Action"]]}


def losses() -> Iterator[tuple[str, str, str | None, str]]:
    """Each command, its policy, the action that it lacks, and the exit status by the page."""
    header, _, *rows = [
        line for line in section("What happens without").splitlines() if "|" in line
    ]
    columns = re.findall(r"`(s3:\w+)`", header)
    for row in rows:
        command, name, *cells = (cell.strip(" `") for cell in row.strip("|").split("|"))
        yield command, name, None, "0"
        for action, status in zip(columns, cells, strict=True):
            if status:
                yield command, name, action, status


@dataclass
class Aws:
    """A user of moto's IAM, and a folder whose commands have that user's key."""

    s3: ServedS3
    workshop: Workshop
    iam: Any
    user: str

    def run(self, document: dict[str, Any], arguments: Sequence[str]) -> Ended:
        """Run a command as a user who has this policy and no other."""
        document = document if document["Statement"] else NOTHING
        self.iam.put_user_policy(
            UserName=self.user, PolicyName="only", PolicyDocument=json.dumps(document)
        )
        with enable_iam_authentication(), answering_as_aws(actions(document)):
            return self.workshop.run(*arguments)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    folder = tmp_path_factory.mktemp("aws")
    lenient = "defaults: {on_missing: skip}\nrules:"
    (folder / "rules.yaml").write_text(RULES.replace("omi.data", BUCKET).replace("rules:", lenient))
    documents = {"apps/1": texts(image=f"{OLD}a.png"), "apps/2": texts(image=f"{OLD}gone.png")}
    write_database(folder / "db.jsonl", documents)
    documents["apps/1"] = texts(image=f"{NEW.replace('omi.data', BUCKET)}a.png")
    write_database(folder / "moved.jsonl", documents)
    with ExitStack() as running:
        s3 = running.enter_context(moto(BUCKET))
        storage = running.enter_context(cloud_storage())
        s3.put("app-logos/a.png")
        storage.put("old-logos", "gone.png")
        iam = boto3.client(
            "iam", endpoint_url=s3.endpoint, region_name="us-east-1",
            aws_access_key_id="any", aws_secret_access_key="any",
        )  # fmt: skip
        # All servers of a process share their users, and this one may be started again.
        name = f"migration-{folder.name}"
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        secrets = {
            "S3_ACCESS_KEY_ID": key["AccessKeyId"], "S3_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }  # fmt: skip
        environ = clean_environ({**s3.environ(), **storage.environ(), **secrets})
        granted = Aws(s3, Workshop(folder, environ), iam, name)
        for plan in ("ready.plan", "blocked.plan"):
            assert granted.run(policy("prove"), (*PLANNED, plan)).status == 0
        yield granted


@pytest.mark.parametrize(("command", "name", "missing", "status"), list(losses()))
def test_a_policy_is_enough_and_each_of_its_actions_is_needed(
    aws: Aws, command: str, name: str, missing: str | None, status: str
) -> None:
    aws.s3.client().delete_object(Bucket=BUCKET, Key="app-logos/gone.png")
    document = without(policy(name), missing) if missing else policy(name)
    kept = aws.workshop.folder / "kept.plan"
    plan_file = aws.workshop.folder / "blocked.plan"
    shutil.copy(plan_file, kept)
    ended = aws.run(document, COMMANDS[command])
    kept.replace(plan_file)
    assert ended.status == int(status[0]), (ended.out, ended.err)
    if "warning" in status:
        assert re.search(r"^ warning +s3-listing ", ended.out, re.MULTILINE), ended.out


def test_every_action_of_a_policy_was_taken_out_once() -> None:
    tried = {(name, missing) for _, name, missing, _ in losses() if missing}
    for name in ("prove", "open", "list", "copy"):
        wanted = {*actions(policy(name))} - {"s3:AbortMultipartUpload"}
        assert {missing for policy_name, missing in tried if policy_name == name} == wanted


@pytest.mark.parametrize("missing", [None, "s3:AbortMultipartUpload"])
def test_what_a_killed_copy_left_is_given_up_or_warned_of(aws: Aws, missing: str | None) -> None:
    client = aws.s3.client()
    client.delete_object(Bucket=BUCKET, Key="app-logos/gone.png")
    upload = client.create_multipart_upload(Bucket=BUCKET, Key="app-logos/big")["UploadId"]
    folder = aws.workshop.folder
    shutil.copy(folder / "blocked.plan", folder / "killed.plan")
    with closing(sqlite3.connect(folder / "killed.plan")) as connection, connection:
        connection.execute(
            "INSERT INTO uploads VALUES (?, 'app-logos/big', ?, '')", (BUCKET, upload)
        )
    document = without(policy("copy"), missing) if missing else policy("copy")
    ended = aws.run(document, ("copy", "killed.plan", "--yes"))
    assert ended.status == 0, ended.err
    left = client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    assert bool(left) is (missing is not None)
    assert ("could not be given up" in ended.err) is (missing is not None)
    if left:
        client.abort_multipart_upload(Bucket=BUCKET, Key="app-logos/big", UploadId=upload)


# -- Google -------------------------------------------------------------------------------------


def permissions_of_calls() -> dict[str, set[str]]:
    rows = re.findall(r"^\| `([A-Z]\w+)` \| (.*) \|$", PAGE, re.M)
    return {call: set(re.findall(r"`(datastore\.[\w.]+)`", text)) for call, text in rows}


def role(title: str) -> set[str]:
    block = re.search(r"```yaml\n(.*?)```", section(title), re.S)
    assert block is not None
    return set(YAML(typ="safe").load(block[1])["includedPermissions"])


def test_every_call_to_firestore_has_its_permissions_on_the_page() -> None:
    source = (ROOT / "url_rewriter/stores/firestore/channel.py").read_text(encoding="utf-8")
    made = set(re.findall(r'_Rpc\(\s*"(\w+)"', source))
    assert len(made) > 5
    assert set(permissions_of_calls()) == made


def test_the_roles_have_the_permissions_of_their_calls_and_no_other() -> None:
    calls = permissions_of_calls()
    writes = calls.pop("BatchWrite")
    del calls["ListBackups"]
    reads = set().union(*calls.values())
    assert role("read") == reads
    assert role("write") == reads | writes
