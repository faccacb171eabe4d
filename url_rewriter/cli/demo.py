"""``demo``: the whole story, with no cloud and no credentials."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from url_rewriter.cli import options


@options.command()
@options.output_option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER",
    help="Work in this new folder and leave it behind.",
)  # fmt: skip
def demo(keep: Path | None) -> None:
    """Show a migration from audit to rollback on sample data, on this machine alone.

    The database is a file, the objects are served by a real S3 server on loopback. The commands are
    the real ones; every line that begins with $ can be typed.

    \b
    Example:
      url-rewriter demo
    """
    if keep is not None:
        keep.mkdir(parents=True)
        _tell(keep)
        return
    with tempfile.TemporaryDirectory(prefix="url-rewriter-demo-") as folder:
        _tell(Path(folder))


def _tell(folder: Path) -> None:
    from url_rewriter.demo.story import tell

    tell(folder, click.echo, lambda text: click.secho(f"\n# {text}", bold=True))
