"""``verify --attest`` and ``verify --check``, as a user runs them."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.cli.command import OLD, Workshop, plan_arguments, texts, write_database
from tests.servers.s3 import ServedS3


def test_a_migration_is_attested_and_checked_without_credentials(
    workshop: Workshop, s3: ServedS3
) -> None:
    s3.put("app-logos/a.png", b"a")
    write_database(workshop.folder / "db.jsonl", {"apps/a": texts(image=OLD + "a.png")})
    workshop.json(*plan_arguments())
    workshop.json("apply", "x.plan", "--yes")
    verified = workshop.run("verify", "x.plan", "--attest", "attested.json")
    assert "Attested in attested.json" in verified.err
    file = workshop.folder / "attested.json"
    assert file.stat().st_mode & 0o777 == 0o600
    predicate = json.loads(file.read_text())["predicate"]
    assert predicate["verdict"]["passed"] is (verified.status == 0)

    offline = Workshop(workshop.folder, {"PATH": workshop.environ.get("PATH", "")})
    check = ("verify", "--check", "attested.json", "x.plan", "--rules", "rules.yaml")
    checked = offline.json(*check, status=verified.status)
    assert checked["holds"] is (verified.status == 0)
    assert [each.partition(",")[2] for each in checked["compared"]] == [
        "", " byte by byte", " byte by byte",
    ]  # fmt: skip
    assert checked["predicate"] == predicate
    file.write_text(file.read_text().replace("omi.data", "omi-data"))
    assert offline.run(*check).status == 6


def test_to_check_loads_no_client(workshop: Workshop) -> None:
    (workshop.folder / "odd.json").write_text("{}\n")
    program = (
        "import sys; from url_rewriter.cli import main\n"
        "try: main(['verify', '--check', 'odd.json'])\n"
        "except SystemExit as ended: print(ended.code)\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "print({'boto3', 'botocore', 'google', 'grpc'} & loaded)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=workshop.folder, capture_output=True, text=True,
        env=workshop.environ, check=True,
    )  # fmt: skip
    assert ended.stdout == "6\nset()\n"
    assert "Nothing of it is believed" in ended.stderr
