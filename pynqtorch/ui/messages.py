# SPDX-License-Identifier: AGPL-3.0-or-later
"""Consoles and messages: figures on stdout, everything about the way there on stderr.

rich obeys NO_COLOR and TERM=dumb, and writes plain lines where stderr is not a terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from pynqtorch.errors import FatalError

if TYPE_CHECKING:
    from rich.console import Console


@cache
def console() -> Console:
    """The console of progress and messages (stderr)."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


@cache
def output() -> Console:
    """The console of results (stdout): tables, diffs, lists."""
    from rich.console import Console

    return Console(highlight=False)


def note(text: str) -> None:
    """A line about what is going on."""
    console().print(text, markup=False)


def print_error(error: FatalError, *, as_json: bool = False) -> None:
    """The error as a person reads it on stderr; with `as_json` also as one JSON document on stdout."""
    screen = console()
    screen.print(f"error: {error.message}", style="bold red", markup=False)
    if error.hint:
        screen.print(f"  next: {error.hint}", style="yellow", markup=False)
    if as_json:
        known = next(kind for kind in type(error).__mro__ if kind.__module__ == FatalError.__module__)
        told = {"class": known.__name__, "code": error.code, "message": error.message, "hint": error.hint}
        print_json({"ok": False, "error": told, **(error.details if isinstance(error, DetailedError) else {})})


class DetailedError(FatalError):
    """An error with more for ``--json`` than its text; to be combined with one of the classes of `pynqtorch.errors`.

    Attributes:
        details: goes into the JSON document beside ``ok`` and ``error``.
    """

    def __init__(self, message: str, *, hint: str = "", details: Mapping[str, object]) -> None:
        super().__init__(message, hint=hint)
        self.details = details


def print_json(document: object) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json_text(document) + "\n")
    sys.stdout.flush()


def json_text(document: object) -> str:
    """Sorted and indented."""
    return json.dumps(document, indent=2, sort_keys=True, default=str)


def duration(seconds: float) -> str:
    """``42 s``, ``3 min 07 s``, ``2 h 05 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(count: float) -> str:
    """Bytes as ``3.9 MiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError("unreachable")
