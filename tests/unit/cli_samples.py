# SPDX-License-Identifier: AGPL-3.0-or-later
"""A small checkout, and the command line called in it within this process."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from invoke import Program
from recipe_samples import BOARD_FILE, OVERLAY_FILE, edit, make_checkout

from pynqtorch.ui import messages

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    """How a call ended."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        """The one document on stdout; anything beside it is an error."""
        document = json.loads(self.out)
        assert isinstance(document, dict)
        return document


class Checkout:
    """Calls ``./inv …`` in a folder that has the shape of a checkout."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self._capsys = capsys
        make_checkout(root)
        (root / "hw/kernel/add/add.hpp").write_text("// nothing\n")
        for name in (BOARD_FILE, OVERLAY_FILE):  # the name that commands take where none is given
            edit(root, name, "board: zed", "board: pynq-z2")
        (root / BOARD_FILE).rename(root / "recipes/boards/pynq-z2.yaml")
        shutil.copyfile(REPOSITORY / "tasks.py", root / "tasks.py")
        for folder in ("hw/shell", "hw/kernel/common"):
            shutil.copytree(REPOSITORY / folder, root / folder)
        rootfs = (REPOSITORY / "recipes/rootfs/fpga.yaml").read_text(encoding="utf-8")
        (root / "recipes/rootfs/fpga.yaml").write_text(rootfs, encoding="utf-8")
        monkeypatch.chdir(root)
        monkeypatch.delenv("PYNQTORCH_COMMAND_LINE", raising=False)

    def __call__(self, *argv: str) -> Ended:
        for console in (messages.console, messages.output):
            console.cache_clear()  # it has read NO_COLOR and the like
        self._capsys.readouterr()
        code = 0
        try:
            Program(binary="./inv").run(["inv", "--search-root", str(self.root), *argv])
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        shown = self._capsys.readouterr()
        return Ended(code, shown.out, shown.err)

    def files(self) -> set[str]:
        """Every path below the checkout."""
        return {
            path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if "__pycache__" not in path.parts
        }
