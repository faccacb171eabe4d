"""``show --format copy-list``: source objects for rclone, and the command that copies them right.

Keys change on the way, a bucket becoming a folder of another one, so a list is only right together
with the two folders that rclone copies between. ``url-rewriter copy`` needs none of this.
"""

from __future__ import annotations

import re
import shlex
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from url_rewriter.pipeline.held_plan import planned_rules
from url_rewriter.planfile import Plan, UrlFilter
from url_rewriter.rules import Rule, Rules
from url_rewriter.urls import S3_FORMS, ObjectRef

# What rclone reads as paths, cleans, or spells in another way (rclone's documentation, "Overview",
# "Restricted filenames": control characters and what stands for them in a file's name).
_NOT_FOR_RCLONE = re.compile(
    "^/|//|/$|(?:^|/)\\.\\.?(?:/|$)|[\x00-\x1f\x7f\u201b\u2400-\u2421\uff0e\uff0f\ud800-\udfff]"
)

_PLAIN = re.compile(r"[A-Za-z0-9._/-]*")  # goes into a list of remotes without quotes


@dataclass(frozen=True, slots=True)
class Route:
    """The two folders, each a bucket and what of its keys ends in a slash, that a rule moves
    between with names left as they are."""

    source: ObjectRef
    target: ObjectRef


def route_of(rule: Rule) -> Route | None:
    """The folders of a rule; None where it changes names, which rclone cannot.

    A prefix may end in the middle of a name, as long as the name stays:

    >>> from url_rewriter.rules import ObjectPrefix, Rule
    >>> rule = Rule("logos", ObjectPrefix("old", "img/v1-"), ObjectPrefix("new", "logos/v1-"))
    >>> route_of(rule).source, route_of(rule).target.key
    (ObjectRef(bucket='old', key='img/'), 'logos/')
    >>> route_of(Rule("logos", ObjectPrefix("old", "img-"), ObjectPrefix("new", "logos/")))
    """
    source, target = rule.source.prefix, rule.target.prefix
    name = source.rpartition("/")[2]
    if name != target.rpartition("/")[2]:
        return None
    return Route(
        ObjectRef(rule.source.bucket, source.removesuffix(name)),
        ObjectRef(rule.target.bucket, target.removesuffix(name)),
    )


class RcloneList:
    """The source objects of the URLs that are ``wanted``, each once, as lines for rclone.

    With a rule in ``wanted`` the lines are below the rule's folder, otherwise below their buckets.
    The commands are known when all lines were read.
    """

    def __init__(self, plan: Plan, wanted: UrlFilter) -> None:
        self._plan = plan
        self._wanted = wanted
        self._used: dict[str, Rule] = {}
        self.left_out = 0

    def lines(self) -> Iterator[str]:
        """The list; keys that rclone would take for others are left out and counted."""
        rules = planned_rules(self._plan)
        alone = _rule_called(rules, self._wanted.rule)
        route = route_of(alone) if alone else None
        folder = route.source.key if route else ""
        for rule, source in _distinct(_sources(self._plan, rules, self._wanted)):
            self._used[rule.name] = rule
            if _NOT_FOR_RCLONE.search(source.key):
                self.left_out += 1
            elif alone:
                yield source.key.removeprefix(folder)
            else:
                yield f"{source.bucket}/{source.key}"

    def commands(self) -> Iterator[str]:
        """What to do with the list, line by line. Remotes are called gcs and s3;
        --ignore-existing overwrites nothing."""
        used = list(self._used.values())
        if not used:
            return
        if self._wanted.rule is not None:
            yield f"  Copy them     {command_of(self._plan, used[0])}"
        elif (command := _joint_command(used)) is not None:
            yield f"  Copy them     {command}"
        else:
            yield "One rclone command cannot copy this list. For each rule:"
            for rule in used:
                yield from self._commands_of(rule)
        yield "where keys.txt holds the list, and gcs and s3 are your remotes. rclone keeps content"
        yield (
            f"types, not cache headers and metadata: `url-rewriter copy {self._plan.path}` keeps"
            " all of them."
        )

    def _commands_of(self, rule: Rule) -> Iterator[str]:
        if route_of(rule) is not None:
            words = ["url-rewriter", "show", str(self._plan.path), "--rule", rule.name]
            words += ["--status", self._wanted.status] if self._wanted.status else []
            listed = shlex.join([*words, "--format", "copy-list"])
            yield f"  List them     {listed} > keys.txt"
        yield f"  Copy them     {command_of(self._plan, rule)}"


def _rule_called(rules: Rules, name: str | None) -> Rule | None:
    return next((rule for rule in rules.rules if rule.name == name), None)


def _sources(plan: Plan, rules: Rules, wanted: UrlFilter) -> Iterator[tuple[Rule, ObjectRef]]:
    """The object that each URL means, as it is likeliest read, with the rule that takes it.

    Those of S3 servers are left out: which server it was, and how rclone calls it, is not known.
    """
    called = {rule.name: rule for rule in rules.rules}
    for row in plan.urls(wanted):
        if row.rule and row.source_key and not row.is_base and row.form not in S3_FORMS:
            yield called[row.rule], ObjectRef(row.source_bucket, row.source_key)


def _distinct(
    sources: Iterable[tuple[Rule, ObjectRef]],
) -> Iterator[tuple[Rule, ObjectRef]]:
    """Each once; what was seen is kept on disk, since a plan may miss millions of objects."""
    seen = sqlite3.connect("", isolation_level=None)
    seen.executescript(
        "PRAGMA synchronous=OFF; CREATE TABLE seen"
        " (bucket TEXT, key TEXT, PRIMARY KEY (bucket, key)) WITHOUT ROWID"
    )
    try:
        for rule, source in sources:
            values = (source.bucket, source.key)
            if seen.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", values).rowcount:
                yield rule, source
    finally:
        seen.close()


def command_of(plan: Plan, rule: Rule) -> str:
    """The command that copies the list of one rule: our own where it changes names."""
    route = route_of(rule)
    if route is None:
        return shlex.join(["url-rewriter", "copy", str(plan.path), "--rule", rule.name])
    return _command(f"gcs:{_path(route.source)}", f"s3:{_path(route.target)}")


def _joint_command(rules: Sequence[Rule]) -> str | None:
    """The command that copies a list of several rules, whose lines begin with buckets; or None.

    Of rclone's ``combine`` remote each bucket is a folder, so no bucket may be divided by rules.
    """
    routes = [route for rule in rules if (route := route_of(rule)) is not None]
    buckets = {route.source.bucket for route in routes}
    whole = all(not route.source.key for route in routes)
    paths = [path for route in routes for path in (route.source.bucket, _path(route.target))]
    plain = all(_PLAIN.fullmatch(path) for path in paths)
    if not (len(routes) == len(rules) == len(buckets) and whole and plain):
        return None
    sources = [f"{route.source.bucket}=gcs:{route.source.bucket}" for route in routes]
    targets = [f"{route.source.bucket}=s3:{_path(route.target)}" for route in routes]
    return _command(*(f':combine,upstreams="{" ".join(each)}":' for each in (sources, targets)))


def _command(source: str, target: str) -> str:
    words = ("rclone", "copy", "--files-from-raw", "keys.txt", "--ignore-existing", source, target)
    return shlex.join(words)


def _path(folder: ObjectRef) -> str:
    return f"{folder.bucket}/{folder.key}".rstrip("/")
