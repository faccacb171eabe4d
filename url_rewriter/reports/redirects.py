"""An nginx map from old URLs to new ones, for hosts of your own that used to serve a bucket.

URLs live on outside the database: in mails, in search engines, in copies. Where the old host is
yours (one of the ``hosts`` of the rules), it can send them on.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

from url_rewriter.errors import ConfigurationError
from url_rewriter.planfile import Plan
from url_rewriter.reports.privacy import Privacy, Pseudonyms
from url_rewriter.rules import rules_from_json
from url_rewriter.text import counted, spell_out
from url_rewriter.urls import S3_FORMS

SUFFIXES: tuple[str, ...] = (".conf",)
SHOWN_ON_TERMINALS: bool = True

_HEAD = """\
# Old URLs and where they are now. Include this in the http block; in the old hosts' servers, say
#   if ($url_rewriter_target) { return 301 $url_rewriter_target; }
map $host$uri $url_rewriter_target {
    default "";
"""


def render(plan: Plan, privacy: Privacy) -> Iterator[str]:
    """The map. Raises ConfigurationError where names are to be hidden: it would lead nowhere."""
    if isinstance(privacy, Pseudonyms):
        raise ConfigurationError("A map of redirects names every key; it cannot be redacted.")
    hosts = rules_from_json(plan.header.rules).grammar.hosts
    if not hosts:
        yield "# The rules declare no hosts of your own; there is nothing to redirect.\n"
        return
    targets, left_out = _targets(plan, privacy, hosts)
    alike = Counter(place.lower() for place in targets)
    yield _HEAD
    for place, url in sorted(targets.items()):
        yield f"    {_source(place, alone=alike[place.lower()] == 1)} {_quoted(url)};\n"
    yield "}\n"
    if left_out:
        yield f"# {counted(left_out, 'URL')} left out: no map can spell them.\n"


def _targets(plan: Plan, privacy: Privacy, hosts: Mapping[str, str]) -> tuple[dict[str, str], int]:
    """New URLs by host and decoded path, as nginx has them in ``$host$uri``; how many it cannot."""
    names: dict[str, list[str]] = defaultdict(list)
    for host, bucket in hosts.items():
        names[bucket].append(host.partition(":")[0])
    targets: dict[str, str] = {}
    left_out: set[str] = set()
    for row in plan.urls():
        if not row.new or row.is_base or row.form in S3_FORMS or row.source_bucket not in names:
            continue
        key = row.source_key
        # Without query and fragment, so that the first of several spellings speaks for all.
        url = row.new.partition("#")[0].partition("?")[0]
        if spell_out(key) != key or privacy.text(key) != key or privacy.text(url) != url:
            left_out.add(key)
            continue
        targets |= {f"{host}/{key}": url for host in names[row.source_bucket]}
    return targets, len(left_out)


def _source(place: str, *, alone: bool) -> str:
    """A source of the map. nginx compares strings without regard to case, patterns with it."""
    return _quoted(place if alone else f"~^{re.escape(place)}$")


def _quoted(text: str) -> str:
    r"""A string of an nginx configuration.

    >>> print(_quoted('a"b\\c'))
    "a\"b\\c"
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
