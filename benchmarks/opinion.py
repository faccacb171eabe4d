"""What the second opinion adds to a scan: ``python -m benchmarks.opinion``.

Processor seconds of this process for a scan into a draft, as ``verify`` does it, with and without
the opinion in turns. Documents come from memory in blocks as large as libcurl's, so that nothing is
in the figures that a network does; what receiving costs is given by ``benchmarks.scan`` (http2).
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from google.cloud.firestore_v1 import types

from benchmarks.emulator import Data, _document, _path
from benchmarks.scan import RULES
from url_rewriter.engines import Scan
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.requests import Limits
from url_rewriter.pipeline.scan import ScanOptions, make_scan, scan_documents
from url_rewriter.planfile import Draft, Header
from url_rewriter.rules import Rules, digest_of, load_rules, rules_to_json
from url_rewriter.stores.firestore import FirestoreReader
from url_rewriter.stores.firestore.channel import Database, FirestoreChannel
from url_rewriter.stores.firestore.framing import Block
from url_rewriter.stores.firestore.messages import Message

OLD = "https://storage.googleapis.com/bench-files/"
BLOCK = 256 * 1024


class Replayed(FirestoreChannel):
    """Answers every query with the same blocks."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.database = Database("bench")
        self.emulated = True
        self._blocks = blocks

    def run_query(self, request: Message) -> Replayed:
        """The same stream."""
        return self

    def __iter__(self) -> Iterator[Block]:
        return iter(self._blocks)

    def cancel(self) -> None:
        """Nothing is under way."""

    def retries(self, doing: str) -> None:  # type: ignore[override] # never asked
        """No stream breaks."""


def make_blocks(data: Data, *, rewritten: bool) -> Iterator[Block]:
    """The documents of `benchmarks.emulator`, as a stream brings them."""
    chance = random.Random(7)
    pieces: list[bytes] = []
    for number in range(data.documents):
        name = f"projects/bench/databases/(default)/documents/{_path(chance, number)}"
        response = types.RunQueryResponse.pb()(document=_document(chance, data, name, number))
        for moment in (response.document.create_time, response.document.update_time):
            moment.FromSeconds(1_700_000_500 + number)
        raw: bytes = response.SerializeToString()
        if rewritten:
            raw = _rewritten(response)
        pieces.append(raw)
        if sum(map(len, pieces[-200:])) > BLOCK or number == data.documents - 1:
            if number == data.documents - 1:
                pieces.append(types.RunQueryResponse.pb()(done=True).SerializeToString())
            yield _block(pieces)
            pieces = []


def _rewritten(response: Message) -> bytes:
    fields = response.document.fields
    for value in (fields["image"], *fields["photos"].array_value.values):
        for old in (OLD, "gs://bench-files/"):
            new = value.string_value.replace(old, "https://files.example.com/bench/files/")
            value.string_value = new
    data: bytes = response.SerializeToString()
    return data


def _block(pieces: Sequence[bytes]) -> Block:
    ends, at = [], 0
    for piece in pieces:
        ends.append((at, at + len(piece)))
        at += len(piece)
    return Block(b"".join(pieces), ends)


def spend(scan: Scan, rules: Rules) -> float:
    """Processor seconds of one scan into a draft that is thrown away."""
    header = Header(
        store="firestore://bench/(default)",
        rules=rules_to_json(rules),
        rules_digest=digest_of(rules),
        endpoint=rules.target.endpoint,
        created_at="",
        version="",
    )
    draft = Draft(Path("bench.plan"), header, kept=False)
    started = time.process_time()
    scan_documents(scan, draft, NoProgress(), ScanOptions(), prove_migrated=True)
    spent = time.process_time() - started
    draft.abandon()
    return spent


def main() -> None:
    """Read the command line, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=1400, help="bytes of one document")
    parser.add_argument("--share", type=float, default=0.05, help="part of them that holds URLs")
    parser.add_argument("--runs", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rules.yaml")
        path.write_text(RULES)
        rules = load_rules(path, {})
    data = Data(arguments.documents, arguments.size, arguments.share)
    print("| URLs | without, s per 100,000 | opinion adds | share |\n|---|--:|--:|--:|")
    for rewritten in (False, True):
        reader = FirestoreReader(Replayed(list(make_blocks(data, rewritten=rewritten))))
        scan = make_scan(reader, rules, Limits())
        alone = replace(scan, query=replace(scan.query, opinion=None))
        costs = [(spend(alone, rules), spend(scan, rules)) for _ in range(arguments.runs)]
        without, both = (min(each) * 100_000 / data.documents for each in zip(*costs, strict=True))
        word = "new" if rewritten else "old"
        print(f"| {word} | {without:.2f} | {both - without:.2f} | {both / without - 1:.0%} |")


if __name__ == "__main__":
    main()
