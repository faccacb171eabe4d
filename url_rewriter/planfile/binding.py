"""What binds a plan file from outside: a hash of its bytes, with its seal and its chain."""

from __future__ import annotations

import hashlib
import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from url_rewriter.errors import ConfigurationError, RefusedError, ServiceError
from url_rewriter.planfile.plan import Plan
from url_rewriter.planfile.sidecars import sidecars_of


@dataclass(frozen=True, slots=True)
class PlanBinding:
    """The SHA-256 of a plan file's bytes and how many these are, its seal, and its chain.

    ``links`` is how many links the chain has, ``chain`` the newest of them, the provenance where
    there is none.
    """

    sha256: str
    size: int
    seal: str
    links: int
    chain: str


def hash_plan_file(path: Path) -> tuple[str, int]:
    """The SHA-256 of a plan file's bytes, and how many they are.

    Raises ConfigurationError where there is no such file, RefusedError where something beside it
    holds a part of what it says, ServiceError where it cannot be read.
    """
    if not path.is_file():
        raise ConfigurationError(f"{path}: there is no such plan file.")
    if beside := [each.name for each in sidecars_of(path) if each.stat().st_size]:
        raise RefusedError(
            f"{path}: {', '.join(beside)} beside it belongs to it: a run is under way, or was"
            " killed. End that run first: `url-rewriter apply` or `rollback` continues it."
        )
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
            return digest.hexdigest(), os.fstat(file.fileno()).st_size
    except OSError as error:
        raise ServiceError(f"{path}: cannot be read: {error.strerror}.") from error


def bind(path: Path) -> PlanBinding:
    """What binds the plan file at ``path``, which is found to be whole.

    Raises what ``hash_plan_file`` and ``Plan.check`` do, and RefusedError where the file is changed
    meanwhile.
    """
    before = hash_plan_file(path)
    with closing(Plan(path)) as plan:
        plan.check()
        seal, links, newest = plan.seal, plan.count_links(), plan.chain_head()
    if hash_plan_file(path) != before:
        raise RefusedError(f"{path}: another process changed it meanwhile. Verify it once more.")
    return PlanBinding(*before, seal, links, newest)
