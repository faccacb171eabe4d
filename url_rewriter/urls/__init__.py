"""Cloud Storage URLs, alone or inside text and its escapings.

    text ── scanning ──▶ a URL, its place and escaping ── recognition ──▶ form, bucket, key
      ── readings ──▶ Occurrence ── (rules, the object store) ──▶ Replacement ── rewriting ──▶ text

`find` reads one string value of a document. It asks three questions of it, in this order.

*What encloses the URL?* A value that a URL begins may belong to its key to the last character,
blanks and brackets included (`values`). Each string of a JSON document kept in a string is a value;
so is what stands between quotes, in a Markdown destination, in ``url(...)`` (`containers`). In
other text a URL ends at the characters that can be in none (`boundaries`), and everywhere before
the next URL.

*How is it escaped?* JSON, HTML, percent-encoding inside another URL, SQL's doubled quotes and
backslashes of all kinds are undone once each, to any depth, and redone on rewriting with the very
spellings that the old URL used (`escapes`, `scanning`). PHP's declared lengths follow
(`serialized`).

*What does it name?* One table (`forms.FORMS`) holds every way to spell an object, and every address
that only looks like one. A key is decoded once, or not at all; where people are known to write
it otherwise, or a key may end sooner, the occurrence has further readings, and the object store
decides (`readings`, `ends`).

**The law of conservation.** What a rewrite takes away is a URL and nothing else. A key may be any
text, so the objects say where a key ends: every honest end is a reading, and what stands behind the
reading that is taken stays. The objects cannot say where a query ends, and a query is dropped. So a
query is what a strict grammar reads (`query`): ``name=value`` pairs, whose values are of known
alphabets; the first character that fits in no pair is text, and stays. No URL runs over another:
where a second scheme or host begins, the first URL ends (a query that is one parameter with a URL
as its value goes whole, with a remark). Parameters of a URL around another are that URL's, and
stay. URLs of the target are read in the same way, so that what was written is found again.

A value that is one URL in a common spelling answers all three at a glance (`plain`).

Whatever names Cloud Storage and was not read in any of these ways is left and reported (`unread`).

Nothing here raises on any text, and all of it takes linear time.
"""

from __future__ import annotations

from url_rewriter.text import may_hold
from url_rewriter.urls.encoding import target_url, url_below
from url_rewriter.urls.hosts import endpoint_place, is_cloud_storage
from url_rewriter.urls.model import (
    S3_FORMS,
    Api,
    Base,
    Form,
    Found,
    Grammar,
    Left,
    ObjectRef,
    Occurrence,
    Reading,
    Remark,
    Replacement,
    S3Address,
    TargetPlace,
)
from url_rewriter.urls.needles import needles
from url_rewriter.urls.plain import read_plain
from url_rewriter.urls.redaction import redact, redact_url
from url_rewriter.urls.rewriting import rewrite
from url_rewriter.urls.scanning import in_value
from url_rewriter.urls.unread import with_unread
from url_rewriter.urls.values import Context

__all__ = [
    "S3_FORMS",
    "Api",
    "Base",
    "Form",
    "Found",
    "Grammar",
    "Left",
    "ObjectRef",
    "Occurrence",
    "Reading",
    "Remark",
    "Replacement",
    "S3Address",
    "TargetPlace",
    "endpoint_place",
    "find",
    "is_cloud_storage",
    "needles",
    "parse",
    "redact",
    "redact_url",
    "rewrite",
    "target_url",
    "url_below",
]

_PLAIN = Grammar()
_NOTHING = Found()
_PLAIN_BEGINS = ("http", "gs://")


def find(text: str, grammar: Grammar = _PLAIN) -> Found:
    """Every URL in ``text``, one whole string value of a document. Never raises.

    >>> found = find("See https://storage.googleapis.com/data/a%20b.png.")
    >>> found.occurrences[0].readings[0].source
    ObjectRef(bucket='data', key='a b.png')
    """
    if text.startswith(_PLAIN_BEGINS) and (plain := read_plain(text, grammar)) is not None:
        return plain
    if not may_hold(text, needles(grammar)):
        return _NOTHING
    items = list(in_value(text, Context(grammar)))
    whole = with_unread(text, items, grammar)
    left = [item for item in whole if isinstance(item, Left)]
    if len(whole) > len(items):
        left.sort(key=lambda each: (each.start, each.end))
    return Found(tuple(item for item in whole if isinstance(item, Occurrence)), tuple(left))


def parse(url: str, grammar: Grammar = _PLAIN) -> Occurrence | Left | None:
    """What ``url`` alone means, or None where it is nothing of ours.

    >>> parse("gs://data/a.png").form
    <Form.GS: 'gs'>
    """
    found = find(url, grammar)
    return found.occurrences[0] if found.occurrences else next(iter(found.left), None)
