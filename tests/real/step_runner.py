# SPDX-License-Identifier: AGPL-3.0-or-later
"""Runs one Step as the engine does, without its up-to-date check: stage, render, run, outputs, checks.

`PYNQTORCH_IN_FPGA` names the command that runs a program inside the rootfs with the FPGA tools, where they are not on
the PATH (it must show the same paths inside).
"""

from __future__ import annotations

import importlib
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from pynqtorch.plan import Step


def prefix_for(program: str) -> tuple[str, ...]:
    """How to start a program of the rootfs; skips the test where there is no way."""
    given = os.environ.get("PYNQTORCH_IN_FPGA", "")
    if given:
        return tuple(shlex.split(given))
    if shutil.which(program) is None:
        pytest.skip(f"no {program}: set PYNQTORCH_IN_FPGA to a command that runs programs in the rootfs")
    return ()


def prepare(step: Step, root: Path, directory: Path) -> None:
    for item in step.inputs:
        target = directory / item.staged
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(root / item.source)
    for name, text in step.files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text, encoding="utf-8")


def run(argv: tuple[str, ...], directory: Path, prefix: tuple[str, ...], **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [*prefix, *argv], cwd=directory, env={**os.environ, **environment}, timeout=900, check=False, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


def run_step(step: Step, root: Path, directory: Path) -> str:
    """The log; asserts that commands end with 0 and outputs are there; checks raise what they raise."""
    prefix = prefix_for(step.commands[-2][0] if len(step.commands) > 1 else step.commands[0][0])
    prepare(step, root, directory)
    log = ""
    for argv in step.commands:
        code, text = run(argv, directory, prefix, **step.env)
        log += text
        assert code == 0, f"{shlex.join(argv)}\n{text}"
    for output in step.outputs:
        assert (directory / output.path).exists(), output.path
    check(step, directory)
    return log


def check(step: Step, directory: Path) -> None:
    for item in step.checks:
        module, function = item.function.split(":")
        getattr(importlib.import_module(module), function)(directory, *item.args)
