"""The scripted server in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from tests.scripted_firestore.client import Client, text
from tests.scripted_firestore.process import REPOSITORY, scripted_process
from tests.scripted_firestore.script import Cut, Drop, Refuse, Stall, parse_order

DATABASE = "projects/demo/databases/(default)"

WRITE_FOR_EVER = """
import sys
from tests.scripted_firestore.client import Client, text
client = Client(sys.argv[1], sys.argv[2])
for number in range(1_000_000):
    client.write(client.update(f"c/{number}", {"x": text("1")}))
    print(number, flush=True)
"""


def test_it_loads_documents_and_keeps_a_ledger(tmp_path: Path) -> None:
    data, ledger = tmp_path / "data.jsonl", tmp_path / "ledger.jsonl"
    fields = {"image": {"stringValue": "gs://b/k"}, "n": {"integerValue": "3"}}
    data.write_text(json.dumps({"path": "users/ada", "fields": fields}) + "\n")
    with scripted_process("--load", str(data), "--ledger", str(ledger)) as host:
        client = Client(host, DATABASE)
        assert client.paths() == ["users/ada"]
        client.write(client.update("users/ada", {"image": text("new")}, "image"))
        client.write(client.update("users/ada", {"image": text("new")}, "image"))
        assert client.fields("users/ada")["n"].integer_value == 3
    noted = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert noted == [
        {"path": "users/ada", "changed": True},
        {"path": "users/ada", "changed": False},
    ]


def test_it_follows_orders_of_its_command_line() -> None:
    with scripted_process("--on", "BatchWrite=drop*2", "--on", "RunQuery=refuse:ABORTED") as host:
        client = Client(host, DATABASE)
        for path in ("c/a", "c/b"):
            with pytest.raises(grpc.RpcError):
                client.write(client.update(path, {"x": text("1")}))
        with pytest.raises(grpc.RpcError):
            client.paths()
        assert client.write(client.update("c/c", {"x": text("1")})) == [0]
        assert client.paths() == ["c/a", "c/b", "c/c"]


def test_it_outlives_a_killed_client() -> None:
    with scripted_process() as host:
        command = [sys.executable, "-c", WRITE_FOR_EVER, host, DATABASE]
        with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            acknowledged = {writer.stdout.readline() for _ in range(5)}
            writer.kill()
        assert writer.returncode == -signal.SIGKILL
        assert len(Client(host, DATABASE).paths()) >= len(acknowledged)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("BatchWrite=drop", ("BatchWrite", Drop(), 1)),
        ("BatchWrite=stall:0.5*7", ("BatchWrite", Stall(0.5), 7)),
        (
            "RunQuery=cut:10:INTERNAL",
            ("RunQuery", Cut(10, grpc.StatusCode.INTERNAL), 1),
        ),
        (
            "ListCollectionIds=refuse:ABORTED*2",
            ("ListCollectionIds", Refuse(grpc.StatusCode.ABORTED), 2),
        ),
    ],
)
def test_an_order_is_read(order: str, expected: tuple[object, ...]) -> None:
    assert parse_order(order) == expected


@pytest.mark.parametrize("order", ["BatchWrite", "BatchWrite=explode", "RunQuery=cut:10"])
def test_an_order_that_is_none_is_refused(order: str) -> None:
    with pytest.raises(ValueError, match="no such order"):
        parse_order(order)
