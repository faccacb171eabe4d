"""The YAML of a rules file: plain values, where each of them stands, and what is wrong with it.

The nodes of the YAML are walked here and not by a constructor, because all duplicate keys, tags and
unset variables are to be reported together, and because an alias must not multiply values for ever.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from url_rewriter.documents import ValuePath, format_value_path
from url_rewriter.rules.problems import Problem, RulesError, did_you_mean, quoted
from url_rewriter.rules.variables import fill

Mark: TypeAlias = tuple[int, int]
"""Line and column, from 1."""

_MAX_BYTES = 1 << 20
_MAX_VALUES = 50_000
_MAX_DEPTH = 40
_CORE = "tag:yaml.org,2002:"
_TAGS = {"str", "int", "float", "bool", "null", "timestamp", "map", "seq"}


@dataclass(frozen=True, slots=True)
class Unquoted:
    """A scalar that YAML takes for something other than text, a truth value or a whole number."""

    text: str


@dataclass(slots=True)
class Placed:
    """The plain values of a rules file, by value path, with the problems found so far.

    ``data`` holds None where a value is missing or a variable is unset; that is complained of
    already, and what is complained of once is not complained of again.
    """

    file: str
    data: Any = None
    problems: list[Problem] = field(default_factory=list)
    _keys: dict[ValuePath, Mark] = field(default_factory=dict)
    _values: dict[ValuePath, Mark] = field(default_factory=dict)
    _written: dict[ValuePath, str] = field(default_factory=dict)
    _complained: set[ValuePath] = field(default_factory=set)

    def place(self, path: ValuePath, mark: Mark) -> None:
        """Note where the value at ``path`` begins."""
        self._values[path] = mark

    def place_key(self, path: ValuePath, mark: Mark) -> None:
        """Note where the key of the value at ``path`` begins."""
        self._keys[path] = mark

    def place_written(self, path: ValuePath, text: str) -> None:
        """Note how the value at ``path`` was written, before its variables were filled in."""
        self._written[path] = text

    def line_of(self, path: ValuePath) -> int:
        """The line on which the value at ``path`` begins."""
        return self._mark_of(path)[0]

    def complain(self, path: ValuePath, message: str, *, at_key: bool = False) -> None:
        """Add a problem with the value at ``path``, or with its key.

        A message is given the path, and the text as it is in the file where variables were filled
        in; never their values. Without a message nothing is added, now or later: what is wrong
        has been told elsewhere.
        """
        inside = len(path) if at_key else len(path) + 1
        if any(path[:length] in self._complained for length in range(inside)):
            return
        self._complained.add(path)
        if not message:
            return
        line, column = (at_key and self._keys.get(path)) or self._mark_of(path)
        where = f"{format_value_path(path)}: " if path else ""
        written = f" (from {quoted(self._written[path])})" if path in self._written else ""
        self.problems.append(Problem(self.file, line, column, f"{where}{message}{written}"))

    def _mark_of(self, path: ValuePath) -> Mark:
        """The mark of a value, or, where it is missing, of what should have held it."""
        while path not in self._values and path:
            path = path[:-1]
        return self._values.get(path, (1, 1))


def read(path: Path, environ: Mapping[str, str]) -> Placed:
    """The values of a rules file, variables filled in.

    Raises RulesError where there is no file to read, or no YAML in it; what is wrong beyond that is
    among the problems of what comes back.
    """
    file = str(path)
    text = _text(path)
    yaml = YAML(typ="rt", pure=True)
    yaml.Composer = _ShallowComposer
    yaml.composer.warn_double_anchors = False
    placed = Placed(file)
    try:
        root = yaml.compose(text)
        if root is None:
            raise RulesError([Problem(file, 1, 1, "the file is empty")])
        placed.data = _NodeReader(placed, environ).value(root, ())
    except ReaderError as error:
        line, column = _mark_at(text, error.position)
        raise RulesError([Problem(file, line, column, "a control character")]) from error
    except YAMLError as error:
        raise RulesError([_not_yaml(file, text, error)]) from error
    return placed


def _text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise RulesError([Problem(str(path), 0, 0, "no such file")]) from error
    except OSError as error:
        trouble = f"cannot be read: {error.strerror or error}"
        raise RulesError([Problem(str(path), 0, 0, trouble)]) from error
    except ValueError as error:
        raise RulesError([Problem(quoted(str(path)), 0, 0, "names no file")]) from error
    if len(content) > _MAX_BYTES:
        raise RulesError([Problem(str(path), 0, 0, "larger than 1 MiB: this is no rules file")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _mark_at(content[: error.start].decode("utf-8-sig"), None)
        raise RulesError([Problem(str(path), line, column, "not UTF-8")]) from error


def _mark_at(text: str, position: int | None) -> Mark:
    before = text[:position]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _not_yaml(file: str, text: str, error: YAMLError) -> Problem:
    if not isinstance(error, MarkedYAMLError):
        return Problem(file, 1, 1, f"not YAML: {quoted(str(error))}")
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.splitlines()
    here = lines[line - 1] if line <= len(lines) else ""
    problem = error.problem or "cannot be read"
    if r"'\t'" in problem:
        message = "a tab: YAML is indented with spaces"
    elif "another document" in problem:
        message = "a second document (---): a rules file is one"
    elif "${" in here and "'{'" in problem:
        message = "inside { } and [ ], a value with a variable stands in quotes"
    else:
        context = f"{error.context}, " if error.context else ""
        message = f"not YAML: {context}{problem}"
    return Problem(file, line, column, message)


class _ShallowComposer(Composer):
    """Refuses deep nesting early: the scanner's time grows with the square of the depth."""

    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            mark = self.parser.peek_event().start_mark
            raise MarkedYAMLError(problem="nested too deeply", problem_mark=mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1


class _NodeReader:
    """Makes plain values of nodes, noting where they stand."""

    def __init__(self, placed: Placed, environ: Mapping[str, str]) -> None:
        self._placed = placed
        self._environ = environ
        self._open: set[int] = set()
        self._unset: set[str] = set()
        self._count = 0

    def value(self, node: Node, path: ValuePath) -> Any:
        self._placed.place(path, _mark_of(node))
        self._count += 1
        if self._count > _MAX_VALUES:
            message = f"more than {_MAX_VALUES:,} values, with aliases spelled out"
            raise RulesError([Problem(self._placed.file, *_mark_of(node), message)])
        trouble = self._trouble_with(node)
        if trouble is not None:
            self._placed.complain(path, trouble, at_key=_tag(node) == "null")
            return None
        self._open.add(id(node))
        try:
            match node:
                case MappingNode():
                    return dict(self._members(node, path))
                case SequenceNode():
                    items = enumerate(node.value)
                    return [self.value(item, (*path, index)) for index, item in items]
                case _:
                    return self._scalar(_tag(node), node.value, path)
        finally:
            self._open.remove(id(node))

    def _trouble_with(self, node: Node) -> str | None:
        tag = _tag(node)
        if tag not in _TAGS:
            return f"has a tag, {quoted(tag)}; values here have none"
        if tag == "null":
            return "has no value"
        return "contains itself" if id(node) in self._open else None

    def _members(self, node: MappingNode, path: ValuePath) -> Iterator[tuple[str, Any]]:
        first: dict[str, int] = {}
        for key, item in node.value:
            mark = _mark_of(key)
            trouble = _trouble_with_key(key)
            if trouble is None and key.value in first:
                trouble = f"{quoted(key.value)} stands here twice, first on line {first[key.value]}"
            if trouble is not None:
                self._placed.problems.append(Problem(self._placed.file, *mark, trouble))
                continue
            first[key.value] = mark[0]
            self._placed.place_key((*path, key.value), mark)
            yield key.value, self.value(item, (*path, key.value))

    def _scalar(self, tag: str, text: str, path: ValuePath) -> Any:
        match tag:
            case "str":
                return self._filled(text, path)
            case "bool":
                return text.lower() == "true"
            case "int" if text.isascii() and text.isdigit() and len(text) < 10:
                return int(text)
            case _:
                return Unquoted(text)

    def _filled(self, text: str, path: ValuePath) -> str | None:
        filled = fill(text, self._environ)
        trouble = None
        if filled.stray:
            trouble = "a variable is written ${NAME} or ${NAME:-default}, and a dollar $$"
        elif filled.unset:
            trouble = self._told_unset(filled.unset)
        elif re.search("[\ud800-\udfff]", filled.text):
            trouble = "is not text that UTF-8 can hold"
        if trouble is not None:
            self._placed.complain(path, trouble)
            return None
        if filled.text != text:
            self._placed.place_written(path, text)
        return filled.text

    def _told_unset(self, names: Sequence[str]) -> str:
        """What to say of unset variables: nothing of those that were spoken of before."""
        fresh = [name for name in dict.fromkeys(names) if name not in self._unset]
        self._unset.update(fresh)
        return "; ".join(
            f"variable {name} is not set{did_you_mean(name, self._environ)}" for name in fresh
        )


def _tag(node: Node) -> str:
    return (node.tag or "").removeprefix(_CORE)


def _mark_of(node: Node) -> Mark:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _trouble_with_key(key: Node) -> str | None:
    if _tag(key) == "merge":
        return "YAML 1.2 has no merge keys (<<): what rules share stands under defaults"
    if not isinstance(key, ScalarNode) or _tag(key) != "str":
        return "a key is text"
    if "$" in key.value:
        return "a key holds no variable"
    return None
