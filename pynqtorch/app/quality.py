# SPDX-License-Identifier: AGPL-3.0-or-later
"""Lint and tests: what CI runs is what a user runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from pynqtorch.app.session import Options, Session
from pynqtorch.errors import BuildError, MissingToolError
from pynqtorch.ui.messages import note

SHELL_SCRIPTS = ("inv", ".ci/run", "scripts/*.sh")


def lint(**flags: object) -> None:
    """Ruff, mypy --strict, shellcheck and the recipes.

    Raises:
        BuildError: one of them found something; all have run.
        RecipeError: a recipe is wrong.
    """
    session = Session(Options.of(flags))
    scripts = sorted(str(path.relative_to(session.root)) for name in SHELL_SCRIPTS for path in session.root.glob(name))
    commands = (
        _module("ruff", "check", "."),
        _module("ruff", "format", "--check", "."),
        _module("mypy"),
        (str(Path(sys.executable).parent / "shellcheck"), *scripts),
    )
    failed = [argv for argv in commands if _call(argv, session.root) != 0]
    if failed:
        raise BuildError("lint: " + ", ".join(_name(argv) for argv in failed) + " found something, see above")
    note(f"recipes: {session.repository.count} checked")


def test(path: Sequence[str], *, unit: bool, match: str, no_install: bool, **flags: object) -> None:
    """Lint, then pytest; without `unit`, system packages and the tools' rootfs come first.

    Raises:
        BuildError: a test or a linter failed.
        MissingToolError: a system package is missing and may not be installed.
    """
    session = Session(Options.of(flags))
    if not path:
        lint(**flags)
    if not unit:
        from pynqtorch.app import commands

        commands.ensure_packages(("open", "test"), no_install=no_install)
        commands.ensure_rootfs(session)
    chosen = list(path) or (["tests/unit"] if unit else ["tests"])
    argv = (*_module("pytest"), *chosen, *(("-k", match) if match else ()))
    code = _call(argv, session.root)
    if code != 0:
        raise BuildError(f"pytest ended with {code}, see above")


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    if shutil.which(name, path=str(Path(sys.executable).parent)) is None:
        raise MissingToolError(f"{name} is not installed", hint="run ./inv test, which installs requirements-test.lock")
    return (sys.executable, "-m", name, *arguments)


def _name(argv: Sequence[str]) -> str:
    return " ".join(argv[2:4]) if argv[1:2] == ("-m",) else Path(argv[0]).name


def _call(argv: Sequence[str], root: Path) -> int:
    note("$ " + " ".join(_shown(word) for word in argv))
    sys.stdout.flush()
    return subprocess.run(argv, cwd=root, check=False, env={**os.environ, "PYTHONPATH": str(root)}).returncode


def _shown(word: str) -> str:
    return "python" if word == sys.executable else word
