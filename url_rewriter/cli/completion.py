"""``completion``: the script by which a shell completes commands."""

from __future__ import annotations

import click

from url_rewriter.cli import options

_PROGRAM = "url-rewriter"
_VARIABLE = "_URL_REWRITER_COMPLETE"  # click's name for it
_SHELLS = ("bash", "zsh", "fish")

# Names are inserted as they are (no * of them stands for files), and no blank follows a folder.
_BASH = (
    ("COMPREPLY+=($value)", 'COMPREPLY+=("$value"); [[ $value == */ ]] && compopt -o nospace'),
    ("read type value", "read -r type value"),
)


@options.command()
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> None:
    """Print the script by which a shell completes commands, options, names and files.

    \b
    Examples:
      source <(url-rewriter completion bash)
      url-rewriter completion zsh > ~/.zfunc/_url-rewriter
      url-rewriter completion fish > ~/.config/fish/completions/url-rewriter.fish

    Rules, collections and documents are those of the plan file on the line. The first example
    belongs into ~/.bashrc; for zsh, ~/.zfunc must be in fpath before compinit.
    """
    from click.shell_completion import ShellComplete, get_completion_class

    found = get_completion_class(shell)
    assert found is not None, shell  # noqa: S101 - click has each of the three
    script = found(click.get_current_context().find_root().command, {}, _PROGRAM, _VARIABLE)
    text = ShellComplete.source(script)  # bash's own starts a bash to ask for its version
    if shell == "bash":
        for old, new in _BASH:
            text = text.replace(old, new)
    click.echo(text, nl=False)
