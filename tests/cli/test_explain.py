"""``rules explain --prove``: the objects decide how a URL is read."""

from __future__ import annotations

from tests.cli.command import NEW, OLD, Workshop
from tests.servers.s3 import ServedS3


def explain(workshop: Workshop, text: str, *more: str) -> dict[str, object]:
    found = workshop.json("rules", "explain", "--rules", "rules.yaml", text, *more)
    (url,) = found["urls"]
    assert isinstance(url, dict)
    return url


def test_without_proof_the_likeliest_reading_is_taken(workshop: Workshop) -> None:
    url = explain(workshop, "gs://old-logos/proof%20one.png")
    assert url["key"] == "proof%20one.png"
    assert url["result"] == f"{NEW}proof%2520one.png"


def test_with_proof_the_reading_whose_object_exists_is_taken(
    workshop: Workshop, s3: ServedS3
) -> None:
    s3.put("app-logos/proof two.png")
    url = explain(workshop, "gs://old-logos/proof two.png, of the second proof", "--prove")
    assert url["key"] == "proof two.png"
    assert url["result"] == f"{NEW}proof%20two.png"


def test_a_missing_object_is_said(workshop: Workshop) -> None:
    ended = workshop.run("rules", "explain", "--rules", "rules.yaml", "--prove", f"{OLD}no.png")
    assert ended.status == 0
    assert "omi.data/app-logos/no.png: missing" in ended.out


def test_wrong_credentials_are_said(workshop: Workshop) -> None:
    workshop.environ["S3_SECRET_ACCESS_KEY"] = "wrong"
    ended = workshop.run("rules", "explain", "--rules", "rules.yaml", "--prove", f"{OLD}no.png")
    assert ended.status == 4
