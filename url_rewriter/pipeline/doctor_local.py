"""What ``doctor`` finds out without a server: versions, disk, plan files, rules, their examples."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from url_rewriter import __version__
from url_rewriter.errors import UrlRewriterError
from url_rewriter.pipeline.doctor_lines import (
    DoctorCheck,
    DoctorLine,
    DoctorRequest,
    Questions,
    failed,
    failed_by,
    not_asked,
    ok,
    warning,
)
from url_rewriter.planfile.unfinished import find_unfinished
from url_rewriter.planning.examples import check_examples
from url_rewriter.rules import Rules, load_rules
from url_rewriter.text import counted

_NEEDED = ("boto3", "grpcio", "protobuf")
_FASTER = "pycurl"
_LITTLE = 1 << 30
_TOO_LITTLE = 64 << 20


def examine_machine(request: DoctorRequest) -> Iterator[DoctorLine]:
    """Yield a line on versions, one on the disk, and one for each plan file that is unfinished."""
    yield tell_versions((*_NEEDED, _FASTER))
    questions = Questions("the disk", request.seconds)
    yield questions.put(DoctorCheck.DISK, lambda: _examine_disk(request.folder))
    lines: list[DoctorLine] = []
    whole = questions.put(DoctorCheck.PLAN_FILES, lambda: _look_for(request.folder, lines))
    yield from lines or [whole]


def tell_versions(packages: tuple[str, ...]) -> DoctorLine:
    """The line on what is installed, of which only what makes scans faster may be missing."""
    found, missing = [f"Python {platform.python_version()}, url-rewriter {__version__}"], []
    for each in packages:
        try:
            found.append(f"{each} {version(each)}")
        except PackageNotFoundError:
            if each == _FASTER:
                found.append(f"no {each} (scans are faster with it: url-rewriter[fast])")
            else:
                missing.append(each)
    check = DoctorCheck.VERSIONS
    if missing:
        remedy = f"install it: python3 -m pip install {' '.join(missing)}"
        return failed(check, f"not installed: {', '.join(missing)}", remedy)
    return ok(check, ", ".join(found))


def _examine_disk(folder: Path) -> DoctorLine:
    if not os.access(folder, os.W_OK | os.X_OK):
        remedy = "work in a folder of your own, or name plan files elsewhere (-o)"
        return failed(DoctorCheck.DISK, f"nothing can be written in {folder.resolve()}", remedy)
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        remedy = "look at the disk"
        return failed(DoctorCheck.DISK, f"{folder.resolve()}: {error.strerror}", remedy)
    return tell_disk(free, folder)


def tell_disk(free: int, folder: Path) -> DoctorLine:
    """The line on ``free`` bytes in the folder that plan files are made in."""
    found = f"{free / (1 << 30):,.1f} GiB free in {folder.resolve()}"
    remedy = "make room: a plan file takes about a kilobyte for each URL"
    if free < _TOO_LITTLE:
        return failed(DoctorCheck.DISK, found, remedy)
    return (
        warning(DoctorCheck.DISK, found, remedy) if free < _LITTLE else ok(DoctorCheck.DISK, found)
    )


def _look_for(folder: Path, lines: list[DoctorLine]) -> DoctorLine:
    """Add a line for each file that is unfinished; the line that stands where there is none."""
    try:
        found = list(find_unfinished(folder))
    except OSError as error:
        return failed(
            DoctorCheck.PLAN_FILES, f"{folder}: {error.strerror}", "let the folder be read"
        )
    for each in found:
        make = failed if each.broken else warning
        says = each.says if each.says.startswith(str(each.path)) else f"{each.path}: {each.says}"
        lines.append(make(DoctorCheck.PLAN_FILES, says, each.remedy))
    return ok(DoctorCheck.PLAN_FILES, f"none in {folder.resolve()} is unfinished")


def examine_rules(
    request: DoctorRequest, environ: Mapping[str, str], loaded: list[Rules]
) -> Iterator[DoctorLine]:
    """Yield a line on the rules and one on their examples; the rules are added to ``loaded``."""
    path, origin = request.rules_file, request.given.get("rules", "")
    if path is None:
        for each in (DoctorCheck.RULES, DoctorCheck.EXAMPLES):
            yield not_asked(each, "no rules file is named", "--rules FILE")
        return
    try:
        rules = load_rules(path, environ)
    except UrlRewriterError as error:
        remedy = f"`url-rewriter rules check --rules {path}` says so again"
        yield failed_by(DoctorCheck.RULES, error, remedy, origin)
        yield not_asked(DoctorCheck.EXAMPLES, "the rules cannot be used")
        return
    loaded.append(rules)
    yield ok(DoctorCheck.RULES, f"{path}: {counted(len(rules.rules), 'rule')}", origin)
    yield _examine_examples(path, rules)


def _examine_examples(path: Path, rules: Rules) -> DoctorLine:
    check = DoctorCheck.EXAMPLES
    results = check_examples(rules)
    wrong = [each for each in results if not each.ok]
    if wrong:
        first = wrong[0]
        found = (
            f"{len(wrong):,} of {counted(len(results), 'example')} do not hold;"
            f" {path}:{first.line}: rule {first.rule}: {first.why}"
        )
        return failed(check, found, f"`url-rewriter rules test --rules {path}` shows all")
    if not results:
        return not_asked(check, "the rules have none", "add examples to each rule")
    return ok(check, f"{counted(len(results), 'example')} hold")
