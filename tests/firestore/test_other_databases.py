"""A database of several: the others are named, and were not looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.scripted_firestore import ScriptedFirestore, scripted_firestore
from url_rewriter.opaque import OpaqueWatch
from url_rewriter.pipeline.not_looked_at import look_outside, tell_outside
from url_rewriter.pipeline.requests import Limits
from url_rewriter.rules import CollectionPattern, Rules, Scope, Target, Unmapped
from url_rewriter.stores.base import OtherDatabases
from url_rewriter.stores.firestore import FirestoreReader, connect
from url_rewriter.urls import Grammar

RULES = Rules(Target("http://s3", "data"), (), Unmapped.REPORT, Scope(), Grammar())


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedFirestore]:
    with scripted_firestore() as served:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", served.host)
        yield served


def test_the_other_databases_of_the_project_are_named(server: ScriptedFirestore) -> None:
    server.named = ["(default)", "staging", "archive"]
    with closing(FirestoreReader(connect("p", "staging"))) as reader:
        outside = look_outside(reader, RULES, Limits(), OpaqueWatch())
    assert outside.databases == OtherDatabases(("firestore://p/(default)", "firestore://p/archive"))
    assert [each.text for each in tell_outside(RULES, Limits(), outside)] == [
        "database firestore://p/(default)", "database firestore://p/archive",
    ]  # fmt: skip


def test_databases_that_may_not_be_listed_are_not_taken_for_none(server: ScriptedFirestore) -> None:
    server.named = None
    with closing(FirestoreReader(connect("p"))) as reader:
        found = reader.other_databases()
    assert found == OtherDatabases(trouble="PERMISSION_DENIED: datastore.databases.list")


def test_an_only_database_is_silent(server: ScriptedFirestore) -> None:
    with closing(FirestoreReader(connect("p"))) as reader:
        assert reader.other_databases() == OtherDatabases()


def test_a_pattern_that_no_store_counts_is_told_without_a_number(server: ScriptedFirestore) -> None:
    scope = Scope(collections=(CollectionPattern("users/*/tmp"),))
    rules = Rules(Target("http://s3", "data"), (), Unmapped.REPORT, scope, Grammar())
    with closing(FirestoreReader(connect("p"))) as reader:
        outside = look_outside(reader, rules, Limits(), OpaqueWatch())
    (told,) = tell_outside(rules, Limits(), outside)
    assert (told.text, told.count) == ("collection users/*/tmp", 1)
