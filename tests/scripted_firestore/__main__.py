"""The scripted server as a process of its own, which a killed client leaves running.

Prints ``host:port`` on its first line when it answers. Serves until it is terminated, or until its
standard input ends if ``--until-eof`` is given, so that it never outlives the test that started it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from google.cloud.firestore_v1 import types
from google.protobuf import json_format

from tests.scripted_firestore.script import parse_order
from tests.scripted_firestore.server import ScriptedFirestore


def main(arguments: list[str]) -> None:
    options = _parser().parse_args(arguments)
    server = ScriptedFirestore(options.port)
    for text in options.on:
        method, reaction, times = parse_order(text)
        server.script.on(method, reaction, times=times)
    if options.load:
        _load(server, options.database, options.load)
    if options.ledger:
        server.script.ledger = options.ledger
    server.start()
    print(server.host, flush=True)
    if options.until_eof:
        sys.stdin.read()
        server.stop()
    else:
        server.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.scripted_firestore")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--database", default="projects/demo/databases/(default)")
    parser.add_argument("--load", type=Path, help="JSON Lines of documents in REST form")
    parser.add_argument("--ledger", type=Path, help="append each write that was done, as JSON")
    parser.add_argument("--until-eof", action="store_true")
    parser.add_argument(
        "--on",
        action="append",
        default=[],
        metavar="METHOD=REACTION[*TIMES]",
        help="refuse:CODE stall:S late:S drop cut:N:CODE end:N twice short:N",
    )
    return parser


def _load(server: ScriptedFirestore, database: str, path: Path) -> None:
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.strip():
            document = json.loads(line)
            message = types.Document.pb()()
            json_format.ParseDict({"fields": document.get("fields", {})}, message)
            server.databases[database].set(document["path"], message)


main(sys.argv[1:])
