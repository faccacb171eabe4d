"""What asking for every target just before its write costs `apply`: processor seconds.

Over an embedded store in this process, against a server that answers from memory
(``static_s3.py``); once as it is, once with an object store that asks for nothing.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.proof import KEY_ID, SECRET, server
from benchmarks.static_s3 import key_of
from url_rewriter.evidence import Evidence, Method, TargetState
from url_rewriter.objects import ListedObject, Unopened
from url_rewriter.pipeline.apply import ApplyRequest, apply
from url_rewriter.pipeline.consent import Consent, NoOperator
from url_rewriter.pipeline.plan import PlanRequest, plan
from url_rewriter.pipeline.progress import NoProgress
from url_rewriter.pipeline.services import Services
from url_rewriter.urls import ObjectRef

RULES = """\
version: 1
target: {{endpoint: {endpoint}, bucket: bench}}
rules: [{{name: all, source: {{bucket: old-bucket}}, target: {{prefix: ""}}}}]
"""


class Silent:
    """Says that everything exists, and asks for nothing."""

    def check(self, bucket: str) -> None:
        """No trouble."""

    def prove(self, targets: Iterable[ObjectRef]) -> Iterator[Evidence]:
        """Evidence made up."""
        now = datetime.now(UTC)
        return (Evidence(each, TargetState.EXISTS, Method.HEAD, now) for each in targets)

    def unlisted(self) -> Collection[str]:
        """Nothing is asked for."""
        return ()

    def try_open(self, found: Iterable[Evidence]) -> Iterator[Unopened]:
        """All open."""
        return iter(())

    def contradicted(self) -> Collection[ObjectRef]:
        """Nothing."""
        return ()

    def contents(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        """Nothing."""
        return iter(())

    def clock(self, bucket: str) -> None:
        """No time."""

    def close(self) -> None:
        """Nothing is held."""


def measure(endpoint: str, count: int, *, asking: bool) -> float:
    """Processor seconds of an apply of ``count`` documents, each with one target of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rules.yaml").write_text(RULES.format(endpoint=endpoint))
        with (folder / "db.jsonl").open("w") as file:
            for number in range(count):
                url = f"https://storage.googleapis.com/old-bucket/{key_of(number)}"
                fields = {"image": {"stringValue": url}}
                print(json.dumps({"path": f"users/{number:07}", "fields": fields}), file=file)
        environ = {"S3_ACCESS_KEY_ID": KEY_ID, "S3_SECRET_ACCESS_KEY": SECRET}
        services = Services(environ)
        store = f"embedded:{folder / 'db.jsonl'}"
        rules = services.read_rules(folder / "rules.yaml")
        kept = folder / "rules.yaml"
        plan(PlanRequest(folder / "x.plan", store, rules, kept), services, NoProgress())
        if not asking:
            services = Services(environ, open_objects=lambda settings, prefixes: Silent())
        request = ApplyRequest(folder / "x.plan", Consent(yes=True))
        before = _work()
        written = apply(request, services, NoProgress(), NoOperator())
        spent = _work() - before
        assert written.totals.outcomes["written"] == count
        return spent


def _work() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print both, and what the difference is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000)
    count = parser.parse_args().documents
    with server(count, 0) as endpoint:
        measure(endpoint, 100, asking=True)  # loads the clients
        without, asking = (measure(endpoint, count, asking=each) for each in (False, True))
    print("| apply | CPU s |\n| --- | --: |")
    print(f"| asking for nothing | {without:.2f} |\n| as it is | {asking:.2f} |")
    print(f"\n{asking / without - 1:.0%} more")


if __name__ == "__main__":
    main()
