"""``--check-public`` and ``--check-content-type``: what they find, and their gates."""

from __future__ import annotations

from tests.cli.command import OLD, RULES, Workshop, plan_arguments, texts, write_database
from tests.servers.fault import MARK, Reaction, fault_server, s3_with
from tests.servers.s3 import ServedS3

SIGNED = "?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature=00ff"


def test_urls_that_do_not_open_are_found_and_fail_their_gate(
    workshop: Workshop, s3: ServedS3
) -> None:
    s3.put("app-logos/private.png")
    rules = RULES.replace("https://localhost", s3.endpoint)
    (workshop.folder / "rules.yaml").write_text(rules)
    write_database(workshop.folder / "db.jsonl", {"apps/1": texts(image=f"{OLD}private.png")})
    planned = workshop.json(*plan_arguments("--check-public"))
    assert planned["findings"]["not-public"] == 1
    workshop.json("apply", "x.plan", "--yes")
    verified = workshop.json("verify", "x.plan", "--check-public", status=3)
    gates = {gate["name"]: gate["passed"] for gate in verified["gates"]}
    assert gates["targets-exist"] is True
    assert gates["targets-open"] is False
    passed = workshop.json("verify", "x.plan")
    assert passed["passed"] is True
    told = passed["opened"]["without_credentials"]
    assert (told["asked"], told["opened"]) == (1, 0)
    assert told["says"] == "0 of 1 rule"
    assert told["by_rule"][0] == {
        "rule": "logos", "access": "unknown", "detail": "answered 400", "required": False,
    }  # fmt: skip
    assert passed["opened"]["with_credentials"] == {"asked": 1, "opened": 1}
    silent = workshop.json("verify", "x.plan", "--no-open")["opened"]["without_credentials"]
    assert silent["says"] == "not asked: --no-open"
    rules = rules.replace("bucket: omi.data}", "bucket: omi.data, public: true}")
    (workshop.folder / "public.yaml").write_text(rules)
    insisted = workshop.json("verify", "x.plan", "--rules", "public.yaml", status=3)
    gates = {gate["name"]: gate["passed"] for gate in insisted["gates"]}
    assert gates["targets-open"] is False


def test_a_signed_url_that_opens_for_anybody_afterwards_is_a_leak(workshop: Workshop) -> None:
    there = Reaction(200, {"etag": '"e1"', "content-type": "application/octet-stream", **MARK})
    objects = s3_with({"app-logos/secret.png": there, "app-logos/logo.png": there})
    with fault_server(objects) as server:
        workshop.environ["S3_ENDPOINT_URL"] = server.endpoint
        rules = RULES.replace("https://localhost", server.endpoint)
        (workshop.folder / "rules.yaml").write_text(rules)
        write_database(
            workshop.folder / "db.jsonl",
            {"apps/1": texts(image=f"{OLD}secret.png{SIGNED}", logo=f"{OLD}logo.png")},
        )
        planned = workshop.json(*plan_arguments("--check-public", "--check-content-type"))
    assert planned["findings"]["exposed"] == 1
    assert planned["findings"]["content-type"] == 2
    assert "not-public" not in planned["findings"]


def test_a_listing_tells_no_content_type(workshop: Workshop) -> None:
    write_database(workshop.folder / "db.jsonl", {})
    ended = workshop.run(*plan_arguments("--prove", "list", "--check-content-type"))
    assert ended.status == 2
    assert "--check-content-type" in ended.err


def test_verify_names_the_urls_of_every_gate_that_failed(workshop: Workshop) -> None:
    download = Reaction(200, {"etag": '"e1"', "content-type": "application/octet-stream", **MARK})
    objects = s3_with({"app-logos/secret.png": download})
    with fault_server(objects) as server:
        workshop.environ["S3_ENDPOINT_URL"] = server.endpoint
        rules = RULES.replace("https://localhost", server.endpoint)
        (workshop.folder / "rules.yaml").write_text(rules + "unmapped: block\n")
        mapped = {"apps/1": texts(image=f"{OLD}secret.png{SIGNED}")}
        write_database(workshop.folder / "db.jsonl", mapped)
        workshop.json(*plan_arguments("--check-public"))
        workshop.json("apply", "x.plan", "--yes")
        written = (workshop.folder / "db.jsonl").read_text()
        write_database(
            workshop.folder / "db.jsonl", {"apps/2": texts(image="gs://elsewhere/x.png")}
        )
        with (workshop.folder / "db.jsonl").open("a") as file:
            file.write(written)
        ended = workshop.run("verify", "x.plan", "--check-public", "--check-content-type")
    assert ended.status == 3
    hidden = "X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature=REDACTED"
    listed = [line.split() for line in ended.out.splitlines() if line.startswith("   ")]
    assert listed == [
        ["exposed", "apps/1", "image", f"{OLD}secret.png?{hidden}"],
        ["content-type", "apps/1", "image", f"{server.endpoint}/omi.data/app-logos/secret.png"],
        ["unmapped", "apps/2", "image", "gs://elsewhere/x.png"],
    ]
