# SPDX-License-Identifier: AGPL-3.0-or-later
"""Lint and tests: what CI runs is what a user runs."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pynqtorch.app.session import Options, Session
from pynqtorch.errors import BuildError, MissingToolError, UsageError
from pynqtorch.ui.messages import note

SHELL_SCRIPTS = ("inv", ".ci/run", "scripts/*.sh", "scripts/*.bash")
_NO_TESTS = 5
"""pytest's exit code when it collected none."""


def lint(**flags: object) -> None:
    """Ruff, mypy --strict, shellcheck and the recipes.

    Raises:
        MissingToolError: a linter is not installed.
        BuildError: one of them found something; all have run.
        RecipeError: a recipe is wrong.
    """
    session = Session(Options.of(flags))
    run_linters(session)
    session.tell({"commands": [_name(argv) for argv in _linters(session.root)], "recipes": session.repository.count})


def run_linters(session: Session) -> None:
    """As `lint`, without telling the result."""
    commands = _linters(session.root)
    if session.options.dry_run:
        for argv in commands:
            _say(argv)
        return
    failed = [argv for argv in commands if _call(argv, session.root) != 0]
    count = session.repository.count
    if failed:
        raise BuildError("lint: " + ", ".join(_name(argv) for argv in failed) + " found something, see above")
    note(f"recipes: {count} checked")


def _linters(root: Path) -> tuple[tuple[str, ...], ...]:
    scripts = sorted(str(path.relative_to(root)) for name in SHELL_SCRIPTS for path in root.glob(name))
    shellcheck = ((_program("shellcheck"), *scripts),) if scripts else ()
    return (
        _module("ruff", "check", "."),
        _module("ruff", "format", "--check", "."),
        _module("mypy"),
        *shellcheck,
    )


def test(path: Sequence[str], *, unit: bool, match: str, no_install: bool, **flags: object) -> None:
    """Lint (unless some tests were chosen), then pytest; without `unit`, packages and the tools' rootfs come first.

    Raises:
        BuildError: a test or a linter failed.
        UsageError: no test was chosen.
        MissingToolError: a system package is missing and may not be installed.
    """
    session = Session(Options.of(flags))
    chosen = list(path) or (["tests/unit"] if unit else ["tests"])
    argv = (*_module("pytest"), *chosen, *(("-k", match) if match else ()))
    if not path and not match:
        run_linters(session)
    if session.options.dry_run:
        _say(argv)
        session.tell({"command": list(argv)})
        return
    if not unit:
        from pynqtorch.app import commands

        commands.ensure_packages(("open", "test"), no_install=no_install)
        commands.ensure_rootfs(session)
    code = _call(argv, session.root)
    if code == _NO_TESTS:
        raise UsageError("no test was chosen", hint="pytest's last lines above say why")
    if code != 0:
        raise BuildError(f"pytest ended with {code}, see above", hint="./inv test PATH runs one file alone")
    session.tell({"command": list(argv)})


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    _program(name)
    return (sys.executable, "-m", name, *arguments)


def _program(name: str) -> str:
    """A program of the environment that runs this.

    Raises:
        MissingToolError: it is not there.
    """
    folder = Path(sys.executable).parent
    if not (folder / name).exists():
        raise MissingToolError(
            f"{name} is not installed in {folder.parent}",
            hint="./inv test installs it in a .venv that ./inv made; elsewhere: pip install -r requirements-test.lock",
        )
    return str(folder / name)


def _name(argv: Sequence[str]) -> str:
    if argv[1:2] != ("-m",):
        return Path(argv[0]).name
    return " ".join(word for word in argv[2:4] if word != ".")


def _call(argv: Sequence[str], root: Path) -> int:
    """The exit code; what it writes goes to stderr, so that ``--json`` has stdout for itself."""
    _say(argv)
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run(argv, cwd=root, check=False, stdout=sys.stderr.fileno(), env=environment).returncode


def _say(argv: Sequence[str]) -> None:
    words = ["python" if word == sys.executable else word for word in argv]
    if Path(words[0]).is_absolute():
        words[0] = Path(words[0]).name
    note("$ " + shlex.join(words))
