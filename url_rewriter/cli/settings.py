"""Settings: what a file says in place of options, checked, for one command and one profile.

Flags win over variables, variables over the file. In the file a profile wins over what stands
outside of profiles, and a command's table over what is said for all commands.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import click

from url_rewriter.cli.command import CHOICE, CommandContext, GroupedOption, walk
from url_rewriter.cli.settings_file import Keys, SettingsFile, find_settings, read_settings
from url_rewriter.errors import ConfigurationError

COMMON = (
    *("rules", "store", "project", "database", "s3-endpoint"),
    *("color", "quiet", "verbose", "no-progress", "no-input", "log-format", "log-file"),
)
"""What means the same in every command, and may stand outside of the tables of commands."""

_CONSENT = ("yes", "confirm", "overwrite")
_NOT_HERE = ("config", "profile")
_PROFILES = "profile"
_STORES = ("store", "project", "database")

_SECRET_KEY = re.compile(
    r"secret|token|passw|credential|access.?key|api.?key|private.?key|session", re.IGNORECASE
)
_SECRET_VALUE = re.compile(
    r"""-----BEGIN|\bA[KS]IA[A-Z0-9]{12,}|\bAIza[\w-]{30,}|\bya29\.|\beyJ[\w-]{10,}\.|
    ://[^/\s]*:[^/\s]*@|[?&](?:token|X-Amz-Signature|X-Goog-Signature|Signature)=|
    ^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[A-Za-z0-9+/]{40}$""",
    re.VERBOSE,
)
_NAMES_PLACES = ("document", "collection", "exclude-collection", "field")  # ids may look like keys


Options = Mapping[str, Mapping[str, GroupedOption]]
"""The options of every command by their keys, by the name of its table."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One value of the file: what click is given, and where it stands."""

    value: Any
    keys: Keys


@dataclass(frozen=True, slots=True)
class Settings:
    """What the file says for one command, by the keys of its options."""

    file: SettingsFile | None = None
    profile: str = ""
    values: Mapping[str, Setting] = field(default_factory=dict)

    def origin(self, key: str) -> str:
        """Where the value of a key stands."""
        if self.file is None or key not in self.values:
            return ""
        keys = self.values[key].keys
        profile = f", profile {keys[1]}" if keys[0] == _PROFILES else ""
        return f"{self.file.place(keys)}{profile}"


class _FileCheck:
    """Checks the tables of a file against the options that there are."""

    def __init__(self, file: SettingsFile, commands: Options) -> None:
        self.problems: list[str] = []
        self._file = file
        self._commands = commands
        self._every = {key: each for options in commands.values() for key, each in options.items()}
        self._common = {key: each for key, each in self._every.items() if key in COMMON}

    def check(self) -> None:
        """Note every problem of the file, whichever command is asked for."""
        self._check_tables((), self._file.table)
        profiles = self._file.table.get(_PROFILES, {})
        if not isinstance(profiles, dict):
            self._note((_PROFILES,), "must be tables: [profile.NAME]")
            return
        for name, table in profiles.items():
            if isinstance(table, dict):
                self._check_tables((_PROFILES, name), table)
            else:
                self._note((_PROFILES, name), f"must be a table: [profile.{name}]")

    def _check_tables(self, above: Keys, table: Mapping[str, Any]) -> None:
        for key, value in table.items():
            keys = (*above, key)
            if key == _PROFILES and not above:
                continue
            if isinstance(value, dict) and key in self._commands:
                for name, each in value.items():
                    self._check(keys, name, each, self._commands[key], key)
            else:
                self._check(above, key, value, self._common, "")

    def _check(
        self,
        above: Keys,
        key: str,
        value: Any,
        options: Mapping[str, GroupedOption],
        command: str,
    ) -> None:
        keys = (*above, key)
        if _SECRET_KEY.search(key) or self._is_secret(key, value):
            self._note(keys, "a secret does not belong into a file: set it in the environment")
        elif key in _CONSENT:
            self._note(keys, f"a settings file gives no consent: give --{key} on the command line")
        elif key in options:
            if problem := _problem(options[key], value):
                self._note(keys, problem)
        elif key in self._every and not command and key not in _NOT_HERE:
            owners = [name for name, each in self._commands.items() if key in each]
            self._note(keys, f"belongs to a command: write it below [{'], ['.join(owners)}]")
        else:
            self._note(keys, self._unknown(key, options, command))

    def _unknown(self, key: str, options: Mapping[str, GroupedOption], command: str) -> str:
        from url_rewriter.rules.problems import did_you_mean

        known = [each for each in options if each not in (*_CONSENT, *_NOT_HERE)]
        if not command:
            known += [*self._commands, _PROFILES]
        of = f"no option of {command}" if command else "no setting"
        return f"there is {of} of this name{did_you_mean(key.replace('_', '-'), known)}"

    def _is_secret(self, key: str, value: Any) -> bool:
        if isinstance(value, dict):  # of a table that is not known: look for what must not be told
            return any(_SECRET_KEY.search(name) for name in value)
        texts = value if isinstance(value, list) else [value]
        return key not in _NAMES_PLACES and any(
            isinstance(each, str) and _SECRET_VALUE.search(each) for each in texts
        )

    def _note(self, keys: Keys, says: str) -> None:
        self.problems.append(f"{self._file.place(keys)}: {'.'.join(keys)}: {says}")


