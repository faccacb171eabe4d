"""Where the settings come from, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from tests.servers.fault import fault_server, present, s3_with
from url_rewriter.errors import ConfigurationError
from url_rewriter.objects import S3Settings, open_objects
from url_rewriter.urls import ObjectRef

RULES = "http://rules.example:9000"


def settings(environ: dict[str, str], endpoint: str | None = None) -> S3Settings:
    return S3Settings.from_environ(environ, endpoint=endpoint, fallback_endpoint=RULES)


def test_the_endpoint_is_the_first_that_is_given() -> None:
    environ = {
        "S3_ENDPOINT_URL": "http://guide",
        "AWS_ENDPOINT_URL_S3": "http://aws-s3",
        "AWS_ENDPOINT_URL": "http://aws",
    }
    assert settings(environ, "http://option").endpoint == "http://option"
    for name, expected in [
        ("S3_ENDPOINT_URL", "http://guide"),
        ("AWS_ENDPOINT_URL_S3", "http://aws-s3"),
        ("AWS_ENDPOINT_URL", "http://aws"),
    ]:
        assert settings(environ).endpoint == expected
        environ[name] = ""
    assert settings(environ).endpoint == RULES


def test_the_region_is_taken_from_the_environment() -> None:
    both = {"AWS_REGION": "eu-north-1", "AWS_DEFAULT_REGION": "us-west-2"}
    assert settings(both).region == "eu-north-1"
    assert settings({"AWS_DEFAULT_REGION": "us-west-2"}).region == "us-west-2"
    assert settings({}).region is None


@pytest.mark.parametrize("name", ["S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"])
def test_half_a_key_pair_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="Only one of"):
        settings({name: "half-a-pair"})


def test_a_session_token_is_sent_beside_a_key_pair() -> None:
    pair = {"S3_ACCESS_KEY_ID": "id", "S3_SECRET_ACCESS_KEY": "secret"}
    temporary = settings({**pair, "AWS_SESSION_TOKEN": "token-1"})
    assert settings(pair).session_token is None
    assert settings({"AWS_SESSION_TOKEN": "token-1"}).session_token is None
    assert "token-1" not in repr(temporary)
    with fault_server(s3_with({"k": present()})) as server:
        store = open_objects(replace(temporary, endpoint=server.endpoint))
        list(store.prove([ObjectRef("b.c_d", "k")]))
        store.close()
        tokens = {request.headers.get("x-amz-security-token") for request in server.requests}
    assert tokens == {"token-1"}


def test_white_space_around_a_secret_is_refused_without_showing_it() -> None:
    environ = {"S3_ACCESS_KEY_ID": "id", "S3_SECRET_ACCESS_KEY": "hush-hush\n"}
    with pytest.raises(ConfigurationError, match="white space") as caught:
        settings(environ)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "endpoint",
    ["localhost:9000", "minio", "ftp://h", "http://", "http://h:99999", "http://h?x=1", "s3://b"],
)
def test_an_endpoint_that_is_no_server_is_refused(endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match="endpoint"):
        settings({}, endpoint)


def test_a_password_in_the_endpoint_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigurationError) as caught:
        settings({}, "https://ada:hush-hush@s3.example.com")
    assert "hush" not in str(caught.value)


def test_a_trailing_slash_of_the_endpoint_is_dropped() -> None:
    assert settings({}, "http://h:9000/").endpoint == "http://h:9000"


def test_credentials_do_not_show() -> None:
    text = repr(settings({"S3_ACCESS_KEY_ID": "AKIDAKID", "S3_SECRET_ACCESS_KEY": "hush-hush"}))
    assert "AKIDAKID" not in text
    assert "hush" not in text


@pytest.mark.parametrize("changes", [{"workers": 0}, {"max_rps": 0.0}, {"max_rps": -1.0}])
def test_a_number_that_makes_no_sense_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        S3Settings(RULES, **changes)  # type: ignore[arg-type]  # ints among them


def test_a_profile_that_is_not_there_is_a_matter_of_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    with pytest.raises(ConfigurationError, match="no-such-profile"):
        open_objects(settings({}))


def test_settings_load_no_sdk() -> None:
    code = "import sys, url_rewriter.objects; sys.exit('boto3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": "."})
    assert done.returncode == 0
