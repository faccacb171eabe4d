"""What a shell offers for the values of options and arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

Completer = Callable[[click.Context, click.Parameter, str], list["CompletionItem[str]"]]


class PlanFile(click.Path):
    """The path of a plan file; a shell offers those that end in ``.plan``, else every file."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, dir_okay=False)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem[str]]:
        """Folders end in a slash."""
        return _files(incomplete, (".plan",))


def complete_rules_file(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """YAML files, else every file."""
    return _files(incomplete, (".yaml", ".yml"))


def complete_rule(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """The names of the rules of ``--rules``, else of the plan file."""
    from url_rewriter import peek

    if (file := ctx.params.get("rules_file")) is not None:
        return _offered(peek.rules_of_file(Path(file)), incomplete)
    return _of_plan(ctx, peek.rules_of_plan, incomplete)


def complete_collection(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """The names of collections in the plan file."""
    from url_rewriter import peek

    return _of_plan(ctx, peek.collections_of_plan, incomplete)


def complete_document(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """The paths of documents in the plan file."""
    from url_rewriter import peek

    return _of_plan(ctx, lambda path: peek.documents_of_plan(path, incomplete), incomplete)


def complete_gate(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """The gates that are only told by default."""
    from url_rewriter.gates import GateLevel, GateName, level_of

    told = (each.value for each in GateName if level_of(each) is GateLevel.TOLD)
    return _offered(told, incomplete)


def complete_example(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """The rules files that every installation has."""
    folder = Path(__file__).parents[1] / "rules" / "examples"
    return _offered((each.stem for each in folder.glob("*.yaml")), incomplete)


def complete_profile(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """The profiles of the settings file."""
    from url_rewriter.cli.settings_file import find_settings, read_settings
    from url_rewriter.errors import ConfigurationError

    try:
        config = ctx.params.get("config_file")
        given = isinstance(config, Path)
        found = read_settings(Path(str(config))) if given else find_settings(Path.cwd())
    except (ConfigurationError, OSError):
        return []
    profiles = found.table.get("profile") if found else None
    return _offered(profiles if isinstance(profiles, dict) else (), incomplete)


def complete_help(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """Topics, and the names of commands."""
    from url_rewriter.cli.topics import TOPICS

    command: click.Command | None = ctx.find_root().command
    words = ctx.params.get("words") or ()
    for word in words:
        command = command.commands.get(word) if isinstance(command, click.Group) else None
    known = command.commands if isinstance(command, click.Group) else ()
    return _offered([*known, *(() if words else TOPICS)], incomplete)


def _of_plan(
    ctx: click.Context, names: Callable[[Path], Iterable[str]], incomplete: str
) -> list[CompletionItem[str]]:
    path = ctx.params.get("plan_file")
    return _offered(names(Path(path)), incomplete) if path else []


def _offered(names: Iterable[str], incomplete: str) -> list[CompletionItem[str]]:
    return [CompletionItem(each) for each in sorted(set(names)) if each.startswith(incomplete)]


def _files(incomplete: str, suffixes: tuple[str, ...]) -> list[CompletionItem[str]]:
    """The files with one of the suffixes and the folders; where there are none, every file."""
    typed, _, begun = incomplete.rpartition("/")
    folder = f"{typed}/" if typed or incomplete.startswith("/") else ""
    try:
        entries = sorted(Path(folder or ".").expanduser().iterdir())
        found = [
            f"{folder}{each.name}{'/' if each.is_dir() else ''}"
            for each in entries
            if each.name.startswith(begun) and (begun or not each.name.startswith("."))
            if each.suffix in suffixes or each.is_dir()
        ]
    except (OSError, RuntimeError):  # also a ~ of a person that this machine does not have
        found = []
    if not any(name.endswith(suffixes) for name in found):
        return [CompletionItem(incomplete, type="file")]
    return [CompletionItem(name) for name in found]
