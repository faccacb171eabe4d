"""The canary opens new URLs, and those of http and https only."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from url_rewriter.objects.transport.anonymous import make_opener
from url_rewriter.objects.transport.settings import S3Settings
from url_rewriter.pipeline.canary import fetch_anonymously


class Answers(BaseHTTPRequestHandler):
    """``/there`` is there, ``/empty`` has no first byte, ``/to?URL`` redirects."""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self.send_response({"/there": 200, "/empty": 416, "/to": 302}.get(path, 404))
        if query:
            self.send_header("Location", query)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *values: object) -> None:  # noqa: A002 - its name there
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answers) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


@pytest.mark.parametrize(
    ("path", "trouble"),
    [("/there", ""), ("/empty", ""), ("/to?/there", ""), ("/gone", "HTTP 404")],
)
def test_an_http_url_is_opened(server: str, path: str, trouble: str) -> None:
    assert fetch_anonymously(server + path) == trouble


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:,x", "FILE:///x", "x"]
)
def test_nothing_else_is_opened(url: str) -> None:
    assert fetch_anonymously(url) == "no http or https URL: it was not opened"


@pytest.mark.parametrize(
    ("url", "trouble"),
    [
        ("file:///etc/passwd", "HTTP 302"),
        ("data:,x", "HTTP 302"),
        ("ftp://127.0.0.1/x", "unreachable: unknown url type: ftp"),
    ],
)
def test_no_redirect_leads_elsewhere(server: str, url: str, trouble: str) -> None:
    assert fetch_anonymously(f"{server}/to?{url}") == trouble


def test_the_check_for_public_urls_opens_no_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("secret")
    answer = make_opener(S3Settings("https://s3.example.com"))("GET", path.as_uri())
    assert answer.status == 0
