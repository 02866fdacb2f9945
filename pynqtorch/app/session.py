# SPDX-License-Identifier: AGPL-3.0-or-later
"""One call of a task: the checkout, the flags, the recipes, the tools as they were found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pynqtorch.errors import UsageError

if TYPE_CHECKING:
    from pynqtorch.engine import RunResult
    from pynqtorch.hw.flows import Requested
    from pynqtorch.plan import Plan
    from pynqtorch.recipes.repository import Repository

FLOWS = ("auto", "vendor", "open")
TOOLS_ROOTFS = "fpga"

COMMAND_LINE = "PYNQTORCH_COMMAND_LINE"
"""Set by `./inv`: JSON list of the start time (time_ns) and the arguments."""

DEFAULT_EPOCH = 1_735_689_600
"""2025-01-01, the date in bitstream headers unless SOURCE_DATE_EPOCH says another: the same inputs, the same bytes."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The flags that hold everywhere."""

    dry_run: bool = False
    json: bool = False
    jobs: int = 0
    force: bool = False
    flow: Requested = "auto"

    @classmethod
    def of(cls, flags: Mapping[str, object]) -> Options:
        """Options of a task's flags.

        Raises:
            UsageError: a value that is not one of the allowed.
        """
        made = cls(**flags)  # type: ignore[arg-type]  # invoke has given each its declared type
        if made.flow not in FLOWS:
            raise UsageError(f"--flow {made.flow!r} is unknown", hint="use --flow " + "|".join(FLOWS))
        if made.jobs < 0:
            raise UsageError(f"--jobs {made.jobs} is negative", hint="use --jobs 0 for all cores")
        return made


class Session:
    """The checkout and the flags of one call.

    Attributes:
        root: the repository's top.
        options: the flags.
    """

    def __init__(self, options: Options, root: Path | None = None) -> None:
        self.root = root or find_root()
        self.options = options
        self._results: list[RunResult] = []

    @cached_property
    def repository(self) -> Repository:
        """All recipes, checked.

        Raises:
            RecipeError: every problem of every recipe.
        """
        from pynqtorch.recipes.repository import load

        return load(self.root)

    @property
    def jobs(self) -> int:
        """Cores to use."""
        return self.options.jobs or len(os.sched_getaffinity(0))

    @property
    def source_date_epoch(self) -> int:
        """Seconds since 1970 that outputs carry as their date.

        Raises:
            UsageError: SOURCE_DATE_EPOCH is not a whole number.
        """
        text = os.environ.get("SOURCE_DATE_EPOCH", str(DEFAULT_EPOCH))
        if not text.isdecimal():
            raise UsageError(f"SOURCE_DATE_EPOCH={text!r} is not a number of seconds since 1970")
        return int(text)

    @cached_property
    def git_commit(self) -> str:
        """The checkout's commit, with ``-dirty`` where tracked files differ; ``unknown`` outside of git."""
        command = ["git", "-C", str(self.root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        try:
            found = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:  # no git: a checkout from an archive
            return "unknown"
        return found.stdout.strip() if found.returncode == 0 else "unknown"

    def run(self, plan: Plan, *, force: frozenset[str] = frozenset()) -> RunResult:
        """Run a plan under the display.

        Raises:
            FatalError: the first step that failed.
        """
        from pynqtorch import engine
        from pynqtorch.ui.progress import observer

        with observer() as display:
            result = engine.run(plan, root=self.root, jobs=self.jobs, force=force, observer=display)
        self._results.append(result)
        return result

    def tell(self, document: Mapping[str, object], *lines: str) -> None:
        """The result: with ``--json`` the document, with ``"ok": true``, on stdout; else the lines, for people."""
        from pynqtorch.ui.messages import note, print_json

        if self.options.json:
            print_json({"ok": True, **document})
        else:
            for line in lines:
                note(line)

    def remember(self, answer: str) -> None:
        """Let the next identical command line be answered from file states alone (`engine.noop`).

        Only what `./inv` gave as the command line is remembered, and only if nothing had to be done.

        Args:
            answer: what is then printed on stdout.
        """
        given = os.environ.get(COMMAND_LINE)
        if given is None or not all(result.up_to_date for result in self._results):
            return
        from pynqtorch.engine import noop

        started, *argv = json.loads(given)
        watched = [name for result in self._results for name in result.watched]
        watched += [*self._recipe_files(), *_own_files()]
        noop.record(self.root, argv, watched, answer, started_ns=started)

    def _recipe_files(self) -> list[str]:
        """Recipes, the folders they and the RTL are found in, tasks.py and the lock files."""
        root = self.root
        top = [
            root / "tasks.py",
            *root.glob("requirements*.lock"),
            root / ".git" / "HEAD",
            root / ".git" / "logs" / "HEAD",
        ]
        folders = [root / "recipes", root / "hw" / "shell", root / "hw" / "kernel" / "common" / "rtl"]
        below = [path for folder in folders for path in (folder, *folder.rglob("*"))]
        return [str(path.relative_to(root)) for path in (*top, *below)]


def _own_files() -> list[str]:
    package = Path(__file__).resolve().parents[1]
    return [str(path) for path in package.rglob("*") if "__pycache__" not in path.parts]


def find_root() -> Path:
    """The checkout: where tasks.py and recipes/ are, from the working directory upwards.

    Raises:
        UsageError: not inside a checkout.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "tasks.py").is_file() and (folder / "recipes").is_dir():
            return folder
    raise UsageError(f"{here} is not inside a PYNQtorch checkout", hint="cd to the folder that holds recipes/")


def python_bin() -> Path:
    """Folder of the interpreter that runs this, for the PATH of steps."""
    return Path(sys.executable).parent