def _problem(option: GroupedOption, value: Any) -> str:
    """Why a value is none of this option, as far as TOML's types tell; "" where it may be one."""
    if option.multiple:
        whole = isinstance(value, list) and all(isinstance(each, str) for each in value)
        return "" if whole else "must be a list of texts"
    if option.is_flag:
        return "" if isinstance(value, bool) else "must be true or false"
    if isinstance(value, bool | dict | list):
        return "must be a text or a number"
    return ""


def settings_for(
    command: str,
    file: SettingsFile | None,
    profile: str,
    commands: Options,
) -> Settings:
    """What a file says for a command; ``commands`` are all there are, with their options by key.

    Raises ConfigurationError with every problem of the file, and for a profile that it has not.
    """
    if file is None:
        if profile:
            raise ConfigurationError(
                f"There is no settings file, so there is no profile {profile!r}."
            )
        return Settings()
    checked = _FileCheck(file, commands)
    checked.check()
    if checked.problems:
        raise ConfigurationError("\n".join(checked.problems))
    profiles = file.table.get(_PROFILES, {})
    if profile and profile not in profiles:
        known = ", ".join(profiles) or "none"
        raise ConfigurationError(f"{file.path} has no profile {profile!r}; it has: {known}.")
    values: dict[str, Setting] = {}
    for above in ((), (_PROFILES, profile)) if profile else ((),):
        table = profiles[profile] if above else file.table
        _take(values, file, above, table, commands[command])
        _take(values, file, (*above, command), table.get(command, {}), commands[command])
    return Settings(file, profile, values)


def _take(
    values: dict[str, Setting],
    file: SettingsFile,
    above: Keys,
    table: Mapping[str, Any],
    options: Mapping[str, GroupedOption],
) -> None:
    """Add what one table says; of a store and a project the newer drops the older."""
    taken = {key: value for key, value in table.items() if key in options}
    if "store" in taken:
        values.pop("project", None)
        values.pop("database", None)
    elif "project" in taken:
        values.pop("store", None)
    folder = file.path.parent
    for key, value in taken.items():
        made = _for_click(options[key], key, value, folder)
        values[key] = Setting(made, (*above, key))


def _for_click(option: GroupedOption, key: str, value: Any, folder: Path) -> Any:
    """A value as it would be typed: click converts and checks it."""
    if isinstance(value, bool):
        return value
    if isinstance(value, list):
        return [_placed(option, key, each, folder) for each in value]
    text = value.isoformat() if isinstance(value, datetime | date | time) else str(value)
    return _placed(option, key, text, folder)


def _placed(option: GroupedOption, key: str, text: str, folder: Path) -> str:
    """A text whose file, if it names one, is found from the folder of the settings file."""
    before, file = "", text
    if key == "store":
        before, _, file = text.partition(":")
        if before != "embedded":
            return text
        before += ":"
    elif key in ("inventory", "target-inventory"):
        place, equals, rest = text.rpartition("=")
        before, file = (place + equals, rest) if "://" in place else ("", text)
    elif not isinstance(option.type, click.Path):
        return text
    return before + os.path.normpath(folder / file)


