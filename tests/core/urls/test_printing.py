"""What may be printed, what may be configured, and how a new URL is spelled."""

import pytest

from url_rewriter.urls import Grammar, ObjectRef, is_cloud_storage, needles, redact, target_url

SECRET = "5e56a1-Sec%2FRet%3D"


@pytest.mark.parametrize(
    "text",
    [
        "https://h.test/k?X-Goog-Signature=^&x=1",
        "https://h.test/k?x=1&x-goog-credential=^",
        "https://h.test/k?X-Amz-Security-Token=^#f",
        "https://h.test/k?GoogleAccessId=^&Expires=1&Signature=^",
        "https://h.test/k?AWSAccessKeyId=^",
        "https://h.test/k?alt=media&token=^",
        "https://h.test/k?upload_id=^",
        "https://h.test/k?key=^&access_token=^",
        "https://h.test/#access_token=^",
        "https://h.test/k?jk=^ and https://h.test/k?qk=^.",
        '<img src="https://h.test/k?alt=media&amp;token=^">',
        "https:\\/\\/h.test\\/k?alt=media\\u0026token\\u003d^\\u0026x",
        '{"u": "https://h.test/k?token=^", "v": 1}',
        "[a](https://h.test/k?token=^)",
        "https://user:^@h.test/k",
        "https:\\/\\/user:^@h.test\\/k",
    ],
)
def test_no_secret_is_left_in_what_is_printed(text: str) -> None:
    printed = redact(text.replace("^", SECRET))
    assert printed == text.replace("user:^", "REDACTED").replace("^", "REDACTED") or (
        "REDACTED" in printed and "Sec" not in printed and "5e56" not in printed
    )


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        (
            "https%3A%2F%2Fh%2Fk%3Fa%3D1%26token%3Dabc%26x%3D2&w",
            "https%3A%2F%2Fh%2Fk%3Fa%3DREDACTED%26token%3DREDACTED%26x%3DREDACTED&w",
        ),
        (
            "u=https%253A%252F%252Fh%252Fk%253Ftoken%253Dabc%2526x&w",
            "u=https%253A%252F%252Fh%252Fk%253Ftoken%253DREDACTED%2526x&w",
        ),
        ("https://h/k?token=a%26b", "https://h/k?token=REDACTED"),
        ("https%3A%2F%2Fuser%3Apw%40h%2Fk", "https%3A%2F%2FREDACTED%40h%2Fk"),
    ],
)
def test_a_secret_ends_where_its_own_escaping_says(text: str, printed: str) -> None:
    assert redact(text) == printed


@pytest.mark.parametrize(
    "text",
    [
        "https://h.test/k?generation=1&alt=media",
        "token=abc is no URL",
        "https://h.test/a@b",
        "a: b@c",
        "https://h.test/tokens?w=640&h=480#t=10",
    ],
)
def test_text_without_a_secret_is_printed_as_it_is(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://storage.googleapis.com",
        "https://storage.googleapis.com/data",
        "storage.googleapis.com",
        "//storage.googleapis.com",
        "https://data.storage.googleapis.com",
        "https://storage-mine.p.googleapis.com",
        "https://storage.googleapis.com:443",
        "https://Storage.GoogleAPIs.com./",
        "https://user@storage.googleapis.com",
        "https://storage.cloud.google.com",
        "https://x.firebasestorage.app",
        "https://firebasestorage.googleapis.com/v0",
        "https://00-apidata.googleusercontent.com",
        "gs://data",
        "gcs://data",
    ],
)
def test_an_endpoint_that_is_cloud_storage_is_known_as_such(endpoint: str) -> None:
    assert is_cloud_storage(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://localhost:9000",
        "https://s3.example.com",
        "https://notgoogleapis.com",
        "http://minio",
        "",
    ],
)
def test_any_other_endpoint_is_not(endpoint: str) -> None:
    assert not is_cloud_storage(endpoint)


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("a b", "a%20b"),
        ("a+b", "a%2Bb"),
        ("a%20b", "a%2520b"),
        ("a/b//c/", "a/b//c/"),
        ("-._~", "-._~"),
        ("()'!*,;:@&=$?#[]", "%28%29%27%21%2A%2C%3B%3A%40%26%3D%24%3F%23%5B%5D"),
        ("é☃\U0001f600", "%C3%A9%E2%98%83%F0%9F%98%80"),
        ("A\u030a\u212b", "A%CC%8A%E2%84%AB"),
        ("\x00", "%00"),
    ],
)
def test_a_key_is_encoded_strictly_and_once(key: str, path: str) -> None:
    assert target_url("https://s3.test/", ObjectRef("data", key)) == f"https://s3.test/data/{path}"


def test_a_query_and_a_fragment_are_kept_as_they_are() -> None:
    url = target_url("https://s3.test", ObjectRef("data", "a"), query="v=%20", fragment="t=1")
    assert url == "https://s3.test/data/a?v=%20#t=1"


def test_needles_are_few_and_name_what_is_configured() -> None:
    grammar = Grammar(
        hosts={"cdn.example.com:8443": "data", "x.storage.googleapis.com": "x"},
        targets=("http://MinIO.local:9000/store",),
    )
    assert len(needles()) <= 9
    assert set(needles(grammar)) - set(needles()) == {"cdn.example.com", "minio.local"}
    assert all(needle == needle.lower() and needle.isascii() for needle in needles(grammar))
