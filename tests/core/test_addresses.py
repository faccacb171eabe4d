"""Addresses that may name objects: which URLs show one, and where the scan finds them."""

import pytest

from url_rewriter.planning import ADDRESS_NEEDLES, find_addresses
from url_rewriter.text import may_hold

# The URL, and the kind, endpoint and bucket that it shows; without a kind: none.
CASES = [
    ("http://minio:9000/omi-data/a.png", "s3", "http://minio:9000", "omi-data"),
    ("http://localhost:9000/some-bucket/a/b.png", "s3", "http://localhost:9000", "some-bucket"),
    ("https://s3.eu-west-1.amazonaws.com/photos/a.png", "s3",
     "https://s3.eu-west-1.amazonaws.com", "photos"),
    ("https://photos.s3.amazonaws.com/a.png", "s3", "https://s3.amazonaws.com", "photos"),
    ("https://my.photos.s3.eu-west-1.amazonaws.com/a.png", "s3",
     "https://s3.eu-west-1.amazonaws.com", "my.photos"),
    ("https://pics.nyc3.digitaloceanspaces.com/a.png", "s3",
     "https://nyc3.digitaloceanspaces.com", "pics"),
    ("https://files.example.com/data/a.png?X-Amz-Credential=k&X-Amz-Signature=0f", "s3",
     "https://files.example.com", "data"),
    ("http://localhost:9199/v0/b/x.appspot.com/o/a%2Fb.png?alt=media", "firebase",
     "http://localhost:9199", "x.appspot.com"),
    ("http://10.0.2.2:9199/download/storage/v1/b/x.appspot.com/o/a.png", "cloud-storage",
     "http://10.0.2.2:9199", "x.appspot.com"),
    ("http://127.0.0.1:4443/storage/v1/b/data/o/a.png?alt=media", "cloud-storage",
     "http://127.0.0.1:4443", "data"),
    ("https://cdn.example.com/a.png?X-Goog-Credential=me&X-Goog-Signature=0f", "signed",
     "https://cdn.example.com", ""),
    ("http://localhost:3000/images/a.png", "", "", ""),
    ("https://example.com/a/b.png", "", "", ""),
    ("https://storage.googleapis.com/b/k?X-Goog-Signature=0f", "", "", ""),
    ("http://minio:9000/", "", "", ""),
    ("http://minio:9000/omi-data/", "", "", ""),
    ("xhttp://minio:9000/omi-data/a.png", "", "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("url", "kind", "endpoint", "bucket"), CASES)
def test_a_url_shows_the_address_of_its_server(
    url: str, kind: str, endpoint: str, bucket: str
) -> None:
    expected = [(kind, endpoint, bucket)] if kind else []
    for text in (url, f"see ({url}).", f'{{"u": "{url}"}}', url.replace("/", "\\/")):
        assert [tuple(address) for address, _ in find_addresses(text)] == expected, text


@pytest.mark.parametrize("url", [url for url, kind, _, _ in CASES if kind not in ("", "signed")])
def test_a_scan_for_needles_misses_no_address(url: str) -> None:
    assert may_hold(url, ADDRESS_NEEDLES)


def test_a_bucket_of_the_target_is_known_at_any_host_and_below_any_path() -> None:
    text = "https://files.example.com/s3/omi-data/u1/a.png"
    assert list(find_addresses(text)) == []
    [(address, url)] = find_addresses(text, ["omi-data"])
    assert address == ("s3", "https://files.example.com/s3", "omi-data")
    assert url == text


def test_a_bucket_whose_name_only_begins_alike_is_none_of_the_target() -> None:
    assert list(find_addresses("https://files.example.com/omi-data-dev/a", ["omi-data"])) == []


def test_what_gives_access_is_not_shown() -> None:
    text = "http://minio:9000/omi-data/a.png?X-Amz-Credential=c0ffee&X-Amz-Signature=decaf"
    [(_, url)] = find_addresses(text)
    assert "c0ffee" not in url
    assert "decaf" not in url
