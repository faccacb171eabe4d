"""What credentials may do: list and not read, read and not list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers.dialects.server import BUCKET, Dialect, DialectServer
from tests.servers.dialects.table import DIALECTS, FORBIDDEN, THERE
from tests.servers.fault import FaultServer, fault_server
from url_rewriter.errors import NotPermittedError
from url_rewriter.evidence import TargetState
from url_rewriter.objects import ObjectStore, Prove, S3Settings, open_objects
from url_rewriter.urls import ObjectRef

MOVED = ObjectRef(BUCKET, "moved/")


@contextmanager
def opened(
    behaviour: DialectServer, way: Prove = Prove.AUTO
) -> Iterator[tuple[FaultServer, ObjectStore]]:
    with fault_server(behaviour) as server:
        settings = S3Settings(server.endpoint, "AKID", "secret", prove=way, workers=8)
        store = open_objects(settings, [MOVED])
        try:
            yield server, store
        finally:
            store.close()


def test_credentials_that_may_only_list_are_trouble_at_the_start() -> None:
    with opened(DialectServer(DIALECTS["all forbidden"], 20, alone=True)) as (server, store):
        trouble = store.check(BUCKET)
        heads = [each for each in server.requests if each.method == "HEAD"]
    assert isinstance(trouble, NotPermittedError)
    assert "grant GetObject" in str(trouble)
    assert len(heads) < 20


def test_credentials_that_may_read_elsewhere_are_no_trouble() -> None:
    """The first keys of a bucket may be the only ones that are forbidden."""
    server = DialectServer(DIALECTS["all forbidden"], 40, ("a/",), alone=True)
    server.put({f"moved/{number:03}.png": THERE for number in range(3)})
    wanted = [ObjectRef(BUCKET, f"moved/{number:03}.png") for number in range(3)]
    with opened(server) as (running, store):
        assert store.check(BUCKET) is None
        asked = len(running.requests)
        assert store.check(BUCKET) is None
        assert len(running.requests) - asked < asked / 2
        found = list(store.prove(wanted))
    assert {each.state for each in found} == {TargetState.EXISTS}


def test_one_object_that_is_forbidden_says_nothing_of_the_others() -> None:
    with opened(DialectServer(Dialect("", [FORBIDDEN]), 1, alone=True)) as (_, store):
        assert store.check(BUCKET) is None


def test_credentials_that_may_read_and_not_list_prove_and_it_is_told() -> None:
    dialect = DIALECTS["no listing"]
    right = dialect.right(20)
    with opened(DialectServer(dialect, 20)) as (_, store):
        assert store.check(BUCKET) is None
        found = list(store.prove(ObjectRef(BUCKET, key) for key in right))
        assert store.unlisted() == {BUCKET}
    assert {each.target.key: each.state for each in found} == right


def test_a_bucket_that_may_be_listed_is_not_told() -> None:
    dialect = DIALECTS["plain"]
    with opened(DialectServer(dialect, 20), Prove.HEAD) as (_, store):
        list(store.prove(ObjectRef(BUCKET, key) for key in dialect.right(20)))
        assert not store.unlisted()
