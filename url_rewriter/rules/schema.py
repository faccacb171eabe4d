"""The shape of a rules file, for pydantic and, as a JSON Schema, for editors."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import ErrorDetails, core_schema

from url_rewriter.rules import names
from url_rewriter.rules.model import (
    VERSION,
    Bases,
    Nested,
    OnMissing,
    QueryPolicy,
    ReadingPolicy,
    SourceKind,
    TextOffsets,
    Unmapped,
)
from url_rewriter.rules.problems import did_you_mean, quoted
from url_rewriter.rules.public_form import PATH_STYLE
from url_rewriter.rules.s3_sources import s3_url, trouble_with_bucket
from url_rewriter.rules.schema_values import (
    ApiOption,
    BasesOption,
    Day,
    Endpoint,
    ExcludedCollection,
    ExcludedField,
    GateOption,
    Missing,
    OffsetsOption,
    Prefix,
    QueryOption,
    ReadingsOption,
    Reason,
    SourceBucket,
    TargetBucket,
    Url,
    Version,
    WaivedCollection,
    WaivedField,
)
from url_rewriter.rules.syntax import Placed


class _FilePart(BaseModel):
    """What all mappings of a rules file share."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class TargetPart(_FilePart):
    """Where rewritten URLs point."""

    endpoint: Endpoint = Field(
        description="What is written into documents: http(s)://host[:port][/path]."
    )
    bucket: TargetBucket = Field(description="The bucket of every rule that names no other.")
    public: bool | None = Field(
        default=None,
        description="true: what is written opens without credentials, and verify fails where it "
        "does not. false: it is not meant to, and is not tried. Left out: it is tried and told.",
    )
    url: Url = Field(
        default=PATH_STYLE,
        description="How URLs are written, where readers open them elsewhere than at the endpoint: "
        "literals with {endpoint}, {bucket} and, at the end, {key}, or {key:after=PREFIX} for a "
        "key without the prefix. Objects are proven at the endpoint all the same.",
    )


class DefaultsPart(_FilePart):
    """What rules do that do not say otherwise."""

    on_missing: Missing = Field(
        default=OnMissing.BLOCK,
        description="A target that is not there: block the plan, or skip that URL and list it.",
    )
    query: QueryOption = Field(
        default=QueryPolicy.DROP,
        description="Unknown query parameters: drop or keep them. Signatures, tokens and the "
        "parameters of the API are always dropped.",
    )
    readings: ReadingsOption = Field(
        default=ReadingPolicy.SERVED,
        description="served: a URL means what Cloud Storage would have answered. repair: where "
        "that is missing, also what a broken URL was meant to be (escaped twice, or not at all).",
    )
    text_offsets: OffsetsOption = Field(
        default=TextOffsets.LEAVE,
        description="A text in a map, of which an array beside it names parts by offset and "
        "length: leave it and list it, or rewrite it, which shifts links and bold type.",
    )
    bases: BasesOption = Field(
        default=Bases.LEAVE,
        description="Bucket roots, folders (a slash at the end) and templates, which name no "
        "object: leave and list them, or rewrite them by their prefix, if an object is below it.",
    )