def taken_with(
    settings: Settings, *, given: frozenset[str], beside_plan: bool, environ: Mapping[str, str]
) -> Iterator[tuple[str, Setting]]:
    """Yield the settings that hold beside what flags and variables have ``given``, by key.

    A store that is given leaves out a project of the file, and the other way round.
    ``beside_plan``: the command has a plan file, which says its own rules and store; a profile that
    was asked for still names its store, so that a plan of another project is refused.

    Raises ConfigurationError where the file and a variable that other programs read as well name
    different servers or projects.
    """
    for key, setting in settings.values.items():
        if key in given:
            continue
        if key == "store" and given & {"project", "database"}:
            continue
        if key in ("project", "database") and "store" in given:
            continue
        profiled = setting.keys[0] == _PROFILES
        if beside_plan and (key == "rules" or (key in _STORES and not profiled)):
            continue
        _require_agreement(settings, key, setting, environ)
        yield key, setting


def _require_agreement(
    settings: Settings, key: str, setting: Setting, environ: Mapping[str, str]
) -> None:
    variables: tuple[str, ...] = ()
    things = "S3 endpoints" if key == "s3-endpoint" else "projects"
    if key == "s3-endpoint":
        from url_rewriter.objects.transport.settings import ENDPOINT_VARIABLES

        variables = ENDPOINT_VARIABLES
    elif key == "project":
        from url_rewriter.pipeline.requests import PROJECT_VARIABLES

        variables = PROJECT_VARIABLES
    for variable in variables:
        value = environ.get(variable)
        if value and value.rstrip("/") != setting.value.rstrip("/"):
            raise ConfigurationError(
                f"{variable} and {settings.origin(key)} name different {things}. Give --{key}, or "
                "remove one of them."
            )
        if value:
            return


def load_settings(ctx: CommandContext, opts: Mapping[str, Any]) -> None:
    """Give a context what the file says where neither a flag in ``opts`` nor a variable does.

    Raises ConfigurationError for a file that cannot be used, whatever it is asked for.
    """
    tables, command = _tables(ctx)
    config, profile = ctx.params.get("config_file"), ctx.params.get("profile")
    profile = profile if isinstance(profile, str) else ""  # click has a value of its own for none
    keep_choice(ctx)
    if isinstance(config, Path):
        file: SettingsFile | None = read_settings(config)
    else:
        file = find_settings(_working_directory())
    settings = settings_for(command, file, profile, tables)
    options = tables[command]
    given = frozenset(
        key
        for key, option in options.items()
        if option.name in opts or option.value_from_envvar(ctx) is not None
    )
    plans = (each.name for each in ctx.command.params if isinstance(each, click.Argument))
    beside_plan = "plan_file" in plans and isinstance(opts.get("plan_file"), str)
    taken = taken_with(settings, given=given, beside_plan=beside_plan, environ=os.environ)
    ctx.default_map = {str(options[key].name): setting.value for key, setting in taken}
    ctx.settings = settings


def _tables(ctx: click.Context) -> tuple[dict[str, dict[str, GroupedOption]], str]:
    """The options that every table may set, and the table of the command of a context."""
    root = ctx.find_root().command
    assert isinstance(root, click.Group)  # noqa: S101 - it has this command
    tables: dict[str, dict[str, GroupedOption]] = {}
    command = ""
    for name, each in walk(root):
        table = name.replace(" ", "-")
        grouped = (option for option in each.params if isinstance(option, GroupedOption))
        tables[table] = {option.key: option for option in grouped if option.key not in _NOT_HERE}
        command = table if each is ctx.command else command
    return tables, command


def settings_of_others(ctx: CommandContext) -> Iterator[tuple[str, str, str]]:
    """Yield name, value and origin of what variables and the file set for other commands only."""
    tables, own = _tables(ctx)
    known = ctx.settings or Settings()
    for command, options in tables.items():
        settings = settings_for(command, known.file, known.profile, tables)
        for key, option in options.items():
            if key in tables[own]:
                continue
            if (value := option.value_from_envvar(ctx)) is not None:
                yield f"{command}.{key}", str(value), f"environment variable {option.envvar}"
            elif key in settings.values:
                yield f"{command}.{key}", str(settings.values[key].value), settings.origin(key)


def keep_choice(ctx: CommandContext) -> None:
    """Remember which file and profile were typed: commands that go on from this one need them."""
    words: list[str] = []
    for name, option in (("config_file", "--config"), ("profile", "--profile")):
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            words += [option, str(ctx.params[name])]
    ctx.meta[CHOICE] = tuple(words)


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise ConfigurationError("The working directory is gone: go to another one.") from error
