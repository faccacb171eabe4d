from collections.abc import Callable

from url_rewriter.planning import check_examples
from url_rewriter.rules import Rules

HEAD = """\
version: 1
target: {endpoint: "http://localhost:9000", bucket: data}
rules:
  - name: logos
    source: {bucket: old-logos}
    target: {prefix: logos/}
"""
OTHER = """\
  - name: files
    source: {bucket: old-files}
    target: {prefix: files/}
"""


def examples(*lines: str) -> str:
    return "    examples:\n" + "".join(f"      - {line}\n" for line in lines)


def test_examples_that_hold_are_ok(load: Callable[..., Rules]) -> None:
    results = check_examples(
        load(HEAD + examples(
            "{url: gs://old-logos/a b.png, becomes: http://localhost:9000/data/logos/a%20b.png}",
            "{url: gs://old-logos-dev/a.png, unchanged: true}",
            "{url: http://localhost:9000/data/logos/a.png, unchanged: true}",
            "{url: nothing to see, unchanged: true}",
        ))
    )  # fmt: skip
    assert [result.why for result in results] == ["", "", "", ""]
    assert all(result.ok for result in results)
    assert [result.line for result in results] == [8, 9, 10, 11]
    assert results[0].got == results[0].expected == "http://localhost:9000/data/logos/a%20b.png"


def test_an_example_fails_with_its_reason(load: Callable[..., Rules]) -> None:
    results = check_examples(
        load(HEAD + examples(
            "{url: gs://old-logos/a.png, becomes: http://localhost:9000/data/a.png}",
            "{url: gs://old-logos/a.png, unchanged: true}",
            "{url: gs://elsewhere/a.png, becomes: http://localhost:9000/data/logos/a.png}",
            "{url: nothing, becomes: something}",
            "{url: http://localhost:9000/data/x, becomes: http://localhost:9000/data/x}",
            "{url: https://storage.googleapis.com/old-logos/, becomes: http://localhost:9000/data/}",
            "{url: gs://old-files/a, becomes: http://localhost:9000/data/files/a}",
        ) + OTHER)
    )  # fmt: skip
    assert not any(result.ok for result in results)
    assert [result.why for result in results] == [
        "becomes http://localhost:9000/data/logos/a.png, not http://localhost:9000/data/a.png",
        "becomes http://localhost:9000/data/logos/a.png",
        "no rule takes elsewhere",
        "holds no Cloud Storage URL",
        "names a target already",
        "is left alone: bucket-root",
        "rule files takes it",
    ]


def test_an_example_may_be_text_around_urls(load: Callable[..., Rules]) -> None:
    [result] = check_examples(
        load(HEAD + examples(
            "{url: 'see (https://storage.googleapis.com/old-logos/a.png), ok',"
            " becomes: 'see (http://localhost:9000/data/logos/a.png), ok'}"
        ))
    )  # fmt: skip
    assert result.ok, result.why