class ExcludePart(_FilePart):
    """A collection or a field that is left out."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    collection: ExcludedCollection | None = Field(
        default=None,
        description="A name: every collection of that name. A path: that collection, with * for "
        "one segment and ** for any number of them.",
    )
    field: ExcludedField | None = Field(
        default=None,
        description="A field with everything below it: * is one name, ** any depth, [] any "
        "element of an array; odd names stand in backticks.",
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("names either a collection or a field")
        return self


class ScopePart(_FilePart):
    """What is migrated: everything but what is excluded."""

    exclude: list[ExcludePart] = Field(
        default=[], description="Collections and fields to leave out."
    )


class SourcePart(_FilePart):
    """Which objects moved."""

    bucket: SourceBucket = Field(description="The bucket that they were in, exactly.")
    prefix: Prefix = Field(
        default="", description="What their keys begin with. The longest one of a bucket wins."
    )
    store: Annotated[SourceKind, Field(strict=False)] = Field(
        default=SourceKind.CLOUD_STORAGE,
        description="Where the bucket was: in Cloud Storage, or on an S3 server of sources.",
    )


class RuleTargetPart(_FilePart):
    """Where those objects are now."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [each]} for each in ("bucket", "prefix", "url")]}
    )

    bucket: TargetBucket | None = Field(
        default=None, description="The S3 bucket, if it is not the target's."
    )
    prefix: Prefix = Field(default="", description="What stands in place of the source's prefix.")
    public: bool | None = Field(default=None, description="In place of the target's.")
    url: Url | None = Field(
        default=None, description="How this rule's URLs are written, if not as the target's."
    )

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not {"bucket", "prefix", "url"} & self.model_fields_set:
            raise ValueError('names a prefix ("" for none), a bucket or a url')
        return self


