"""Credentials and caps that end midway: the same reason and exit status as at the start."""

from __future__ import annotations

import threading

import pytest

from tests.cli.command import OLD, Workshop, plan_arguments, read_database, texts, write_database
from tests.servers.fault import (
    MARK,
    Behaviour,
    Reaction,
    Request,
    fault_server,
    present,
    s3_with,
    xml_error,
)

EXPIRED = xml_error(400, "ExpiredToken")
CAP = Reaction(
    403,
    {"content-type": "application/xml", **MARK},
    b"<Error><Code>AccessDenied</Code><Message>Transaction cap exceeded.</Message></Error>",
)
ENDS = {
    "a session token": (EXPIRED, "the session token has ended: renew it (AWS_SESSION_TOKEN)"),
    "a cap of requests": (CAP, "the account's cap is used up: raise it"),
}
COUNT = 30


class Ending:
    """A server that answers as S3 does until it has refused to be asked ``before`` more times."""

    def __init__(self, inner: Behaviour, refusal: Reaction) -> None:
        self.inner, self.refusal = inner, refusal
        self.ended = threading.Event()
        self.last_key = ""

    def __call__(self, request: Request) -> Reaction:
        if self.last_key and request.key == self.last_key:
            self.ended.set()
        return self.refusal if self.ended.is_set() else self.inner(request)


def store() -> Behaviour:
    return s3_with({f"app-logos/{number}.png": present() for number in range(COUNT)})


def use(workshop: Workshop, endpoint: str) -> None:
    workshop.environ["S3_ENDPOINT_URL"] = endpoint
    documents = {f"apps/{n}": texts(image=f"{OLD}{n}.png") for n in range(COUNT)}
    write_database(workshop.folder / "db.jsonl", documents)


def told(err: str) -> str:
    """The line of the error, which the next commands follow."""
    return next(line for line in err.splitlines() if line.startswith("Error: "))


@pytest.mark.parametrize(("refusal", "remedy"), ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("last_key", ["", "app-logos/7.png"], ids=["at the start", "midway"])
def test_a_plan_says_why_it_could_not_go_on(
    workshop: Workshop, refusal: Reaction, remedy: str, last_key: str
) -> None:
    server = Ending(store(), refusal)
    server.last_key = last_key
    if not last_key:
        server.ended.set()
    with fault_server(server) as running:
        use(workshop, running.endpoint)
        ended = workshop.run(*plan_arguments())
    assert ended.status == 4
    assert remedy in told(ended.err)
    assert "SSE-C" not in workshop.run("show", "x.plan").out


@pytest.mark.parametrize(("refusal", "remedy"), ENDS.values(), ids=ENDS)
def test_an_apply_stops_and_the_same_command_goes_on(
    workshop: Workshop, refusal: Reaction, remedy: str
) -> None:
    server = Ending(store(), refusal)
    with fault_server(server) as running:
        use(workshop, running.endpoint)
        workshop.json(*plan_arguments())
        before = read_database(workshop.folder / "db.jsonl")
        server.last_key = "app-logos/7.png"
        ended = workshop.run("apply", "x.plan", "--yes")
        assert ended.status == 4
        assert remedy in told(ended.err)
        assert read_database(workshop.folder / "db.jsonl") == before
        server.last_key = ""
        server.ended.clear()
        assert workshop.json("apply", "x.plan", "--yes")["urls"]["written"] == COUNT
