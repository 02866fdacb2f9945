# SPDX-License-Identifier: AGPL-3.0-or-later
"""The source files that a kernel's recipe names: inside of the repository, and there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from pynqtorch.recipes.diagnostics import Problem, did_you_mean, shorten
from pynqtorch.recipes.document import Document, Key
from pynqtorch.recipes.models import Kernel


def check_sources(root: Path, document: Document, kernel: Kernel, *, exist: bool) -> Iterator[Problem]:
    """Problems with the files of a kernel, which are relative to hw/kernel/<kernel>/.

    Args:
        root: the checkout.
        document: where the recipe's lines are.
        kernel: the recipe.
        exist: whether the files must be there already.
    """
    groups: list[tuple[tuple[Key, ...], tuple[str, ...]]] = [
        (("hls", "sources"), kernel.hls.sources),
        (("hls", "testbench"), kernel.hls.testbench),
    ]
    if kernel.rtl is not None:
        groups.append((("rtl", "sources"), kernel.rtl.sources))
    folder = f"hw/kernel/{kernel.kernel}"
    for keys, files in groups:
        seen: set[str] = set()
        for index, file in enumerate(files):
            path = os.path.normpath(f"{folder}/{file}")
            message = _message(root, path, file, folder, exist=exist)
            if path in seen:
                message = f"{shorten(file)} is named twice"
            seen.add(path)
            if message:
                yield document.problem((*keys, index), f"{keys[0]}.{keys[1]}[{index}]: {message}")


def _message(root: Path, path: str, file: str, folder: str, *, exist: bool) -> str:
    if path == ".." or path.startswith(("../", "/")):
        return f"{shorten(file)} leads out of the repository"
    try:
        return _missing(root, path, file, folder) if exist else ""
    except (OSError, RuntimeError) as error:  # name too long, no permission, links in a circle
        return f"{shorten(path)} cannot be looked at: {shorten(str(error), 100)}"


def _missing(root: Path, path: str, file: str, folder: str) -> str:
    full = root / path
    if full.is_file():
        outside = not full.resolve().is_relative_to(root.resolve())
        return f"{shorten(file)} is a link that leads out of the repository" if outside else ""
    if full.exists():
        return f"{shorten(path)} is not a file"
    near = did_you_mean(file, _files_below(root / folder))
    return f"there is no file {shorten(path, 120)}{near if near.startswith('; did') else ''}"


def _files_below(folder: Path) -> list[str]:
    """Files in a kernel's folder and one level below, relative to it; for suggestions."""
    found = [p for pattern in ("*", "*/*") for p in folder.glob(pattern) if p.is_file()]
    return sorted(p.relative_to(folder).as_posix() for p in found[:500])