class ExamplePart(_FilePart):
    """A URL, alone or inside text, and what becomes of it."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["becomes"]}, {"required": ["unchanged"]}]}
    )

    url: str = Field(description="The text before.")
    becomes: str | None = Field(default=None, description="The text after.")
    unchanged: Literal[True] | None = Field(
        default=None, description="true: nothing becomes of it."
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if len({"becomes", "unchanged"} & self.model_fields_set) != 1:
            raise ValueError("says either what the URL becomes, or unchanged: true")
        return self


class RulePart(_FilePart):
    """Objects that moved together."""

    name: Annotated[str, AfterValidator(names.rule_name)] = Field(
        description="What reports call the rule."
    )
    source: SourcePart
    target: RuleTargetPart
    on_missing: Missing | None = Field(default=None, description="In place of the default.")
    query: QueryOption | None = Field(default=None, description="In place of the default.")
    readings: ReadingsOption | None = Field(default=None, description="In place of the default.")
    text_offsets: OffsetsOption | None = Field(default=None, description="In place of the default.")
    bases: BasesOption | None = Field(default=None, description="In place of the default.")
    examples: list[ExamplePart] = Field(
        default=[], description="Run by rules test, before every plan."
    )


class HostPart(_FilePart):
    """A host that serves one bucket (a CNAME, a CDN), or an API (an emulator)."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["bucket"]}, {"required": ["serves"]}]}
    )

    host: Annotated[str, AfterValidator(names.host)] = Field(
        description="Its name, with :port where it has one."
    )
    bucket: SourceBucket | None = Field(
        default=None, description="The Cloud Storage bucket that it serves: paths are keys."
    )
    serves: ApiOption | None = Field(
        default=None, description="The API that it serves: the bucket stands in the path."
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if len({"bucket", "serves"} & self.model_fields_set) != 1:
            raise ValueError("says either the bucket that it serves, or serves: the API")
        return self


class S3SourcePart(_FilePart):
    """An S3 server that objects moved from."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"s3": {"pattern": r"^[^{]*$|\{bucket\}"}}},
            "then": {"properties": {"bucket": False}},
            "else": {"required": ["bucket"]},
        }
    )

    s3: Annotated[str, AfterValidator(s3_url)] = Field(
        description="Its endpoint, whose URLs have the bucket in the path or in the host, as s3:// "
        "has; or how its URLs were written: literals with {bucket} and, at the end, {key}."
    )
    bucket: SourceBucket | None = Field(
        default=None, description="The bucket of URLs that do not tell it."
    )

    @model_validator(mode="after")
    def _one_bucket(self) -> Self:
        if trouble := trouble_with_bucket(self.s3, self.bucket):
            raise ValueError(trouble)
        return self


class WaivePart(_FilePart):
    """What may stand against a gate of verify, for a reason and until a day."""

    gate: GateOption = Field(description="The gate, as verify calls it.")
    collection: WaivedCollection | None = Field(
        default=None, description="Only what stands in these collections, as in scope."
    )
    field: WaivedField | None = Field(
        default=None, description="Only what stands in these fields, as in scope."
    )
    reason: Reason = Field(
        description="Why it may stand there; reports and attestations repeat it."
    )
    until: Day = Field(description="The last day of the waiver, in UTC: YYYY-MM-DD.")


class RulesFile(_FilePart):
    """Which Cloud Storage objects moved where, for url-rewriter."""

    version: Version = Field(description="Of this format.")
    target: TargetPart
    aliases: list[Endpoint] = Field(
        default=[], description="Other endpoints whose URLs already name targets."
    )
    defaults: DefaultsPart = DefaultsPart()
    nested: Annotated[Nested, Field(strict=False)] = Field(
        default=Nested.REWRITE,
        description="A URL inside another site's URL (an image proxy, a redirect): rewrite or "
        "leave it. Rewriting breaks a signature of the outer URL.",
    )
    scope: ScopePart = ScopePart()
    rules: list[RulePart] = Field(min_length=1, description="No two have the same source.")
    hosts: list[HostPart] = Field(default=[], description="Names that serve a bucket, or an API.")
    sources: list[S3SourcePart] = Field(
        default=[], description="S3 servers that objects moved from, for rules with store: s3."
    )
    waive: list[WaivePart] = Field(
        default=[], description="What may stand against gates of verify, for a reason and a time."
    )
    unmapped: Annotated[Unmapped, Field(strict=False)] = Field(
        default=Unmapped.REPORT,
        description="A Cloud Storage URL that no rule takes: report it, or block the plan.",
    )


def validate(placed: Placed) -> RulesFile | None:
    """The file's values in their shape, or None when they are not; then ``placed`` says why."""
    try:
        return RulesFile.model_validate(placed.data)
    except ValidationError as invalid:
        for error in invalid.errors(include_url=False):
            unknown = error["type"] == "extra_forbidden"
            placed.complain(error["loc"], _message(error), at_key=unknown)
        return None


_MESSAGES = {
    "missing": "is missing",
    "list_type": "should be a list",
    "too_short": "has no rule in it",
    "int_type": f"should be the number {VERSION}",
    "literal_error": "is true, or is left out",
    "bool_type": "should be true or false",
}
"""What is said of a value, whatever it is, by pydantic's type of the error."""


def _message(error: ErrorDetails) -> str:
    match error["type"]:
        case kind if kind in _MESSAGES:
            return _MESSAGES[kind]
        case "extra_forbidden":
            *parent, key = error["loc"]
            return f"unknown key{did_you_mean(str(key), _known_keys(parent))}"
        case "string_type":
            inside = isinstance(error["input"], dict | list)
            return "should be text" if inside else "should be text: put it in quotes"
        case "model_type":
            return f"should be a mapping, with {', '.join(_known_keys(error['loc']))}"
        case "enum":
            return _none_of(error["input"], [*_words(error["ctx"]["expected"])])
        case _:
            return str(error.get("ctx", {}).get("error", error["msg"]))


def _words(expected: str) -> list[str]:
    return expected.replace(" or ", ", ").replace("'", "").split(", ")


def _none_of(word: object, words: list[str]) -> str:
    if not isinstance(word, str):
        return f"should be {' or '.join(words)}"
    return f"{quoted(word)} is none of {', '.join(words)}{did_you_mean(word, words)}"


def _known_keys(path: list[int | str] | tuple[int | str, ...]) -> list[str]:
    """The keys that a mapping at ``path`` may have."""
    schema = json_schema()
    node: Any = schema
    for step in path:
        node = node["items"] if isinstance(step, int) else node["properties"][step]
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    return list(node["properties"])


class _EditorSchema(GenerateJsonSchema):
    """A key that may be left out may not be null: it is no value that a rules file knows."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of rules files, of the 2020-12 dialect."""
    members = RulesFile.model_json_schema(schema_generator=_EditorSchema)
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        **members,
        "title": "Rules of url-rewriter",
    }
