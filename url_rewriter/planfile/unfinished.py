"""Plan files in a folder of which something is unfinished. Nothing in the folder is changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from url_rewriter.errors import UrlRewriterError
from url_rewriter.planfile.plan import Plan
from url_rewriter.planfile.sidecars import (
    check_sidecars,
    is_ours,
    lacks_its_wal,
    sidecars_of,
)
from url_rewriter.text import counted

_WAL = "-wal"
_REPLACE = "use a copy from before, or move it away"


@dataclass(frozen=True, slots=True)
class UnfinishedFile:
    """A file, what is unfinished of it, and what to do; ``broken``: no command will take it."""

    path: Path
    says: str
    remedy: str
    broken: bool = False


def find_unfinished(folder: Path) -> Iterator[UnfinishedFile]:
    """Yield the drafts, the plans and the ``-wal`` files of a folder that wait for something.

    Raises OSError for a folder that cannot be read.
    """
    for path in sorted(folder.iterdir()):
        if not path.is_file():
            continue
        if path.name.endswith(_WAL):
            found = _examine_wal(path)
        elif path.suffix in (".part", ".plan"):
            found = _examine(path)
        else:
            found = None
        if found is not None:
            yield found


def _examine(path: Path) -> UnfinishedFile | None:
    try:
        if path.suffix == ".part":
            return _examine_draft(path)
        if not is_ours(path):
            return UnfinishedFile(path, "is not a plan file, or is damaged", _REPLACE)
        check_sidecars(path)
        if sidecars_of(path):
            return UnfinishedFile(
                path,
                "a command is adding to it now, or was killed",
                f"if none is: the same command again; `url-rewriter show {path}` says how far it"
                f" came. Copy and move it with {path.name}{_WAL} only",
            )
        # SQLite would make files beside one whose header says that some are there.
        return None if lacks_its_wal(path) else _examine_plan(path)
    except UrlRewriterError as error:
        return UnfinishedFile(path, str(error), _REPLACE, True)
    except OSError as error:
        return UnfinishedFile(path, f"cannot be read: {error.strerror}", "let it be read", True)


def _examine_draft(path: Path) -> UnfinishedFile | None:
    if not is_ours(path):
        return None
    final = path.with_suffix("")
    return UnfinishedFile(
        path,
        "a plan that was begun and is not finished",
        f"the same plan command again, with -o {final}, goes on from here; or remove it",
    )


def _examine_plan(path: Path) -> UnfinishedFile | None:
    with closing(Plan(path)) as plan:
        operation = plan.history().last_operation
        pending = plan.count_pending(operation) if operation else 0
    if not pending:
        return None
    return UnfinishedFile(
        path,
        f"{operation} did not come to its end: {counted(pending, 'document')} left",
        f"`url-rewriter {operation} {path}` goes on from here",
    )


def _examine_wal(path: Path) -> UnfinishedFile | None:
    final = path.with_name(path.name.removesuffix(_WAL))
    if final.suffix not in (".part", ".plan") or final.exists():
        return None
    return UnfinishedFile(
        path,
        f"belongs to {final.name}, which is not there, and may hold the end of its journal",
        "move it to that file, or away",
        True,
    )
