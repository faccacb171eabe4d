"""Every rule in ``rules/`` does what its own examples say."""

import configparser
from collections.abc import Mapping
from pathlib import Path

import pytest

import url_rewriter
from url_rewriter.documents import Document, Revision
from url_rewriter.evidence import TargetState
from url_rewriter.planning import Planner, check_examples
from url_rewriter.rules import OnMissing, Rules, load_rules
from url_rewriter.urls import ObjectRef

FOLDER = Path(__file__).parents[1] / "rules"
OMI = {
    "S3_ENDPOINT_URL": "https://s3.example.com",
    "S3_BUCKET_NAME": "omi-data",
    "BUCKET_SPEECH_PROFILES": "speech-profiles",
    "BUCKET_POSTPROCESSING": "postprocessing_audio",
    "BUCKET_MEMORIES_RECORDINGS": "memories-recordings",
    "BUCKET_TEMPORAL_SYNC_LOCAL": "syncing",
    "BUCKET_PLUGINS_LOGOS": "plugins.logos.example.com",
    "BUCKET_APP_THUMBNAILS": "app-thumbnails",
    "BUCKET_CHAT_FILES": "omi-prod.firebasestorage.app",
}
VARIABLES = {
    "omi-buckets.yaml": {
        "MINIO_PUBLIC_ENDPOINT": "https://s3.example.com",
        "BUCKET_POSTPROCESSING": "postprocessing-audio",  # a name that S3 allows
    }
}
"""What a file needs beside, or instead of, Omi's variables."""
PREFIXES = {
    "BUCKET_SPEECH_PROFILES": "speech-profiles/",
    "BUCKET_POSTPROCESSING": "postprocessing/",
    "BUCKET_MEMORIES_RECORDINGS": "memories-recordings/",
    "BUCKET_TEMPORAL_SYNC_LOCAL": "temporal-sync/",
    "BUCKET_PLUGINS_LOGOS": "app-logos/",
    "BUCKET_APP_THUMBNAILS": "app-thumbnails/",
    "BUCKET_CHAT_FILES": "chat-files/",
}


@pytest.mark.parametrize(
    "environ",
    [
        OMI,
        OMI | {"S3_ENDPOINT_URL": "http://localhost:9000/"},
        OMI | {"S3_ENDPOINT_URL": "https://Files.example.com:8443/s3/"},
        OMI | {name: f"{OMI[name]}-dev" for name in PREFIXES if "firebase" not in OMI[name]},
    ],
    ids=["plain", "slash", "path", "development"],
)
@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.name)
def test_shipped_examples_hold(file: Path, environ: Mapping[str, str]) -> None:
    results = check_examples(load_rules(file, {**environ, **VARIABLES.get(file.name, {})}))
    assert [(result.line, result.why) for result in results if not result.ok] == []


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.name)
def test_every_shipped_rule_has_an_example(file: Path) -> None:
    for rule in load_rules(file, OMI | VARIABLES.get(file.name, {})).rules:
        assert any(example.becomes for example in rule.examples), rule.name


@pytest.fixture(scope="module")
def omi() -> Rules:
    return load_rules(FOLDER / "omi.yaml", OMI)


@pytest.mark.parametrize("variable", PREFIXES)
def test_each_bucket_of_omi_has_its_prefix(omi: Rules, variable: str) -> None:
    ref = ObjectRef(OMI[variable], "u1/a b.wav")
    rule = omi.rule_for(ref)
    assert rule is not None
    assert rule.target_of(ref) == ObjectRef("omi-data", f"{PREFIXES[variable]}u1/a b.wav")
    assert omi.rule_for(ObjectRef(f"{OMI[variable]}-dev", "u1/a b.wav")) is None


@pytest.mark.parametrize("variable", PREFIXES)
def test_each_bucket_of_omi_may_become_one_of_the_same_name(variable: str) -> None:
    environ = OMI | VARIABLES["omi-buckets.yaml"]
    rules = load_rules(FOLDER / "omi-buckets.yaml", environ)
    ref = ObjectRef(environ[variable], "u1/a b.wav")
    rule = rules.rule_for(ref)
    assert rule is not None
    assert rule.target_of(ref) == ref
    assert rules.target.endpoint == environ["MINIO_PUBLIC_ENDPOINT"]


def test_every_installation_has_every_file() -> None:
    here = Path(url_rewriter.__file__).parent
    shipped = {path.name: path.read_bytes() for path in (here / "rules/examples").glob("*.yaml")}
    assert shipped == {path.name: path.read_bytes() for path in FOLDER.glob("*.yaml")}
    config = configparser.ConfigParser()
    config.read(FOLDER.parent / "setup.cfg")
    data = config["options.package_data"]
    assert "examples/*.yaml" in data["url_rewriter.rules"].split()
    for package, patterns in data.items():
        folder = here.parent / package.replace(".", "/")
        for pattern in patterns.split():
            assert list(folder.glob(pattern)), f"{package}: {pattern}"


def test_only_links_that_were_short_lived_may_be_dead(omi: Rules) -> None:
    skipping = {rule.name for rule in omi.rules if rule.on_missing is OnMissing.SKIP}
    assert skipping == {"postprocessing", "temporal-sync"}


def test_what_omi_compares_exactly_is_left_alone(omi: Rules) -> None:
    assert omi.scope.excludes_collection("desktop_preview_manifests")


def test_the_editor_rules_mend_a_url_that_was_escaped_twice() -> None:
    planner = Planner(load_rules(FOLDER / "editor.yaml", {}))
    planned = planner.plan_text((), "https://storage.googleapis.com/my-project.appspot.com/a%2520b")
    assert planned is not None
    there = ObjectRef("my-files", "posts/a b")

    def state_of(target: ObjectRef) -> TargetState:
        return TargetState.EXISTS if target == there else TargetState.MISSING

    after = planner.settle(planned, state_of).after
    assert after == "https://s3.example.com/my-files/posts/a%20b"


def test_the_editor_rules_rewrite_a_text_of_which_fields_name_parts() -> None:
    planner = Planner(load_rules(FOLDER / "editor.yaml", {}))
    text = "See https://storage.googleapis.com/my-project.appspot.com/cat.jpg"
    document = Document("c/d", Revision("1"), ((("text",), text),), measured=frozenset({("text",)}))
    (planned,) = planner.plan_document(document).texts
    after = planner.settle(planned, lambda target: TargetState.EXISTS).after
    assert after == "See https://s3.example.com/my-files/posts/cat.jpg"
