"""What of a plan may be shown: never a secret and, where that is asked for, no name of a person.

A plan file holds whole URLs. Every text of it passes a ``Privacy`` on its way into a report.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from url_rewriter.documents import ValuePath, format_value_path
from url_rewriter.planfile import Plan, UrlFacts
from url_rewriter.rules import Rules, rules_from_json
from url_rewriter.urls import S3_FORMS, ObjectRef, redact, redact_url

_NO_NAME = re.compile(r"[A-Za-z_]{1,40}")
_WORDS = re.compile(r"[A-Za-z, ]+")
_WILD = ("*", "**")
_EXTENSION = re.compile(r"(?<=.)\.[A-Za-z0-9]{1,5}$", re.DOTALL)


class Privacy:
    """Shows texts as they are, but for signatures, tokens and credentials."""

    def text(self, text: str) -> str:
        """Text whose place in a report says what it is: a rule, a bucket, a store."""
        return redact(text)

    def prose(self, text: str) -> str:
        """Text that may quote a document: why one was left alone, who started a run."""
        return self.text(text)

    def file(self, name: str) -> str:
        """A file's name, or the locator of a store."""
        return self.text(name)

    def document(self, path: str) -> str:
        """A document path, or a pattern of the command line."""
        return redact_url(path)

    def field(self, path: ValuePath) -> str:
        """A value path, as people read it."""
        return format_value_path(
            tuple(step if isinstance(step, int) else redact_url(step) for step in path)
        )

    def field_pattern(self, path: ValuePath) -> str:
        """A value path with every array index left out, which groups alike places."""
        return re.sub(r"\[\d+\]", "[]", self.field(path))

    def key(self, bucket: str, key: str) -> str:
        """A key of ``bucket``. Where a URL is read otherwise, it may hold the URL's query."""
        return redact_url(key)

    def old_url(self, row: UrlFacts) -> str:
        """The URL that stands in a document."""
        return redact_url(row.old)

    def new_url(self, row: UrlFacts) -> str:
        """The URL that replaces it."""
        return redact_url(row.new)

    def excerpt(self, text: str) -> str:
        """A URL, or what looks like one, from anywhere in a document."""
        return redact_url(text)

    def seal(self, seal: str) -> str:
        """The seal of the plan."""
        return seal


class Pseudonyms(Privacy):
    """Shows document ids, and whatever a rule's prefix does not say of a key, as pseudonyms.

    A name has the same pseudonym wherever it stands, so that a report can still be followed. They
    are keyed with the plan's provenance, which no report shows: a reader who has the report and not
    the plan file cannot find a name out by trying.
    """

    def __init__(self, secret: str, rules: Rules) -> None:
        self._key = secret.encode()
        self._rules = rules
        places = [place for rule in rules.rules for place in (rule.source, rule.target)]
        self._prefixes = sorted(
            {(place.bucket, place.prefix) for place in places}, key=lambda place: -len(place[1])
        )

    def _name(self, name: str) -> str:
        return (
            "~" + hmac.digest(self._key, name.encode(errors="surrogatepass"), "sha256").hex()[:10]
        )

    def prose(self, text: str) -> str:
        """The words before a colon; a pseudonym for what follows, or for the whole."""
        says, colon, quotes = text.partition(": ")
        if _WORDS.fullmatch(says) and (colon or " " in says):
            return f"{says}: {self._name(quotes)}" if colon else says
        return self._name(text) if text else ""

    def excerpt(self, text: str) -> str:
        """The words before a colon; a pseudonym for what follows, or for the whole."""
        return self.prose(text)

    def file(self, name: str) -> str:
        """A file without its folders, one of which may be a home folder; a database as it is."""
        if "://" in name:
            return self.text(name)
        scheme, colon, path = name.rpartition(":")
        return scheme + colon + path.rpartition("/")[2]

    def document(self, path: str) -> str:
        """A document path with its collections, which are names of things and not of people."""
        return "/".join(
            self._name(name) if at % 2 and name not in _WILD else name
            for at, name in enumerate(path.split("/"))
        )

    def field(self, path: ValuePath) -> str:
        """A value path; names that are no plain words are pseudonyms, since maps have ids."""
        return format_value_path(
            tuple(
                step if isinstance(step, int) or _NO_NAME.fullmatch(step) else self._name(step)
                for step in path
            )
        )

    def key(self, bucket: str, key: str) -> str:
        """The longest prefix that a rule names, then a pseudonym for each segment."""
        prefix = next(
            (
                prefix
                for known, prefix in self._prefixes
                if known == bucket and key.startswith(prefix)
            ),
            "",
        )
        rest = key[len(prefix) :]
        extension = match[0] if (match := _EXTENSION.search(rest)) else ""
        names = rest.removesuffix(extension).split("/")
        return prefix + "/".join(self._name(name) if name else "" for name in names) + extension

    def old_url(self, row: UrlFacts) -> str:
        """The object that the URL names; a pseudonym where it names none."""
        if not row.source_key:
            return self._name(row.old)
        scheme = "s3" if row.form in S3_FORMS else "gs"
        return f"{scheme}://{row.source_bucket}/{self.key(row.source_bucket, row.source_key)}"

    def new_url(self, row: UrlFacts) -> str:
        """The target's URL, without its query."""
        if not row.new:
            return ""
        place = self._rules.place_of(ObjectRef(row.target_bucket, row.target_key))
        return place.base + self.key(place.bucket, row.target_key).removeprefix(place.after)

    def seal(self, seal: str) -> str:
        """The beginning of the seal, which tells plans apart and computes no pseudonym."""
        return seal[:8]


def privacy_of(plan: Plan, *, pseudonyms: bool) -> Privacy:
    """How the texts of ``plan`` are shown."""
    if not pseudonyms:
        return Privacy()
    secret = hashlib.sha256(plan.provenance.encode()).hexdigest()
    return Pseudonyms(secret, rules_from_json(plan.header.rules))
