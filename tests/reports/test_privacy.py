"""No format shows a secret; with pseudonyms, none shows a name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reports.plans import CHAT, DOCUMENTS, LOGO, document_of, make_plan, write_plan
from tests.reports.rendering import render, render_text
from url_rewriter.documents import Document, Outcome, Revision
from url_rewriter.errors import ConfigurationError
from url_rewriter.planfile import Plan
from url_rewriter.reports import REPORTS, privacy_of
from url_rewriter.reports.privacy import Privacy
from url_rewriter.urls import redact

SECRETS = ("5ig2a7ure", "t0k3n-5ecret", "5vc-cr3dential", "pa55w0rd")
WITH_SECRETS = (
    document_of(f"{LOGO}a.png?X-Goog-Signature=5ig2a7ure&X-Goog-Credential=5vc-cr3dential", "c/1"),
    document_of(
        "https://firebasestorage.googleapis.com/v0/b/omi-chat/o/u%2Fb.png?alt=media&token=t0k3n-5ecret",
        "c/2",
    ),
    document_of(f'{{"url": "{LOGO}a.png?Signature=5ig2a7ure&Expires=1"}}', "c/3"),
    document_of("https://storage.googleapis.com/elsewhere/x?token=t0k3n-5ecret", "c/4"),
    document_of("https://me:pa55w0rd@storage.googleapis.com/omi-logos/a.png", "c/5"),
    document_of("https://storage.googleapis.com/omi-logos?token=t0k3n-5ecret", "c/6"),
    document_of("gs://omi-logos/k?token=t0k3n-5ecret", "c/7"),
    document_of(f"{LOGO}a.png", "c/x?token=t0k3n-5ecret", ("f?token=t0k3n-5ecret",)),
)

NAMES = (
    "ada@example.com",
    "bob",
    "Ünïcode",
    "%C3%9Cn",
    "plus_thumbnail",
    "gone.png",
    "ops@build-7",
)


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("pseudonyms", [False, True])
def test_no_format_shows_a_secret(tmp_path: Path, name: str, pseudonyms: bool) -> None:
    if name == "redirects" and pseudonyms:
        pytest.skip("a map of redirects cannot be redacted")
    path = make_plan(tmp_path / "p", WITH_SECRETS)
    report = render(path, name, pseudonyms=pseudonyms).decode(errors="replace")
    assert [secret for secret in SECRETS if secret in report] == []


@pytest.mark.parametrize("name", ["html", "json", "csv", "markdown", "junit"])
def test_pseudonyms_hide_every_name(tmp_path: Path, name: str) -> None:
    left = {"users/ada@example.com/files/f1": (Outcome.CONFLICT, "left alone: by_user.bob")}
    path = write_plan(make_plan(tmp_path / "p", compared=True), outcomes=left)
    report = render_text(path, name, pseudonyms=True)
    assert [each for each in NAMES if each in report] == []
    assert "users/~" in report


def test_names_that_key_a_map_are_hidden_too(tmp_path: Path) -> None:
    documents = [document_of(LOGO + "a.png", "c/d", ("by_user", "u-4711", "image"))]
    path = make_plan(tmp_path / "p", documents, missing=["app-logos/a.png"])
    for name in ("html", "json", "csv", "markdown", "junit"):
        report = render_text(path, name, pseudonyms=True)
        assert "4711" not in report
        assert "by_user" in report


def test_a_name_has_one_pseudonym_wherever_it_stands(tmp_path: Path) -> None:
    privacy = privacy_of(Plan(make_plan(tmp_path / "p")), pseudonyms=True)
    document = privacy.document("users/ada@example.com/files/f1")
    key = privacy.key("omi-chat", "ada@example.com/photo.jpg")
    assert document.split("/")[1] == key.split("/")[0]
    assert document.split("/")[0::2] == ["users", "files"]
    assert key.endswith(".jpg")


def test_two_plans_have_different_pseudonyms(tmp_path: Path) -> None:
    one = privacy_of(Plan(make_plan(tmp_path / "1")), pseudonyms=True)
    other = privacy_of(Plan(make_plan(tmp_path / "2", DOCUMENTS[:2])), pseudonyms=True)
    assert one.document("users/ada") != other.document("users/ada")


def test_folders_and_patterns_of_the_command_line_name_nobody(tmp_path: Path) -> None:
    privacy = privacy_of(Plan(make_plan(tmp_path / "p")), pseudonyms=True)
    assert privacy.file("embedded:/home/ada/dump.jsonl") == "embedded:dump.jsonl"
    assert privacy.file("/home/ada/rules.yaml") == "rules.yaml"
    assert privacy.file("firestore://omi-prod/(default)") == "firestore://omi-prod/(default)"
    assert privacy.document("users/*/files") == "users/*/files"
    assert "ada" not in privacy.document("users/ada/files")


def test_the_key_of_the_pseudonyms_is_not_in_the_report(tmp_path: Path) -> None:
    path = make_plan(tmp_path / "p")
    seal = Plan(path).seal
    for name in ("html", "json", "csv", "markdown", "junit", "parquet"):
        assert seal[:20].encode() not in render(path, name, pseudonyms=True)


def test_a_map_of_redirects_is_not_redacted_but_refused(tmp_path: Path) -> None:
    path = make_plan(tmp_path / "p")
    with pytest.raises(ConfigurationError, match="cannot be redacted"):
        render(path, "redirects", pseudonyms=True)


def test_target_prefixes_are_shown_and_what_follows_them_is_not(tmp_path: Path) -> None:
    documents = [Document("c/d", Revision("1"), ((("f",), CHAT + "ada/secret/pic.png"),))]
    report = render_text(make_plan(tmp_path / "p", documents), "json", pseudonyms=True)
    assert "https://s3.example.com/omi-data/chat-files/~" in report
    assert "secret" not in report


@given(
    st.text(
        st.sampled_from("?&;#=%:/@\\utokensigx-gopw3dD26 a.")
        | st.characters(exclude_categories=["Cs"]),
        max_size=60,
    )
)
def test_what_is_shown_is_what_redaction_leaves(text: str) -> None:
    assert Privacy().text(text) == redact(text)
