"""What is checked, by name: ``nox -s lint``, ``fast``, ``docs``, ``tests``, ``lowest`` and so on.

``.ci/run`` does lint and tests in one environment, from a clean checkout, without nox.
"""

from __future__ import annotations

import nox

nox.options.sessions = ["lint", "fast"]
nox.options.reuse_existing_virtualenvs = True

FAST = (
    "tests/core",
    "tests/embedded",
    "tests/planfile",
    "tests/pipeline",
    "tests/test_house.py",
    "tests/test_docs.py",
    "tests/docs/test_commands.py",
    "tests/test_shipped_rules.py",
    "tests/reports/test_golden.py",
    "tests/reports/test_privacy.py",
    "tests/reports/test_verdict.py",
)
"""What needs no server and no other process, in less than a minute."""

SLOW_OF_FAST = (
    "tests/pipeline/test_state_machine.py",
    "tests/pipeline/test_mutations.py",
)
"""State machines over thousands of runs: in ``tests`` only."""


LOWEST = (
    "tests/core",
    "tests/embedded",
    "tests/planfile",
    "tests/pipeline/test_apply.py",
    "tests/pipeline/test_plan.py",
    "tests/cli/test_completion.py",
    "tests/cli/test_show.py",
    "tests/test_shipped_rules.py",
)
"""The part of it that `lowest` runs."""


@nox.session
def lint(session: nox.Session) -> None:
    """Format, lint, types and the contract of the layers."""
    session.install("-e", ".[dev]")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("mypy")
    session.run("lint-imports")


@nox.session
def fast(session: nox.Session) -> None:
    """The core, the plan file, the stages over the embedded store, the rules, the reports."""
    session.install("-e", ".[dev]")
    ignored = [f"--ignore={path}" for path in SLOW_OF_FAST]
    session.run(
        "pytest", "-q", "-n", "auto", "--dist", "worksteal", *ignored, *FAST, *session.posargs
    )


@nox.session
def docs(session: nox.Session) -> None:
    """The pages as a site, without warnings."""
    session.install("-e", ".[docs]")
    session.run("sphinx-build", "-q", "-E", "-W", "--keep-going", "docs", "docs/_build")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests."""
    session.install("-e", ".[dev]")
    session.run("pytest", "-q", "-n", "auto", "--dist", "worksteal", *session.posargs)


@nox.session
def simulation(session: nox.Session) -> None:
    """Simulate whole migrations of fresh seeds for a minute; a failing seed prints its replay."""
    session.install("-e", ".[dev]")
    session.run("python", "-m", "tests.simulation", "--seconds", "60", "--fresh", *session.posargs)


@nox.session(venv_backend="uv")
def lowest(session: nox.Session) -> None:
    """What needs no server, with the lowest versions that setup.cfg allows. Needs uv."""
    session.install("--resolution", "lowest-direct", "-e", ".[embedded]")
    session.install("pytest", "pytest-timeout", "hypothesis", "jsonschema", "packaging")
    session.run("pytest", "-q", *LOWEST, *session.posargs)


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def pythons(session: nox.Session) -> None:
    """What needs no server, and what the commands say, with each Python; those missing are left."""
    session.install("-e", ".[embedded]")
    session.install("pytest", "pytest-timeout", "hypothesis", "jsonschema", "packaging")
    session.run("python", "-m", "pip", "check")
    session.run("pytest", "-q", *LOWEST, "tests/cli/test_rules.py", *session.posargs)
