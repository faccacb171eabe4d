"""What every command is made of: options in groups, help that fits the terminal, who gave a value.

A library for groups (rich-click, cloup) was measured: it makes ``--help`` 40 to 180 ms slower.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import click

PREFIX = "URL_REWRITER_"
"""What the environment variable of every option begins with."""

_NARROW = 78  # columns; below it the text of an option begins further to the left


class OptionGroup(StrEnum):
    """The groups of options, in the order in which help shows them."""

    INPUT = "Rules and database"
    FILTER = "Filter"
    SCAN = "Scan"
    TARGET = "Target"
    EVIDENCE = "Evidence"
    VERDICT = "Verdict"
    WRITE = "Write"
    PACE = "Pace"
    OUTPUT = "Output"
    SETTINGS = "Settings and help"


class GroupedOption(click.Option):
    """An option that belongs to a group."""

    def __init__(
        self,
        declarations: tuple[str, ...],
        *,
        group: OptionGroup = OptionGroup.SETTINGS,
        **attributes: Any,
    ) -> None:
        super().__init__(declarations, **attributes)
        self.group = group

    @property
    def long_name(self) -> str:
        """Its name with two dashes, the first where it has several."""
        return next(each for each in self.opts if each.startswith("--"))

    def get_help_extra(self, ctx: click.Context) -> Any:
        """What help says beside its text; no range that only keeps zero out."""
        extra = super().get_help_extra(ctx)
        if "<" not in extra.get("range", "<"):
            del extra["range"]
        return extra


class HelpFormatter(click.HelpFormatter):
    """Bold headings, and columns that fit a narrow terminal."""

    def write_heading(self, heading: str) -> None:
        """Write a heading; what it is written to decides about its weight."""
        self.write(f"{'':>{self.current_indent}}{click.style(f'{heading}:', bold=True)}\n")

    def write_dl(self, rows: Any, col_max: int = 30, col_spacing: int = 2) -> None:
        """Write two columns."""
        super().write_dl(rows, 14 if self.width < _NARROW else col_max, col_spacing)


class HelpContext(click.Context):
    """Help without colour where the environment wants none."""

    formatter_class = HelpFormatter

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        if self.color is None and os.environ.get("NO_COLOR"):
            self.color = False


class _FoldedHelp(click.Command):
    """Help whose examples are folded where the terminal is narrow."""

    context_class = HelpContext

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the description."""
        self.help, kept = fold_examples(self.help or "", formatter.width - 2), self.help
        try:
            super().format_help_text(ctx, formatter)
        finally:
            self.help = kept


class Command(_FoldedHelp):
    """A command whose options stand in groups.

    ``says`` replaces the help of shared options, by their names, where they do something of their
    own in this command.
    """

    def __init__(
        self, *arguments: Any, says: Mapping[str, str] | None = None, **attributes: Any
    ) -> None:
        super().__init__(*arguments, **attributes)
        named = {name: each for each in self.params for name in each.opts}
        for name, text in (says or {}).items():
            option = named[name]
            assert isinstance(option, click.Option)  # noqa: S101 - arguments have no help
            option.help = text

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; where a shell asks for the value of the last option, what stands before it."""
        if ctx.resilient_parsing and args and self._takes_value(args[-1]):
            args = args[:-1]  # otherwise click would know of no argument at all
        return super().parse_args(ctx, args)

    def _takes_value(self, word: str) -> bool:
        options = (each for each in self.params if isinstance(each, click.Option))
        return any(word in each.opts and not each.is_flag for each in options)

    def groups(self, ctx: click.Context) -> Iterator[tuple[str, list[click.Option]]]:
        """The title of each group that this command has, and its options; help is in the last."""
        options = [each for each in self.get_params(ctx) if isinstance(each, click.Option)]
        for group in OptionGroup:
            members = [each for each in options if _group_of(each) is group]
            if members:
                yield group.value, members

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, group by group."""
        for title, members in self.groups(ctx):
            with formatter.section(title):
                rows = [row for each in members if (row := each.get_help_record(ctx))]
                formatter.write_dl([_narrowed(*row, formatter.width) for row in rows])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Say how else an option may be given."""
        named = [each for each in self.params if isinstance(each, GroupedOption) and each.envvar]
        if named:
            formatter.write_paragraph()
            formatter.write_text(
                f"An environment variable stands for every option, as {named[0].envvar} for "
                f"{named[0].long_name}; url-rewriter help environment names all."
            )


def _narrowed(usage: str, text: str, width: int) -> tuple[str, str]:
    """A row of help whose choices stand in its text where they are too many for a line."""
    name, bracket, choices = usage.partition(" [")
    if len(usage) + 2 <= width or not bracket:
        return usage, text
    return f"{name} WORD", f"{text} One of {', '.join(choices.rstrip(']').split('|'))}."


class Group(_FoldedHelp, click.Group):
    """Commands, in the order in which they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write their names, each with the first sentence of its help."""
        rows = [(name, each.get_short_help_str(200)) for name, each in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


Group.command_class = Command


def walk(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    """Every command below a group with its whole name, and no group."""
    for name, each in group.commands.items():
        if isinstance(each, click.Group):
            yield from ((f"{name} {sub}", command) for sub, command in walk(each))
        else:
            yield name, each


def _group_of(option: click.Option) -> OptionGroup:
    return option.group if isinstance(option, GroupedOption) else OptionGroup.SETTINGS


_WORD = r"""(?:[^\s"']|"[^"]*"|'[^']*')+"""
# An option stays with its value, and what redirects with the file.
_WORDS = re.compile(rf"-{_WORD}(?: (?![->]){_WORD})?|>+ {_WORD}|{_WORD}")


def fold_examples(text: str, width: int) -> str:
    r"""A description whose commands are at most ``width`` wide, folded as a shell reads them.

    >>> print(fold_examples("Examples:\n  url-rewriter plan --rules r.yaml -o x.plan", 30))
    Examples:
      url-rewriter plan \
          --rules r.yaml \
          -o x.plan
    """
    return "\n".join(_folded(line, width) for line in text.split("\n"))


def _folded(line: str, width: int) -> str:
    margin = line[: len(line) - len(line.lstrip())]
    if len(line) <= width or not margin or "url-rewriter " not in line:
        return line
    lines, current = [], margin
    for word in _WORDS.findall(line):
        if current.strip() and len(current) + 1 + len(word) > width - 2:
            lines.append(f"{current} \\")
            current = f"{margin}    {word}"
        else:
            current = f"{current} {word}" if current.strip() else f"{current}{word}"
    return "\n".join([*lines, current])
