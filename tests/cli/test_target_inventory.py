"""``--target-inventory``: targets proven by an inventory of their bucket, in place of requests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cli.command import OLD, Workshop, plan_arguments, texts, write_database
from tests.inventories.writing import CURRENT, write_inventory
from tests.servers.s3 import ServedS3

COUNT = 70
NAMES = [f"{number:03}.png" for number in range(COUNT)]


@pytest.fixture
def listed(workshop: Workshop, s3: ServedS3) -> Workshop:
    """A workshop with seventy logos, an inventory of them and a database that names them."""
    for name in NAMES:
        s3.put(f"app-logos/{name}", b"abc")
    documents = {f"apps/{name}": texts(image=OLD + name) for name in NAMES}
    write_database(workshop.folder / "db.jsonl", documents)
    return workshop


def write(workshop: Workshop, s3: ServedS3, *, age: float = 5.0, more: tuple[str, ...] = ()) -> str:
    """An inventory that is so many hours old; the path of its manifest."""
    rows: list[dict[str, Any]] = [
        {"Bucket": s3.bucket, "Key": f"app-logos/{name}", "Size": 3, "StorageClass": "STANDARD"}
        for name in (*NAMES, *more)
    ]
    made_at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=age)
    path = write_inventory(workshop.folder, s3.bucket, rows, made_at, columns=CURRENT)
    return str(path.relative_to(workshop.folder))


def test_a_plan_by_inventory_says_so_everywhere_and_its_apply_asks_again(
    listed: Workshop, s3: ServedS3
) -> None:
    manifest = write(listed, s3)
    planned = listed.run(*plan_arguments("--target-inventory", manifest))
    assert planned.status == 0, planned.err
    assert f"proven by inventory {manifest} of 20" in planned.err
    assert f"targets proven: 38 by inventory {manifest} of 20" in planned.out
    assert "32 by request" in planned.out
    shown = listed.run("show", "x.plan").out
    assert shown.count(f"target listed in {manifest} of 20") == 38
    assert shown.count("by inventory, not asked for") == 38
    listed.json("apply", "x.plan", "--yes")
    report = listed.json("report", "x.plan")
    assert report["cost"]["evidence"] == {"head": COUNT + 32, "inventory": 38}
    rows = {each["old"]: each["evidence"] for each in report["rows"]}
    assert {each["method"] for each in rows.values()} == {"head"}
    verified = listed.json("verify", "x.plan", "--target-inventory", manifest)
    assert verified["proof"].startswith(f"38 by inventory {manifest} of 20")
    (gate,) = [each for each in verified["gates"] if each["name"] == "targets-exist"]
    assert gate["passed"] is True
    assert f"(proven: 38 by inventory {manifest}" in gate["says"]


def test_an_inventory_that_is_contradicted_is_said_to_be_and_every_target_is_asked_for(
    listed: Workshop, s3: ServedS3
) -> None:
    gone = [f"gone-{number}.png" for number in range(COUNT)]
    documents = {f"apps/{name}": texts(image=OLD + name) for name in (*NAMES, *gone)}
    write_database(listed.folder / "db.jsonl", documents)
    manifest = write(listed, s3, more=tuple(gone))
    planned = listed.run(*plan_arguments("--target-inventory", manifest))
    assert planned.status == 3
    assert "a request says missing: no such key" in planned.err
    assert f"all targets below {s3.bucket}/app-logos/ are asked for by request." in planned.err
    assert f"0 by inventory {manifest}" in planned.out
    assert "140 by request" in planned.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "49 hours old, and --max-age allows 48"),
        (("--max-age", "3d", "--check-content-type"), "An inventory tells no content type"),
        (("--max-age", "3d", "--target-inventory", "rules.yaml"), "no column Key among"),
    ],
)
def test_an_inventory_that_will_not_do_is_refused_before_the_scan(
    listed: Workshop, s3: ServedS3, options: tuple[str, ...], message: str
) -> None:
    manifest = write(listed, s3, age=49.5)
    refused = listed.run(*plan_arguments("--target-inventory", manifest, *options))
    assert (refused.status, refused.out) == (2, "")
    assert message in refused.err
    assert not (listed.folder / "x.plan.part").exists()


def test_an_inventory_of_another_bucket_is_refused(listed: Workshop) -> None:
    (listed.folder / "list.json").write_text('[{"Path":"a","Size":3,"IsDir":false}]')
    refused = listed.run(*plan_arguments("--target-inventory", "s3://other=list.json"))
    assert refused.status == 2
    assert (
        "list.json is an inventory of bucket other, and the rules write to omi.data." in refused.err
    )
