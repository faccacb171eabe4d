"""What every command is made of: options in groups, help that fits the terminal, who gave a value.

A library for groups (rich-click, cloup) was measured: it makes ``--help`` 40 to 180 ms slower.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from url_rewriter.errors import ConfigurationError

if TYPE_CHECKING:
    from url_rewriter.cli.settings import Settings

PREFIX = "URL_REWRITER_"
"""What the environment variable of every option begins with."""

CHOICE = "url_rewriter.settings"
"""Where a context keeps which settings file and profile were typed, as words of a command."""

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

    @property
    def key(self) -> str:
        """Its name in a settings file."""
        return str(self.envvar).removeprefix(PREFIX).lower().replace("_", "-")

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> Any:
        """Its value from the command line, a variable, the settings file, or by default."""
        if not self.is_eager and not ctx.resilient_parsing:
            assert isinstance(ctx, CommandContext)  # noqa: S101 - the context of a Command
            if ctx.settings is None:
                from url_rewriter.cli.settings import load_settings

                load_settings(ctx, opts)
        return super().consume_value(ctx, opts)

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Its value, converted; a wrong one is blamed on the place that it came from."""
        try:
            return super().process_value(ctx, value)
        except click.BadParameter as error:
            if is_given_elsewhere(ctx, self):
                error.param_hint = f"{self.long_name}, from {origin_of(ctx, self)}"
            raise

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


class CommandContext(click.Context):
    """Knows what a settings file says; help without colour where the environment wants none."""

    formatter_class = HelpFormatter
    settings: Settings | None = None

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        if self.color is None and os.environ.get("NO_COLOR"):
            self.color = False


class _FoldedHelp(click.Command):
    """Help whose examples are folded where the terminal is narrow."""

    context_class = CommandContext

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the description."""
        self.help, kept = fold_examples(self.help or "", formatter.width - 2), self.help
        try:
            super().format_help_text(ctx, formatter)
        finally:
            self.help = kept


def origin_of(ctx: click.Context, option: GroupedOption) -> str:
    """What gave an option its value: a flag, a variable, a line of a file, or nothing."""
    match ctx.get_parameter_source(str(option.name)):
        case click.core.ParameterSource.COMMANDLINE:
            return option.long_name
        case click.core.ParameterSource.ENVIRONMENT:
            return f"environment variable {option.envvar}"
        case click.core.ParameterSource.DEFAULT_MAP:
            settings = ctx.settings if isinstance(ctx, CommandContext) else None
            return settings.origin(option.key) if settings else ""
        case _:
            return "default"


def is_given_elsewhere(ctx: click.Context, option: GroupedOption) -> bool:
    """Whether an option has its value from a variable or a file."""
    sources = click.core.ParameterSource
    source = ctx.get_parameter_source(str(option.name))
    return source in (sources.ENVIRONMENT, sources.DEFAULT_MAP)


class Command(_FoldedHelp):
    """A command whose options stand in groups.

    ``says`` replaces the help of shared options, by their names, where they do something of their
    own in this command.
    """

    def __init__(
        self, *arguments: Any, says: Mapping[str, str] | None = None, **attributes: Any
    ) -> None:
        super().__init__(*arguments, **attributes)
        if any(isinstance(each, GroupedOption) for each in self.params):
            self.params += [_config_option(), _profile_option()]
        named = {name: each for each in self.params for name in each.opts}
        for name, text in (says or {}).items():
            option = named[name]
            assert isinstance(option, click.Option)  # noqa: S101 - arguments have no help
            option.help = text

    def invoke(self, ctx: click.Context) -> Any:
        """Run it; where an error names options, say which of them were not typed."""
        for name in ("config_file", "profile"):
            ctx.params.pop(name, None)
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            named = set(re.findall(r"--[\w-]+", str(error)))
            lines = [
                f"{each.long_name} comes from {origin_of(ctx, each)}."
                for each in self.params
                if isinstance(each, GroupedOption) and each.long_name in named
                if is_given_elsewhere(ctx, each)
            ]
            if lines:
                error.args = ("\n".join((str(error), *lines)),)
            raise

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


def _config_option() -> GroupedOption:
    return GroupedOption(
        ("--config", "config_file"), envvar=f"{PREFIX}CONFIG", is_eager=True, metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The settings file  [default: url-rewriter.toml, or [tool.url-rewriter] of "
        "pyproject.toml, in the working directory or above it in its repository].",
    )  # fmt: skip


def _profile_option() -> GroupedOption:
    from url_rewriter.cli.completing import complete_profile

    return GroupedOption(
        ("--profile",), envvar=f"{PREFIX}PROFILE", is_eager=True, metavar="NAME",
        shell_complete=complete_profile,
        help="What [profile.NAME] of the settings file says wins over the rest of it.",
    )  # fmt: skip


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
        names = self.list_commands(ctx)
        rows = [(name, self.commands[name].get_short_help_str(200)) for name in names]
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
