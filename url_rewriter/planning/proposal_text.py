"""The text of a proposed rules file: YAML with comments that say what was found, and why."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence

from url_rewriter.planning.addresses import AddressKind
from url_rewriter.planning.discovery import Discovered, FoundAddress, FoundBucket
from url_rewriter.planning.proposal import STAND_IN, Proposal, is_firebase_pair
from url_rewriter.rules import Example, Rule, names
from url_rewriter.text import counted, spell_out

ENDPOINT_VARIABLE = "S3_ENDPOINT_URL"
BUCKET_VARIABLE = "S3_BUCKET_NAME"

_MOST_IN_FULL = 1_000
"""Rules up to which each has counts, remarks and an example; a file of more would be too large."""

_PLAIN = re.compile(r"[a-z][a-z0-9._/-]*[a-z0-9/]")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off"}
_LEFT_ALONE = {
    "bucket-root": "a bucket without a key, a base URL that an application joins keys to",
    "template": "a template with places to be filled in (bases: rewrite moves both)",
    "listing": "the listing of a bucket",
    "invalid-bucket": "a bucket that cannot exist",
}


def render_proposal(proposal: Proposal, file: str) -> str:
    """The rules file; ``file`` is the name that its comments give it."""
    lines = [
        *_heading(proposal.found, len(proposal.rules.rules), file),
        *_target_lines(proposal.rules.target.bucket, proposal.bucket),
        *_alias_lines(proposal.aliases),
        *_other_addresses(proposal.found.addresses, proposal.aliases),
        "rules:",
    ]
    rule_of = {rule.source.bucket: rule for rule in proposal.rules.rules}
    for family in proposal.families:
        for each in family:
            if len(rule_of) > _MOST_IN_FULL:
                lines.append(_brief_line(rule_of[each.name], proposal))
            else:
                lines += _rule_lines(each, rule_of[each.name], family, proposal)
    lines += _unusable_lines(proposal)
    return "\n".join(lines).rstrip() + "\n"


def _heading(found: Discovered, buckets: int, file: str) -> Iterator[str]:
    moment = f", as of {found.read_at}" if found.read_at else ""
    yield from _comment(
        f"Rules for url-rewriter, proposed from {found.store}{moment}: "
        f"{counted(found.scanned, 'document')} read, {counted(buckets, 'bucket')} named. "
        "Read them, change them, and go on with"
    )
    yield "#"
    rules_file, store = (spell_out(shlex.quote(each)) for each in (file, found.store))
    yield f"#   url-rewriter rules check --rules {rules_file}"
    yield f"#   url-rewriter plan --rules {rules_file} --store {store} -o x.plan"
    yield "#"
    yield from _comment(
        "A plan writes nothing to the database, and says which objects are missing."
    )
    told = [(code, words) for code, words in _LEFT_ALONE.items() if found.findings.get(code)]
    if told:
        yield "#"
        yield from _comment("Seen as well, and taken by no rule:")
        for code, words in told:
            yield from _comment(f"  {counted(found.findings[code], code)}: {words}")
    yield ""
    yield "version: 1"
    yield ""


def _target_lines(default: str, bucket: str | None) -> Iterator[str]:
    yield "target:"
    yield from _comment(
        "Written into documents: what readers open, such as https://s3.example.com. A name inside "
        "your network is wrong here; --s3-endpoint says where this tool asks for objects.",
        "  ",
    )
    yield f"  endpoint: ${{{ENDPOINT_VARIABLE}}}"
    if bucket is None:
        yield from _comment(
            f"{BUCKET_VARIABLE} was not set: each bucket is taken to have become a bucket of its "
            f"own, with the same keys. Were they merged into one bucket? Set {BUCKET_VARIABLE} and "
            "run rules init again: each gets a prefix there.",
            "  ",
        )
        yield f"  bucket: {_scalar(default)}"
    else:
        yield from _comment(
            "Each bucket has a prefix of its own in this one, so that equal keys of two buckets "
            "stay two objects. Change the prefixes to those under which your objects are.",
            "  ",
        )
        yield f"  bucket: {_bucket_text(bucket)}"
    yield ""


def _alias_lines(aliases: Sequence[FoundAddress]) -> Iterator[str]:
    if not aliases:
        return
    yield from _comment(
        "These were found to name the target's bucket already. URLs below them count as migrated "
        "and stay as they are."
    )
    yield "aliases:"
    by_endpoint: dict[str, FoundAddress] = {}
    for each in aliases:
        by_endpoint.setdefault(names.endpoint(each.address.endpoint), each)
    for endpoint, each in by_endpoint.items():
        yield f"  # {counted(each.urls, 'URL')}, such as {spell_out(each.example)}"
        yield f"  - {_scalar(endpoint)}"
    yield ""


_APIS = {
    AddressKind.FIREBASE: "Firebase's API at a host that is not Google's, as an emulator's",
    AddressKind.CLOUD_STORAGE: "Cloud Storage's API at a host that is not Google's",
    AddressKind.SIGNED: "signed for Cloud Storage, at a host whose bucket must be said",
}


def _other_addresses(
    addresses: Iterable[FoundAddress], aliases: Sequence[FoundAddress]
) -> Iterator[str]:
    """What was seen beside Cloud Storage and may have to be declared, in comments."""
    hosts: dict[str, str] = {}
    for each in addresses:
        if each in aliases:
            continue
        kind = each.address.kind
        what = _APIS.get(kind, "an S3 server that is not known to be the target")
        yield from _comment(
            f"Taken by no rule: {counted(each.urls, 'URL')}, such as {each.example}: {what}."
        )
        if kind is AddressKind.S3:
            yield from _source_lines(each)
        else:
            serves = "bucket: NAME" if kind is AddressKind.SIGNED else f"serves: {kind}"
            hosts.setdefault(each.address.endpoint.partition("://")[2], serves)
        yield ""
    if hosts:
        yield from _comment("To have such URLs rewritten, take these lines in:")
        yield "# hosts:"
        for host, serves in hosts.items():
            yield f"#   - {{host: {_scalar(host)}, {serves}}}"
        yield ""


def _source_lines(found: FoundAddress) -> Iterator[str]:
    """How an S3 server is declared that objects may have moved from, in comments."""
    bucket = found.address.bucket
    yield from _comment("If its objects moved to the target too, take these lines in:")
    yield "# sources:"
    yield f"#   - {{s3: {_scalar(found.address.endpoint)}}}"
    yield "# and below rules:"
    yield f"#   - name: {_scalar(f'{bucket} on S3')}"
    yield f"#     source: {{bucket: {_scalar(bucket)}, store: s3}}"
    yield f"#     target: {{prefix: {_scalar(f'{bucket}/')}}}"


def _rule_lines(
    found: FoundBucket, rule: Rule, family: Sequence[FoundBucket], proposal: Proposal
) -> Iterator[str]:
    bucket = proposal.bucket
    yield from _comment(
        f"{counted(found.urls, 'URL')} in {counted(found.documents, 'document')}.", "  "
    )
    for remark in (
        *_remarks_on_twins(found, family),
        *_remark_on_roots(found),
        *_remarks_on_keys(found, rule, proposal),
    ):
        yield from _comment(remark, "  ")
    if found.example and not rule.examples:
        yield f"  # Such as {spell_out(found.example)}"
    yield f"  - name: {_scalar(rule.name)}"
    yield f"    source: {{bucket: {_scalar(rule.source.bucket)}}}"
    if bucket is None:
        yield f"    target: {{bucket: {_scalar(rule.target.bucket)}}}"
    else:
        yield f"    target: {{prefix: {_scalar(rule.target.prefix)}}}"
    for example in rule.examples:
        yield "    examples:"
        yield f"      - url: {_scalar(example.url)}"
        yield f"        becomes: {_quoted(_becomes(example, bucket))}"
    yield ""


def _brief_line(rule: Rule, proposal: Proposal) -> str:
    name, source = _scalar(rule.name), _scalar(rule.source.bucket)
    target = f"prefix: {_scalar(rule.target.prefix)}"
    if proposal.bucket is None:
        target = f"bucket: {_scalar(rule.target.bucket)}"
    return f"  - {{name: {name}, source: {{bucket: {source}}}, target: {{{target}}}}}"


def _becomes(example: Example, bucket: str | None) -> str:
    """What an example becomes, with the variables of the file."""
    after = (example.becomes or "").replace("$", "$$")
    if bucket is not None:
        after = after.replace(f"{STAND_IN}/{bucket}/", f"{STAND_IN}/{_bucket_text(bucket)}/")
    return after.replace(STAND_IN, f"${{{ENDPOINT_VARIABLE}}}")


def _bucket_text(bucket: str) -> str:
    return f"${{{BUCKET_VARIABLE}:-{bucket}}}"


def _remarks_on_twins(found: FoundBucket, family: Sequence[FoundBucket]) -> Iterator[str]:
    for other in family:
        if other is found:
            continue
        if is_firebase_pair(found.name, other.name):
            yield (
                f"Near {other.name}: Firebase has given the default bucket of a project both "
                "names. If the objects of both are at one place now, write the same target in "
                "both rules; two objects of the same key would then be one."
            )
        else:
            yield f"Kept apart from {other.name}, which is another bucket: names match exactly."


def _remark_on_roots(found: FoundBucket) -> Iterator[str]:
    if found.roots:
        yield (
            f"{counted(found.roots, 'URL')} more: the bucket itself, without a key; they stay, "
            "unless the rule says bases: rewrite."
        )


def _remarks_on_keys(found: FoundBucket, rule: Rule, proposal: Proposal) -> Iterator[str]:
    if proposal.bucket is None:
        if rule.target.bucket != found.name:
            yield "S3 allows no bucket of this name: put in the one that you made."
        return
    if not found.prefix:
        return
    if found.name in proposal.apart:
        yield (
            f"All keys that were found begin with {spell_out(found.prefix)}, and none of another "
            'bucket does: if they were copied with the same keys, write {prefix: ""} as the target.'
        )


def _unusable_lines(proposal: Proposal) -> Iterator[str]:
    taken = {each.name for each in proposal.buckets}
    for each in proposal.found.buckets:
        if each.name in taken:
            continue
        if each.urls:
            why = f"({counted(each.urls, 'URL')}): no bucket has such a name."
        else:
            why = (
                f"({counted(each.roots, 'URL')}): only the bucket itself is named, without a key. "
                "A rule that says bases: rewrite would take it."
            )
        yield from _comment(f"No rule for {each.name} {why}", "  ")


def _comment(text: str, indent: str = "") -> Iterator[str]:
    """Lines of a comment, none of them long."""
    line = ""
    for word in spell_out(text).split(" "):
        if line and len(indent) + len(line) + len(word) > 96:
            yield f"{indent}# {line}"
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield f"{indent}# {line}"


def _scalar(text: str) -> str:
    """A text as a YAML value of a rules file, where ``$`` begins a variable."""
    if _PLAIN.fullmatch(text) and text not in _WORDS:
        return text
    return _quoted(text.replace("$", "$$"))


def _quoted(text: str) -> str:
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    return f"\\U{ord(character):08x}"
